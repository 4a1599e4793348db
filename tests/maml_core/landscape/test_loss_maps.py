"""Maps and paths against plain loops, closed forms and torch's own batch normalisation."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.config import EpisodeSpec
from maml_core.episodes.sampling import sample_episode
from maml_core.episodes.task_batch import TaskBatch
from maml_core.landscape import loss_maps, plane_descent
from maml_core.landscape.episode_loss import SETS, answer
from maml_core.landscape.loss_maps import (
    MARGIN,
    SIDES,
    Grid,
    Window,
    survey,
    survey_loss,
    widened,
    window_around,
    window_at_random,
)
from maml_core.landscape.plane_descent import descend, lay_planes, project_route
from maml_core.landscape.planes import PLANES, TOGETHER, Plane, span
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.networks.functional import for_n_way, initial_params
from maml_core.networks.params import add, norm, subtract

SPEC = EpisodeSpec(3, 2, 2)
WINDOW = Window(0.25, -0.5, 2.0)


@pytest.fixture(scope="module")
def episode(pool):
    """An episode in float64."""
    found = sample_episode(pool, SPEC, seed=2)
    tasks = found.tensors
    exact = TaskBatch(
        tasks.support_x.double(), tasks.support_y, tasks.query_x.double(), tasks.query_y
    )
    return replace(found, tensors=exact)


@pytest.fixture(scope="module")
def learners(model):
    """Two starts of one network in float64, with the head of zeros that the app's learners have."""
    return {
        name: Learner(name, model, {n: v.double() for n, v in params.items()}, {3: inner_lr})
        for name, params, inner_lr in (
            ("maml", initial_params(model, 1), 0.3),
            ("pretrained", initial_params(model, 2), 0.2),
        )
    }


@pytest.fixture(scope="module")
def ends(learners, episode):
    """Each learner's path as the planes' builder takes it, by a call of `adapt` alone."""
    return {
        name: adapt(
            learner.model,
            for_n_way(learner.params, SPEC.n_way),
            episode.task.support_x,
            episode.task.support_y,
            inner_lr=learner.inner_lr(SPEC.n_way),
            inner_steps=plane_descent.REFERENCE_STEPS,
        )
        for name, learner in learners.items()
    }


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
    plane = lay_planes("ends", learners, episode, seed=0)[TOGETHER]
    task, height = episode.task, partial(answer, learners["maml"].model, task=episode.task)
    x, y = (getattr(task, f"{which}_{axis}") for axis in "xy")
    for params in (ends["maml"][0], ends["maml"][-1], ends["pretrained"][-1]):
        *place, beside = plane.project(params)
        assert beside < 1e-9
        window = Window(*place, 0.5)  # its middle is a point of the grid
        grid = last(survey(partial(height, which=which), plane, window, side=3))
        out = plain_conv4(params, x)
        assert grid.loss[1, 1] == pytest.approx(float(F.cross_entropy(out, y)), rel=1e-6)
        assert grid.accuracy[1, 1] == pytest.approx(float((out.argmax(1) == y).double().mean()))
    assert len({round(value, 6) for value in grid.loss.ravel()}) > 1


def test_a_quadratic_model_gives_a_quadratic_map(flat_plane):
    grid = last(survey(Bowl(), flat_plane, WINDOW, side=7))
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
    for side in SIDES:
        bowl = Bowl()
        grid = last(survey(bowl, flat_plane, WINDOW, side=side, known=known))
        counts.append(len(bowl.asked))
        assert len(set(bowl.asked)) == len(bowl.asked)
        alone = last(survey(Bowl(), flat_plane, WINDOW, side=side))
        np.testing.assert_allclose(grid.loss, alone.loss, rtol=1e-12)
        np.testing.assert_array_equal(grid.accuracy, alone.accuracy)
        assert (grid.side, grid.done) == (side, 1.0)
        known = grid
    assert counts == [11**2, 31**2 - 11**2, 61**2 - 31**2]


