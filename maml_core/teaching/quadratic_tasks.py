"""Toy worlds: a few tasks with quadratic losses; each method's solution has a closed form.

Task i has the loss Lᵢ(θ) = ½ (θ − cᵢ)ᵀ Aᵢ (θ − cᵢ) with its centre cᵢ and its curvature Aᵢ;
support and query set are the same. A step of gradient descent multiplies θ − cᵢ by I − αAᵢ, so
every method's meta-gradient is linear, mean Wᵢ (θ − cᵢ), and meta-training converges to a weighted
mean of the centres, each weighted by its Wᵢ (`CENTRE_WEIGHTS`). α is `inner_lr`, k `inner_steps`,
β `meta_lr`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.linalg import matrix_power

from maml_core.config import AdaptConfig, check_choice

N_TASKS = (2, 4)
N_PARAMS = (1, 2)
META_LR_FRACTION = 0.1  # of the β that would take θ to the steepest task's centre in one update
MIN_RELATIVE_CURVATURE = 1e-9  # Σ Wᵢ with an eigenvalue below this share of max |W| has no minimum


class QuadraticTask(NamedTuple):
    """One task's loss ½ (θ − c)ᵀ A (θ − c).

    Attributes:
        centre: c, [n_params].
        eigenvalues: Of A, all above 0, [n_params].
        rotation: Of A's axes, in degrees; of one parameter there is nothing to rotate.
    """

    centre: tuple[float, ...]
    eigenvalues: tuple[float, ...]
    rotation: float = 0.0


_LAYOUTS: dict[str, dict[int, tuple[QuadraticTask, ...]]] = {
    # By the number of parameters. The first two of the four tasks are a world of their own.
    "Steep and flat": {
        1: (
            QuadraticTask((-2.0,), (3.0,)),
            QuadraticTask((2.0,), (0.5,)),
            QuadraticTask((-3.0,), (2.5,)),
            QuadraticTask((3.0,), (0.4,)),
        ),
        2: (
            QuadraticTask((-1.8, -1.8), (3.0, 0.5)),
            QuadraticTask((1.8, 1.8), (0.5, 3.0)),
            QuadraticTask((-1.2, -2.8), (3.0, 0.4)),
            QuadraticTask((2.8, 1.2), (0.4, 3.0)),
        ),
    },
    "Same curvature": {
        1: tuple(QuadraticTask((c,), (1.0,)) for c in (-2.0, 1.5, 3.0, -0.5)),
        2: tuple(
            QuadraticTask(c, (1.0, 1.0))
            for c in ((-2.0, -2.0), (2.0, 1.0), (-2.0, 2.0), (1.0, -2.0))
        ),
    },
    "All different": {
        1: (
            QuadraticTask((-2.5,), (0.8,)),
            QuadraticTask((1.5,), (2.4,)),
            QuadraticTask((3.0,), (1.2,)),
            QuadraticTask((-1.0,), (0.4,)),
        ),
        2: (
            QuadraticTask((-2.0, -2.0), (3.0, 0.6), 30.0),
            QuadraticTask((2.0, 2.0), (1.5, 0.4), -50.0),
            QuadraticTask((2.0, -2.0), (1.2, 0.5), -60.0),
            QuadraticTask((-2.0, 2.0), (0.8, 0.4)),
        ),
    },
}
LAYOUTS = tuple(_LAYOUTS)


@dataclass(frozen=True, eq=False)
class ToyWorld:
    """A few quadratic tasks.

    Attributes:
        centres: c, float64 [n_tasks, n_params].
        curvatures: A, float64 [n_tasks, n_params, n_params], symmetric, eigenvalues above 0.
    """

    centres: np.ndarray
    curvatures: np.ndarray


def toy_world(layout: str, n_tasks: int, n_params: int) -> ToyWorld:
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
    tasks = _LAYOUTS[layout][n_params][:n_tasks]
    return ToyWorld(
        np.array([task.centre for task in tasks]),
        np.stack([_rotated(np.diag(task.eigenvalues), task.rotation) for task in tasks]),
    )


def _rotated(curvature: np.ndarray, degrees: float) -> np.ndarray:
    if len(curvature) == 1:
        return curvature
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    rotation = np.array([[cos, -sin], [sin, cos]])
    rotated: np.ndarray = rotation @ curvature @ rotation.T
    return rotated


def task_losses(world: ToyWorld, points: np.ndarray) -> np.ndarray:
    """Return each task's loss, [n_tasks], at one point, or at points [n_tasks, n_params]."""
    offsets = points - world.centres
    losses: np.ndarray = np.einsum("ti,tij,tj->t", offsets, world.curvatures, offsets) / 2
    return losses


def inner_loop_trajectories(world: ToyWorld, theta: np.ndarray, config: AdaptConfig) -> np.ndarray:
    """Return where the inner loop leads on each task, [n_tasks, inner_steps + 1, n_params].

    θ′ᵢ = cᵢ + (I − αAᵢ)ᵏ (θ − cᵢ) for k = 0 … inner_steps: the points that
    `inner_loop.adapt` visits on these losses.

    Args:
        world: The tasks.
        theta: θ, [n_params].
        config: α and the inner steps.
    """
    jacobians = [
        _inner_loop_jacobian(world.curvatures, config.inner_lr, k)
        for k in range(config.inner_steps + 1)
    ]
    points: np.ndarray = world.centres[:, None] + np.einsum(
        "ktij,tj->tki", np.stack(jacobians), theta - world.centres
    )
    return points


