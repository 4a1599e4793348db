"""Meta-gradients of tasks for which they can be written down: bowls and softmax regression."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.functional import HEAD
from maml_core.networks.meta_params import LOG_LR_PREFIX, LOG_LR_SCALE
from tests.support.meta_configs import INNER_LR, UNROLLED, config_of


class Bowl(nn.Module):
    """Outputs θ − x, where θ is all of the head: with a squared loss every task is a bowl."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return torch.cat([self.head.weight.flatten(), self.head.bias]) - x


@pytest.fixture
def bowls(monkeypatch):
    """θ, tasks of centres x, and ½ mean |θ − x|² in place of the cross-entropy."""
    monkeypatch.setattr(F, "cross_entropy", lambda out, *_, **__: 0.5 * out.square().sum(-1))
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator).double()

    theta = {"head.weight": draw(2, 3), "head.bias": draw(2)}
    labels = torch.tensor([0, 1]).repeat_interleave(2).expand(4, -1)
    tasks = TaskBatch(draw(4, 2, 8), labels[:, ::2], draw(4, 4, 8), labels)
    return theta, tasks


@pytest.mark.parametrize(
    ("method", "multi_step", "inner_steps"),
    [
        (method, multi_step, inner_steps)
        for method in UNROLLED
        for multi_step in (False, True)
        for inner_steps in (1, 2, 5)
        if method != "boil"  # here all of θ is the head, which stays
        and not (method == "maml_plus_plus" and multi_step)  # it always counts every step
        and (method != "reptile" or (inner_steps > 1 and not multi_step))
    ]
    + [("multi_task", False, 0)],
)
def test_meta_gradients_of_quadratic_tasks_are_their_closed_forms(
    method, multi_step, inner_steps, bowls
):
    """θ_k = c + (1 − α)^k (θ − c) around the support mean c; hence ∇ = (1 − α)^k (θ_k − d)
    around the query mean d, the factor 1 at first order; Reptile: θ − θ_k.
    """
    theta, tasks = bowls
    config = config_of(method, inner_steps, multi_step)
    found, metrics = META_GRADIENTS[method](Bowl(), theta, tasks, config)
    start = np.concatenate([theta[n].numpy().ravel() for n in HEAD])
    c, d = tasks.support_x.mean(1).numpy(), tasks.query_x.mean(1).numpy()
    shrunk = (1 - INNER_LR) ** np.arange(inner_steps + 1)[:, None, None]
    points = c + shrunk * (start - c)  # [k, task, 8]
    if method == "reptile":
        expected = start - points[-1]
    else:
        slopes = (points - d) * (1 if method == "fomaml" else shrunk)
        counts_every_step = multi_step or method == "maml_plus_plus"
        expected = slopes[1:].mean(0) if counts_every_step else slopes[-1]
    mine = np.concatenate([found[n].numpy().ravel() for n in HEAD])
    np.testing.assert_allclose(mine, expected.mean(0), rtol=1e-7)
    distances = ((points[-1][:, None] - tasks.query_x.numpy()) ** 2).sum(-1) / 2
    assert metrics.loss.item() == pytest.approx(distances.mean())


@pytest.mark.parametrize("inner_steps", [1, 5])
@pytest.mark.parametrize("proximal", [0.5, 2.0])
def test_the_implicit_gradient_of_quadratic_tasks_is_its_closed_form(inner_steps, proximal, bowls):
    """Around φ* = (c + λ θ) / (1 + λ) each step leaves 1 − α (1 + λ); ∇ = (φ − d) / (1 + 1 / λ)."""
    theta, tasks = bowls
    config = replace(config_of("imaml", inner_steps), proximal=proximal)
    found, metrics = META_GRADIENTS["imaml"](Bowl(), theta, tasks, config)
    start = np.concatenate([theta[n].numpy().ravel() for n in HEAD])
    c, d = tasks.support_x.mean(1).numpy(), tasks.query_x.mean(1).numpy()
    best = (c + proximal * start) / (1 + proximal)
    reached = best + (1 - INNER_LR * (1 + proximal)) ** inner_steps * (start - best)
    expected = ((reached - d) / (1 + 1 / proximal)).mean(0)
    mine = np.concatenate([found[n].numpy().ravel() for n in HEAD])
    np.testing.assert_allclose(mine, expected, rtol=1e-7)
    distances = ((reached[:, None] - tasks.query_x.numpy()) ** 2).sum(-1) / 2
    assert metrics.loss.item() == pytest.approx(distances.mean())


