"""One meta-update against finite differences, a plain loop, closed forms and numpy's SVD."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.episodes.sampling import sample_episodes
from maml_core.episodes.task_batch import TaskBatch
from maml_core.learners.learner import Learner, head_only
from maml_core.networks.functional import HEAD
from maml_core.networks.params import add, dot, norm, scale
from maml_core.teaching.meta_update import (
    angle,
    lay_arrows,
    lay_relatives,
    layer_changes,
    layer_norms,
    make_update,
    relatives,
    take_apart,
)

SPEC = EpisodeSpec(3, 1, 2)
ALPHA, BETA, EPSILON = 0.25, 0.003, 1e-8  # the last is Adam's


@pytest.fixture(scope="module")
def config() -> TrainConfig:
    return TrainConfig(
        n_ways=(3,), q_query=2, inner_lr=ALPHA, inner_steps=2, meta_lr=BETA, meta_batch_size=3
    )


@pytest.fixture(scope="module")
def batch(pool):
    """Three tasks and three others, in float64."""
    return [
        replace(
            one,
            tensors=TaskBatch(*(t.double() if t.is_floating_point() else t for t in one.tensors)),
        )
        for one in sample_episodes(pool, SPEC, seed=4, count=6)
    ]


@pytest.fixture(scope="module")
def theta(model, random_params):
    return random_params(model, rows=1, seed=2)


@pytest.fixture(scope="module")
def plain(plain_conv4):
    """Adapt from θ as a plain loop: the points and the gradients, functions of the leaves."""

    def run(leaves, episode, steps, names=None):
        width = leaves["head.weight"].shape[1]
        zeros = {"head.weight": torch.zeros(3, width), "head.bias": torch.zeros(3)}
        now = {**leaves, **{n: v.double().requires_grad_() for n, v in zeros.items()}}
        points, gradients = [now], []
        task = episode.task
        for _ in range(steps):
            value = F.cross_entropy(plain_conv4(now, task.support_x), task.support_y)
            moving = list(names or now)
            found = torch.autograd.grad(value, [now[n] for n in moving], create_graph=True)
            gradients.append(dict(zip(moving, found, strict=True)))
            now = {n: v - ALPHA * gradients[-1][n] if n in moving else v for n, v in now.items()}
            points.append(now)
        return points, gradients

    return run


@pytest.fixture(scope="module")
def query_loss(plain, plain_conv4):
    def run(params, episode, steps):
        leaves = {n: v.detach().clone().requires_grad_() for n, v in params.items()}
        now = plain(leaves, episode, steps)[0][-1]
        value = F.cross_entropy(plain_conv4(now, episode.task.query_x), episode.task.query_y)
        return float(value.detach())

    return run


@pytest.fixture(scope="module")
def step(model, theta, batch, config):
    tasks = list(take_apart(model, theta, batch[:3], config))
    return make_update(model, theta, tasks, batch[:3], batch[3:], config)


def direction(theta, seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        n: torch.randn(v.shape, generator=generator, dtype=torch.float64) for n, v in theta.items()
    }


def test_the_meta_gradient_is_the_slope_of_the_loss_after_adaptation(
    step, theta, batch, query_loss
):
    h = 1e-6
    for seed in range(3):
        d = direction(theta, seed)
        slopes = []
        for number, task in enumerate(step.tasks):
            ends = [query_loss(add(theta, d, sign * h), batch[number], 2) for sign in (1, -1)]
            slopes.append((ends[0] - ends[1]) / (2 * h))
            assert float(dot(task.meta_gradient, d)) == pytest.approx(slopes[-1], rel=1e-5)
        assert float(dot(step.gradient, d)) == pytest.approx(np.mean(slopes), rel=1e-5)


def test_each_line_of_the_inner_loop_is_that_of_a_plain_loop(step, theta, batch, plain, query_loss):
    leaves = {n: v.clone().requires_grad_() for n, v in theta.items()}
    for task, episode in zip(step.tasks, batch, strict=False):
        points, gradients = plain(leaves, episode, 2)
        assert task.support_loss == pytest.approx(math.log(3))
        head = math.hypot(*(float(gradients[0][name].detach().norm()) for name in HEAD))
        assert task.support_gradient["Head"] == pytest.approx(head)
        assert [task.support_gradient[f"Block {i}"] for i in (1, 2, 3, 4)] == [0.0] * 4
        gain = (points[2]["blocks.2.gain"] - points[0]["blocks.2.gain"]).detach().norm()
        assert 0 < float(gain) < task.moved["Block 3"]
        whole = math.hypot(*(float((points[2][n] - points[0][n]).detach().norm()) for n in theta))
        assert math.hypot(*task.moved.values()) == pytest.approx(whole)
        assert task.query_loss == pytest.approx(query_loss(theta, episode, 2))
        assert task.adapted_support_loss != pytest.approx(task.support_loss)
        assert 0 <= task.accuracy <= 1


def test_the_update_is_adams_first_step_in_closed_form(step, theta, assert_same):
    # With bias correction the first moments are the gradient and its square.
    expected = {n: -BETA * g / (g.abs() + EPSILON) for n, g in step.gradient.items()}
    assert_same(step.change, expected, rtol=1e-9, atol=1e-15)
    assert all(torch.count_nonzero(step.change[name]) == 0 for name in HEAD)
    assert_same(step.start, theta)


def test_the_losses_after_are_those_from_the_new_theta(step, theta, batch, query_loss):
    new = add(theta, step.change)
    assert step.query_losses == pytest.approx([query_loss(new, one, 2) for one in batch[:3]])
    others = batch[3:]
    assert step.others_before == pytest.approx(np.mean([query_loss(theta, e, 2) for e in others]))
    assert step.others_after == pytest.approx(np.mean([query_loss(new, e, 2) for e in others]))
    straight = add(theta, step.gradient, -float(norm(step.change) / norm(step.gradient)))
    assert step.straight_loss == pytest.approx(
        np.mean([query_loss(straight, one, 2) for one in batch[:3]])
    )


def flat(params):
    return torch.cat([value.flatten() for value in params.values()]).numpy()


def test_the_arrows_lie_on_the_plane_of_the_mean_and_of_what_sets_them_apart(step):
    arrows = {arrow.name: arrow for arrow in lay_arrows(step)}
    assert list(arrows) == ["1", "2", "3", "mean", "update"]
    tasks = np.stack([-flat(one.meta_gradient) for one in step.tasks])
    mean = tasks.mean(0)
    first = mean / np.linalg.norm(mean)
    apart = tasks - mean
    main = np.linalg.svd(apart, full_matrices=False)[2][0]
    second = main - (main @ first) * first
    second /= np.linalg.norm(second)
    vectors = dict(zip("123", tasks, strict=True)) | {"mean": mean, "update": flat(step.change)}
    turn = np.sign(arrows["1"].y * (tasks[0] @ second))
    for name, vector in vectors.items():
        arrow, x, y = arrows[name], vector @ first, turn * (vector @ second)
        assert (arrow.x, arrow.y) == pytest.approx((x, y), abs=1e-9)
        assert arrow.length == pytest.approx(np.linalg.norm(vector))
        assert arrow.held == pytest.approx((x * x + y * y) / (vector @ vector))
    assert arrows["mean"].held == pytest.approx(1)
    assert arrows["update"].held < 0.9, "a step in the gradient's signs leaves the plane"


def test_two_tasks_lie_in_their_plane_whole(model, theta, batch, config):
    tasks = list(take_apart(model, theta, batch[:2], config))
    two = make_update(model, theta, tasks, batch[:2], batch[2:3], config)
    assert [arrow.held for arrow in lay_arrows(two)[:3]] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("factor", [0.0, math.nan])
def test_arrows_without_a_direction_are_not_drawn(step, factor):
    tasks = tuple(
        replace(one, meta_gradient=scale(one.meta_gradient, factor)) for one in step.tasks
    )
    assert lay_arrows(replace(step, tasks=tasks, gradient=scale(step.gradient, factor))) == []
    gradients = {"maml": scale(step.gradient, factor), "fomaml": step.gradient}
    assert lay_relatives(gradients) == []


def test_the_relatives_are_what_a_plain_loop_says(
    model, theta, batch, config, plain, plain_conv4, assert_same
):
    found = relatives(model, theta, batch[:2], config)
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
    assert float(norm(found["joint"])) == 0, "the head is zero: θ cannot solve any task"
    one_step = relatives(model, theta, batch[:2], replace(config, inner_steps=1), ("reptile",))
    assert float(norm(one_step["reptile"])) == 0, "one step moves the head alone"


def test_the_relatives_plane_holds_mamls_and_first_order_mamls_gradient(
    model, theta, batch, config
):
    gradients = relatives(model, theta, batch[:2], config)
    maml, fomaml, reptile = lay_relatives(gradients)
    assert (maml.name, fomaml.name, reptile.name) == ("maml", "fomaml", "reptile")
    assert (maml.held, fomaml.held) == pytest.approx((1, 1))
    assert (maml.x, maml.y) == pytest.approx((maml.length, 0), abs=1e-9)
    degrees = math.degrees(math.atan2(abs(fomaml.y), fomaml.x))
    assert degrees == pytest.approx(angle(gradients["maml"], gradients["fomaml"]))
    assert reptile.held < 1


@pytest.mark.parametrize("degrees", [0.0, 1e-7, 1.0, 45.0, 90.0, 179.9999999, 180.0])
def test_an_angle_is_that_of_two_vectors_in_a_plane(degrees):
    radians = math.radians(degrees)
    a = {"x": torch.tensor([3.0, 0.0], dtype=torch.float64), "y": torch.zeros(2).double()}
    end = torch.tensor([0.1 * math.cos(radians), 0.1 * math.sin(radians)], dtype=torch.float64)
    assert angle(a, {**a, "x": end}) == pytest.approx(degrees, abs=1e-13, rel=1e-7)


def test_there_is_no_angle_to_nothing():
    one = {"x": torch.ones(2)}
    assert math.isnan(angle(one, {"x": torch.zeros(2)}))
    assert math.isnan(angle({"x": torch.tensor([math.inf, 0])}, one))


def test_a_layers_length_is_that_of_all_its_parameters():
    params = {
        "head.bias": torch.tensor([2.0]),
        "blocks.1.gain": torch.tensor([3.0, 0.0]),
        "blocks.1.conv.weight": torch.full((1, 1, 2, 2), 2.0),
        "blocks.0.shift": torch.zeros(2),
    }
    assert layer_norms(params) == {"Block 1": 0.0, "Block 2": 5.0, "Head": 2.0}


def test_layers_move_as_in_a_plain_loop_and_of_the_head_alone_nothing_else(
    model, theta, batch, plain
):
    learner = Learner("maml", model, theta, {3: ALPHA})
    found = layer_changes({"maml": learner, "head": head_only(learner)}, batch[:2], 2)
    leaves = {n: v.clone().requires_grad_() for n, v in theta.items()}
    names = [n for n in theta if n.startswith("blocks.2.")]
    shares = []
    for episode in batch[:2]:
        points, _ = plain(leaves, episode, 2)
        moved = math.hypot(*(float((points[2][n] - points[0][n]).detach().norm()) for n in names))
        shares.append(moved / math.hypot(*(float(theta[n].norm()) for n in names)))
    assert found["maml"]["Block 3"] == pytest.approx(np.mean(shares))
    assert set(found["maml"]) == {f"Block {i}" for i in (1, 2, 3, 4)}
    assert set(found["head"].values()) == {0.0}
