"""Maps against plain loops, closed forms and torch's own batch normalisation."""

from __future__ import annotations

import math
import threading
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.landscape import loss_maps
from maml_core.landscape.episode_loss import loss_and_accuracy
from maml_core.landscape.loss_maps import (
    MARGIN,
    RESOLUTIONS,
    Grid,
    Window,
    evaluate_grid,
    evaluate_loss_grid,
    widen_to_show,
    window_around,
    window_at_random,
)
from maml_core.landscape.plane_descent import build_planes, descend
from maml_core.landscape.planes import SHARED_PLANE, Plane
from maml_core.networks.params import add
from tests.support.landscape_episode import SETS

WINDOW = Window(0.25, -0.5, 2.0)


@pytest.fixture(scope="module")
def flat_plane():
    """The plane of two of three parameters."""
    origin = {"a": torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)}
    axes = [{"a": torch.eye(3, dtype=torch.float64)[i]} for i in range(2)]
    return Plane(origin, *axes)


class Bowl:
    """A loss ½ pᵀHp + gᵀp, and which points it was asked for."""

    hessian = torch.tensor([[3.0, 1, 0], [1, 2, -1], [0, -1, 5]], dtype=torch.float64)
    slope = torch.tensor([1.0, -2, 0.5], dtype=torch.float64)

    def __init__(self) -> None:
        self.asked = []
        self.lock = threading.Lock()

    def __call__(self, params):
        point = params["a"]
        with self.lock:
            self.asked.append(tuple(point[:2].tolist()))
        loss = point @ self.hessian @ point / 2 + self.slope @ point
        return float(loss), float(point[0] > 0)


def last(iterator):
    *_, found = iterator
    return found


@pytest.mark.parametrize("which", SETS)
def test_origin_and_end_points_of_a_map_have_the_losses_computed_directly(
    which, learners, episode, ends, plain_conv4
):
    plane = build_planes("ends", learners, episode, seed=0)[SHARED_PLANE]
    task = episode.task
    loss_fn = partial(loss_and_accuracy, learners["maml"].model, task=task)
    x, y = (getattr(task, f"{which}_{axis}") for axis in "xy")
    for params in (ends["maml"][0], ends["maml"][-1], ends["pretrained"][-1]):
        *place, distance = plane.project(params)
        assert distance < 1e-9
        window = Window(*place, 0.5)  # its middle is a point of the grid
        grid = last(evaluate_grid(partial(loss_fn, which=which), plane, window, resolution=3))
        out = plain_conv4(params, x)
        assert grid.loss[1, 1] == pytest.approx(float(F.cross_entropy(out, y)), rel=1e-6)
        assert grid.accuracy[1, 1] == pytest.approx(float((out.argmax(1) == y).double().mean()))
    assert len({round(value, 6) for value in grid.loss.ravel()}) > 1


def test_a_quadratic_model_gives_a_quadratic_map(flat_plane):
    grid = last(evaluate_grid(Bowl(), flat_plane, WINDOW, resolution=7))
    third = 2.0
    for i, y in enumerate(np.linspace(-2.5, 1.5, 7)):
        for j, x in enumerate(np.linspace(-1.75, 2.25, 7)):
            a, b = 0.5 + x, y - 1.0
            form = (3 * a**2 + 2 * b**2 + 5 * third**2 + 2 * a * b - 2 * b * third) / 2
            assert grid.loss[i, j] == pytest.approx(form + a - 2 * b + 0.5 * third)
            assert grid.accuracy[i, j] == (a > 0)
    curved = np.diff(grid.loss, 3, axis=0), np.diff(grid.loss, 3, axis=1)
    np.testing.assert_allclose(np.abs(curved[0]).max() + np.abs(curved[1]).max(), 0, atol=1e-10)