def _inner_loop_jacobian(curvatures: np.ndarray, inner_lr: float, steps: int) -> np.ndarray:
    """Return ∂θ′/∂θ = (I − αA)ᵏ: what k inner steps leave of the offset from the centre."""
    return matrix_power(np.eye(curvatures.shape[-1]) - inner_lr * curvatures, steps)


def _implicit_weight(curvature: np.ndarray, proximal: float) -> np.ndarray:
    """Return λ² (A + λI)⁻¹ A (A + λI)⁻¹: the minimum of L + λ/2 |φ − θ|² is at λ (A + λI)⁻¹ (θ − c)
    from the centre, and moves with θ by the same matrix.
    """
    left = proximal * np.linalg.inv(curvature + proximal * np.eye(curvature.shape[-1]))
    weight: np.ndarray = left @ curvature @ left
    return weight


CENTRE_WEIGHTS: dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    # ∇_θ Lᵢ(θ′ᵢ) through the inner loop (Finn et al. 2017, arXiv:1703.03400, Algorithm 1, line 8).
    "maml": lambda curvature, jacobian, _: jacobian @ curvature @ jacobian,
    # ∇Lᵢ at θ′ᵢ, ∂θ′/∂θ taken as the identity (section 5.2 there).
    "fomaml": lambda curvature, jacobian, _: curvature @ jacobian,
    # θ − θ′ᵢ (Nichol et al. 2018, arXiv:1803.02999, Algorithm 2) with plain gradient descent as
    # its inner optimiser; for one step it is α ∇Lᵢ(θ).
    "reptile": lambda curvature, jacobian, _: np.eye(curvature.shape[-1]) - jacobian,
    # ∇_θ Lᵢ(φ*ᵢ), φ*ᵢ the minimum of Lᵢ + λ/2 |φ − θ|² (Rajeswaran et al. 2019, arXiv:1909.04630).
    "imaml": lambda curvature, _, proximal: _implicit_weight(curvature, proximal),
    # ∇Lᵢ(θ): no inner loop.
    "multi_task": lambda curvature, *_: curvature,
}
"""(Aᵢ, (I − αAᵢ)ᵏ, λ) → Wᵢ by method: its meta-gradient is mean Wᵢ (θ − cᵢ)."""


def proximal_of(config: AdaptConfig) -> float:
    """Return iMAML's λ here, 1 / (αk): it holds φ about as near to θ as k steps of α get."""
    return 1 / (config.inner_lr * config.inner_steps)


def centre_weights(world: ToyWorld, method: str, config: AdaptConfig) -> np.ndarray:
    """Return how much each task's centre counts for a method, W, [n_tasks, n_params, n_params]."""
    jacobian = _inner_loop_jacobian(world.curvatures, config.inner_lr, config.inner_steps)
    return CENTRE_WEIGHTS[method](world.curvatures, jacobian, proximal_of(config))


def closed_form_solution(world: ToyWorld, method: str, config: AdaptConfig) -> np.ndarray | None:
    """Return the θ that a method's meta-training converges to, (Σ Wᵢ)⁻¹ Σ Wᵢ cᵢ, [n_params].

    None: it does not converge, because in some direction the meta-gradient is zero or leads away.
    """
    weights = centre_weights(world, method, config)
    curvature = np.linalg.eigvalsh(weights.sum(0))
    if curvature[0] <= MIN_RELATIVE_CURVATURE * np.abs(weights).max():
        return None
    return np.linalg.solve(weights.sum(0), np.einsum("tij,tj->i", weights, world.centres))


def meta_lr(world: ToyWorld, method: str, config: AdaptConfig) -> float:
    """Return a β for each method at which all converge at a similar pace; 0 if no task pulls.

    It is a tenth of 1 / λ, with λ the mean over the tasks of Wᵢ's largest eigenvalue in absolute
    value: the methods' meta-gradients differ in length by orders of magnitude, and β does not
    change the solution.
    """
    weights = centre_weights(world, method, config)
    steepest = np.abs(np.linalg.eigvalsh(weights)).max(-1).mean()
    return META_LR_FRACTION / float(steepest) if steepest else 0.0


def affine_meta_update(
    world: ToyWorld, method: str, config: AdaptConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Return a method's update of θ, θ − β mean Wᵢ (θ − cᵢ), as a matrix and an offset.

    Returns:
        M [n_params, n_params] and b [n_params]; an update takes θ to Mθ + b.
    """
    weights = meta_lr(world, method, config) * centre_weights(world, method, config)
    return (
        np.eye(weights.shape[-1]) - weights.mean(0),
        np.einsum("tij,tj->ti", weights, world.centres).mean(0),
    )


def inverse_square_root(curvature: np.ndarray) -> np.ndarray:
    """Return A^(−½), [n_params, n_params]: it maps the unit circle to the level set ½ δᵀAδ = ½."""
    eigenvalues, axes = np.linalg.eigh(curvature)
    root: np.ndarray = (axes / np.sqrt(eigenvalues)) @ axes.T
    return root
