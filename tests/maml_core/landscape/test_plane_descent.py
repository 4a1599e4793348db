"""Paths on planes against plain loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from maml_core.landscape.episode_loss import loss_and_accuracy
from maml_core.landscape.plane_descent import build_planes, descend, project_meta_training
from maml_core.landscape.planes import PLANES, SHARED_PLANE, span
from maml_core.methods.inner_loop import adapt
from maml_core.networks.functional import for_n_way
from maml_core.networks.params import norm, subtract
from tests.support.landscape_episode import SETS, SPEC


def test_a_descent_is_the_inner_loop_seen_from_the_plane(learners, episode, ends):
    learner, points = learners["maml"], ends["maml"]
    plane = span(points[0], [subtract(points[3], points[0]), subtract(points[1], points[0])])
    path = descend(learner, episode, plane, inner_lr=0.3, inner_steps=4)
    assert (path.method, path.inner_lr, path.diverged) == ("maml", 0.3, False)
    for k in range(5):
        where = subtract(points[k], points[0])
        inside = subtract(plane.point(path.x[k], path.y[k]), points[0])
        assert path.distance[k] == pytest.approx(float(norm(where)), abs=1e-9)
        assert path.off_plane_distance[k] == pytest.approx(
            float(norm(subtract(where, inside))), abs=1e-9
        )
        for which in SETS:
            expected = loss_and_accuracy(learner.model, points[k], episode.task, which)
            assert (path.loss[which][k], path.accuracy[which][k]) == pytest.approx(expected)
    own = sum(float(norm(subtract(b, a))) for a, b in pairwise(points[:5]))
    places = list(zip(path.x, path.y, strict=True))
    seen = sum(math.dist(a, b) for a, b in pairwise(places))
    assert path.fraction_in_plane == pytest.approx(seen / own)
    assert 0 < path.fraction_in_plane < 1


def test_a_plane_holds_all_of_a_path_in_it_and_nothing_of_one_at_right_angles(learners, episode):
    learner = learners["maml"]
    start = for_n_way(learner.params, SPEC.n_way)
    head, other = (
        {n: torch.ones_like(v) if n == name else torch.zeros_like(v) for n, v in start.items()}
        for name in ("blocks.0.conv.bias", "blocks.1.conv.bias")
    )
    # The first step from a head of zeros moves the head alone.
    plane = span(start, [head, other])
    outside = descend(learner, episode, plane, inner_lr=0.3, inner_steps=1)
    assert outside.fraction_in_plane == pytest.approx(0, abs=1e-9)
    assert outside.off_plane_distance[1] == pytest.approx(outside.distance[1])
    along = build_planes("paths", learners, episode, seed=0)["maml"]
    inside = descend(learner, episode, along, inner_lr=1e-6, inner_steps=0)
    assert inside.fraction_in_plane == 1.0
    assert len(inside.x) == 1


def test_a_descent_restarts_where_it_is_told(learners, episode):
    learner = learners["pretrained"]
    plane = build_planes("paths", learners, episode, seed=0)["pretrained"]
    path = descend(learner, episode, plane, inner_lr=0.1, inner_steps=2, start=(0.7, -0.2))
    assert (path.x[0], path.y[0]) == pytest.approx((0.7, -0.2))
    assert path.off_plane_distance[0] == pytest.approx(0, abs=1e-9)
    task = episode.task
    points = adapt(
        learner.model, plane.point(0.7, -0.2), task.support_x, task.support_y,
        inner_lr=0.1, inner_steps=2,
    )  # fmt: skip
    for k, point in enumerate(points):
        assert path.loss["query"][k] == pytest.approx(
            loss_and_accuracy(learner.model, point, task, "query")[0]
        )
    assert path.loss["support"][2] < path.loss["support"][0]


def test_a_descent_that_breaks_keeps_what_came_before(learners, episode):
    plane = build_planes("paths", learners, episode, seed=0)["maml"]
    path = descend(learners["maml"], episode, plane, inner_lr=1e200, inner_steps=5)
    assert path.diverged
    assert 1 <= len(path.x) < 6
    assert all(np.isfinite(path.loss[which]).all() for which in SETS)
    with pytest.raises(ValueError, match="start closer to θ"):
        descend(
            learners["maml"], episode, plane, inner_lr=0.1, inner_steps=1, start=(math.nan, 0.0)
        )


def test_planes_are_laid_by_the_learners_own_paths(learners, episode, ends):
    for kind in PLANES:
        found = build_planes(kind, learners, episode, seed=3)
        expected = PLANES[kind](ends, 3)
        assert found.keys() == expected.keys()
        for name, plane in found.items():
            for axis in ("first", "second"):
                a, b = getattr(plane, axis), getattr(expected[name], axis)
                assert float(norm(subtract(a, b))) < 1e-5
    with pytest.raises(ValueError, match="kind is 'sphere'; choose one of paths, ends, random"):
        build_planes("sphere", learners, episode, seed=0)


def test_a_route_is_projected_with_a_head_of_zeros(learners, episode):
    plane = build_planes("ends", learners, episode, seed=0)[SHARED_PLANE]
    points = {0: learners["pretrained"].params, 7: learners["maml"].params}
    meta_training = project_meta_training(plane, points, SPEC.n_way)
    assert meta_training.updates == (0, 7)
    place = plane.project(for_n_way(points[0], SPEC.n_way))
    found = np.stack([meta_training.x, meta_training.y, meta_training.off_plane_distance], -1)
    assert tuple(found[0]) == pytest.approx(place)
    assert tuple(found[1]) == pytest.approx((0, 0, 0), abs=1e-9)
