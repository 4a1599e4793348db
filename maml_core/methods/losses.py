"""What the inner and the outer loop minimise, and the one accuracy."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.networks.functional import logits
from maml_core.networks.params import Params

LossFn = Callable[[nn.Module, Params, Tensor, Tensor], Tensor]
"""(model, params, x [B, …], y [B, …]) → the mean loss over the B examples, a scalar; or of T tasks
at once, x and y [T, B, …] → [T], see `functional.logits`."""


def cross_entropy(model: nn.Module, params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of pictures x [B, *input_shape], labels y [B]: a `LossFn`."""
    return mean_cross_entropy(logits(model, params, x), y)


def mean_cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean over B pictures, nats, [...], of logits [..., B, n_way] with labels [..., B].

    The labels may lack first dimensions that the logits have.
    """
    labels = y.expand(logits.shape[:-1])
    each = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(-1)


def squared_error(model: nn.Module, params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared error of the outputs at x [B, …] from targets y [B, n_out].

    A `LossFn`; Finn et al. 2017, equation 2.
    """
    return (logits(model, params, x) - y).square().mean((-2, -1))


def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the share of pictures whose largest logit is their label, float64, 0 to 1.

    In float64 it is the count divided by B as exactly as a number can be: 1/5 is 0.2.

    Of equal logits the lowest label counts, so identical logits for all classes score exactly
    chance on balanced labels.

    Args:
        logits: [B, n_way], or more dimensions before these: then [...] are returned.
        y: [B], likewise.
    """
    return (logits.argmax(-1) == y).double().mean(-1)
