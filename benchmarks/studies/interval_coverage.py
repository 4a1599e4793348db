"""How often 95 % confidence intervals of a mean accuracy cover the true mean.

    python -m benchmarks.studies.interval_coverage                 # needs Omniglot
    python -m benchmarks.studies.interval_coverage --pool 300 --repeats 500
    python -m benchmarks.studies.interval_coverage --only-differences         # needs no pictures

MAML's accuracy after five inner steps is measured on many test episodes of unseen alphabets; their
mean is taken for the true one. Samples of n of them, with replacement, then show how often each
interval covers it and how wide it is (half the width, in %). "This project's" is
`confidence_intervals.estimate`; the others are

* normal: mean ± 1.96 s / √n
* Student's t: mean ± t s / √n with n - 1 degrees of freedom
* bootstrap: the percentiles of 400 resampled means
* logit: Student's t on the logit scale, by the delta method

Likewise of *paired differences*, MAML's with the other main methods: those that are recorded in
the results file, of the paper split. "This project's" is `confidence_intervals.mean_difference`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
import torch
from scipy.special import expit, logit
from scipy.stats import t as student_t
from tqdm import tqdm

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.accuracy import episode_accuracy
from maml_core.evaluation.confidence_intervals import accuracy_ci95, mean_difference
from maml_core.evaluation.records import ERRORS, load_records
from maml_core.evaluation.results_table import MAIN
from maml_core.learners.checkpoints import shipped
from maml_core.methods.catalogue import BY_NAME
from maml_core.optimisation.thread_pool import in_parallel

SPECS = (EpisodeSpec(5, 1, 10), EpisodeSpec(5, 5, 10), EpisodeSpec(20, 1, 10))
SIZES = (2, 5, 10, 20, 50, 100, 600)
INNER_STEPS = 5
RESAMPLES = 400
Bounds = tuple[np.ndarray, np.ndarray]
Interval = Callable[[np.ndarray, int], Bounds]


def main() -> None:
    """Print a Markdown table for each shape of episode."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pool", type=int, default=1500, help="episodes to measure")
    parser.add_argument("--repeats", type=int, default=2000, help="samples of each size")
    parser.add_argument("--only-differences", action="store_true", help="the recorded ones alone")
    parsed = parser.parse_args()
    print_differences(parsed.repeats)
    if parsed.only_differences:
        return
    data = load("omniglot")
    characters = make_pool(data, split_classes(data, "alphabets", "test"))
    for spec in SPECS:
        accuracies = measure(characters, spec, parsed.pool)
        print(
            f"\n{spec.n_way}-way {spec.k_shot}-shot: mean {100 * accuracies.mean():.2f} %, "
            f"{(accuracies == 1).mean():.0%} of {parsed.pool} episodes without an error\n"
        )
        print_table(accuracies, spec.n_way * spec.q_query, parsed.repeats, INTERVALS)


def measure(pool: TaskPool, spec: EpisodeSpec, episodes: int) -> np.ndarray:
    """Return MAML's accuracy in each episode, [episodes]."""
    learner = shipped("maml")
    config = AdaptConfig(learner.inner_lr(spec.n_way), INNER_STEPS)

    def accuracy_of(number: int) -> float:
        episode = sample_episode(pool, spec, 0, number)
        return float(episode_accuracy([(learner, config)], episode)[-1])

    torch.set_num_threads(1)
    stream = in_parallel(accuracy_of, range(episodes))
    found = list(tqdm(stream, total=episodes, desc=f"{spec.n_way}-way", disable=None))
    return np.array(found).round(6)  # float32 from the network: 1.0 is exactly 1