def test_a_map_that_was_stopped_goes_on_where_it_was(flat_plane):
    first = Bowl()
    work = survey(first, flat_plane, WINDOW, side=11)
    seen = [next(work) for _ in range(4)]
    work.close()
    asked = len(first.asked)
    assert [grid.done for grid in seen] == sorted({grid.done for grid in seen})
    assert seen[0].done == 0
    assert asked == round(seen[-1].done * 11**2)
    assert asked < 11**2
    second = Bowl()
    whole = last(survey(second, flat_plane, WINDOW, side=11, known=seen[-1]))
    assert len(second.asked) == 11**2 - asked
    np.testing.assert_array_equal(
        whole.loss, last(survey(Bowl(), flat_plane, WINDOW, side=11)).loss
    )
    finer = last(survey(Bowl(), flat_plane, WINDOW, side=31, known=seen[-1]))
    assert finer.done == 1


def test_what_is_known_of_another_window_is_not_taken(flat_plane):
    elsewhere = last(survey(Bowl(), flat_plane, Window(0, 0, 1), side=3))
    found = last(survey(Bowl(), flat_plane, WINDOW, side=3, known=elsewhere))
    np.testing.assert_array_equal(found.loss, last(survey(Bowl(), flat_plane, WINDOW, side=3)).loss)


def test_yielded_maps_stay_as_they_were(flat_plane):
    seen = list(survey(Bowl(), flat_plane, WINDOW, side=11))
    assert [round(grid.done * 121) for grid in seen] == sorted(
        {min(number * loss_maps.CHUNK, 121) for number in range(len(seen))}
    )


def test_a_loss_that_is_no_number_is_infinite_and_not_asked_again(flat_plane):
    def height(params):
        return (math.nan if params["a"][0] > 0.5 else 1.0), 0.0

    grid = last(survey(height, flat_plane, Window(0, 0, 1), side=3))
    assert np.array_equal(np.isinf(grid.loss), np.array([[False, False, True]] * 3))
    assert grid.done == 1


def test_an_error_at_a_point_reaches_the_caller(flat_plane):
    def height(params):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        last(survey(height, flat_plane, WINDOW, side=3))


def test_threads_do_not_mix_up_their_parameters(learners, episode):
    """Both threads use one network; each must see its own point's parameters."""
    learner = learners["maml"]
    plane = lay_planes("paths", learners, episode, seed=0)["maml"]
    height = partial(answer, learner.model, task=episode.task, which="query")
    window = Window(0, 0, 1.0)
    grid = last(survey(height, plane, window, side=7))
    for i, y in enumerate(window.along(7)[1]):
        for j, x in enumerate(window.along(7)[0]):
            loss, accuracy = height(plane.point(x, y))
            assert grid.loss[i, j] == pytest.approx(loss, rel=1e-9)
            assert grid.accuracy[i, j] == pytest.approx(accuracy)


@pytest.mark.parametrize("which", SETS)
def test_few_pictures_are_computed_several_points_at_once_with_the_same_result(
    which, learners, episode, monkeypatch
):
    plane = lay_planes("ends", learners, episode, seed=0)[TOGETHER]
    model, task = learners["maml"].model, episode.task
    at_once = last(survey_loss(model, plane, task, which, WINDOW, 9))
    monkeypatch.setattr(loss_maps, "FEW", 0)
    monkeypatch.setattr(loss_maps, "answers", None)
    one_by_one = last(survey_loss(model, plane, task, which, WINDOW, 9))
    np.testing.assert_allclose(at_once.loss, one_by_one.loss, rtol=1e-9)
    np.testing.assert_allclose(at_once.accuracy, one_by_one.accuracy)


