"""The three methods side by side: errors against closed forms, trainings kept, learning."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.config import SinusoidConfig
from maml_core.episodes.sampling import episode_generator
from maml_core.learners.checkpoints import CheckpointError
from maml_core.networks.functional import initial_params
from maml_core.teaching import sinusoid_comparison as comparison
from maml_core.teaching import sinusoid_tasks
from maml_core.teaching.sinusoid_comparison import Fit, Wave
from maml_core.teaching.sinusoid_tasks import METHODS, Regressor


def params_of(method, seed=0):
    return initial_params(sinusoid_tasks.network(method), seed)


def silent(method="maml"):
    """A network that says 0 everywhere and, with a zero head's gradient, hardly moves at α → 0."""
    return Regressor(method, params_of(method), 1e-12, 0)


def test_the_error_of_a_network_that_says_nothing_is_the_waves_own_power():
    """Mean A² sin² over the waves: (A²/2)(1 − mean cos 2(x − φ)) on the grid."""
    waves = sinusoid_tasks.sample_waves(40, episode_generator(comparison.TEST, 0))
    x = sinusoid_tasks.grid()
    for half in (False, True):
        at = x[x > 0] if half else x
        power = [
            a**2 / 2 * (1 - np.cos(2 * (at - p)).mean())
            for a, p in zip(waves.amplitude.tolist(), waves.phase.tolist(), strict=True)
        ]
        found = sinusoid_tasks.squared_errors(silent(), comparison.TEST, 40, 3, 1, half=half)
        np.testing.assert_allclose(found[:, 0], power, rtol=1e-4)
        np.testing.assert_allclose(found[:, 1], power, rtol=1e-4)
    errors = comparison.evaluate({"maml": silent()}, 3, inner_steps=1, tasks=40, half=True)["maml"]
    assert errors.mean[0] == pytest.approx(np.mean(power), rel=1e-4)
    half_width = 1.959964 * np.std(power, ddof=1) / 40**0.5
    assert errors.ci95[0] == pytest.approx(half_width, rel=1e-4)


def test_a_seeds_wave_and_points_stay_as_k_and_the_range_change():
    wave = comparison.shown_wave(5)
    assert wave == comparison.shown_wave(5) != comparison.shown_wave(6)
    ten = comparison.shown_points(5, 10, False)
    assert comparison.shown_points(5, 5, False) == ten[:5]
    for x, y in ten:
        assert y == pytest.approx(wave.amplitude * math.sin(x - wave.phase))
    for (x, _), (left, _) in zip(ten, comparison.shown_points(5, 10, True), strict=True):
        assert left == pytest.approx((x - 5) / 2, abs=1e-5)


def test_a_fit_is_that_of_the_points_wherever_they_lie():
    learners = {method: Regressor(method, params_of(method), 0.02, 0) for method in METHODS}
    wave = Wave(2.0, 1.0)
    found = comparison.fit(learners, wave, [(1.0, 4.0)], 3)
    assert found["maml"].curves.shape == (4, sinusoid_tasks.GRID)
    one = int(np.abs(sinusoid_tasks.grid() - 1).argmin())
    heights = found["maml"].curves[:, one]
    assert heights[0] == 0 < heights[1] < heights[3] < 4.0  # towards the point, not the wave
    nowhere = comparison.fit(learners, wave, [], 3)
    assert not nowhere["maml"].curves.any()


def test_the_error_of_a_fit_is_measured_where_it_is_asked_for():
    wave, x = Wave(1.5, 0.5), sinusoid_tasks.grid()
    curves = np.stack([wave.heights(x), wave.heights(x) + 2 * (x > 0), wave.heights(x) - 3])
    fit = Fit("maml", 0.01, curves)
    np.testing.assert_allclose(fit.errors(wave), [0, 4 * 50 / 101, 9])
    np.testing.assert_allclose(fit.errors(wave, low=0.01), [0, 4, 9])
    np.testing.assert_allclose(fit.errors(wave, high=0.0), [0, 0, 9])


