"""The measured trajectory of an adaptation against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.episodes.task_batch import TaskBatch
from maml_core.networks.functional import (
    trajectory_query_logits,
)


def test_a_trajectory_holds_what_a_plain_loop_measures(
    model, random_params, exact_tasks, plain_conv4, trajectory_of
):
    params, factors = random_params(model, rows=3), {"head.weight": 0.5, "blocks.0.gain": 2.0}
    task = TaskBatch(*(v[0] for v in exact_tasks(k_shot=2)))
    found = trajectory_of(model, params, task, inner_lr=0.3, inner_steps=3, lr_multipliers=factors)
    pictures = task.support_x, task.query_x
    logits = trajectory_query_logits(model, found.params, *pictures, transductive=True)
    assert logits.shape == (4, 6, 3)
    for step in range(4):
        leaves = {n: v.clone().requires_grad_() for n, v in params.items()}
        support_loss = F.cross_entropy(plain_conv4(leaves, task.support_x), task.support_y)
        out = plain_conv4(params, task.query_x)
        assert found.support_loss[step] == pytest.approx(support_loss.item(), rel=1e-7)
        torch.testing.assert_close(logits[step], out)
        expected = F.cross_entropy(out, task.query_y).item()
        assert found.query_loss[step] == pytest.approx(expected, rel=1e-7)
        assert found.predictions[step].tolist() == out.argmax(-1).tolist()
        right = sum(int(o.argmax()) == int(y) for o, y in zip(out, task.query_y, strict=True))
        assert found.accuracy[step] == pytest.approx(right / 6)
        gradients = dict(
            zip(leaves, torch.autograd.grad(support_loss, list(leaves.values())), strict=True)
        )
        params = {n: v - 0.3 * factors.get(n, 0.0) * gradients[n] for n, v in params.items()}


def test_support_logits_do_not_depend_on_the_query_set(
    model, random_params, exact_tasks, trajectory_of
):
    """Each set is normalised with its own statistics, the query set's with all of it."""
    params = random_params(model, rows=3)
    task = TaskBatch(*(v[0] for v in exact_tasks()))
    options = {"inner_lr": 0.3, "inner_steps": 2}
    whole = trajectory_of(model, params, task, **options)
    part = trajectory_of(
        model, params, task._replace(query_x=task.query_x[:3], query_y=task.query_y[:3]), **options
    )
    assert np.array_equal(whole.support_loss, part.support_loss)
    together, alone = (
        trajectory_query_logits(model, whole.params, task.support_x, x, transductive=True)
        for x in (task.query_x, task.query_x[:3])
    )
    assert not torch.allclose(together[:, :3], alone)