def test_a_descent_is_the_inner_loop_seen_from_the_plane(learners, episode, ends):
    learner, points = learners["maml"], ends["maml"]
    plane = span(points[0], [subtract(points[3], points[0]), subtract(points[1], points[0])])
    path = descend(learner, episode, plane, inner_lr=0.3, inner_steps=4)
    assert (path.method, path.inner_lr, path.broke) == ("maml", 0.3, False)
    for k in range(5):
        where = subtract(points[k], points[0])
        inside = subtract(plane.point(path.x[k], path.y[k]), points[0])
        assert path.distance[k] == pytest.approx(float(norm(where)), abs=1e-9)
        assert path.beside[k] == pytest.approx(float(norm(subtract(where, inside))), abs=1e-9)
        for which in SETS:
            expected = answer(learner.model, points[k], episode.task, which)
            assert (path.loss[which][k], path.accuracy[which][k]) == pytest.approx(expected)
    own = sum(float(norm(subtract(b, a))) for a, b in pairwise(points[:5]))
    places = list(zip(path.x, path.y, strict=True))
    seen = sum(math.dist(a, b) for a, b in pairwise(places))
    assert path.held == pytest.approx(seen / own)
    assert 0 < path.held < 1


def test_a_plane_holds_all_of_a_path_in_it_and_nothing_of_one_at_right_angles(learners, episode):
    learner = learners["maml"]
    start = for_n_way(learner.params, SPEC.n_way)
    head, other = (
        {n: torch.ones_like(v) if n == name else torch.zeros_like(v) for n, v in start.items()}
        for name in ("blocks.0.conv.bias", "blocks.1.conv.bias")
    )
    # The first step from a head of zeros moves the head alone.
    beside = descend(learner, episode, span(start, [head, other]), inner_lr=0.3, inner_steps=1)
    assert beside.held == pytest.approx(0, abs=1e-9)
    assert beside.beside[1] == pytest.approx(beside.distance[1])
    along = lay_planes("paths", learners, episode, seed=0)["maml"]
    inside = descend(learner, episode, along, inner_lr=1e-6, inner_steps=0)
    assert inside.held == 1.0
    assert len(inside.x) == 1


def test_a_descent_restarts_where_it_is_told(learners, episode):
    learner = learners["pretrained"]
    plane = lay_planes("paths", learners, episode, seed=0)["pretrained"]
    path = descend(learner, episode, plane, inner_lr=0.1, inner_steps=2, start=(0.7, -0.2))
    assert (path.x[0], path.y[0]) == pytest.approx((0.7, -0.2))
    assert path.beside[0] == pytest.approx(0, abs=1e-9)
    task = episode.task
    points = adapt(
        learner.model, plane.point(0.7, -0.2), task.support_x, task.support_y,
        inner_lr=0.1, inner_steps=2,
    )  # fmt: skip
    for k, point in enumerate(points):
        assert path.loss["query"][k] == pytest.approx(
            answer(learner.model, point, task, "query")[0]
        )
    assert path.loss["support"][2] < path.loss["support"][0]


def test_a_descent_that_breaks_keeps_what_came_before(learners, episode):
    plane = lay_planes("paths", learners, episode, seed=0)["maml"]
    path = descend(learners["maml"], episode, plane, inner_lr=1e200, inner_steps=5)
    assert path.broke
    assert 1 <= len(path.x) < 6
    assert all(np.isfinite(path.loss[which]).all() for which in SETS)
    with pytest.raises(ValueError, match="start closer to θ"):
        descend(
            learners["maml"], episode, plane, inner_lr=0.1, inner_steps=1, start=(math.nan, 0.0)
        )


def test_planes_are_laid_by_the_learners_own_paths(learners, episode, ends):
    for kind in PLANES:
        found = lay_planes(kind, learners, episode, seed=3)
        expected = PLANES[kind](ends, 3)
        assert found.keys() == expected.keys()
        for name, plane in found.items():
            for axis in ("first", "second"):
                a, b = getattr(plane, axis), getattr(expected[name], axis)
                assert float(norm(subtract(a, b))) < 1e-5
    with pytest.raises(ValueError, match="kind is 'sphere'; choose one of paths, ends, random"):
        lay_planes("sphere", learners, episode, seed=0)


