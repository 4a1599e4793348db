"""A mean over episodes and its 95 % confidence interval.

Few-shot accuracies lie close to 100 % and are skewed: of MAML's 5-way 1-shot episodes
mean ± 1.96 s / √n covers the true mean 54 % of the time at n = 2 and 85 % at n = 20, Student's t
55 and 88 %. The interval of an accuracy here is Wilson's (1927, J. Am. Stat. Assoc. 22, 209) for as
many independent queries as would have the variance that the episodes show (their design effect;
Korn & Graubard 1998, Survey Methodology 24, 193), with Student's t for the normal quantile, and
made symmetric by its longer side. At 5-way 1-shot, 5-way 5-shot and 20-way 1-shot it covers the
mean at least 90 % of the time at n = 2, 94 % at 5, 92 % at 20 and 95 % from 100 on:
`python -m benchmarks.studies.interval_coverage` measures that, and compares other intervals.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit
from torch import Tensor

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over episodes so far.

    Attributes:
        episodes: Their number.
        accuracy: Mean query accuracy after each inner step, [inner_steps + 1], 0 to 1.
        ci95: Half-width of its 95 % confidence interval, [inner_steps + 1]; NaN where there is a
            single episode or a single cluster of episodes.
        by_episode: [episodes, inner_steps + 1], for paired differences; None where it was not kept
            or episodes are not independent.
        queries: Of an episode, where `by_episode` was kept.
        independent: Whether the episodes are.
    """

    episodes: int
    accuracy: tuple[float, ...]
    ci95: tuple[float, ...]
    by_episode: Tensor | None = field(default=None, compare=False, repr=False)
    queries: int = field(default=0, compare=False, repr=False)
    independent: bool = field(default=True, compare=False, repr=False)

    def summary(self) -> dict[str, object]:
        """Return the fields that are recorded, by name."""
        return {"episodes": self.episodes, "accuracy": self.accuracy, "ci95": self.ci95}


