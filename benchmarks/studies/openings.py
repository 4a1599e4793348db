"""Measure how large the app's contrasts are, and choose the seed on which it opens.

    python -m benchmarks.studies.openings omniglot
    python -m benchmarks.studies.openings glyphs

On test characters of the alphabet split, 1-shot: MAML against the pretrained network in the first
episodes of seed 0 (on Omniglot as many as the table of results has), the recorded meta-training's
last point against its first, and the rounds of Play of the seeds 0 to 59. The opening is the seed,
of these 60, whose largest deviation from a mean difference is the smallest, over all that the pages
show of it at the first inner step; MAML may not lose a round. The result goes to
`assets/openings.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import Episode, sample_episode
from maml_core.evaluation import results_table
from maml_core.evaluation.confidence_intervals import estimate, mean_difference, percent
from maml_core.evaluation.trajectory import measure_trajectory
from maml_core.learners import checkpoints
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.optimisation.thread_pool import in_parallel
from maml_core.paths import ASSETS
from maml_core.teaching import play_round
from maml_core.teaching.openings import (
    QUESTIONS,
    Contrast,
    Kind,
    Opening,
    Spread,
    load_openings,
    save_openings,
)
from maml_core.training.recording import load_recording

EPISODES = {"omniglot": results_table.MAIN_EPISODES, "glyphs": results_table.EPISODES}
SEEDS = 60
STEPS = (1, 5)
OPENING = EpisodeSpec(20, 1, 10)
SHAPES = (OPENING, EpisodeSpec(5, 1, 10), EpisodeSpec(20, 1, 10, within_alphabet=True))
PAIRS: dict[Kind, tuple[str, str]] = {
    "episode": ("maml", "pretrained"),
    "replay": ("maml", "first point"),
}
Learners = dict[str, Learner]


def main() -> None:
    """Measure, choose, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", choices=("omniglot", "glyphs"))
    dataset = parser.parse_args().dataset
    torch.set_num_threads(1)
    data = registry.load(dataset)
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    contrasts, deviations = measure_rounds(pool)
    for spec in SHAPES:
        contrasts += measure_episodes(pool, spec, EPISODES[dataset])
    deviations += episode_deviations(pool, contrasts)
    worst = np.abs(np.array(deviations)).max(0)
    seed = int(worst.argmin())
    for number in worst.argsort()[:5]:
        print(number, *(f"{row[number]:+.2f}" for row in deviations))
    print(f"{dataset}: seed {seed}, at most {worst[seed]:.2f} standard deviations from a mean")
    save_openings({**load_openings(), dataset: Opening(seed, tuple(contrasts))})


def measure_rounds(pool: TaskPool) -> tuple[list[Contrast], list[list[float]]]:
    """Return the contrasts of Play's modes, and how far each seed's round deviates after a step."""
    contrasts, deviations = [], []
    learners = learners_of({})
    for mode, spec in play_round.MODES.items():
        rounds = [play_round.sample_questions(pool, mode, seed) for seed in range(SEEDS)]
        for step in STEPS:
            scores = [round_accuracies(learners, questions, step) for questions in rounds]
            contrasts.append(contrast("round", spec, step, scores, QUESTIONS))
            if step == 1:
                lost = [first < second for first, second in scores]
                far = [contrasts[-1].deviation(*pair) for pair in scores]
                deviations.append(list(np.where(lost, np.inf, far)))
    return contrasts, deviations


def measure_episodes(pool: TaskPool, spec: EpisodeSpec, episodes: int) -> list[Contrast]:
    """Return the contrasts of many episodes of a shape; of the opening's also the replay's."""
    kinds = PAIRS if spec == OPENING else {"episode": PAIRS["episode"]}
    learners = learners_of(kinds)

    def measure(number: int) -> dict[str, np.ndarray]:
        return accuracies(learners, sample_episode(pool, spec, 0, number))

    measured = list(in_parallel(measure, range(episodes)))
    return [
        contrast(
            kind,
            spec,
            step,
            [[one[name][i] for name in pair] for one in measured],
            spec.n_way * spec.q_query,
        )
        for kind, pair in kinds.items()
        for i, step in enumerate(STEPS)
    ]


def episode_deviations(pool: TaskPool, contrasts: Sequence[Contrast]) -> list[list[float]]:
    """Return how far each seed's first episode deviates after a step, by kind of contrast."""
    learners, measured = learners_of(PAIRS), Opening(0, tuple(contrasts))

    def measure(seed: int) -> list[float]:
        found = accuracies(learners, sample_episode(pool, OPENING, seed))
        return [
            measured.contrast(kind, OPENING, 1).deviation(*(found[name][0] for name in pair))
            for kind, pair in PAIRS.items()
        ]

    return np.array(list(in_parallel(measure, range(SEEDS)))).T.tolist()


def learners_of(kinds: Mapping[Kind, tuple[str, str]]) -> Learners:
    """Return the learners that some contrasts compare, the recorded point with MAML's α."""
    learners = {method: checkpoints.shipped(method) for method in PAIRS["episode"]}
    if "replay" in kinds:
        points, _ = load_recording(ASSETS / "recordings" / "maml.safetensors")
        learners["first point"] = replace(learners["maml"], params=points[min(points)])
    return learners


def accuracies(learners: Learners, episode: Episode) -> dict[str, np.ndarray]:
    """Return each learner's query accuracy on an episode after each of `STEPS`."""
    found = {}
    for name, learner in learners.items():
        config = AdaptConfig(learner.inner_lr(episode.spec.n_way), max(STEPS))
        points = adapt_to_episode(learner, episode, config)
        shown = [points[step] for step in STEPS]
        trajectory = measure_trajectory(learner, config.inner_lr, shown, episode.task)
        found[name] = trajectory.accuracy
    return found


def round_accuracies(
    learners: Learners, questions: Sequence[play_round.PlayQuestion], step: int
) -> tuple[float, ...]:
    """Return two learners' shares of right answers in a round."""
    answers = play_round.answer_questions(learners, questions, step)
    return tuple(play_round.score(questions, labels) / QUESTIONS for labels in answers.values())


def contrast(
    kind: Kind, spec: EpisodeSpec, step: int, pairs: Sequence[Sequence[float]], queries: int
) -> Contrast:
    """Return the contrast of two accuracies in many episodes or rounds, and print it."""
    values = torch.tensor(np.array(pairs), dtype=torch.float64)
    both = estimate(values, queries)
    difference = values[:, 0] - values[:, 1]
    spreads = [
        Spread(round(mean, 5), round(ci95, 5), round(sd, 5))
        for mean, ci95, sd in (
            *zip(both.accuracy, both.ci95, values.std(0).tolist(), strict=True),
            (*mean_difference(difference, queries), float(difference.std())),
        )
    ]
    ahead = round(float((difference > 0).double().mean()), 3)
    found = Contrast(kind, spec, step, len(values), *spreads, ahead)
    words = " − ".join(percent(one.mean, one.ci95) for one in spreads[:2])
    print(f"{kind}, {spec}, step {step}: {words}, {spreads[2]}, ahead in {ahead:.1%}", flush=True)
    return found


if __name__ == "__main__":
    main()