def test_windows_show_paths_whole_and_random_planes_to_their_filters_length(learners, episode):
    planes = lay_planes("paths", learners, episode, seed=0)
    paths = [
        descend(learners[name], episode, planes[name], inner_lr=0.3, inner_steps=4)
        for name in planes
    ]
    window = window_around(paths)
    x, y = (np.concatenate([getattr(path, axis) for path in paths]) for axis in "xy")
    for values, middle in ((x, window.x), (y, window.y)):
        assert np.abs(values - middle).max() < window.half
    widest = max(np.ptp(x), np.ptp(y))
    assert window.half == pytest.approx(MARGIN * widest / 2, rel=1e-2)
    random = lay_planes("random", learners, episode, seed=0)
    reach = window_at_random(random.values())
    lengths = [
        math.sqrt(sum(float(v.square().sum()) for n, v in p.origin.items() if v.ndim > 1))
        for p in random.values()
    ]
    assert (reach.x, reach.y) == (0, 0)
    assert reach.half == pytest.approx(max(lengths), rel=1e-2)


def test_a_window_widens_by_doublings_to_what_leaves_it(learners, episode):
    plane = lay_planes("paths", learners, episode, seed=0)["maml"]
    path = descend(learners["maml"], episode, plane, inner_lr=0.3, inner_steps=4)
    far = max(np.abs(path.x - 0.1).max(), np.abs(path.y).max())
    for share, doublings in ((1.01, 0), (0.99, 1), (0.51, 1), (0.49, 2), (1e-9, 4)):
        window = Window(0.1, 0.0, share * far)
        assert widened(window, [path]) == Window(0.1, 0.0, window.half * 2**doublings)


def test_a_route_is_projected_with_a_head_of_zeros(learners, episode):
    plane = lay_planes("ends", learners, episode, seed=0)[TOGETHER]
    points = {0: learners["pretrained"].params, 7: learners["maml"].params}
    route = project_route(plane, points, SPEC.n_way)
    assert route.updates == (0, 7)
    place = plane.project(for_n_way(points[0], SPEC.n_way))
    assert (route.x[0], route.y[0], route.beside[0]) == pytest.approx(place)
    assert (route.x[1], route.y[1], route.beside[1]) == pytest.approx((0, 0, 0), abs=1e-9)


def test_a_window_around_a_single_point_is_still_one(learners, episode):
    plane = lay_planes("paths", learners, episode, seed=0)["maml"]
    path = descend(learners["maml"], episode, plane, inner_lr=0.3, inner_steps=0)
    assert window_around([path]).half > 0


@pytest.mark.parametrize("values", [(0, 0, 0), (0, 0, -1), (math.nan, 0, 1), (0, math.inf, 1)])
def test_a_window_without_inside_is_refused(values):
    with pytest.raises(ValueError, match="choose finite numbers"):
        Window(*values)


def test_grids_say_how_far_they_are():
    loss = np.full((2, 2), np.nan)
    loss[0] = 1.0, np.inf
    grid = Grid(WINDOW, loss, loss)
    assert (grid.side, grid.done) == (2, 0.5)


@pytest.mark.usefixtures("untouched_global_rng")
def test_nothing_here_draws_from_the_global_generators(learners, episode):
    plane = lay_planes("random", learners, episode, seed=0)["maml"]
    height = partial(answer, learners["maml"].model, task=episode.task, which="support")
    start = {name: value.clone() for name, value in plane.origin.items()}
    last(survey(height, plane, Window(0, 0, 1), side=3))
    for name, value in start.items():
        assert torch.equal(value, plane.origin[name])
    assert plane.origin is not add(plane.origin, plane.first)
