"""A mean over episodes and its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Z_95 = 1.959964  # two-sided 95 % quantile of the normal distribution


@dataclass(frozen=True)
class Estimate:
    """A mean over episodes so far.

    Attributes:
        episodes: How many.
        accuracy: Mean query accuracy after each inner step, [inner_steps + 1], 0 to 1.
        ci95: Half-width of its 95 % confidence interval over episodes, likewise; 0 for one.
    """

    episodes: int
    accuracy: tuple[float, ...]
    ci95: tuple[float, ...]


def mean_and_ci95(values: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and 1.96 s / √n over n of values [n, m], each [m]; the second is 0 for n = 1."""
    n, exact = len(values), values.double()
    spread = exact.std(0, correction=1) if n > 1 else torch.zeros_like(exact[0])
    return tuple(exact.mean(0).tolist()), tuple((Z_95 * spread / n**0.5).tolist())


def estimate(accuracies: Tensor) -> Estimate:
    """Return mean ± 1.96 s / √n of accuracies [n_episodes, inner_steps + 1]."""
    return Estimate(len(accuracies), *mean_and_ci95(accuracies))
