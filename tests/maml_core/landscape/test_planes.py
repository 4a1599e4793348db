"""Planes against flat vectors: numpy's singular values, least squares, loops over filters."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maml_core.landscape.planes import (
    PLANES,
    SHARED_PLANE,
    filter_normalised,
    principal_directions,
    random_directions,
    span,
)
from maml_core.networks.functional import for_n_way, initial_params
from maml_core.networks.params import add, norm, scale, subtract

N_WAY = 3


def flat(params):
    return torch.cat([value.flatten() for value in params.values()]).double().numpy()


@pytest.fixture(scope="module")
def points(model, random_params):
    return [random_params(model, rows=N_WAY, seed=seed) for seed in range(6)]


@pytest.fixture(scope="module")
def path(points):
    """Six points on a bent line that starts at the first."""
    found = [points[0]]
    for number, step in enumerate(points[1:]):
        found.append(add(found[-1], add(points[1], step, 0.1 * number), 0.3))
    return found


def test_a_plane_has_a_square_grid_and_holds_what_spans_it(points):
    origin, a, b, *_ = points
    plane = span(origin, [a, b])
    axes = np.stack([flat(plane.first), flat(plane.second)])
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-12)
    assert plane.project(origin) == (0.0, 0.0, 0.0)
    for direction in (a, b):
        assert plane.project(add(origin, direction))[2] < 1e-10 * float(norm(direction))
    assert plane.project(add(origin, a))[1] == pytest.approx(0, abs=1e-10)
    assert plane.project(add(origin, a))[0] == pytest.approx(float(norm(a)))


def test_projection_is_least_squares(points):
    origin, a, b, other, *_ = points
    plane = span(origin, [a, b])
    columns = np.stack([flat(a), flat(b)], axis=1)
    target = flat(other) - flat(origin)
    found, *_ = np.linalg.lstsq(columns, target)
    x, y, off_plane_distance = plane.project(other)
    nearest = columns @ found
    np.testing.assert_allclose(flat(plane.point(x, y)) - flat(origin), nearest, atol=1e-10)
    assert off_plane_distance == pytest.approx(np.linalg.norm(target - nearest))
    assert off_plane_distance > 1


def test_directions_that_add_no_dimension_are_passed_over(points):
    origin, a, b, *_ = points
    broken = {name: value * math.nan for name, value in a.items()}
    poor = [scale(a, 0.0), broken, a, scale(a, -3.0), add(a, b, 1e-6), b]
    found, expected = span(origin, poor), span(origin, [a, b])
    np.testing.assert_allclose(flat(found.second), flat(expected.second), atol=1e-9)
    with pytest.raises(ValueError, match="span 1 dimensions"):
        span(origin, poor[:-1])


def test_filter_normalisation_is_its_definition(model, random_params):
    direction, params, adapted = (random_params(model, N_WAY, seed) for seed in (1, 2, 3))
    params = {**params, "head.weight": params["head.weight"] * torch.tensor([[0.0], [1], [1]])}
    found = filter_normalised(direction, params, adapted)
    assert found.keys() == params.keys()
    filters = 0
    for name, value in found.items():
        if name.endswith("weight"):
            for i, row in enumerate(value):
                size = params[name][i] if name != "head.weight" or i else adapted[name][i]
                expected = direction[name][i] / direction[name][i].norm() * size.norm()
                torch.testing.assert_close(row, expected)
                filters += 1
        else:
            assert not value.any(), name
    assert filters == 4 * 4 + N_WAY


@pytest.mark.usefixtures("untouched_global_rng")
def test_random_directions_follow_their_seed(model):
    params = for_n_way(initial_params(model, 0), N_WAY)
    adapted = {name: value + 1 for name, value in params.items()}
    first, again, other = (random_directions(params, adapted, seed) for seed in (5, 5, 6))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(flat(a), flat(b))
        assert abs(flat(a) @ flat(c)) < 0.5 * (flat(a) @ flat(a))
    assert abs(flat(first[0]) @ flat(first[1])) < 0.5 * (flat(first[0]) @ flat(first[0]))
    assert first[0]["head.weight"].any(), "else the head stays zero and the loss flat"


def test_principal_directions_are_the_singular_vectors(path):
    found = principal_directions(path)
    offsets = np.stack([flat(point) - flat(path[0]) for point in path[1:]])
    _, sizes, vectors = np.linalg.svd(offsets, full_matrices=False)
    for number, direction in enumerate(found):
        vector = flat(direction)
        assert np.linalg.norm(vector) == pytest.approx(sizes[number])
        assert abs(vector @ vectors[number]) == pytest.approx(sizes[number])
        assert vector @ offsets[-1] > 0, "the path ends at positive coordinates"
    assert len(found) == 2


def test_a_path_on_a_line_has_one_principal_direction_and_one_point_has_none(points):
    line = [add(points[0], points[1], t) for t in (0.0, 0.5, 2.0, 1.0)]
    assert len(principal_directions(line)) == 1
    assert principal_directions(line[:1]) == []


def test_each_kind_of_plane_holds_what_it_promises(points, path):
    other = [points[4], add(points[4], points[5])]
    paths = {"maml": path, "pretrained": other}
    along = PLANES["paths"](paths, 0)
    assert along["pretrained"].project(other[1])[2] < 1e-9
    ends = PLANES["ends"](paths, 0)
    assert list(ends) == [SHARED_PLANE]
    for fraction_in_plane in (path[0], path[-1], other[-1]):
        assert ends[SHARED_PLANE].project(fraction_in_plane)[2] < 1e-9
    assert ends[SHARED_PLANE].project(other[0])[2] > 1
    at_random = PLANES["random"](paths, 7)
    for name, one in paths.items():
        assert at_random[name].origin is one[0]
        for direction in random_directions(one[0], one[-1], 7):
            assert at_random[name].project(add(one[0], direction))[2] < 1e-9


def test_where_a_path_does_not_move_the_seed_chooses(points):
    still = {"maml": [points[0]]}
    for kind in ("paths", "ends"):
        (one,) = PLANES[kind](still, 1).values()
        (two,) = PLANES[kind](still, 2).values()
        assert one.project(add(points[0], two.first))[2] > 0.1


def test_subtracting_the_origin_gives_the_axes(points):
    plane = span(points[0], points[1:3])
    step = subtract(plane.point(2.0, 0.0), plane.point(0.0, 0.0))
    np.testing.assert_allclose(flat(step), 2 * flat(plane.first), atol=1e-12)
