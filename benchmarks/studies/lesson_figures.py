"""Measure what the lessons quote, for Omniglot and for the glyphs.

    python -m benchmarks.studies.lesson_figures

It writes `assets/lessons/figures.json`: texts by data set and name, which the lessons hold as
`{{name}}`. All are of test characters of the alphabet split, 1-shot. Figures of one episode are of
the seed that the lessons' links name, means of the first episodes of seed 0; mean ± 95 % CI.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

import numpy as np
import torch

from maml_core.config import AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.counting import log10_episodes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.accuracy import evaluate
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.confidence_intervals import percent
from maml_core.evaluation.records import load_records
from maml_core.evaluation.trajectory import AdaptationTrajectory, measure_trajectory
from maml_core.learners import checkpoints
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.optimisation.thread_pool import in_parallel
from maml_core.teaching.lesson_figures import DATASETS, FIGURES, SEEDS

SPLIT, QUERIES = "alphabets", 10
STEPS = 10  # of the linked episodes
ROUND_METHODS = {5: ("maml", "pretrained", "random"), 20: ("maml", "pretrained")}  # by N
FEW, COMPANY = 40, 300  # episodes of a mean
LONG_EPISODES = {"omniglot": 40, "glyphs": 20}
MANY = 200  # episodes of glyphs, which the table of results does not have
LONG = 100  # inner steps
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", nargs="*", default=list(DATASETS))
    torch.set_num_threads(1)
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for name in parser.parse_args().datasets:
        pool = evaluation_pool(name)
        figures[name] = {
            **episode_figures(pool, SEEDS[name]),
            **count_figures(pool),
            **few_episodes_figures(pool),
            **long_figures(pool, LONG_EPISODES[name]),
            **company_figures(pool),
            **many_episodes_figures(name, pool),
        }
        text = json.dumps(figures, ensure_ascii=False, indent=1)
        FIGURES.write_text(text + "\n", encoding="utf-8")


def evaluation_pool(name: str) -> TaskPool:
    """Return the test characters of a data set."""
    data = registry.load(name)
    return make_pool(data, split_classes(data, SPLIT, "test"))


def episode_figures(pool: TaskPool, seed: int) -> dict[str, str]:
    """Return the figures of the linked episodes, at 5-way and 20-way."""
    figures = {"seed": str(seed)}
    for n_way, methods in ROUND_METHODS.items():
        episode = sample_episode(pool, EpisodeSpec(n_way, 1, QUERIES), seed)
        learners = {method: checkpoints.shipped(method) for method in methods}
        for trajectory in compare(learners, episode, STEPS):
            figures |= _of_one_episode(f"{n_way}-way {trajectory.method}", trajectory, n_way)
    return figures


def _of_one_episode(name: str, trajectory: AdaptationTrajectory, n_way: int) -> dict[str, str]:
    fall = trajectory.support_loss[0] - trajectory.support_loss[1]
    figures = {f"{name} step 1 fall of the support loss": f"{fall:.2f}"}
    for step in (1, 2, STEPS):
        at_step = f"{name} step {step}"
        right = round(float(trajectory.accuracy[step]) * n_way * QUERIES)
        figures[f"{at_step} right"] = str(right)
        figures[f"{at_step} accuracy"] = f"{trajectory.accuracy[step]:.0%}".replace("%", " %")
        figures[f"{at_step} support loss"] = f"{trajectory.support_loss[step]:.3f}"
        figures[f"{at_step} query loss"] = f"{trajectory.query_loss[step]:.2f}"
    return figures


def count_figures(pool: TaskPool) -> dict[str, str]:
    """Return how many different 5-shot episodes there are."""
    sizes = torch.unique(pool.alphabets, return_counts=True)[1].tolist()
    pictures = int(pool.counts[0])
    return {
        f"{n_way}-way 5-shot episodes": "10" + f"{count:.0f}".translate(SUPERSCRIPT)
        for n_way in (5, 20)
        for count in [log10_episodes(sizes, pictures, EpisodeSpec(n_way, 5, QUERIES))]
    }


def few_episodes_figures(pool: TaskPool) -> dict[str, str]:
    """Return mean support losses and accuracies after ten steps at 5-way."""
    figures = {"few": str(FEW)}
    for method in ("maml", "random"):
        losses, accuracy = _means(pool, method, 5, (STEPS,), FEW)
        figures[f"few 5-way {method} step {STEPS} support loss"] = f"{losses[0]:.3f}"
        in_percent = round(100 * accuracy[0], 3)  # one is 56.5, but for the last bit
        figures[f"few 5-way {method} step {STEPS} accuracy"] = f"{in_percent:.0f} %"
    return figures


def long_figures(pool: TaskPool, episodes: int) -> dict[str, str]:
    """Return mean accuracies at 20-way in long adaptations, without the sign of per cent."""
    figures = {"long": str(episodes)}
    for method in ("maml", "pretrained"):
        _, accuracy = _means(pool, method, 20, (3, LONG), episodes)
        for step, mean in zip((3, LONG), accuracy, strict=True):
            figures[f"long 20-way {method} step {step} accuracy"] = f"{100 * mean:.1f}"
    return figures


def _means(
    pool: TaskPool, method: str, n_way: int, steps: tuple[int, ...], episodes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean support losses and mean accuracies after some steps, two of [len(steps)]."""
    learner = checkpoints.shipped(method)
    config = AdaptConfig(learner.inner_lr(n_way), max(steps))

    def adapted(number: int) -> AdaptationTrajectory:
        episode = sample_episode(pool, EpisodeSpec(n_way, 1, QUERIES), 0, number)
        points = adapt_to_episode(learner, episode, config)
        chosen = [points[step] for step in steps]
        return measure_trajectory(learner, config.inner_lr, chosen, episode.task)

    trajectories = list(in_parallel(adapted, range(episodes)))
    losses = np.mean([one.support_loss for one in trajectories], 0)
    return losses, np.mean([one.accuracy for one in trajectories], 0)


