"""One meta-update in float64, and the plain loops that it is compared with."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.episodes.sampling import sample_episodes
from maml_core.episodes.task_batch import TaskBatch
from maml_core.teaching.anatomy.meta_update import apply_meta_update, decompose_meta_update

SPEC = EpisodeSpec(3, 1, 2)
ALPHA, BETA = 0.25, 0.003


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
def meta_step(model, theta, batch, config):
    tasks = list(decompose_meta_update(model, theta, batch[:3], config))
    return apply_meta_update(model, theta, tasks, batch[:3], batch[3:], config)
