"""iMAML: the implicit meta-gradient against a dense solution, and the inner loop held near θ."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.func import functional_call
from torch.nn import functional as F

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.episodes.sampling import sample_episode
from maml_core.episodes.task_batch import TaskBatch
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.checkpoints import Checkpoint, from_bytes, to_bytes
from maml_core.learners.learner import Learner
from maml_core.methods import imaml
from maml_core.methods.imaml import conjugate_gradients
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import HEAD, initial_params
from tests.support.meta_configs import INNER_LR, config_of

LAMBDA = 15.0  # outweighs every downward curvature of the tests


def test_conjugate_gradients_solve_several_systems_at_once():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(3, 6, 6, generator=generator).double()
    matrices = root @ root.mT + torch.eye(6)
    wanted = torch.randn(3, 6, generator=generator).double()
    wanted[1] = 0  # is solved from the beginning, and stays so
    found = conjugate_gradients(lambda x: (matrices @ x[..., None])[..., 0], wanted, 12)
    torch.testing.assert_close(found, torch.linalg.solve(matrices, wanted))


def test_conjugate_gradients_stop_where_a_direction_curves_down():
    diagonals = torch.tensor([[4, 1, -3], [-1, 0, 0]], dtype=torch.float64)
    wanted = torch.ones(2, 3, dtype=torch.float64)
    # By hand: b curves up by 2/3 and the next direction, of the residual (-5, -1/2, 11/2), down.
    for steps in (1, 2, 9):
        found = conjugate_gradients(lambda x: diagonals * x, wanted, steps)
        torch.testing.assert_close(found[0], torch.full((3,), 1.5, dtype=torch.float64))
        torch.testing.assert_close(found[1], wanted[1])


def in_krylov_space(system, wanted):
    """Where the error in the norm of A is least in the span of b, A b, … A⁴ b."""
    powers = [wanted]
    for _ in range(4):
        powers.append(system @ powers[-1] / powers[-1].norm())
    basis, _ = torch.linalg.qr(torch.stack(powers, 1))
    return basis @ torch.linalg.solve(basis.T @ system @ basis, basis.T @ wanted)


@pytest.mark.parametrize(
    ("cg_steps", "solve", "transductive", "times_alpha"),
    [
        (300, torch.linalg.solve, True, 1.0),
        (300, torch.linalg.solve, False, 1.0),
        (300, torch.linalg.solve, True, 1.5),
        (None, in_krylov_space, True, 1.0),  # as it is: five steps, as in the paper
    ],
)
def test_the_meta_gradient_is_that_of_a_dense_hessian(
    cg_steps,
    solve,
    transductive,
    times_alpha,
    random_params,
    exact_tasks,
    plain_conv4,
    monkeypatch,
):
    if cg_steps:
        monkeypatch.setattr(imaml, "CG_STEPS", cg_steps)
    model = Conv4(channels=2)
    meta, tasks = random_params(model, rows=3), exact_tasks(n_tasks=2)
    config = replace(config_of("imaml", inner_steps=3), proximal=LAMBDA, transductive=transductive)
    if times_alpha != 1:  # of a run on 2 and 3 ways
        config = replace(config, n_ways=(2, 3), scale_inner_lr=True)
    found, metrics = META_GRADIENTS["imaml"](model, meta, tasks, config)
    names, sizes = list(meta), [v.numel() for v in meta.values()]

    def unflat(row):
        parts = zip(names, row.split(sizes), strict=True)
        return {n: part.view(meta[n].shape) for n, part in parts}

    theta = torch.cat([v.flatten() for v in meta.values()])
    total, losses, correct = torch.zeros_like(theta), [], []
    for task in (TaskBatch(*columns) for columns in zip(*tasks, strict=True)):

        def support_loss(row, task=task):
            return F.cross_entropy(plain_conv4(unflat(row), task.support_x), task.support_y)

        point = theta.clone()
        for _ in range(3):
            point = point.detach().requires_grad_()
            loss = support_loss(point) + LAMBDA / 2 * (point - theta).square().sum()
            point = point - times_alpha * INNER_LR * torch.autograd.grad(loss, point)[0]
        point = point.detach().requires_grad_()
        if transductive:
            out = plain_conv4(unflat(point), task.query_x)
        else:
            both = torch.cat([task.support_x, task.query_x])
            out = plain_conv4(unflat(point), both, n := len(task.support_x))[n:]
        losses.append(F.cross_entropy(out, task.query_y))
        correct += (out.argmax(-1) == task.query_y).tolist()
        (slope,) = torch.autograd.grad(losses[-1], point)
        hessian = torch.autograd.functional.hessian(support_loss, point.detach())
        system = torch.eye(len(theta)) + hessian / LAMBDA
        assert torch.linalg.eigvalsh(system).min() > 0
        total += solve(system, slope)
    mine = torch.cat([found[n].flatten() for n in names])
    assert total.norm() > 1e-3
    # So close that a step more or fewer than five is seen: at this λ they nearly solve the system.
    torch.testing.assert_close(mine, total / 2, rtol=1e-9, atol=1e-12)
    assert metrics.loss.item() == pytest.approx(sum(losses).item() / 2)
    assert metrics.accuracy.item() == pytest.approx(sum(correct) / len(correct))


def test_after_training_too_the_inner_loop_is_held_near_theta(model, pool):
    params = initial_params(model, 3)
    told = {
        "method": "imaml",
        "model": {"n_out": 1, "channels": 4},
        "inner_lrs": {"3": 0.1},
        "config": {"proximal": LAMBDA},
    }
    learner = from_bytes(to_bytes(Checkpoint(params, told)), "held").learner()
    assert learner.proximal == LAMBDA
    episode = sample_episode(pool, EpisodeSpec(3, 1, 2), 0)
    start, first, second = adapt_to_episode(learner, episode, AdaptConfig(0.1, 2))
    leaves = {n: v.clone().requires_grad_() for n, v in first.items()}
    out = functional_call(learner.model, leaves, (episode.task.support_x,))
    loss = F.cross_entropy(out, episode.task.support_y)
    gradients = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    for name, slope in zip(leaves, gradients, strict=True):
        expected = first[name] - 0.1 * (slope + LAMBDA * (first[name] - start[name]))
        torch.testing.assert_close(second[name], expected, rtol=1e-4, atol=1e-6)
    assert (first[HEAD[0]] - start[HEAD[0]]).abs().max() > 1e-3


@pytest.mark.parametrize("proximal", [-1.0, float("nan"), float("inf")])
def test_a_strength_that_is_none_is_refused(proximal, model):
    with pytest.raises(ValueError, match="proximal"):
        replace(config_of("imaml", 1), proximal=proximal)
    with pytest.raises(ValueError, match="proximal"):
        Learner("imaml", model, initial_params(model, 0), {5: 0.1}, proximal=proximal)


@pytest.mark.parametrize("proximal", [0.0, 0.009, 101.0])
def test_a_strength_out_of_its_range_is_refused_with_the_range(proximal):
    with pytest.raises(ValueError, match=r"proximal is .*; choose a value from 0.01 to 100.0"):
        replace(config_of("imaml", 1), proximal=proximal)
