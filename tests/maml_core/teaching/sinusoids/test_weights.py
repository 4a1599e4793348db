"""Trainings on sinusoids are kept and read again; the shipped networks adapt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maml_core.config import SinusoidConfig
from maml_core.learners.checkpoints import CheckpointError
from maml_core.teaching.sinusoids.evaluation import evaluate
from maml_core.teaching.sinusoids.regressors import METHODS, fit_curves
from maml_core.teaching.sinusoids.tasks import Sinusoid, x_grid
from maml_core.teaching.sinusoids.training import train_side_by_side
from maml_core.teaching.sinusoids.weights import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def stages():
    return list(train_side_by_side(SinusoidConfig(meta_steps=25), 10))


def test_a_training_is_kept_and_read_again(stages, tmp_path):
    save_checkpoint(tmp_path, stages[1], {"seconds": 1.5})
    again = load_checkpoint(tmp_path)
    assert again.config == stages[1].config
    for mine, theirs in zip(again.history, stages[1].history, strict=True):
        assert mine.step == theirs.step
        for method in METHODS:
            assert mine.by_method[method] == pytest.approx(theirs.by_method[method], abs=1e-4)
    for method, learner in stages[1].regressors.items():
        found = again.regressors[method]
        assert (found.inner_lr, found.updates) == (learner.inner_lr, 10)
        for name, value in learner.params.items():
            torch.testing.assert_close(found.params[name], value, rtol=1e-3, atol=1e-4)
    (tmp_path / "multi_task.safetensors").write_bytes(b"none")
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(tmp_path)


def test_the_weights_that_come_with_the_app_adapt():
    stage = load_checkpoint()
    found = evaluate(stage.regressors, 10, inner_steps=10, n_tasks=100)
    maml, multi_task = found["maml"].mean, found["multi_task"].mean
    assert maml[1] < 0.5 * maml[0]
    assert maml[1] < 0.5 * min(multi_task)
    assert maml[10] < maml[1]
    assert stage.step == stage.config.meta_steps == stage.regressors["multi_task"].updates


def test_before_it_adapts_multi_task_training_draws_the_mean_of_all_waves():
    """E[A sin(x − φ)] = −(2/π) E[A] cos x, with A and φ uniform; E[A] is 2.55."""
    multi_task = load_checkpoint().regressors["multi_task"]
    found = fit_curves({"multi_task": multi_task}, Sinusoid(1.0, 0.0), [], 0)["multi_task"].curves[
        0
    ]
    mean = -2 / math.pi * 2.55 * np.cos(x_grid())
    assert np.square(found - mean).mean() < 0.05 * np.square(mean).mean()