def test_refining_takes_over_every_point_that_is_known(flat_plane):
    known, counts = None, []
    for resolution in RESOLUTIONS:
        bowl = Bowl()
        grid = last(evaluate_grid(bowl, flat_plane, WINDOW, resolution=resolution, known=known))
        counts.append(len(bowl.asked))
        assert len(set(bowl.asked)) == len(bowl.asked)
        alone = last(evaluate_grid(Bowl(), flat_plane, WINDOW, resolution=resolution))
        np.testing.assert_allclose(grid.loss, alone.loss, rtol=1e-12)
        np.testing.assert_array_equal(grid.accuracy, alone.accuracy)
        assert (grid.resolution, grid.done) == (resolution, 1.0)
        known = grid
    assert counts == [7**2, 31**2 - 7**2, 61**2 - 31**2]


def test_a_map_that_was_stopped_goes_on_where_it_was(flat_plane):
    first = Bowl()
    work = evaluate_grid(first, flat_plane, WINDOW, resolution=11)
    seen = [next(work) for _ in range(4)]
    work.close()
    asked = len(first.asked)
    assert [grid.done for grid in seen] == sorted({grid.done for grid in seen})
    assert seen[0].done == 0
    assert asked == round(seen[-1].done * 11**2)
    assert asked < 11**2
    second = Bowl()
    whole = last(evaluate_grid(second, flat_plane, WINDOW, resolution=11, known=seen[-1]))
    assert len(second.asked) == 11**2 - asked
    np.testing.assert_array_equal(
        whole.loss, last(evaluate_grid(Bowl(), flat_plane, WINDOW, resolution=11)).loss
    )
    finer = last(evaluate_grid(Bowl(), flat_plane, WINDOW, resolution=31, known=seen[-1]))
    assert finer.done == 1


def test_what_is_known_of_another_window_is_not_taken(flat_plane):
    elsewhere = last(evaluate_grid(Bowl(), flat_plane, Window(0, 0, 1), resolution=3))
    found = last(evaluate_grid(Bowl(), flat_plane, WINDOW, resolution=3, known=elsewhere))
    np.testing.assert_array_equal(
        found.loss, last(evaluate_grid(Bowl(), flat_plane, WINDOW, resolution=3)).loss
    )


@pytest.mark.parametrize(("workers", "points"), [(1, 8), (2, 16), (5, 40)])
def test_yielded_maps_stay_as_they_were_and_give_each_worker_work(
    workers, points, flat_plane, monkeypatch
):
    monkeypatch.setenv("MAML_WORKERS", str(workers))
    seen = list(evaluate_grid(Bowl(), flat_plane, WINDOW, resolution=11))
    assert [round(grid.done * 121) for grid in seen] == [*range(0, 121, points), 121]


def test_a_loss_that_is_no_number_is_infinite_and_not_asked_again(flat_plane):
    def loss_fn(params):
        return (math.nan if params["a"][0] > 0.5 else 1.0), 0.0

    grid = last(evaluate_grid(loss_fn, flat_plane, Window(0, 0, 1), resolution=3))
    assert np.array_equal(np.isinf(grid.loss), np.array([[False, False, True]] * 3))
    assert grid.done == 1


def test_an_error_at_a_point_reaches_the_caller(flat_plane):
    def loss_fn(params):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        last(evaluate_grid(loss_fn, flat_plane, WINDOW, resolution=3))


def test_threads_do_not_mix_up_their_parameters(learners, episode):
    """Both threads use one network; each must see its own point's parameters."""
    learner = learners["maml"]
    plane = build_planes("paths", learners, episode, seed=0)["maml"]
    loss_fn = partial(loss_and_accuracy, learner.model, task=episode.task, which="query")
    window = Window(0, 0, 1.0)
    grid = last(evaluate_grid(loss_fn, plane, window, resolution=7))
    for i, y in enumerate(window.along(7)[1]):
        for j, x in enumerate(window.along(7)[0]):
            loss, accuracy = loss_fn(plane.point(x, y))
            assert grid.loss[i, j] == pytest.approx(loss, rel=1e-9)
            assert grid.accuracy[i, j] == pytest.approx(accuracy)


