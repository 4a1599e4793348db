"""Several learners on the same episodes, as arrays for charts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from maml_core.config import AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.accuracy import (
    evaluate,
    evaluate_nearest,
    own_steps,
    pictures_passed,
)
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.evaluation.ensembles import ENSEMBLE, FEWEST, by_cosines
from maml_core.evaluation.trajectory import AdaptationTrajectory, measure_trajectory
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.optimisation.thread_pool import in_parallel


def compare(
    learners: Mapping[str, Learner], episode: Episode, inner_steps: int, lr_factor: float = 1.0
) -> list[AdaptationTrajectory]:
    """Adapt each learner to one episode with `lr_factor` times its own α."""
    one = partial(_compared, episode, inner_steps, lr_factor)
    return list(in_parallel(one, learners.values()))


def _compared(
    episode: Episode, inner_steps: int, lr_factor: float, learner: Learner
) -> AdaptationTrajectory:
    config = AdaptConfig(learner.inner_lr(episode.spec.n_way) * lr_factor, inner_steps)
    points = adapt_to_episode(learner, episode, config)
    inner_lr = math.nan if learner.solve_head else config.inner_lr
    return measure_trajectory(learner, inner_lr, points, episode.task)


def evaluate_together(
    learners: Mapping[str, Learner],
    pool: TaskPool,
    spec: EpisodeSpec,
    config: EvaluationConfig,
    *,
    references: Mapping[str, Learner | None] | None = None,
    ensemble: bool = False,
) -> Iterator[dict[str, Estimate]]:
    """Yield each learner's growing estimate over the same episodes.

    Args:
        learners: What adapts, by name.
        pool: The characters, see `evaluate`.
        spec: The episodes' shape.
        config: As for `evaluate`.
        references: Learners whose features `evaluate_nearest` compares, by name; None for pixels.
        ensemble: Whether all of them, but for pixels, also answer together, by this name.

    Raises:
        ValueError: One alone would answer together.
    """
    nearest = references or {}

    def adapting(members: list[Learner]) -> Iterator[Estimate]:
        return evaluate(members, pool, spec, own_steps(members, config))

    streams = [adapting([learner]) for learner in learners.values()]
    streams += [evaluate_nearest(learner, pool, spec, config) for learner in nearest.values()]
    names = [*learners, *nearest]
    if ensemble:
        voters = [*learners.values(), *(by_cosines(one) for one in nearest.values() if one)]
        if len(voters) < FEWEST:
            raise ValueError(f"{len(voters)} of {names} can vote; an ensemble takes {FEWEST}.")
        streams.append(adapting(voters))
        names.append(ENSEMBLE)
    for estimates in zip(*streams, strict=True):
        yield dict(zip(names, estimates, strict=True))


def pictures_compared(
    learners: Mapping[str, Learner],
    spec: EpisodeSpec,
    config: EvaluationConfig,
    *,
    references: Mapping[str, Learner | None] | None = None,
    ensemble: bool = False,
    ink_crops: bool = False,
) -> int:
    """Count the pictures that `evaluate_together` passes through networks, see `pictures_passed`.

    Args:
        learners, spec, config, references, ensemble: As for `evaluate_together`.
        ink_crops: Whether the pool has them.
    """
    still = partial(pictures_passed, spec, ink_crops=ink_crops, takes_steps=False)
    nearest = sum(one is not None for one in (references or {}).values())
    adapting = sum(
        still(config) if learner.solve_head else pictures_passed(spec, config, ink_crops=ink_crops)
        for learner in learners.values()
    )
    # A nearest neighbour's queries need no statistics of the support set's that it has not had.
    comparing = nearest * still(replace(config, transductive=True))
    voting = adapting + nearest * still(config) if ensemble else 0
    return adapting + comparing + voting


def reference_of(methods: Iterable[str], wanted: str = "") -> str:
    """Return what all others are compared with: the wanted, else MAML, else the first."""
    names = list(methods)
    return next(name for name in (wanted, "maml", *names) if name in names)


def confusion_matrix(episode: Episode, trajectory: AdaptationTrajectory, step: int) -> np.ndarray:
    """Count the predicted classes of each true class after an inner step.

    Returns:
        int64 [n_way, n_way]; rows are the true, columns the predicted classes.
    """
    n_way = episode.spec.n_way
    counts = np.zeros((n_way, n_way), dtype=np.int64)
    truth = np.repeat(np.arange(n_way), episode.spec.q_query)
    np.add.at(counts, (truth, trajectory.predictions[step]), 1)
    return counts