def print_differences(repeats: int) -> None:
    """Print how the intervals of each recorded paired difference cover it."""
    wanted = {"split": "paper", "transductive": True, "rotation_tta": False}
    rows = [row for row in load_records() if wanted.items() <= row.items() and row.get(ERRORS)]
    by_row = {(row["method"], row["n_way"], row["k_shot"]): row for row in rows}
    for spec, other in product(SPECS, MAIN[1:]):
        first, second = (by_row[m, spec.n_way, spec.k_shot][ERRORS] for m in (MAIN[0], other))
        queries = spec.n_way * spec.q_query
        fewer = np.array([b - a for a, b in zip(first, second, strict=False)]) / queries
        label = f"{BY_NAME[MAIN[0]].short_label} − {BY_NAME[other].short_label}"
        print(
            f"\n{spec.n_way}-way {spec.k_shot}-shot, {label}: {100 * fewer.mean():+.2f} points, "
            f"{(fewer == 0).mean():.0%} of {len(fewer)} episodes without a difference\n"
        )
        print_table(fewer, queries, repeats, DIFFERENCES)


def print_table(
    values: np.ndarray, queries: int, repeats: int, intervals: Mapping[str, Interval]
) -> None:
    """Print how often each interval covers the mean, and half its width in %."""
    generator = np.random.default_rng(0)
    truth = values.mean()
    print("| n | " + " | ".join(intervals) + " |\n| --- |" + " --- |" * len(intervals))
    for n in SIZES:
        samples = values[generator.integers(len(values), size=(repeats, n))]
        cells = []
        for interval in intervals.values():
            low, high = interval(samples, queries)
            covers = ((low <= truth + 1e-12) & (truth - 1e-12 <= high)).mean()
            cells.append(f"{covers:.1%} (± {50 * (high - low).mean():.2f})")
        print(f"| {n} | " + " | ".join(cells) + " |", flush=True)


def _moments(samples: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Return n, the means and their standard errors of samples [repeats, n]."""
    n = samples.shape[1]
    return n, samples.mean(1), samples.std(1, ddof=1) / np.sqrt(n)


def normal(samples: np.ndarray, queries: int) -> Bounds:
    """Return mean ± 1.96 s / √n."""
    _, mean, error = _moments(samples)
    return mean - 1.96 * error, mean + 1.96 * error


def students_t(samples: np.ndarray, queries: int) -> Bounds:
    """Return mean ± t s / √n."""
    n, mean, error = _moments(samples)
    half = student_t.ppf(0.975, n - 1) * error
    return mean - half, mean + half


def bootstrap(samples: np.ndarray, queries: int) -> Bounds:
    """Return the 2.5th and the 97.5th percentile of the means of resamples."""
    generator = np.random.default_rng(1)
    shape = samples.shape
    means = np.stack(
        [
            np.take_along_axis(samples, generator.integers(shape[1], size=shape), 1).mean(1)
            for _ in range(RESAMPLES)
        ]
    )
    low, high = np.quantile(means, (0.025, 0.975), axis=0)
    return low, high


def logit_t(samples: np.ndarray, queries: int) -> Bounds:
    """Return Student's interval of the mean's logit, of which half a query is always wrong."""
    n, mean, error = _moments(samples)
    share = (mean * n * queries + 0.5) / (n * queries + 1)
    half = student_t.ppf(0.975, n - 1) * error / (share * (1 - share))
    return expit(logit(share) - half), expit(logit(share) + half)


def ours(samples: np.ndarray, queries: int) -> Bounds:
    """Return the interval that every page and table of this project shows."""
    n, mean, error = _moments(samples)
    half = accuracy_ci95(mean, error, n, n * queries)
    return mean - half, mean + half


def our_difference(samples: np.ndarray, queries: int) -> Bounds:
    """Return the interval of every paired difference that this project shows."""
    found = [mean_difference(torch.from_numpy(one), queries) for one in samples]
    mean, half = np.array(found).T
    return mean - half, mean + half


INTERVALS: Mapping[str, Interval] = {
    "normal": normal,
    "Student's t": students_t,
    "bootstrap": bootstrap,
    "logit": logit_t,
    "this project's": ours,
}
DIFFERENCES: Mapping[str, Interval] = {
    "normal": normal,
    "Student's t": students_t,
    "this project's": our_difference,
}

if __name__ == "__main__":
    main()