@pytest.mark.parametrize("which", SETS)
def test_few_pictures_are_computed_several_points_at_once_with_the_same_result(
    which, learners, episode, monkeypatch
):
    plane = build_planes("ends", learners, episode, seed=0)[SHARED_PLANE]
    model, task = learners["maml"].model, episode.task
    at_once = last(evaluate_loss_grid(model, plane, task, which, WINDOW, 9))
    monkeypatch.setattr(loss_maps, "FEW", 0)
    monkeypatch.setattr(loss_maps, "loss_and_accuracy_at_points", None)
    one_by_one = last(evaluate_loss_grid(model, plane, task, which, WINDOW, 9))
    np.testing.assert_allclose(at_once.loss, one_by_one.loss, rtol=1e-9)
    np.testing.assert_allclose(at_once.accuracy, one_by_one.accuracy)


def test_windows_show_paths_whole_and_random_planes_to_their_filters_length(learners, episode):
    planes = build_planes("paths", learners, episode, seed=0)
    paths = [
        descend(learners[name], episode, planes[name], inner_lr=0.3, inner_steps=4)
        for name in planes
    ]
    window = window_around(paths)
    x, y = (np.concatenate([getattr(path, axis) for path in paths]) for axis in "xy")
    for values, middle in ((x, window.x), (y, window.y)):
        assert np.abs(values - middle).max() < window.half_width
    widest = max(np.ptp(x), np.ptp(y))
    assert window.half_width == pytest.approx(MARGIN * widest / 2, rel=1e-2)
    random = build_planes("random", learners, episode, seed=0)
    reach = window_at_random(random.values())
    lengths = [
        math.sqrt(sum(float(v.square().sum()) for n, v in p.origin.items() if v.ndim > 1))
        for p in random.values()
    ]
    assert (reach.x, reach.y) == (0, 0)
    assert reach.half_width == pytest.approx(max(lengths), rel=1e-2)


def test_a_window_widens_by_doublings_to_what_leaves_it(learners, episode):
    plane = build_planes("paths", learners, episode, seed=0)["maml"]
    path = descend(learners["maml"], episode, plane, inner_lr=0.3, inner_steps=4)
    far = max(np.abs(path.x - 0.1).max(), np.abs(path.y).max())
    for share, doublings in ((1.01, 0), (0.99, 1), (0.51, 1), (0.49, 2), (1e-9, 4)):
        window = Window(0.1, 0.0, share * far)
        assert widen_to_show(window, [path]) == Window(0.1, 0.0, window.half_width * 2**doublings)


def test_a_window_around_a_single_point_is_still_one(learners, episode):
    plane = build_planes("paths", learners, episode, seed=0)["maml"]
    path = descend(learners["maml"], episode, plane, inner_lr=0.3, inner_steps=0)
    assert window_around([path]).half_width > 0


@pytest.mark.parametrize("values", [(0, 0, 0), (0, 0, -1), (math.nan, 0, 1), (0, math.inf, 1)])
def test_a_window_without_inside_is_refused(values):
    with pytest.raises(ValueError, match="choose finite numbers"):
        Window(*values)


def test_grids_say_how_far_they_are():
    loss = np.full((2, 2), np.nan)
    loss[0] = 1.0, np.inf
    grid = Grid(WINDOW, loss, loss)
    assert (grid.resolution, grid.done) == (2, 0.5)


@pytest.mark.usefixtures("untouched_global_rng")
def test_nothing_here_draws_from_the_global_generators(learners, episode):
    plane = build_planes("random", learners, episode, seed=0)["maml"]
    loss_fn = partial(loss_and_accuracy, learners["maml"].model, task=episode.task, which="support")
    start = {name: value.clone() for name, value in plane.origin.items()}
    last(evaluate_grid(loss_fn, plane, Window(0, 0, 1), resolution=3))
    for name, value in start.items():
        assert torch.equal(value, plane.origin[name])
    assert plane.origin is not add(plane.origin, plane.first)
