"""How the support loss bends at a point: Hessian eigenvalues, and what one step wins.

The Hessian H of the support loss is never formed: the products Hv of a gradient's gradient are
exact, and a few dozen of them give its extreme eigenvalues (Lanczos 1950).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from maml_core.episodes.sampling import Episode
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import LrMultipliers, adapt
from maml_core.methods.losses import loss
from maml_core.networks.functional import for_n_way
from maml_core.networks.params import Params, add, subtract
from maml_core.optimisation.thread_pool import map_in_parallel

MAX_PRODUCTS = 64  # Hessian-vector products; at 5-way 1-shot about 20 suffice
TOLERANCE = 1e-3  # of an eigenvalue, relative to the largest
EIGENVALUES = 3  # how many of the largest are wanted
SHARES = tuple(i / 8 for i in range(33))  # of the first step, to four times its length
START_SEED = 0  # of the direction that the iteration starts from; the result does not depend on it


@dataclass(frozen=True)
class Curvature:
    """The support loss L around a point θ, to second order.

    Attributes:
        loss: L(θ), nats.
        gradient_norm: ‖g‖, g = ∇L(θ).
        eigenvalues: The largest of the Hessian, in falling order; equal ones are found once.
        lowest: Its smallest eigenvalue; below 0 where the loss bends downwards somewhere.
        along_gradient: gᵀHg / ‖g‖², the bend in the direction of steepest descent; not a number
            where the gradient is zero.
        inner_lr: α.
        predicted_drop: What the quadratic model −gᵀd − ½ dᵀHd says that one inner step d wins.
        actual_drop: L(θ) − L(θ + d).
        shares: Lengths at which the way of that step is measured, in steps; 1 is the step itself.
        along_step: The loss there.
        predicted_along_step: What the quadratic model says it is.
        products: How many Hessian-vector products the eigenvalues took.
        settled: Whether they settled to `TOLERANCE` within `MAX_PRODUCTS`.
    """

    loss: float
    gradient_norm: float
    eigenvalues: tuple[float, ...]
    lowest: float
    along_gradient: float
    inner_lr: float
    predicted_drop: float
    actual_drop: float
    shares: tuple[float, ...]
    along_step: tuple[float, ...]
    predicted_along_step: tuple[float, ...]
    products: int
    settled: bool


def curvature(
    model: nn.Module,
    params: Params,
    x: Tensor,
    y: Tensor,
    *,
    inner_lr: float,
    lr_multipliers: LrMultipliers | None = None,
) -> Curvature:
    """Measure how the support loss bends at a point.

    Args:
        model: The network.
        params: θ, with a head of N rows.
        x: Support pictures, [n_way * k_shot, 1, 28, 28].
        y: Their labels, [n_way * k_shot].
        inner_lr: α > 0 of the one step whose win is predicted and measured.
        lr_multipliers: As in `adapt`.
    """
    value, gradient, product = _second_order(model, params, x, y)
    ritz, products, settled = _lanczos(product, gradient)
    norm = float(gradient.norm())
    along = float(gradient @ product(gradient)) / norm**2 if norm else float("nan")
    stepped = adapt(
        model,
        params,
        x,
        y,
        inner_lr=inner_lr,
        inner_steps=1,
        differentiable=False,
        lr_multipliers=lr_multipliers,
    )[-1]
    move = subtract(stepped, params)
    step = _flat(move.values())
    fall, bend = -float(gradient @ step), float(step @ product(step))
    with torch.no_grad():
        after = [float(loss(model, add(params, move, share), x, y)) for share in SHARES]
    return Curvature(
        loss=value,
        gradient_norm=norm,
        eigenvalues=tuple(ritz[::-1][:EIGENVALUES].tolist()),
        lowest=float(ritz[0]),
        along_gradient=along,
        inner_lr=inner_lr,
        predicted_drop=fall - bend / 2,
        actual_drop=value - after[SHARES.index(1.0)],
        shares=SHARES,
        along_step=tuple(after),
        predicted_along_step=tuple(value - t * fall + t**2 * bend / 2 for t in SHARES),
        products=products,
        settled=settled,
    )


def curvatures(learners: Mapping[str, Learner], episode: Episode) -> dict[str, Curvature]:
    """Measure how an episode's support loss bends at each learner's θ, with its own α."""
    n_way, task = episode.spec.n_way, episode.task

    def measure(learner: Learner) -> Curvature:
        return curvature(
            learner.model,
            for_n_way(learner.params, n_way),
            task.support_x,
            task.support_y,
            inner_lr=learner.inner_lr(n_way),
            lr_multipliers=learner.lr_multipliers,
        )

    return map_in_parallel(measure, learners)


def _second_order(
    model: nn.Module, params: Params, x: Tensor, y: Tensor
) -> tuple[float, Tensor, Callable[[Tensor], Tensor]]:
    """Return the loss, its gradient as one vector, and v ↦ Hv on such vectors."""
    leaves = {name: value.detach().requires_grad_() for name, value in params.items()}
    inputs = list(leaves.values())
    with torch.enable_grad():
        value = loss(model, leaves, x, y)
        slopes = torch.autograd.grad(value, inputs, create_graph=True)
        gradient = _flat(slopes)

    def product(vector: Tensor) -> Tensor:
        # allow_unused: a loss that is linear in a parameter has no second derivative in it.
        bends = torch.autograd.grad(
            gradient, inputs, vector, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return _flat(bends)

    return float(value.detach()), gradient.detach(), product


def _lanczos(product: Callable[[Tensor], Tensor], like: Tensor) -> tuple[np.ndarray, int, bool]:
    """Return approximate eigenvalues of a symmetric operator in rising order, the ends first exact.

    All earlier directions are kept and removed from each new one: rounding would otherwise bring
    eigenvalues back as copies of themselves.

    Args:
        product: v ↦ Hv.
        like: A vector of the right size and type.

    Returns:
        The Ritz values, how many products they took, and whether the wanted ones settled.
    """
    generator = torch.Generator().manual_seed(START_SEED)
    vector = torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)
    basis = [vector / vector.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    for count in range(1, min(MAX_PRODUCTS, len(like)) + 1):
        image = product(basis[-1])
        diagonal.append(float(image @ basis[-1]))
        known = torch.stack(basis)
        for _ in range(2):  # once leaves rounding errors behind
            image = image - known.T @ (known @ image)
        beside.append(float(image.norm()))
        values, weights = _tridiagonal(diagonal, beside)
        errors = beside[-1] * np.abs(weights[-1])  # of each Ritz value, at most
        wanted = [0, *range(max(len(values) - EIGENVALUES, 0), len(values))]
        size = max(abs(values[0]), abs(values[-1]))
        if count >= EIGENVALUES and errors[wanted].max() <= TOLERANCE * size:
            return values, count, True
        basis.append(image / beside[-1])
    return values, count, count == len(like)


def _tridiagonal(diagonal: list[float], beside: list[float]) -> tuple[np.ndarray, np.ndarray]:
    matrix = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([one.flatten() for one in tensors])
