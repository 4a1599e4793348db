"""What the inner and the outer loop minimise, and the one accuracy."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.networks.functional import logits
from maml_core.networks.params import Params

LossFn = Callable[[nn.Module, Params, Tensor, Tensor], Tensor]
"""(model, params, x [B, …], y [B, …]) → the mean loss over the B examples, a scalar."""


def cross_entropy(model: nn.Module, params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of pictures x [B, *input_shape] with labels y [B], a scalar."""
    return F.cross_entropy(logits(model, params, x), y)


def squared_error(model: nn.Module, params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared error of the outputs at x [B, …] from targets y [B, n_out], a scalar.

    Finn et al. 2017, equation 2.
    """
    return F.mse_loss(logits(model, params, x), y)


def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the share of pictures whose largest logit is their label, float64, 0 to 1.

    In float64 it is the count divided by B as exactly as a number can be: 1/5 is 0.2.

    Of equal logits the lowest label counts, so identical logits for all classes score exactly
    chance on balanced labels.

    Args:
        logits: [B, n_way].
        y: [B].
    """
    return (logits.argmax(-1) == y).double().mean()
