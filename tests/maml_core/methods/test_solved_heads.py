"""ProtoNet and R2D2: their heads and meta-gradients against what the papers write."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.episodes.sampling import sample_episode
from maml_core.episodes.task_batch import TaskBatch
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.methods.protonet import prototype_head
from maml_core.methods.r2d2 import LOG_LAMBDA, LOG_SCALE, first_ridge, ridge_head
from maml_core.methods.registry import HEAD_SOLVERS, META_GRADIENTS
from maml_core.networks.functional import HEAD, query_logits
from maml_core.networks.meta_params import LOG_LR_SCALE
from maml_core.networks.params import add, dot, norm, scale
from tests.support.meta_configs import SOLVING, config_of

N_WAY, K_SHOT, WIDTH = 3, 2, 7
RIDGE = {LOG_LAMBDA: torch.tensor(0.03).double(), LOG_SCALE: torch.tensor(0.1).double()}


@pytest.fixture
def drawn():
    """Support features of two tasks, their labels in no order, and query features."""
    generator = torch.Generator().manual_seed(0)
    support = torch.randn(2, N_WAY * K_SHOT, WIDTH, generator=generator).double()
    query = torch.randn(2, 5, WIDTH, generator=generator).double()
    order = torch.randperm(N_WAY * K_SHOT, generator=generator)
    return support, torch.arange(N_WAY).repeat(K_SHOT)[order].expand(2, -1), query


def run(head, query):
    weight, bias = (head[name] for name in HEAD)
    return query @ weight.mT + bias[..., None, :]


def test_the_logits_by_prototypes_are_negative_squared_distances(drawn):
    support, y, query = drawn
    found = run(prototype_head(support, y, N_WAY), query)
    for task in range(2):
        means = torch.stack([support[task][y[task] == n].mean(0) for n in range(N_WAY)])
        expected = -torch.cdist(query[task], means).square()
        torch.testing.assert_close(found[task].log_softmax(-1), expected.log_softmax(-1))


def test_a_ridge_head_has_the_least_squared_error_and_penalty(drawn):
    """Of |X W − Y|² + λ |W|² the gradient at the solution is zero."""
    support, y, _ = drawn
    head = ridge_head(support, y, N_WAY, RIDGE[LOG_LAMBDA], RIDGE[LOG_SCALE])
    scale_, penalty = ((LOG_LR_SCALE * RIDGE[n]).exp() for n in (LOG_SCALE, LOG_LAMBDA))
    w = (head[HEAD[0]] / scale_).mT.detach().requires_grad_()
    squares = (support @ w - F.one_hot(y).double()).square().sum() + penalty * w.square().sum()
    (gradient,) = torch.autograd.grad(squares, w)
    assert gradient.abs().max() < 1e-12
    assert w.abs().max() > 0.05
    assert not head[HEAD[1]].any()


def test_a_regression_begins_with_a_penalty_of_one_and_logits_of_ten_times_its_answers(drawn):
    support, y, _ = drawn
    params = {HEAD[0]: torch.zeros(1, 4).double()}
    head = ridge_head(support, y, N_WAY, *first_ridge(params).values())
    x, targets = support[0].numpy(), np.eye(N_WAY)[y[0]]
    answers = np.linalg.solve(x.T @ x + np.eye(WIDTH), x.T @ targets)
    np.testing.assert_allclose(head[HEAD[0]][0], 10 * answers.T, rtol=1e-9, atol=1e-12)
    assert first_ridge({**params, **RIDGE}) == RIDGE, "and goes on with what is there"


def plain_objective(method, network, config, meta, tasks):
    """The mean query loss and accuracy, task by task, by the papers' definitions."""
    width = meta[HEAD[0]].shape[-1]
    identity = {HEAD[0]: torch.eye(width).double(), HEAD[1]: torch.zeros(width).double()}
    at = {**meta, **identity}
    losses, correct = [], []
    for task in (TaskBatch(*columns) for columns in zip(*tasks, strict=True)):
        support, n = network(at, task.support_x), len(task.support_y)
        if config.transductive:
            query = network(at, task.query_x)
        else:
            query = network(at, torch.cat([task.support_x, task.query_x]), n)[n:]
        n_way = int(task.query_y.max()) + 1
        if method == "protonet":
            means = torch.stack([support[task.support_y == k].mean(0) for k in range(n_way)])
            out = -(query[:, None] - means).square().sum(-1)
        else:  # by the normal equations, where the code inverts the Gram matrix
            penalty = (LOG_LR_SCALE * meta[LOG_LAMBDA]).exp() * torch.eye(width).double()
            moments = support.T @ F.one_hot(task.support_y, n_way).double()
            solved = torch.linalg.inv(support.T @ support + penalty) @ moments
            out = (LOG_LR_SCALE * meta[LOG_SCALE]).exp() * query @ solved
        losses.append(F.cross_entropy(out, task.query_y))
        correct += (out.argmax(-1) == task.query_y).tolist()
    return sum(losses) / len(losses), np.mean(correct)