def mean_and_ci95(
    values: Tensor, least_error: float = 0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean of values [n, m] over n and the half-width t s / √n, each [m].

    Student's t has n - 1 degrees of freedom; for n = 1 the half-width is NaN. The standard error
    s / √n is taken as `least_error` where it is less.
    """
    n, exact = len(values), values.double()
    if n == 1:
        return tuple(exact[0].tolist()), (math.nan,) * len(exact[0])
    error = (exact.std(0) / math.sqrt(n)).clamp(min=least_error)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    return tuple(exact.mean(0).tolist()), tuple(half.tolist())


def estimate(
    accuracies: Tensor, queries: int, clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """Return the mean over episodes and its confidence interval.

    Args:
        accuracies: [n_episodes, inner_steps + 1], 0 to 1.
        queries: Number of queries per episode.
        clusters: The cluster of each episode, such as the alphabet of an official run. Episodes of
            one cluster are not independent, so the variance is that between clusters. None:
            each episode is its own cluster.
    """
    exact = accuracies.double().numpy()
    n, mean = len(exact), _mean_accuracy(exact, queries)
    names = range(n) if clusters is None else clusters
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    rows, n_clusters = [numbers[name] for name in names], len(numbers)
    totals = np.zeros((n_clusters, len(mean)))
    np.add.at(totals, rows, exact - mean)
    variance = (totals**2).sum(0) / n**2 * n_clusters / max(n_clusters - 1, 1)
    half = accuracy_ci95(mean, np.sqrt(variance), n_clusters, n * queries)
    independent = clusters is None
    kept = accuracies if independent else None
    return Estimate(n, tuple(mean.tolist()), tuple(half.tolist()), kept, queries, independent)


def paired_difference(
    first: Estimate, second: Estimate, first_step: int, second_step: int
) -> tuple[float, float] | None:
    """Return how far one mean is above another over the same episodes, and its ci95.

    Pairing takes out what makes an episode hard for both.

    Args:
        first: The one.
        second: The other, over the same episodes in the same order.
        first_step: After which inner step of the first.
        second_step: Likewise.

    Returns:
        See `mean_difference`; None where the episodes were not kept.
    """
    if first.by_episode is None or second.by_episode is None:
        return None
    difference = first.by_episode[:, first_step] - second.by_episode[:, second_step]
    return mean_difference(difference, first.queries)


def differences_by_step(
    first: Estimate, second: Estimate
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return `paired_difference` after each inner step, and the ci95s; None likewise.

    What takes no step has one accuracy, which is compared with each of the other's.
    """
    ends = len(first.accuracy) - 1, len(second.accuracy) - 1
    steps = range(max(ends) + 1)
    pairs = [paired_difference(first, second, *(min(step, end) for end in ends)) for step in steps]
    known = [pair for pair in pairs if pair]
    return (tuple(mean for mean, _ in known), tuple(half for _, half in known)) if known else None


def mean_difference(differences: Tensor, queries: int) -> tuple[float, float]:
    """Return the mean of paired differences of accuracies and its ci95, −1 to 1.

    The interval is Student's t, of a standard error of at least one query in all episodes: in few
    episodes two methods often err on the same queries, and t alone covers the true difference 23 %
    of the time at n = 2 and 70 % at 10 (5-way 5-shot, MAML − Pretrained of the paper split), this
    93 % or more; from 50 episodes on the two are alike. `python -m
    benchmarks.studies.interval_coverage` measures that.

    Args:
        differences: By episode, [n]; for n = 1 the half-width is NaN.
        queries: Of an episode.
    """
    (mean,), (half,) = mean_and_ci95(differences[:, None], 1 / (len(differences) * queries))
    return mean, half


def _mean_accuracy(accuracies: np.ndarray, queries: int) -> np.ndarray:
    """Return the mean over episodes [n, m] of shares of their queries, [m].

    It is the number of correct queries over that of all, free of what rounding each share adds.
    """
    counts = accuracies * queries
    correct = np.rint(counts)
    if not np.allclose(counts, correct, rtol=0, atol=1e-3):  # averages themselves
        mean: np.ndarray = accuracies.mean(0)
        return mean
    share: np.ndarray = correct.sum(0) / (len(accuracies) * queries)
    return share


def accuracy_ci95(mean: np.ndarray, standard_error: np.ndarray, n: int, queries: int) -> np.ndarray:
    """Return the half-width of an accuracy's 95 % interval, see the top of this file, [m].

    Args:
        mean: The accuracy, 0 to 1, [m].
        standard_error: Of the mean, estimated from the episodes or clusters, [m].
        n: The number of episodes or clusters, taken as the degrees of freedom because that gave the
            best coverage; for n = 1 the result is NaN.
        queries: Total number. The standard error is at least that of one query, so that an error
            rate of zero has an upper bound.
    """
    if n < 2:
        return np.full_like(mean, math.nan)
    smoothed = (mean * queries + 0.5) / (queries + 1)
    independent = smoothed * (1 - smoothed) / np.maximum(standard_error, 1 / queries) ** 2
    z2 = float(stdtrit(n, (1 + LEVEL) / 2)) ** 2 / independent
    centre = (mean + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * mean * (1 - mean) + z2**2 / 4) / (1 + z2)
    symmetric: np.ndarray = half + np.abs(mean - centre)
    return symmetric


def plus_minus(value: float, half_width: float, digits: int = 1) -> str:
    """Return 'value ± half-width', or 'value' alone where the half-width is NaN.

    Both have one digit more where these would say that a half-width is 0 which is not.
    """
    if half_width > 0 and round(half_width, digits) == 0:
        digits += 1
    interval = "" if math.isnan(half_width) else f" ± {half_width:.{digits}f}"
    return f"{value:.{digits}f}{interval}"


def percent(accuracy: float, ci95: float, digits: int = 1) -> str:
    """Return an accuracy and its half-width, both 0 to 1, in %: '98.6 ± 0.2', or '98.6'."""
    return plus_minus(100 * accuracy, 100 * ci95, digits)


def in_points(difference: float, ci95: float, digits: int = 1) -> str:
    """Return a difference and its half-width, −1 to 1, in points with its sign: '+1.3 ± 0.2'."""
    text = percent(difference, ci95, digits)
    return f"−{text[1:]}" if text.startswith("-") else f"+{text}"
