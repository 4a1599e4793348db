"""Toy worlds: a few tasks whose losses are parabolas; where each method ends can be written down.

Task i has the loss Lᵢ(θ) = ½ (θ − cᵢ)ᵀ Aᵢ (θ − cᵢ) with its centre cᵢ and its curvature Aᵢ, and
support and query set are one. A step of gradient descent multiplies θ − cᵢ by I − αAᵢ, so every
method's meta-gradient is linear, mean Wᵢ (θ − cᵢ), and it ends at a mean of the centres, each
counting as much as its Wᵢ in `WEIGHTS`. α is `inner_lr`, k `inner_steps`, β `meta_lr`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.linalg import matrix_power

from maml_core.config import AdaptConfig, check_choice

N_TASKS = (2, 4)
N_PARAMS = (1, 2)
META_SHARE = 0.1  # of the β that would go to the steepest task's centre at once
FLAT = 1e-9  # a pull below this share of the largest task's holds θ nowhere

Valley = tuple[tuple[float, ...], tuple[float, ...], float]
"""Centre, curvature along each axis of the valley, and by how many degrees these are turned."""

_LAYOUTS: dict[str, dict[int, tuple[Valley, ...]]] = {
    # By the number of parameters; of four tasks two make a world of their own, see `world`.
    "Steep and flat": {
        1: (
            *(((-2.0,), (3.0,), 0.0), ((2.0,), (0.5,), 0.0)),
            *(((-3.0,), (2.5,), 0.0), ((3.0,), (0.4,), 0.0)),
        ),
        2: (
            *(((-1.8, -1.8), (3.0, 0.5), 0.0), ((1.8, 1.8), (0.5, 3.0), 0.0)),
            *(((-1.2, -2.8), (3.0, 0.4), 0.0), ((2.8, 1.2), (0.4, 3.0), 0.0)),
        ),
    },
    "Same curvature": {
        1: tuple(((c,), (1.0,), 0.0) for c in (-2.0, 1.5, 3.0, -0.5)),
        2: tuple(
            (c, (1.0, 1.0), 0.0) for c in ((-2.0, -2.0), (2.0, 1.0), (-2.0, 2.0), (1.0, -2.0))
        ),
    },
    "All different": {
        1: (
            *(((-2.5,), (0.8,), 0.0), ((1.5,), (2.4,), 0.0)),
            *(((3.0,), (1.2,), 0.0), ((-1.0,), (0.4,), 0.0)),
        ),
        2: (
            *(((-2.0, -2.0), (3.0, 0.6), 30.0), ((2.0, 2.0), (1.5, 0.4), -50.0)),
            *(((2.0, -2.0), (1.2, 0.5), -60.0), ((-2.0, 2.0), (0.8, 0.4), 0.0)),
        ),
    },
}
LAYOUTS = tuple(_LAYOUTS)


@dataclass(frozen=True, eq=False)
class World:
    """A few tasks.

    Attributes:
        centres: c, float64 [n_tasks, n_params].
        curvatures: A, float64 [n_tasks, n_params, n_params], symmetric, eigenvalues above 0.
    """

    centres: np.ndarray
    curvatures: np.ndarray


def world(layout: str, n_tasks: int, n_params: int) -> World:
    """Return the tasks of a layout.

    Args:
        layout: One of `LAYOUTS`.
        n_tasks: 2 or 4; the two are the first of the four.
        n_params: 1 or 2.

    Raises:
        ValueError: There is no such world.
    """
    check_choice("layout", layout, LAYOUTS)
    for name, value, choices in (("n_tasks", n_tasks, N_TASKS), ("n_params", n_params, N_PARAMS)):
        if value not in choices:
            raise ValueError(f"{name} is {value}; choose one of {choices}.")
    valleys = _LAYOUTS[layout][n_params][:n_tasks]
    return World(
        np.array([centre for centre, _, _ in valleys]),
        np.stack([_turned(np.diag(along), degrees) for _, along, degrees in valleys]),
    )


def _turned(curvature: np.ndarray, degrees: float) -> np.ndarray:
    if len(curvature) == 1:
        return curvature
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[cos, -sin], [sin, cos]])
    found: np.ndarray = turn @ curvature @ turn.T
    return found


def losses(world: World, points: np.ndarray) -> np.ndarray:
    """Return each task's loss, [n_tasks], at one point, or at points [n_tasks, n_params]."""
    away = points - world.centres
    found: np.ndarray = np.einsum("ti,tij,tj->t", away, world.curvatures, away) / 2
    return found