def company_figures(pool: TaskPool) -> dict[str, str]:
    """Return how often MAML is right after three steps, by the company its queries come in."""
    figures = {"company": str(COMPANY)}
    for name, q_query, transductive in (
        ("five together", 1, True),
        ("alone", 1, False),
        ("fifty together", QUERIES, True),
    ):
        mean, ci95 = _measured(pool, "maml", EpisodeSpec(5, 1, q_query), transductive, COMPANY)
        figures[f"{name} right"] = f"{percent(mean[3], ci95[3])} %"
        figures[f"{name} wrong"] = f"{100 * (1 - mean[3]):.1f} %"
    return figures


def many_episodes_figures(name: str, pool: TaskPool) -> dict[str, str]:
    """Return MAML's and the pretrained network's means; Omniglot's are in the results file.

    Raises:
        ValueError: That file has the rows of one sentence over different numbers of episodes.
    """
    figures: dict[str, str] = {}
    counts: dict[str, set[int]] = {"many": set(), "many alone": set()}
    for method in ("maml", "pretrained"):
        for n_way, transductive in ((5, True), (5, False), (20, True)):
            spec = EpisodeSpec(n_way, 1, QUERIES)
            if name == "omniglot":
                episodes, mean, ci95 = _recorded(method, spec, transductive)
            else:
                episodes = MANY
                mean, ci95 = _measured(pool, method, spec, transductive, episodes)
            alone = "" if transductive else " alone"
            counts[f"many{alone}"].add(episodes)
            for step in (1, 3, 5):
                figure = f"many {n_way}-way {method} step {step} accuracy{alone}"
                figures[figure] = f"{percent(mean[step], ci95[step])} %"
    for figure, found in counts.items():
        (count,) = found
        figures[figure] = f"{count:,}"
    return figures


def _measured(
    pool: TaskPool, method: str, spec: EpisodeSpec, transductive: bool, episodes: int
) -> tuple[list[float], list[float]]:
    config = EvaluationConfig(inner_steps=5, episodes=episodes, transductive=transductive)
    *_, last = evaluate(checkpoints.shipped(method), pool, spec, config)
    return list(last.accuracy), list(last.ci95)


def _recorded(
    method: str, spec: EpisodeSpec, transductive: bool
) -> tuple[int, list[float], list[float]]:
    wanted: Mapping[str, object] = {
        "method": method,
        "split": SPLIT,
        "n_way": spec.n_way,
        "k_shot": spec.k_shot,
        "transductive": transductive,
        "rotation_tta": False,
        "ink_crops": False,
        "within_alphabet": False,
    }
    (row,) = (row for row in load_records(complete=True) if wanted.items() <= row.items())
    return row["episodes"], row["accuracy"], row["ci95"]


if __name__ == "__main__":
    main()