@pytest.mark.parametrize("method", SOLVING)
def test_the_meta_gradient_is_that_of_the_definition(
    method, model, random_params, exact_tasks, plain_conv4
):
    config, tasks = config_of(method, inner_steps=0), exact_tasks(k_shot=2)
    meta = random_params(model) | (RIDGE if method == "r2d2" else {})
    found, metrics = META_GRADIENTS[method](model, meta, tasks, config)
    leaves = {n: v.clone().requires_grad_() for n, v in meta.items()}
    value, accuracy = plain_objective(method, plain_conv4, config, leaves, tasks)
    expected = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True)
    assert metrics.loss.item() == pytest.approx(value.item())
    assert metrics.accuracy.item() == pytest.approx(accuracy)
    for name, one in zip(leaves, expected, strict=True):
        torch.testing.assert_close(found[name], one, rtol=1e-7, atol=1e-10)
    assert norm(found) > 1e-3
    assert all(not found[name].any() for name in HEAD), "its own head plays no part"


@pytest.mark.parametrize("method", SOLVING)
@pytest.mark.parametrize("transductive", [True, False])
def test_the_meta_gradient_is_what_finite_differences_say(
    method, transductive, model, random_params, exact_tasks, plain_conv4
):
    config = replace(config_of(method, inner_steps=0), transductive=transductive)
    meta, tasks = random_params(model) | (RIDGE if method == "r2d2" else {}), exact_tasks()
    gradient, _ = META_GRADIENTS[method](model, meta, tasks, config)
    epsilon = 1e-6
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        towards = {n: torch.randn(v.shape, generator=generator).double() for n, v in meta.items()}
        towards = scale(towards, 1 / norm(towards).item())
        ahead, behind = (
            plain_objective(method, plain_conv4, config, add(meta, towards, scale=s), tasks)[0]
            for s in (epsilon, -epsilon)
        )
        slope = dot(gradient, towards).item()
        error = abs((ahead - behind).item() / (2 * epsilon) - slope)
        assert error < 1e-5 * max(abs(slope), norm(gradient).item())


@pytest.mark.parametrize("method", SOLVING)
def test_a_learner_that_solves_for_its_head_takes_no_step(method, model, random_params, pool):
    params = {n: v.float() for n, v in random_params(model).items()}
    solve = HEAD_SOLVERS[method]({n: v.float() for n, v in RIDGE.items()})
    learner = Learner(method, model, params, {3: 0.4}, solve_head=solve)
    episode = sample_episode(pool, EpisodeSpec(3, 2, 2), 0)
    first, *others = adapt_to_episode(learner, episode, AdaptConfig(0.4, 4))
    assert len(others) == 4
    assert all(other is first for other in others)
    assert all(torch.equal(first[n], params[n]) for n in params if n not in HEAD)
    assert first[HEAD[0]].shape[0] == 3
    task = episode.task
    outs = [
        query_logits(model, first, task.support_x, task.query_x, transductive=t)
        for t in (True, False)
    ]
    assert all(out.isfinite().all() for out in outs)
