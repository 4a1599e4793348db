"""The inner loop: gradient descent on an episode's support set. The only one here.

θ is `params`, θ′ the last entry of the trajectory, α `inner_lr`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import grad

from maml_core.methods.losses import LossFn, cross_entropy
from maml_core.networks.params import Params

LrMultipliers = Mapping[str, Tensor | float]


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
    lr_multipliers: LrMultipliers | None = None,
    loss_fn: LossFn = cross_entropy,
) -> list[Params]:
    """Take gradient steps on the support set and keep the whole trajectory.

    θ_{k+1} = θ_k − α ∇ L(θ_k)  (Finn et al. 2017, arXiv:1703.03400, Algorithm 1, lines 5 and 6).

    Args:
        model: The network.
        params: θ₀, with a head of N rows.
        x: Support pictures, [n_way * k_shot, *input_shape], or what else `loss_fn` takes.
        y: Their labels, [n_way * k_shot], or targets.
        inner_lr: α > 0.
        inner_steps: K ≥ 0.
        first_order: Treat the gradients as constants (FOMAML).
        differentiable: Keep what a derivative of the result needs. Where none is taken and no
            `vmap` runs, False gives the same trajectory in half the time.
        lr_multipliers: A factor on α for each name, as in MAML++ (arXiv:1810.09502, section 4);
            names that are missing stay as they are, as in ANIL (`head_only_multipliers`).
            None: one for all.
        loss_fn: L, what the steps descend.

    Returns:
        [θ₀, …, θ_K], K + 1 parameter sets.
    """
    factors = dict.fromkeys(params, 1.0) if lr_multipliers is None else lr_multipliers

    def support_loss(moving: Params, still: Params) -> Tensor:
        return loss_fn(model, {**still, **moving}, x, y)

    trajectory = [params]
    for _ in range(inner_steps):
        current = trajectory[-1]
        moving = {name: value for name, value in current.items() if name in factors}
        if differentiable:
            gradients = grad(support_loss)(moving, current)
        else:
            gradients = _plain_gradient(support_loss, moving, current)
        if first_order:
            gradients = {name: value.detach() for name, value in gradients.items()}
        stepped = {n: moving[n] - inner_lr * factors[n] * gradients[n] for n in moving}
        trajectory.append({**current, **stepped})
    return trajectory


def _plain_gradient(
    support_loss: Callable[[Params, Params], Tensor], moving: Params, still: Params
) -> Params:
    leaves = {name: value.detach().requires_grad_() for name, value in moving.items()}
    with torch.enable_grad():
        value = support_loss(leaves, still)
    return dict(zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True))
