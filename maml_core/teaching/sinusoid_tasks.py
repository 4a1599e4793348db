"""Sinusoids: regression tasks on which one sees a network adapt (Finn et al. 2017, section 5.1).

A task is a wave y = A sin(x − φ); K of its points are the support set. Three networks are trained
on the same tasks: MAML; joint pretraining, one network for all waves at once, which is fine-tuned
on the points; and an oracle that is told A and φ and has no need to adapt. α is `inner_lr`, θ
`params`. The inner loop, the gradient over tasks and the descent are those of the classifiers,
with the squared error in place of the cross-entropy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import vmap

from maml_core.config import AdaptConfig, SinusoidConfig, check_choice
from maml_core.episodes.sampling import episode_generator
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import squared_error
from maml_core.methods.meta_gradient import gradient_over_tasks
from maml_core.networks.functional import initial_params, logits
from maml_core.networks.mlp import MLP
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics, TrainState, optimise

METHODS = ("maml", "joint", "oracle")
AMPLITUDES, PHASES, RANGE = (0.1, 5.0), (0.0, math.pi), (-5.0, 5.0)
GRID = 101  # evenly spaced x of `RANGE` at which a fit is drawn and its error measured
CHUNK = 100  # tasks at once: their adapted parameters fit the cache


class Waves(NamedTuple):
    """B waves y = A sin(x − φ).

    Attributes:
        amplitude: A, 0.1 to 5.0, [B].
        phase: φ, 0 to π, [B].
    """

    amplitude: Tensor
    phase: Tensor

    def heights(self, x: Tensor) -> Tensor:
        """Return y at x [B, n], likewise [B, n]."""
        return self.amplitude[:, None] * torch.sin(x - self.phase[:, None])


@dataclass(frozen=True, eq=False)
class Regressor:
    """A network for waves with its initialisation and step size.

    Attributes:
        method: One of `METHODS`.
        params: θ; read-only.
        inner_lr: α > 0; the oracle takes no step.
        updates: How many made θ.
    """

    method: str
    params: Params
    inner_lr: float
    updates: int

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        AdaptConfig(self.inner_lr)


def grid() -> np.ndarray:
    """Return the x at which fits are drawn and measured, [GRID]."""
    return np.linspace(*RANGE, GRID)


def sample_waves(n: int, generator: torch.Generator) -> Waves:
    """Draw n waves, amplitude and phase uniformly."""
    shares = torch.rand(2, n, generator=generator)
    ranges = zip(shares, (AMPLITUDES, PHASES), strict=True)
    return Waves(*(low + share * (high - low) for share, (low, high) in ranges))


def sample_points(n: int, points: int, generator: torch.Generator, half: bool = False) -> Tensor:
    """Draw x uniformly from `RANGE`, or from its left half, [n, points].

    Point by point: whoever draws more has the same ones first.
    """
    low, high = RANGE
    shares = torch.rand(points, n, generator=generator).T
    return low + shares * (high - low) * (0.5 if half else 1)


def sample_tasks(config: SinusoidConfig, generator: torch.Generator) -> tuple[Waves, TaskBatch]:
    """Draw a meta-batch of B waves, with K support points and Q query points of each.

    Returns:
        The waves, and x and y of their points: [B, K, 1] and [B, Q, 1].
    """
    waves = sample_waves(config.meta_batch_size, generator)
    x = sample_points(config.meta_batch_size, config.k_shot + config.q_query, generator)
    y, k = waves.heights(x)[..., None], config.k_shot
    x = x[..., None]
    return waves, TaskBatch(x[:, :k], y[:, :k], x[:, k:], y[:, k:])


def inputs(method: str, x: Tensor, waves: Waves) -> Tensor:
    """Return what a method's network is told: x [B, n, 1]; the oracle x, A and φ, [B, n, 3]."""
    if method != "oracle":
        return x
    truth = torch.stack(waves, -1)[:, None]  # [B, 1, 2]
    return torch.cat([x, truth.expand(-1, x.shape[1], -1)], -1)


@cache
def network(method: str) -> nn.Module:
    """Return a method's network: 1-40-40-1, the oracle's 3-40-40-1."""
    return MLP(hidden=40, in_channels=3 if method == "oracle" else 1, side=1)


