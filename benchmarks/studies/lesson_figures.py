"""Measure what the lessons' answers quote.

    python -m benchmarks.studies.lesson_figures

On test characters of the alphabet split, 1-shot, seed 0; mean ± 95 % CI over episodes. Long
adaptations, and with one query a class and with ten what it costs to answer each alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.confidence_intervals import mean_and_ci95, plus_minus
from maml_core.evaluation.trajectory import AdaptationTrajectory, measure_trajectory
from maml_core.learners import checkpoints
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.optimisation.thread_pool import in_parallel

STEPS = (1, 2, 3, 5, 10, 20, 100)
WAYS = (5, 20)
METHODS = ("maml", "pretrained", "random")
QUERIES = (1, 10)  # a class
COMPANY_EPISODES = 300  # one step's worth of the app's own measurement


def main() -> None:
    """Print a line for each quantity."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--episodes", type=int, default=40, help="of the long adaptations")
    episodes = parser.parse_args().episodes
    torch.set_num_threads(1)
    data = registry.load_or_glyphs("omniglot")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    for n_way in WAYS:
        for method in METHODS:
            report(checkpoints.shipped(method), pool, EpisodeSpec(n_way, 1, 10), STEPS, episodes)
    for q_query in QUERIES:
        spec = EpisodeSpec(5, 1, q_query)
        report(checkpoints.shipped("maml"), pool, spec, STEPS[:3], COMPANY_EPISODES)


def report(
    learner: Learner, pool: TaskPool, spec: EpisodeSpec, steps: Sequence[int], episodes: int
) -> None:
    """Print means over episodes after so many inner steps."""

    def along(number: int) -> tuple[AdaptationTrajectory, AdaptationTrajectory]:
        episode = sample_episode(pool, spec, 0, number)
        config = AdaptConfig(learner.inner_lr(spec.n_way), max(steps))
        points = adapt_to_episode(learner, episode, config)
        together, alone = (
            measure_trajectory(
                learner,
                config.inner_lr,
                [points[step] for step in steps],
                episode.task,
                transductive=transductive,
            )
            for transductive in (True, False)
        )
        return together, alone

    together, alone = zip(*in_parallel(along, range(episodes)), strict=True)
    for what, values in {
        "accuracy": [one.accuracy for one in together],
        "accuracy, each alone": [one.accuracy for one in alone],
        "support loss": [one.support_loss for one in together],
        "query loss": [one.query_loss for one in together],
    }.items():
        cells = zip(steps, *mean_and_ci95(torch.tensor(np.array(values))), strict=True)
        numbers = ", ".join(f"{step}: {plus_minus(mean, half, 4)}" for step, mean, half in cells)
        shape = f"{spec.n_way}-way, {spec.q_query} queries a class, n = {episodes}"
        print(f"{learner.method}, {shape}: {what} after step {numbers}", flush=True)


if __name__ == "__main__":
    main()
