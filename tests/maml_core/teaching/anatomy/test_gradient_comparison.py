"""Other methods' gradients against a plain loop, and angles against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from maml_core.networks.functional import HEAD
from maml_core.networks.params import norm
from maml_core.teaching.anatomy.gradient_comparison import angle_degrees, method_gradients


def test_the_methods_gradients_are_what_a_plain_loop_says(
    model, theta, batch, config, plain, plain_conv4, assert_same
):
    found = method_gradients(model, theta, batch[:2], config)
    leaves = {n: v.clone().requires_grad_() for n, v in theta.items()}
    first_order, reptile = [], []
    for episode in batch[:2]:
        points, gradients = plain(leaves, episode, 2)
        # θ′ as a point of its own, and its gradient taken for θ's; the head's is nobody's.
        end = {n: v.detach().requires_grad_() for n, v in points[-1].items()}
        value = F.cross_entropy(plain_conv4(end, episode.task.query_x), episode.task.query_y)
        slope = dict(zip(end, torch.autograd.grad(value, list(end.values())), strict=True))
        total = {n: (gradients[0][n] + gradients[1][n]).detach() for n in theta}
        for rows, one in ((first_order, slope), (reptile, total)):
            rows.append({n: torch.zeros_like(theta[n]) if n in HEAD else one[n] for n in theta})
    for method, rows in (("fomaml", first_order), ("reptile", reptile)):
        mean = {n: (rows[0][n] + rows[1][n]) / 2 for n in theta}
        assert float(norm(mean)) > 0
        assert_same(found[method], mean, rtol=1e-8, atol=1e-12)
    assert float(norm(found["multi_task"])) == 0, "the head is zero: θ cannot solve any task"
    one_step = method_gradients(
        model, theta, batch[:2], replace(config, inner_steps=1), ("reptile",)
    )
    assert float(norm(one_step["reptile"])) == 0, "one step moves the head alone"


@pytest.mark.parametrize("degrees", [0.0, 1e-7, 1.0, 45.0, 90.0, 179.9999999, 180.0])
def test_an_angle_is_that_of_two_vectors_in_a_plane(degrees):
    radians = math.radians(degrees)
    a = {"x": torch.tensor([3.0, 0.0], dtype=torch.float64), "y": torch.zeros(2).double()}
    end = torch.tensor([0.1 * math.cos(radians), 0.1 * math.sin(radians)], dtype=torch.float64)
    assert angle_degrees(a, {**a, "x": end}) == pytest.approx(degrees, abs=1e-13, rel=1e-7)


def test_there_is_no_angle_to_nothing():
    one = {"x": torch.ones(2)}
    assert math.isnan(angle_degrees(one, {"x": torch.zeros(2)}))
    assert math.isnan(angle_degrees({"x": torch.tensor([math.inf, 0])}, one))