@pytest.mark.parametrize("inner_steps", [1, 3])
@pytest.mark.parametrize("progress", [0.0, 0.25, 1.0])
def test_the_earlier_steps_count_less_and_less(progress, inner_steps, bowls):
    """Of the way to a loss of the last step alone, so much of the gradient lies behind."""
    theta, tasks = bowls
    config = config_of("maml", inner_steps, multi_step=True)
    found, _ = META_GRADIENTS["maml"](Bowl(), theta, tasks, config, torch.tensor(progress).double())
    every, _ = META_GRADIENTS["maml"](Bowl(), theta, tasks, config)
    last, _ = META_GRADIENTS["maml"](Bowl(), theta, tasks, config_of("maml", inner_steps))
    for name in HEAD:
        expected = (1 - progress) * every[name] + progress * last[name]
        torch.testing.assert_close(found[name], expected)


@pytest.mark.parametrize("inner_steps", [1, 4])
def test_gradient_of_learned_rates_of_quadratic_tasks_is_its_closed_form(inner_steps, bowls):
    """With α e^r in place of α: d/dr = (θ_k − d) · k (1 − α e^r)^(k − 1) · (−α e^r)(θ − c).

    Of r it is r / g that is learned, with the gain g: hence g d/dr.
    """
    theta, tasks = bowls
    logs = {"head.weight": 0.4 / LOG_LR_SCALE, "head.bias": -0.7 / LOG_LR_SCALE}
    meta = {**theta, **{LOG_LR_PREFIX + n: torch.tensor(r).double() for n, r in logs.items()}}
    config = config_of("maml", inner_steps, learn_inner_lr=True)
    found, _ = META_GRADIENTS["maml"](Bowl(), meta, tasks, config)
    for name, entries in (("head.weight", slice(0, 6)), ("head.bias", slice(6, 8))):
        rate = INNER_LR * np.exp(LOG_LR_SCALE * logs[name])
        start = theta[name].numpy().ravel()
        c = tasks.support_x.mean(1).numpy()[:, entries]
        d = tasks.query_x.mean(1).numpy()[:, entries]
        last = c + (1 - rate) ** inner_steps * (start - c)
        moves = inner_steps * (1 - rate) ** (inner_steps - 1) * -rate * (start - c)
        expected = LOG_LR_SCALE * ((last - d) * moves).sum(-1).mean()
        assert found[LOG_LR_PREFIX + name].item() == pytest.approx(expected, rel=1e-6)


class Softmax(nn.Module):
    """Softmax regression on the flattened picture."""

    def __init__(self, width, n_way):
        super().__init__()
        self.head = nn.Linear(width, n_way)

    def forward(self, x):
        return self.head(x.flatten(1))


def test_meta_gradient_of_softmax_regression_is_its_closed_form():
    """∇ = (I − α H(θ)) ∇L_query(θ′), H = mean of (diag p − p pᵀ) ⊗ x xᵀ, all in numpy."""
    n_way, width = 3, 4
    generator = torch.Generator().manual_seed(0)
    x_s, x_q = (torch.randn(2, n, width, generator=generator).double() for n in (3, 6))
    y_s = torch.arange(n_way).expand(2, -1)
    y_q = torch.arange(n_way).repeat_interleave(2).expand(2, -1)
    theta = {
        "head.weight": torch.randn(n_way, width, generator=generator).double(),
        "head.bias": torch.randn(n_way, generator=generator).double(),
    }
    tasks = TaskBatch(x_s, y_s, x_q, y_q)
    found, _ = META_GRADIENTS["maml"](Softmax(width, n_way), theta, tasks, config_of("maml"))

    def gradient_and_hessian(matrix, x, y):
        """`matrix` is [n_way, width + 1], the bias its last column."""
        x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        p = np.exp(x @ matrix.T)
        p /= p.sum(1, keepdims=True)
        slope = (p - np.eye(n_way)[y]).T @ x / len(x)
        curvature = sum(
            np.kron(np.diag(pi) - np.outer(pi, pi), np.outer(xi, xi))
            for pi, xi in zip(p, x, strict=True)
        )
        return slope, curvature / len(x)

    matrix = np.concatenate([theta["head.weight"], theta["head.bias"][:, None]], axis=1)
    total = np.zeros(matrix.size)
    for task in (TaskBatch(*(v.numpy() for v in row)) for row in zip(*tasks, strict=True)):
        slope, hessian = gradient_and_hessian(matrix, task.support_x, task.support_y)
        after, _ = gradient_and_hessian(matrix - INNER_LR * slope, task.query_x, task.query_y)
        total += (np.eye(matrix.size) - INNER_LR * hessian) @ after.ravel() / 2
    expected = total.reshape(matrix.shape)
    np.testing.assert_allclose(found["head.weight"], expected[:, :-1], rtol=1e-10)
    np.testing.assert_allclose(found["head.bias"], expected[:, -1], rtol=1e-10)
