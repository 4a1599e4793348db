"""Projected gradients against numpy's SVD."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.networks.params import scale
from maml_core.teaching.anatomy.gradient_comparison import angle_degrees, method_gradients
from maml_core.teaching.anatomy.gradient_plane import project_meta_update, project_method_gradients
from maml_core.teaching.anatomy.meta_update import apply_meta_update, decompose_meta_update


def flat(params):
    return torch.cat([value.flatten() for value in params.values()]).numpy()


def test_the_gradients_lie_on_the_plane_of_the_mean_and_of_what_sets_them_apart(meta_step):
    arrows = {arrow.name: arrow for arrow in project_meta_update(meta_step)}
    assert list(arrows) == ["1", "2", "3", "mean", "update"]
    tasks = np.stack([-flat(one.meta_gradient) for one in meta_step.tasks])
    mean = tasks.mean(0)
    first = mean / np.linalg.norm(mean)
    apart = tasks - mean
    main = np.linalg.svd(apart, full_matrices=False)[2][0]
    second = main - (main @ first) * first
    second /= np.linalg.norm(second)
    vectors = dict(zip("123", tasks, strict=True)) | {
        "mean": mean,
        "update": flat(meta_step.change),
    }
    turn = np.sign(arrows["1"].y * (tasks[0] @ second))
    for name, vector in vectors.items():
        arrow, x, y = arrows[name], vector @ first, turn * (vector @ second)
        assert (arrow.x, arrow.y) == pytest.approx((x, y), abs=1e-9)
        assert arrow.length == pytest.approx(np.linalg.norm(vector))
        assert arrow.fraction_in_plane == pytest.approx((x * x + y * y) / (vector @ vector))
    assert arrows["mean"].fraction_in_plane == pytest.approx(1)
    assert arrows["update"].fraction_in_plane < 0.9, (
        "a step in the gradient's signs leaves the plane"
    )


def test_two_tasks_lie_in_their_plane_whole(model, theta, batch, config):
    tasks = list(decompose_meta_update(model, theta, batch[:2], config))
    two = apply_meta_update(model, theta, tasks, batch[:2], batch[2:3], config)
    assert [arrow.fraction_in_plane for arrow in project_meta_update(two)[:3]] == pytest.approx(
        [1, 1, 1]
    )


@pytest.mark.parametrize("factor", [0.0, math.nan])
def test_gradients_without_a_direction_are_not_drawn(meta_step, factor):
    tasks = tuple(
        replace(one, meta_gradient=scale(one.meta_gradient, factor)) for one in meta_step.tasks
    )
    assert (
        project_meta_update(
            replace(meta_step, tasks=tasks, gradient=scale(meta_step.gradient, factor))
        )
        == []
    )
    gradients = {"maml": scale(meta_step.gradient, factor), "fomaml": meta_step.gradient}
    assert project_method_gradients(gradients) == []


def test_the_plane_holds_mamls_and_first_order_mamls_gradient(model, theta, batch, config):
    gradients = method_gradients(model, theta, batch[:2], config)
    maml, fomaml, reptile = project_method_gradients(gradients)
    assert (maml.name, fomaml.name, reptile.name) == ("maml", "fomaml", "reptile")
    assert (maml.fraction_in_plane, fomaml.fraction_in_plane) == pytest.approx((1, 1))
    assert (maml.x, maml.y) == pytest.approx((maml.length, 0), abs=1e-9)
    degrees = math.degrees(math.atan2(abs(fomaml.y), fomaml.x))
    assert degrees == pytest.approx(angle_degrees(gradients["maml"], gradients["fomaml"]))
    assert reptile.fraction_in_plane < 1
