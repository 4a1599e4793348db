"""The inner loop: gradient descent on an episode's support set. The only one here.

θ is `params`, θ′ the last entry of the trajectory, α `inner_lr`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import grad
from torch.nn import functional as F

from maml_core.models import HEAD, logits
from maml_core.params import Params

Rates = Mapping[str, Tensor | float]


def loss(model: nn.Module, params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of pictures x [B, *input_shape] with labels y [B], a scalar."""
    return F.cross_entropy(logits(model, params, x), y)


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
    rates: Rates | None = None,
) -> list[Params]:
    """Take gradient steps on the support set and keep the whole trajectory.

    θ_{k+1} = θ_k − α ∇ L(θ_k)  (Finn et al. 2017, arXiv:1703.03400, Algorithm 1, lines 5 to 7).

    Args:
        model: The network.
        params: θ₀, with a head of N rows.
        x: Support pictures, [n_way * k_shot, *input_shape].
        y: Their labels, [n_way * k_shot].
        inner_lr: α > 0.
        inner_steps: K ≥ 0.
        first_order: Treat the gradients as constants (FOMAML).
        differentiable: Keep what a derivative of the result needs. Where none is taken and no
            `vmap` runs, False gives the same trajectory in half the time.
        rates: A factor on α for each name, as in MAML++ (arXiv:1810.09502, section 4);
            names that are missing stay as they are, as in ANIL (`head_rates`).
            None: one for all.

    Returns:
        [θ₀, …, θ_K], K + 1 parameter sets.
    """
    factors = dict.fromkeys(params, 1.0) if rates is None else rates

    def support_loss(moving: Params, still: Params) -> Tensor:
        return loss(model, {**still, **moving}, x, y)

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


def head_rates(rates: Params | None) -> Params:
    """Return ANIL's factors on α: the head's own, or one, and none for the rest, which stays.

    Raghu et al. 2020, arXiv:1909.09157, section 4.
    """
    return {name: rates[name] if rates else torch.ones(()) for name in HEAD}


def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the share of pictures whose largest logit is their label, a scalar in 0 to 1.

    Of equal logits the lowest label counts, so identical logits for all classes score exactly
    chance on balanced labels.

    Args:
        logits: [B, n_way].
        y: [B].
    """
    return (logits.argmax(-1) == y).float().mean()