def adapted(world: World, theta: np.ndarray, config: AdaptConfig) -> np.ndarray:
    """Return where the inner loop leads on each task, [n_tasks, inner_steps + 1, n_params].

    θ′ᵢ = cᵢ + (I − αAᵢ)ᵏ (θ − cᵢ) for k = 0 … inner_steps: the points that
    `inner_loop.adapt` visits on these losses.

    Args:
        world: The tasks.
        theta: θ, [n_params].
        config: α and the inner steps.
    """
    left = [_left(world.curvatures, config.inner_lr, k) for k in range(config.inner_steps + 1)]
    found: np.ndarray = world.centres[:, None] + np.einsum(
        "ktij,tj->tki", np.stack(left), theta - world.centres
    )
    return found


def _left(curvatures: np.ndarray, inner_lr: float, steps: int) -> np.ndarray:
    """Return (I − αA)ᵏ: what k inner steps leave of the way to the centre."""
    return matrix_power(np.eye(curvatures.shape[-1]) - inner_lr * curvatures, steps)


WEIGHTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    # ∇_θ Lᵢ(θ′ᵢ) through the inner loop (Finn et al. 2017, arXiv:1703.03400, Algorithm 1, line 10).
    "maml": lambda curvature, left: left @ curvature @ left,
    # ∇Lᵢ at θ′ᵢ, ∂θ′/∂θ taken as the identity (section 5.2 there).
    "fomaml": lambda curvature, left: curvature @ left,
    # θ − θ′ᵢ (Nichol et al. 2018, arXiv:1803.02999, Algorithm 2); of one step it is α ∇Lᵢ(θ).
    "reptile": lambda curvature, left: np.eye(curvature.shape[-1]) - left,
    # ∇Lᵢ(θ): no inner loop.
    "joint": lambda curvature, left: curvature,
}
"""(Aᵢ, (I − αAᵢ)ᵏ) → Wᵢ by method: its meta-gradient is mean Wᵢ (θ − cᵢ)."""


def weights(world: World, method: str, config: AdaptConfig) -> np.ndarray:
    """Return how much each task's centre counts for a method, W, [n_tasks, n_params, n_params]."""
    left = _left(world.curvatures, config.inner_lr, config.inner_steps)
    return WEIGHTS[method](world.curvatures, left)


def end(world: World, method: str, config: AdaptConfig) -> np.ndarray | None:
    """Return where a method's meta-training ends, (Σ Wᵢ)⁻¹ Σ Wᵢ cᵢ, [n_params].

    None: nowhere, because in some direction its meta-gradient is zero or leads away.
    """
    each = weights(world, method, config)
    pull = np.linalg.eigvalsh(each.sum(0))
    if pull[0] <= FLAT * np.abs(each).max():
        return None
    return np.linalg.solve(each.sum(0), np.einsum("tij,tj->i", each, world.centres))


def meta_lr(world: World, method: str, config: AdaptConfig) -> float:
    """Return a β for each method, so that all come down at a like pace; 0 where nothing pulls.

    It is a tenth of 1 / λ, with λ the mean over the tasks of Wᵢ's largest eigenvalue by size: the
    methods' meta-gradients differ in length by orders of magnitude, and β changes no end.
    """
    steepest = np.abs(np.linalg.eigvalsh(weights(world, method, config))).max(-1).mean()
    return META_SHARE / float(steepest) if steepest else 0.0


def meta_update(world: World, method: str, config: AdaptConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return a method's update of θ, θ − β mean Wᵢ (θ − cᵢ), as a matrix and an offset.

    Returns:
        M [n_params, n_params] and b [n_params]; an update takes θ to Mθ + b.
    """
    each = meta_lr(world, method, config) * weights(world, method, config)
    return (
        np.eye(each.shape[-1]) - each.mean(0),
        np.einsum("tij,tj->ti", each, world.centres).mean(0),
    )


def level(curvature: np.ndarray) -> np.ndarray:
    """Return A^(−½), [n_params, n_params]: it makes of the unit circle the level ½ δᵀAδ = ½."""
    along, axes = np.linalg.eigh(curvature)
    found: np.ndarray = (axes / np.sqrt(along)) @ axes.T
    return found
