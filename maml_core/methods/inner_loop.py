"""The inner loop: gradient descent on an episode's support set. The only one here.

θ is `params`, θ′ the last entry of the trajectory, α `inner_lr`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from maml_core.methods.losses import LossFn, cross_entropy
from maml_core.networks.meta_params import LrMultipliers, StepMultipliers
from maml_core.networks.params import Params, detach, gradient

T = TypeVar("T")


def adapt(
    model: nn.Module,
    params: Params,
    x: Tensor,
    y: Tensor,
    *,
    inner_lr: float,
    inner_steps: int,
    first_order: bool = False,
    differentiable: bool = True,
    lr_multipliers: LrMultipliers | StepMultipliers | None = None,
    step_params: Sequence[Params] = ({},),
    loss_fn: LossFn = cross_entropy,
) -> list[Params]:
    """Take gradient steps on the support set and keep the whole trajectory.

    θ_{k+1} = θ_k − α ∇ L(θ_k)  (Finn et al. 2017, arXiv:1703.03400, Algorithm 1, lines 5 and 6).

    Args:
        model: The network.
        params: θ₀, with a head of N rows. For T tasks at once `for_each_task`.
        x: Support pictures, [n_way * k_shot, *input_shape], or what else `loss_fn` takes; for T
            tasks [T, …].
        y: Their labels, [n_way * k_shot], or targets, likewise.
        inner_lr: α > 0.
        inner_steps: K ≥ 0.
        first_order: Treat the gradients as constants (FOMAML).
        differentiable: Keep what a derivative of the result by `params` needs, if these require
            it. Where none is taken, False gives the same trajectory in half the time.
        lr_multipliers: A factor on α for each name, as in MAML++ (arXiv:1810.09502, section 4);
            names that are missing stay as they are, as in ANIL (`multipliers_of`).
            Several: for each step its own. None: one for all.
        step_params: What θ_1, θ_2, … have in place of parameters of θ₀, as the per-step gains and
            shifts of MAML++; the last serve all further steps.
        loss_fn: L, what the steps descend.

    Returns:
        [θ₀, …, θ_K], K + 1 parameter sets.
    """
    all_alike = dict.fromkeys(params, 1.0) if lr_multipliers is None else lr_multipliers
    by_step = [all_alike] if isinstance(all_alike, Mapping) else all_alike

    # Where nothing asks for a derivative of the result, none is prepared.
    second_order = differentiable and not first_order and torch.is_grad_enabled()
    second_order = second_order and any(v.requires_grad for v in (*params.values(), x))
    trajectory = [params]
    for step in range(inner_steps):
        current, factors = trajectory[-1], _of_step(by_step, step)
        moving = [name for name in current if name in factors]
        gradients = support_gradient(
            model, current, x, y, by=moving, second_order=second_order, loss_fn=loss_fn
        )
        stepped = {n: current[n] - inner_lr * factors[n] * gradients[n] for n in moving}
        trajectory.append({**current, **stepped, **_of_step(step_params, step)})
    return trajectory


def _of_step(by_step: Sequence[T], step: int) -> T:
    return by_step[min(step, len(by_step) - 1)]


def support_gradient(
    model: nn.Module,
    params: Params,
    x: Tensor,
    y: Tensor,
    *,
    by: Iterable[str] | None = None,
    second_order: bool = False,
    loss_fn: LossFn = cross_entropy,
) -> Params:
    """Return ∇ L at a point, of many tasks each its own.

    Args:
        model: The network.
        params: θ_k.
        x: Support pictures, see `adapt`.
        y: Their labels.
        by: The names of the parameters to differentiate by; None: all.
        second_order: Keep what a derivative of the gradient needs.
        loss_fn: L.
    """
    point = params if second_order else detach(params)
    leaves = {
        name: point[name] if point[name].requires_grad else point[name].detach().requires_grad_()
        for name in (point if by is None else by)
    }
    with torch.enable_grad():
        # The sum over tasks: none depends on another's parameters.
        total = loss_fn(model, {**point, **leaves}, x, y).sum()
    return gradient(total, leaves, create_graph=second_order)