def test_the_rate_that_is_chosen_has_the_lowest_error_and_no_infinite_one():
    learner = Regressor("joint", {n: v + 0.05 for n, v in params_of("joint").items()}, 0.01, 0)
    errors = {
        rate: sum(
            sinusoid_tasks.squared_errors(
                replace(learner, inner_lr=rate), comparison.VALIDATION, 100, k, 10
            )[:, 1:].mean()
            for k in (5, 10)
        )
        for rate in (0.003, 0.01, 1000.0)
    }
    assert not math.isfinite(errors.pop(1000.0))
    chosen = comparison.with_best_rate(learner, (1000.0, 0.003, 0.01))
    assert chosen.inner_lr == min(errors, key=errors.get)


def test_after_a_short_training_one_step_takes_maml_far_and_the_baseline_nowhere():
    learners = {}
    for method in ("maml", "joint"):
        *_, last = sinusoid_tasks.train(method, SinusoidConfig(meta_steps=300))
        learners[method] = Regressor(method, last.params, 0.01, last.step)
    learners["joint"] = comparison.with_best_rate(learners["joint"])
    found = comparison.evaluate(learners, 10, inner_steps=1, tasks=200)
    before, after = found["maml"].mean
    assert after < 0.8 * before
    assert after < 0.8 * min(found["joint"].mean)


@pytest.fixture(scope="module")
def stages():
    return list(comparison.train_together(SinusoidConfig(meta_steps=25), 10))


def test_a_training_in_stages_is_the_training_itself(stages):
    for method in METHODS:
        updates = sinusoid_tasks.train(method, stages[-1].config)
        first = next(update for update in updates if update.step == 10)
        for name, value in stages[1].learners[method].params.items():
            assert torch.equal(value, first.params[name])
    marks = stages[-1].history
    assert [mark.step for mark in marks] == [0, 10, 20, 25]
    for method in METHODS:
        learner = stages[1].learners[method]
        found = sinusoid_tasks.squared_errors(learner, comparison.VALIDATION, 100, 10, 1).mean(0)
        assert marks[1].errors[method] == pytest.approx(tuple(found.tolist()))


def test_a_training_is_kept_and_read_again(stages, tmp_path):
    comparison.save(tmp_path, stages[1], {"seconds": 1.5})
    again = comparison.load(tmp_path)
    assert again.config == stages[1].config
    for mine, theirs in zip(again.history, stages[1].history, strict=True):
        assert mine.step == theirs.step
        for method in METHODS:
            assert mine.errors[method] == pytest.approx(theirs.errors[method], abs=1e-4)
    for method, learner in stages[1].learners.items():
        found = again.learners[method]
        assert (found.inner_lr, found.updates) == (learner.inner_lr, 10)
        for name, value in learner.params.items():
            torch.testing.assert_close(found.params[name], value, rtol=1e-3, atol=1e-4)
    (tmp_path / "joint.safetensors").write_bytes(b"none")
    with pytest.raises(CheckpointError, match="damaged"):
        comparison.load(tmp_path)


def test_the_weights_that_come_with_the_app_adapt():
    stage = comparison.load()
    found = comparison.evaluate(stage.learners, 10, inner_steps=10, tasks=100)
    maml, joint = found["maml"].mean, found["joint"].mean
    assert maml[1] < 0.5 * maml[0]
    assert maml[1] < 0.5 * min(joint)
    assert maml[10] < maml[1]
    assert stage.step == stage.config.meta_steps == stage.learners["joint"].updates


def test_before_it_adapts_joint_pretraining_draws_the_mean_of_all_waves():
    """E[A sin(x − φ)] = −(2/π) E[A] cos x, with A and φ uniform; E[A] is 2.55."""
    joint = comparison.load().learners["joint"]
    found = comparison.fit({"joint": joint}, Wave(1.0, 0.0), [], 0)["joint"].curves[0]
    mean = -2 / math.pi * 2.55 * np.cos(sinusoid_tasks.grid())
    assert np.square(found - mean).mean() < 0.05 * np.square(mean).mean()
