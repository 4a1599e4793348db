"""The squared error of networks for sinusoids, after each inner step, over many tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from maml_core.episodes.sampling import episode_generator
from maml_core.evaluation.confidence_intervals import mean_and_ci95
from maml_core.optimisation.thread_pool import in_parallel, map_in_parallel
from maml_core.teaching.sinusoids.regressors import Regressor, adapted_outputs
from maml_core.teaching.sinusoids.tasks import (
    X_RANGE,
    Sinusoids,
    sample_sinusoids,
    sample_x,
    x_grid,
)

# Sequences of tasks; training draws from those of the seeds 0 to 999,999.
VALIDATION_SEED, TEST_SEED = 1_000_000, 1_000_001
VALIDATION_TASKS = 100
TASKS_PER_CHUNK = 100  # adapted at once: their parameters fit the processor's cache
# The baseline's α is chosen among these, on validation tasks.
INNER_LR_CANDIDATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
TUNING_SHOTS, TUNING_STEPS = (5, 10), 10


@dataclass(frozen=True)
class ErrorEstimate:
    """Squared error after each inner step, a mean over tasks and `GRID_SIZE` x of each.

    Attributes:
        n_tasks: How many.
        mean: [inner_steps + 1].
        ci95: Half-width of its 95 % confidence interval over tasks, likewise.
    """

    n_tasks: int
    mean: tuple[float, ...]
    ci95: tuple[float, ...]


def squared_errors(
    regressor: Regressor,
    seed: int,
    n_tasks: int,
    k_shot: int,
    inner_steps: int,
    *,
    support_in_left_half: bool = False,
) -> Tensor:
    """Return the squared error of each of a seed's tasks after each step.

    Args:
        regressor: The network.
        seed: Which sequence of tasks, see `episode_generator`.
        n_tasks: How many.
        k_shot: Support points; a larger K begins with the same ones.
        inner_steps: Steps on them.
        support_in_left_half: Sample the support points from the left half of `X_RANGE` and
            measure the error in the right one.

    Returns:
        [n_tasks, inner_steps + 1].
    """
    generator = episode_generator(seed, 0)
    sinusoids = sample_sinusoids(n_tasks, generator)
    x = sample_x(n_tasks, k_shot, generator, support_in_left_half)
    query_x = torch.tensor(x_grid(), dtype=torch.float32)
    if support_in_left_half:
        query_x = query_x[query_x > sum(X_RANGE) / 2]
    truth = sinusoids.targets(query_x.expand(n_tasks, -1))
    errors = []
    for first in range(0, n_tasks, TASKS_PER_CHUNK):
        rows = slice(first, first + TASKS_PER_CHUNK)
        chunk = Sinusoids(*(value[rows] for value in sinusoids))
        y = chunk.targets(x[rows])
        outputs = adapted_outputs(regressor, chunk, x[rows], y, query_x, inner_steps)
        errors.append((outputs - truth[rows][:, None]).square().mean(-1))
    return torch.cat(errors)


def evaluate(
    regressors: Mapping[str, Regressor],
    k_shot: int,
    *,
    inner_steps: int,
    n_tasks: int,
    support_in_left_half: bool = False,
) -> dict[str, ErrorEstimate]:
    """Return each network's error on the same test tasks, see `squared_errors`."""

    def estimate(regressor: Regressor) -> ErrorEstimate:
        errors = squared_errors(
            regressor,
            TEST_SEED,
            n_tasks,
            k_shot,
            inner_steps,
            support_in_left_half=support_in_left_half,
        )
        return ErrorEstimate(n_tasks, *mean_and_ci95(errors))

    return map_in_parallel(estimate, regressors)


def tune_inner_lr(
    regressor: Regressor, candidates: Sequence[float] = INNER_LR_CANDIDATES
) -> Regressor:
    """Return the network with the α that is best on validation tasks.

    By the mean error after 1 to 10 steps on 5 and on 10 points. The paper, too, tunes the step
    size of its pretrained baseline and leaves MAML the α of its training.
    """

    def validation_error(inner_lr: float) -> float:
        candidate = replace(regressor, inner_lr=inner_lr)
        errors = [
            squared_errors(candidate, VALIDATION_SEED, VALIDATION_TASKS, k, TUNING_STEPS)
            for k in TUNING_SHOTS
        ]
        total = float(sum(error[:, 1:].mean() for error in errors))
        return total if math.isfinite(total) else math.inf

    errors = list(in_parallel(validation_error, candidates))
    return replace(regressor, inner_lr=candidates[errors.index(min(errors))])
