"""iMAML (Rajeswaran et al. 2019, arXiv:1909.04630): the meta-gradient from the inner loop's end.

The inner loop descends L + λ/2 |φ − θ|². Its minimum φ* depends on θ, and the implicit function
theorem gives dφ*/dθ = (I + ∇²L(φ*) / λ)⁻¹, whatever path led there. A few steps of conjugate
gradients multiply by it, from products with the Hessian alone.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import LossFn, accuracy, cross_entropy, mean_cross_entropy
from maml_core.methods.meta_gradient import gradient_over_tasks, n_way_of
from maml_core.networks.functional import for_each_task, for_n_way, query_logits
from maml_core.networks.meta_params import theta_of
from maml_core.networks.params import Params, detach, flatten, gradient
from maml_core.optimisation.outer_loop import Metrics

CG_STEPS = 5  # as in the paper's experiments on Omniglot


def proximal_loss(theta: Params, proximal: float) -> LossFn:
    """Return the cross-entropy plus λ/2 |φ − θ|² (Rajeswaran et al. 2019, equation 3).

    Args:
        theta: θ; of many tasks each its own, as in `adapt`.
        proximal: λ.
    """

    def loss(model: nn.Module, params: Params, x: Tensor, y: Tensor) -> Tensor:
        moved = flatten([params[n] - theta[n] for n in theta], y.ndim - 1)
        return cross_entropy(model, params, x, y) + proximal / 2 * moved.square().sum(-1)

    return loss


def imaml_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return the tasks' mean (I + ∇²L/λ)⁻¹ ∇L_query at φ* (Rajeswaran et al. 2019, Algorithm 2).

    φ* is what `config.inner_steps` steps reach, λ is `config.proximal`.
    """

    def objective(meta: Params, some: TaskBatch) -> tuple[Tensor, Metrics]:
        n_way, batch = n_way_of(some, config), tuple(some.query_y.shape[:-1])
        theta = for_each_task(for_n_way(theta_of(meta), n_way), batch)
        start = detach(theta)
        *_, reached = adapt(
            model,
            start,
            some.support_x,
            some.support_y,
            inner_lr=config.inner_lr_at(n_way),
            inner_steps=config.inner_steps,
            differentiable=False,
            loss_fn=proximal_loss(start, config.proximal),
        )
        solved, metrics = _implicit_gradient(model, reached, some, config)
        # Of this the gradient by θ is what was solved for.
        return (solved * flatten(theta.values(), len(batch))).sum(-1), metrics

    return gradient_over_tasks(model, objective, meta_params, tasks, config.inner_steps)


def _implicit_gradient(
    model: nn.Module, reached: Params, tasks: TaskBatch, config: TrainConfig
) -> tuple[Tensor, Metrics]:
    """Return (I + ∇²L/λ)⁻¹ ∇L_query at a point for each task, [T, numbers of θ], and measures."""
    n_leading = tasks.query_y.ndim - 1
    point = {n: v.detach().requires_grad_() for n, v in reached.items()}
    pictures = tasks.support_x, tasks.query_x
    out = query_logits(model, point, *pictures, transductive=config.transductive)
    losses = mean_cross_entropy(out, tasks.query_y)
    wanted = flatten(gradient(losses.sum(), point).values(), n_leading)
    support_loss = cross_entropy(model, point, tasks.support_x, tasks.support_y).sum()
    slope = flatten(gradient(support_loss, point, create_graph=True).values(), n_leading)

    def product(vector: Tensor) -> Tensor:
        bent = torch.autograd.grad(
            slope, list(point.values()), vector, retain_graph=True, materialize_grads=True
        )
        return vector + flatten(bent, n_leading) / config.proximal

    solved = conjugate_gradients(product, wanted, CG_STEPS)
    return solved, Metrics(losses.detach(), accuracy(out.detach(), tasks.query_y))


def conjugate_gradients(product: Callable[[Tensor], Tensor], wanted: Tensor, steps: int) -> Tensor:
    """Return x with A x ≈ b for several systems at once, after so many steps from zero.

    Short of the inner loop's minimum, A need not be positive definite. Where a direction curves
    down, a step along it would lead away from the solution; the system stays at what was found
    before, b itself in the first step (Nocedal & Wright 2006, algorithm 7.1).

    Args:
        product: x ↦ A x, A symmetric.
        wanted: b, [..., n].
        steps: At most; a system that is solved stays as it is.
    """
    x, left = torch.zeros_like(wanted), wanted
    towards, square = left, left.square().sum(-1, keepdim=True)
    for _ in range(steps):
        bent = product(towards)
        curvature = (towards * bent).sum(-1, keepdim=True)
        goes_on = curvature > 0
        length = torch.where(goes_on, square / curvature, 0.0)
        x, left = x + length * towards, left - length * bent
        before, square = square, left.square().sum(-1, keepdim=True)
        towards = torch.where(goes_on, left + square / before * towards, 0.0)
    return torch.where((x == 0).all(-1, keepdim=True), wanted, x)
