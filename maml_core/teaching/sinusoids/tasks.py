"""Sinusoid regression (Finn et al. 2017, section 5.1): y = A sin(x − φ), known by K points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maml_core.config import SinusoidConfig
from maml_core.episodes.sampling import episode_generator
from maml_core.episodes.task_batch import TaskBatch

AMPLITUDES, PHASES, X_RANGE = (0.1, 5.0), (0.0, math.pi), (-5.0, 5.0)
GRID_SIZE = 101  # evenly spaced x of `X_RANGE` at which curves are drawn and errors measured
# Of the sequence of sinusoids on display; the first one is tall, and unlike the mean of them all.
DISPLAY_SEED = 1_000_012


class Sinusoids(NamedTuple):
    """B sinusoids y = A sin(x − φ).

    Attributes:
        amplitude: A, 0.1 to 5.0, [B].
        phase: φ, 0 to π, [B].
    """

    amplitude: Tensor
    phase: Tensor

    def targets(self, x: Tensor) -> Tensor:
        """Return y at x [B, n], likewise [B, n]."""
        return self.amplitude[:, None] * torch.sin(x - self.phase[:, None])


@dataclass(frozen=True)
class Sinusoid:
    """One sinusoid y = A sin(x − φ).

    Attributes:
        amplitude: A, 0.1 to 5.0.
        phase: φ, 0 to π.
    """

    amplitude: float
    phase: float

    def targets(self, x: np.ndarray) -> np.ndarray:
        """Return y at x."""
        y: np.ndarray = self.amplitude * np.sin(x - self.phase)
        return y


def x_grid() -> np.ndarray:
    """Return the x at which curves are drawn and errors measured, [GRID_SIZE]."""
    return np.linspace(*X_RANGE, GRID_SIZE)


def sample_sinusoids(n: int, generator: torch.Generator) -> Sinusoids:
    """Sample n sinusoids, amplitude and phase uniformly."""
    shares = torch.rand(2, n, generator=generator)
    ranges = zip(shares, (AMPLITUDES, PHASES), strict=True)
    return Sinusoids(*(low + share * (high - low) for share, (low, high) in ranges))


def sample_x(
    n_tasks: int, n_points: int, generator: torch.Generator, left_half: bool = False
) -> Tensor:
    """Sample x uniformly from `X_RANGE`, or from its left half, [n_tasks, n_points].

    Point by point: a larger sample begins with the points of a smaller one.
    """
    low, high = X_RANGE
    shares = torch.rand(n_points, n_tasks, generator=generator).T
    return low + shares * (high - low) * (0.5 if left_half else 1)


def sample_meta_batch(
    config: SinusoidConfig, generator: torch.Generator
) -> tuple[Sinusoids, TaskBatch]:
    """Sample a meta-batch of B sinusoids, with K support points and Q query points of each.

    Returns:
        The sinusoids, and their points: x as pictures of one pixel, [B, K, 1, 1, 1] and
        [B, Q, 1, 1, 1]; y [B, K, 1] and [B, Q, 1].
    """
    sinusoids = sample_sinusoids(config.meta_batch_size, generator)
    x = sample_x(config.meta_batch_size, config.k_shot + config.q_query, generator)
    y, k = sinusoids.targets(x)[..., None], config.k_shot
    x = x[..., None, None, None]
    return sinusoids, TaskBatch(x[:, :k], y[:, :k], x[:, k:], y[:, k:])


def displayed_sinusoid(seed: int) -> Sinusoid:
    """Return the sinusoid that a seed stands for on the page."""
    sinusoids = sample_sinusoids(1, episode_generator(DISPLAY_SEED, seed))
    return Sinusoid(float(sinusoids.amplitude[0]), float(sinusoids.phase[0]))


def displayed_support(
    seed: int, k_shot: int, support_in_left_half: bool
) -> list[tuple[float, float]]:
    """Return K points of a seed's sinusoid, x and y; a larger K begins with the same points.

    With `support_in_left_half` they lie in the left half of `X_RANGE`, in the same order.
    """
    sinusoid, generator = displayed_sinusoid(seed), episode_generator(DISPLAY_SEED, seed)
    sample_sinusoids(1, generator)  # the sinusoid's own numbers come first
    x = sample_x(1, k_shot, generator, support_in_left_half)[0].double().numpy()
    return list(zip(x.tolist(), sinusoid.targets(x).tolist(), strict=True))
