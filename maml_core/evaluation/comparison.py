"""Several learners on the same episodes, as arrays for charts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from maml_core.config import AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.evaluation.ensembles import ENSEMBLE, by_cosines
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
    """
    nearest = references or {}
    streams = [evaluate(learner, pool, spec, config) for learner in learners.values()]
    streams += [evaluate_nearest(learner, pool, spec, config) for learner in nearest.values()]
    names = [*learners, *nearest]
    if ensemble:
        voters = [by_cosines(voter) for voter in nearest.values() if voter]
        streams.append(evaluate([*learners.values(), *voters], pool, spec, config))
        names.append(ENSEMBLE)
    for estimates in zip(*streams, strict=True):
        yield dict(zip(names, estimates, strict=True))


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
