"""Curvature of the support loss at a point, and how much one inner step decreases the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from maml_core.episodes.sampling import Episode
from maml_core.landscape.hessian import extreme_eigenvalues, second_order
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import cross_entropy
from maml_core.networks.functional import for_n_way
from maml_core.networks.meta_params import LrMultipliers, StepMultipliers, multipliers_for_n_way
from maml_core.networks.params import Params, add, flatten, subtract
from maml_core.optimisation.thread_pool import map_in_parallel

STEP_FRACTIONS = tuple(i / 8 for i in range(33))  # of the first step, to four times its length


@dataclass(frozen=True)
class Curvature:
    """The support loss L around a point θ, to second order.

    Where the gradient or the Hessian is not finite, what depends on it is not a number.

    Attributes:
        loss: L(θ), nats.
        gradient_norm: ‖g‖, g = ∇L(θ).
        largest_eigenvalues: Of the Hessian H, in descending order; see `hessian`.
        smallest_eigenvalue: Below 0 where the loss curves downwards somewhere.
        along_gradient: gᵀHg / ‖g‖², the curvature in the direction of steepest descent; not a
            number where the gradient is zero.
        inner_lr: α.
        predicted_decrease: −gᵀd − ½ dᵀHd, the decrease of the quadratic model by one inner step d.
        loss_decrease: L(θ) − L(θ + d).
        step_fractions: Lengths at which the loss along that step is computed, in steps; 1 is the
            step itself.
        loss_along_step: The loss there.
        predicted_along_step: That of the quadratic model.
        n_hvp: How many Hessian-vector products the eigenvalues took.
        converged: Whether the eigenvalues converged.
    """

    loss: float
    gradient_norm: float
    largest_eigenvalues: tuple[float, ...]
    smallest_eigenvalue: float
    along_gradient: float
    inner_lr: float
    predicted_decrease: float
    loss_decrease: float
    step_fractions: tuple[float, ...]
    loss_along_step: tuple[float, ...]
    predicted_along_step: tuple[float, ...]
    n_hvp: int
    converged: bool


def curvature(
    model: nn.Module,
    params: Params,
    x: Tensor,
    y: Tensor,
    *,
    inner_lr: float,
    lr_multipliers: LrMultipliers | StepMultipliers | None = None,
) -> Curvature:
    """Measure the curvature of the support loss at a point.

    Args:
        model: The network.
        params: θ, with a head of N rows.
        x: Support pictures, [n_way * k_shot, 1, 28, 28].
        y: Their labels, [n_way * k_shot].
        inner_lr: α > 0 of the one step whose decrease is predicted and measured.
        lr_multipliers: As in `adapt`.
    """
    loss_fn = partial(_support_loss, model, x, y)
    value, gradient, product = second_order(loss_fn, params)
    eigenvalues = extreme_eigenvalues(product, gradient)
    trajectory = adapt(
        model,
        params,
        x,
        y,
        inner_lr=inner_lr,
        inner_steps=1,
        differentiable=False,
        lr_multipliers=lr_multipliers,
    )
    move = subtract(trajectory[-1], params)
    step = flatten(move.values())
    slope, bend = float(gradient @ step), float(step @ product(step))
    with torch.no_grad():
        along = [float(loss_fn(add(params, move, fraction))) for fraction in STEP_FRACTIONS]
    norm = float(gradient.norm())
    return Curvature(
        loss=value,
        gradient_norm=norm,
        largest_eigenvalues=eigenvalues.largest,
        smallest_eigenvalue=eigenvalues.smallest,
        along_gradient=float(gradient @ product(gradient)) / norm**2 if norm else float("nan"),
        inner_lr=inner_lr,
        predicted_decrease=-slope - bend / 2,
        loss_decrease=value - along[STEP_FRACTIONS.index(1.0)],
        step_fractions=STEP_FRACTIONS,
        loss_along_step=tuple(along),
        predicted_along_step=tuple(value + t * slope + t**2 * bend / 2 for t in STEP_FRACTIONS),
        n_hvp=eigenvalues.n_hvp,
        converged=eigenvalues.converged,
    )


def _support_loss(model: nn.Module, x: Tensor, y: Tensor, params: Params) -> Tensor:
    return cross_entropy(model, params, x, y)


def learner_curvatures(learners: Mapping[str, Learner], episode: Episode) -> dict[str, Curvature]:
    """Measure the curvature of an episode's support loss at each learner's θ, with its own α."""
    return map_in_parallel(partial(_at_initialisation, episode), learners)


def _at_initialisation(episode: Episode, learner: Learner) -> Curvature:
    n_way, task = episode.spec.n_way, episode.task
    return curvature(
        learner.model,
        for_n_way(learner.params, n_way),
        task.support_x,
        task.support_y,
        inner_lr=learner.inner_lr(n_way),
        lr_multipliers=multipliers_for_n_way(learner.lr_multipliers, n_way),
    )