def task_stream(method: str, config: SinusoidConfig, first_step: int = 0) -> Iterator[TaskBatch]:
    """Yield the meta-batch of each update; every method sees the same waves and points."""
    for step in range(first_step, config.meta_steps):
        waves, tasks = sample_tasks(config, episode_generator(config.seed, step))
        yield tasks._replace(
            support_x=inputs(method, tasks.support_x, waves),
            query_x=inputs(method, tasks.query_x, waves),
        )


def meta_gradient(
    model: nn.Module, inner_lr: float, inner_steps: int, params: Params, tasks: TaskBatch
) -> tuple[Params, Metrics]:
    """Return the exact gradient of the mean squared error on the query points after adaptation.

    Finn et al. 2017, Algorithm 1, line 8. With no inner step it is joint training's: θ is asked
    to fit all waves at once.
    """

    def task_objective(meta: Params, task: TaskBatch) -> tuple[Tensor, Metrics]:
        *_, fast = adapt(
            model,
            meta,
            task.support_x,
            task.support_y,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            loss=squared_error,
        )
        error = squared_error(model, fast, task.query_x, task.query_y)
        return error, Metrics(error, error.new_zeros(0))

    return gradient_over_tasks(task_objective, params, tasks)


def train(
    method: str, config: SinusoidConfig, start: TrainState | None = None
) -> Iterator[TrainState]:
    """Train one method and yield the state after each update.

    Args:
        method: One of `METHODS`.
        config: How.
        start: An earlier state to go on from; without one, from a fresh initialisation.
    """
    model = network(method)
    inner_steps = config.inner_steps if method == "maml" else 0
    first = start or TrainState(0, initial_params(model, config.seed))
    return optimise(
        partial(meta_gradient, model, config.inner_lr, inner_steps),
        first,
        task_stream(method, config, first.step),
        lr=config.meta_lr,
        steps=config.meta_steps,
    )


@torch.no_grad()
def outputs(
    learner: Regressor, waves: Waves, x: Tensor, y: Tensor, at: Tensor, inner_steps: int
) -> Tensor:
    """Return what a network says after each inner step on the support points of B waves.

    Args:
        learner: The network.
        waves: What the oracle is told, B of them.
        x: Support points, [B, K]; K may be 0: then there is nothing to adapt to.
        y: Their heights, likewise.
        at: Where it is asked, [n].
        inner_steps: S.

    Returns:
        [B, S + 1, n]; all S + 1 are the same where no step is taken, as the oracle takes none.
    """
    model = network(learner.method)
    steps = inner_steps if x.shape[1] and learner.method != "oracle" else 0
    asked = inputs(learner.method, at.expand(len(x), -1)[..., None], waves)

    def of_one(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
        trajectory = adapt(
            model,
            learner.params,
            support_x,
            support_y,
            inner_lr=learner.inner_lr,
            inner_steps=steps,
            loss=squared_error,
        )
        return torch.stack([logits(model, fast, query_x)[:, 0] for fast in trajectory])

    found: Tensor = vmap(of_one)(x[..., None], y[..., None], asked)
    return found.expand(-1, inner_steps + 1, -1) if not steps else found


def squared_errors(
    learner: Regressor,
    seed: int,
    tasks: int,
    k_shot: int,
    inner_steps: int,
    *,
    half: bool = False,
) -> Tensor:
    """Return the squared error of each of a seed's tasks after each step, [tasks, inner_steps + 1].

    Args:
        learner: The network.
        seed: Which sequence of tasks, see `episode_generator`.
        tasks: How many.
        k_shot: Support points; more are the same ones and others.
        inner_steps: Steps on them.
        half: Take the support points from the left half of `RANGE` and measure in the right one.
    """
    generator = episode_generator(seed, 0)
    waves = sample_waves(tasks, generator)
    x = sample_points(tasks, k_shot, generator, half)
    at = torch.tensor(grid(), dtype=torch.float32)
    at = at[at > sum(RANGE) / 2] if half else at
    truth = waves.heights(at.expand(tasks, -1))
    found = []
    for first in range(0, tasks, CHUNK):
        rows = slice(first, first + CHUNK)
        some = Waves(*(value[rows] for value in waves))
        said = outputs(learner, some, x[rows], some.heights(x[rows]), at, inner_steps)
        found.append((said - truth[rows][:, None]).square().mean(-1))
    return torch.cat(found)
