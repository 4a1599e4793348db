"""One meta-update against finite differences, a plain loop and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maml_core.networks.functional import HEAD
from maml_core.networks.params import add, dot, norm

BETA, EPSILON = 0.003, 1e-8  # the last is Adam's


def direction(theta, seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        n: torch.randn(v.shape, generator=generator, dtype=torch.float64) for n, v in theta.items()
    }


def test_the_meta_gradient_is_the_slope_of_the_loss_after_adaptation(
    meta_step, theta, batch, query_loss
):
    h = 1e-6
    for seed in range(3):
        d = direction(theta, seed)
        slopes = []
        for number, task in enumerate(meta_step.tasks):
            ends = [query_loss(add(theta, d, sign * h), batch[number], 2) for sign in (1, -1)]
            slopes.append((ends[0] - ends[1]) / (2 * h))
            assert float(dot(task.meta_gradient, d)) == pytest.approx(slopes[-1], rel=1e-5)
        assert float(dot(meta_step.gradient, d)) == pytest.approx(np.mean(slopes), rel=1e-5)


def test_each_line_of_the_inner_loop_is_that_of_a_plain_loop(
    meta_step, theta, batch, plain, query_loss
):
    leaves = {n: v.clone().requires_grad_() for n, v in theta.items()}
    for task, episode in zip(meta_step.tasks, batch, strict=False):
        points, gradients = plain(leaves, episode, 2)
        assert task.support_loss == pytest.approx(math.log(3))
        head = math.hypot(*(float(gradients[0][name].detach().norm()) for name in HEAD))
        assert task.support_gradient_norms["Head"] == pytest.approx(head)
        assert [task.support_gradient_norms[f"Block {i}"] for i in (1, 2, 3, 4)] == [0.0] * 4
        gain = (points[2]["blocks.2.gain"] - points[0]["blocks.2.gain"]).detach().norm()
        assert 0 < float(gain) < task.layer_distances["Block 3"]
        whole = math.hypot(*(float((points[2][n] - points[0][n]).detach().norm()) for n in theta))
        assert math.hypot(*task.layer_distances.values()) == pytest.approx(whole)
        assert task.query_loss == pytest.approx(query_loss(theta, episode, 2))
        assert task.adapted_support_loss != pytest.approx(task.support_loss)
        assert 0 <= task.accuracy <= 1


def test_the_update_is_adams_first_step_in_closed_form(meta_step, theta, assert_same):
    # With bias correction the first moments are the gradient and its square.
    expected = {n: -BETA * g / (g.abs() + EPSILON) for n, g in meta_step.gradient.items()}
    assert_same(meta_step.change, expected, rtol=1e-9, atol=1e-15)
    assert all(torch.count_nonzero(meta_step.change[name]) == 0 for name in HEAD)
    assert_same(meta_step.start, theta)


def test_the_losses_after_are_those_from_the_new_theta(meta_step, theta, batch, query_loss):
    new = add(theta, meta_step.change)
    assert meta_step.query_losses == pytest.approx([query_loss(new, one, 2) for one in batch[:3]])
    others = batch[3:]
    assert meta_step.other_tasks_loss_before == pytest.approx(
        np.mean([query_loss(theta, e, 2) for e in others])
    )
    assert meta_step.other_tasks_loss_after == pytest.approx(
        np.mean([query_loss(new, e, 2) for e in others])
    )
    straight = add(
        theta, meta_step.gradient, -float(norm(meta_step.change) / norm(meta_step.gradient))
    )
    assert meta_step.steepest_descent_loss == pytest.approx(
        np.mean([query_loss(straight, one, 2) for one in batch[:3]])
    )
