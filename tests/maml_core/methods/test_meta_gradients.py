"""Meta-gradients against a plain loop over tasks and finite differences."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.config import META_METHODS
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.maml_plus_plus import first_steps
from maml_core.methods.r2d2 import first_ridge
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.conv4 import ConvBlock
from maml_core.networks.functional import HEAD
from maml_core.networks.meta_params import (
    LOG_LR_PREFIX,
    LOG_LR_SCALE,
    LR_PREFIX,
    with_lr_multipliers,
)
from maml_core.networks.params import add, dot, norm, scale
from tests.support.meta_configs import INNER_LR, UNROLLED, config_of
from tests.support.plain_maml import PlainMaml

# Method, head rows, inner steps, multi_step, learn_rates.
CASES = [
    (method, rows, inner_steps, multi_step, learn_inner_lr)
    for method in UNROLLED
    for rows, inner_steps, multi_step, learn_inner_lr in (
        (1, 1, False, False),
        (1, 1, False, True),
        (1, 3, True, True),
        (3, 1, False, True),
        (3, 3, True, False),
        (5, 3, False, False),
    )
    # Reptile has neither option, and learns nothing in one step (see below).
    if (method != "reptile" or not (multi_step or learn_inner_lr or inner_steps == 1))
    # They always have what is their own: MAML++ the multi-step loss, too.
    and (method not in ("meta_sgd", "maml_plus_plus") or not learn_inner_lr)
    and (method != "maml_plus_plus" or not multi_step)
    and (method != "boil" or rows > 1)  # a head of one row tells the body nothing
] + [
    ("meta_sgd", 1, 1, False, False),
    ("maml_plus_plus", 1, 1, False, False),
    ("maml_plus_plus", 1, 3, False, False),
    ("reptile", 1, 2, False, False),
    ("multi_task", 3, 0, False, False),
    ("multi_task", 5, 0, False, False),
]


@pytest.fixture
def meta_params(model, random_params):
    """A function that draws θ, with log-factors on α where they are to be learned."""

    def draw(rows=1, learn_inner_lr=False, seed=0, method="maml", inner_steps=2):
        params = random_params(model, rows, seed)
        generator = torch.Generator().manual_seed(seed)
        if method == "meta_sgd":  # some of them negative
            return params | {
                LR_PREFIX + n: torch.randn(v.shape, generator=generator).double()
                for n, v in params.items()
            }
        if method == "maml_plus_plus":
            return params | {
                n: v + 0.03 * torch.randn(v.shape, generator=generator).double()
                for n, v in first_steps(params, inner_steps).items()
            }
        if not learn_inner_lr:
            return params
        return {
            name: value
            if value.ndim
            else 0.3 / LOG_LR_SCALE * torch.randn((), generator=generator).double()
            for name, value in with_lr_multipliers(params).items()
        }

    return draw


def relative_error(found, expected):
    return (norm(add(found, expected, scale=-1.0)) / norm(expected)).item()


@pytest.mark.parametrize(("method", "rows", "inner_steps", "multi_step", "learn_inner_lr"), CASES)
def test_gradient_of_many_tasks_is_that_of_a_plain_loop(
    method,
    rows,
    inner_steps,
    multi_step,
    learn_inner_lr,
    model,
    meta_params,
    exact_tasks,
    plain_conv4,
):
    config = config_of(method, inner_steps, multi_step, learn_inner_lr)
    meta = meta_params(rows, learn_inner_lr, method=method, inner_steps=inner_steps)
    tasks = exact_tasks()
    found, _ = META_GRADIENTS[method](model, meta, tasks, config)
    expected = PlainMaml(plain_conv4, config).gradient(meta, tasks)
    assert found.keys() == expected.keys() == meta.keys()
    assert norm(expected) > 1e-3
    assert relative_error(found, expected) < 1e-8
    for name in found:  # no small tensor hides behind a large one
        torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_way", [2, 4])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("method", UNROLLED)
def test_the_step_size_grows_with_n_where_that_is_asked(
    method, scaled, n_way, model, meta_params, exact_tasks, plain_conv4
):
    """A run on 2 and 4 ways takes on 4-way tasks the steps of a plain loop with twice α."""
    config = replace(config_of(method, inner_steps=2), n_ways=(2, 4), scale_inner_lr=scaled)
    meta, tasks = meta_params(4, method=method), exact_tasks(n_way=n_way)
    found, _ = META_GRADIENTS[method](model, meta, tasks, config)
    errors = {}
    for factor in (1, 2):
        plain = PlainMaml(plain_conv4, config_of(method, inner_steps=2, inner_lr=factor * INNER_LR))
        errors[factor] = relative_error(found, plain.gradient(meta, tasks))
    mine = 2 if scaled and n_way == 4 else 1
    assert errors.pop(mine) < 1e-8
    assert min(errors.values()) > 0.01


@pytest.mark.parametrize("transductive", [True, False])
@pytest.mark.parametrize(
    ("method", "inner_steps", "multi_step", "learn_inner_lr"),
    [
        ("maml", 1, False, False),
        ("maml", 1, False, True),
        ("maml", 3, True, True),
        ("anil", 1, False, False),
        ("anil", 1, False, True),
        ("anil", 3, True, True),
        ("boil", 1, False, False),
        ("boil", 3, True, True),
        ("meta_sgd", 1, False, False),
        ("meta_sgd", 3, True, False),
        ("maml_plus_plus", 1, False, False),
        ("maml_plus_plus", 3, False, False),
    ],
)
def test_second_order_gradient_is_what_finite_differences_say(
    method,
    inner_steps,
    multi_step,
    learn_inner_lr,
    transductive,
    model,
    meta_params,
    exact_tasks,
    plain_conv4,
):
    config = config_of(method, inner_steps, multi_step, learn_inner_lr)
    config = replace(config, transductive=transductive)
    rows = 3 if method == "boil" else 1
    meta = meta_params(rows, learn_inner_lr, method=method, inner_steps=inner_steps)
    tasks = exact_tasks()
    gradient, _ = META_GRADIENTS[method](model, meta, tasks, config)
    plain = PlainMaml(plain_conv4, config)
    epsilon = 1e-6  # small: the objective jumps where a ReLU of the inner loop switches
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        towards = {n: torch.randn(v.shape, generator=generator).double() for n, v in meta.items()}
        towards = scale(towards, 1 / norm(towards).item())
        ahead, behind = (
            plain.objective(
                {n: v.requires_grad_() for n, v in add(meta, towards, scale=s).items()}, tasks
            ).item()
            for s in (epsilon, -epsilon)
        )
        slope = dot(gradient, towards).item()
        error = abs((ahead - behind) / (2 * epsilon) - slope)
        assert error < 1e-5 * max(abs(slope), norm(gradient).item())


def test_first_order_gradients_leave_the_curvature_out(model, meta_params, exact_tasks):
    """Were they equal, the tests above would not tell the methods apart."""
    meta, tasks = meta_params(3), exact_tasks()
    exact, _ = META_GRADIENTS["maml"](model, meta, tasks, config_of("maml"))
    for method in ("fomaml", "anil"):
        other, _ = META_GRADIENTS[method](model, meta, tasks, config_of(method))
        assert relative_error(other, exact) > 0.01
    two_steps = config_of("reptile", inner_steps=2)
    other, _ = META_GRADIENTS["reptile"](model, meta, tasks, two_steps)
    exact, _ = META_GRADIENTS["maml"](model, meta, tasks, replace(two_steps, method="maml"))
    assert relative_error(other, exact) > 0.01


@pytest.mark.parametrize("method", META_METHODS)
def test_gradients_as_on_a_gpu_are_those_of_a_cpu(
    method, monkeypatch, model, meta_params, exact_tasks, assert_same
):
    """There all tasks are convolved and normalised at once."""
    config = config_of(method, inner_steps=min(2, META_METHODS[method].inner_steps[1]))
    meta, tasks = meta_params(3, method=method), exact_tasks(n_tasks=3)
    if method == "r2d2":
        meta |= first_ridge(meta)
    expected, _ = META_GRADIENTS[method](model, meta, tasks, config)
    monkeypatch.setattr("maml_core.networks.task_operations._is_on_cpu", lambda _: False)
    found, _ = META_GRADIENTS[method](model, meta, tasks, config)
    assert_same(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shares", [1, 2, 4])
def test_in_how_many_shares_the_tasks_are_computed_changes_nothing(
    shares, monkeypatch, model, meta_params, exact_tasks, assert_same
):
    config, meta, tasks = config_of("maml", inner_steps=2), meta_params(3), exact_tasks(n_tasks=5)
    expected, _ = META_GRADIENTS["maml"](model, meta, tasks, config)
    monkeypatch.setattr("maml_core.methods.meta_gradient._n_shares", lambda *_: shares)
    found, _ = META_GRADIENTS["maml"](model, meta, tasks, config)
    assert_same(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("method", UNROLLED)
def test_measures_are_the_mean_query_loss_and_accuracy_of_a_plain_loop(
    method, model, meta_params, exact_tasks, plain_conv4
):
    config = config_of(method, inner_steps=2)
    meta, tasks = meta_params(3, method=method), exact_tasks(n_tasks=10)
    _, metrics = META_GRADIENTS[method](model, meta, tasks, config)
    plain = PlainMaml(plain_conv4, config)
    leaves = {n: v.requires_grad_() for n, v in meta.items()}
    losses, accuracies = [], []
    for task in (TaskBatch(*columns) for columns in zip(*tasks, strict=True)):
        points = plain.trajectory(leaves, task.support_x, task.support_y, 3)
        outs = [plain_conv4(point, task.query_x).detach() for point in points]
        losses.append(F.cross_entropy(outs[-1], task.query_y).item())
        accuracies.append([(o.argmax(1) == task.query_y).double().mean().item() for o in outs])
    *earlier, last = np.mean(accuracies, axis=0)
    assert metrics.loss.item() == pytest.approx(np.mean(losses))
    assert metrics.accuracy.item() == pytest.approx(last)
    assert last not in earlier, "else an earlier step's accuracy would do as well"


def test_one_step_of_reptile_from_a_head_of_one_row_learns_nothing(model, meta_params, exact_tasks):
    """The body has no gradient until the heads part, and a head of one row is never moved.

    Hence `TrainConfig` refuses it, and the test takes a record that does not.
    """
    params = meta_params(1)
    for inner_steps, learns in ((1, False), (2, True)):
        config = SimpleNamespace(
            inner_lr_at=lambda n_way: INNER_LR,
            inner_steps=inner_steps,
            q_query=2,
            transductive=True,
        )
        found, _ = META_GRADIENTS["reptile"](model, params, exact_tasks(), config)
        assert (norm(found) > 1e-6) == learns


def test_anil_learns_rates_for_the_head_alone(model, meta_params, exact_tasks):
    config = config_of("anil", inner_steps=3, learn_inner_lr=True)
    found, _ = META_GRADIENTS["anil"](model, meta_params(1, True), exact_tasks(), config)
    learned = {n for n, v in found.items() if n.startswith(LOG_LR_PREFIX) and v != 0}
    assert learned == {LOG_LR_PREFIX + name for name in HEAD}


@pytest.mark.parametrize("transductive", [True, False])
@pytest.mark.parametrize("inner_steps", [1, 4])
def test_where_the_head_alone_adapts_the_body_sees_each_picture_once(
    inner_steps, transductive, model, meta_params, exact_tasks, monkeypatch
):
    seen, tasks = [], exact_tasks()
    forward = ConvBlock.forward

    def counted(block, x, reference=None):
        if x.shape[-1] == 28:
            seen.append(x.shape[-4])
        return forward(block, x, reference)

    monkeypatch.setattr(ConvBlock, "forward", counted)
    config = replace(config_of("anil", inner_steps), transductive=transductive)
    META_GRADIENTS["anil"](model, meta_params(1), tasks, config)
    n_support, n_query = tasks.support_y.shape[1], tasks.query_y.shape[1]
    assert seen == ([n_support, n_query] if transductive else [n_support + n_query])


@pytest.mark.parametrize("n_way", [2, 4])
def test_a_gradient_does_not_depend_on_the_batch_it_is_averaged_in(
    n_way, model, meta_params, exact_tasks
):
    tasks = exact_tasks(n_way=n_way, n_tasks=3)
    config = config_of("maml", inner_steps=2)
    together, _ = META_GRADIENTS["maml"](model, meta_params(1), tasks, config)
    alone = [
        META_GRADIENTS["maml"](
            model, meta_params(1), TaskBatch(*(v[i : i + 1] for v in tasks)), config
        )[0]
        for i in range(3)
    ]
    mean = scale(add(add(alone[0], alone[1]), alone[2]), 1 / 3)
    assert relative_error(together, mean) < 1e-10
