"""A network's parameters as a dict of tensors, and the small algebra on such dicts.

θ is `params`; θ′ is `adapted` or `fast_params`. Every function returns a new dict
and leaves its arguments as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor

Params = dict[str, Tensor]

# A factor on α is exp(RATE_GAIN * log_rate). Adam moves every meta-parameter by about β an update;
# weights need that little, factors on α have to travel over orders of magnitude.
RATE_GAIN = 10.0
LOG_RATE = "log_rate/"  # prefix of the learned log-factors on α among the meta-parameters


def add(a: Params, b: Params, scale: float | Tensor = 1.0) -> Params:
    """Return `a + scale * b`, name by name; both must have the same names."""
    _check_same_names(a, b)
    return {name: a[name] + scale * b[name] for name in a}


def subtract(a: Params, b: Params) -> Params:
    """Return `a - b`, name by name."""
    return add(a, b, scale=-1.0)


def scale(a: Params, factor: float) -> Params:
    """Return `factor * a`."""
    return {name: factor * value for name, value in a.items()}


def interpolate(a: Params, b: Params, t: float) -> Params:
    """Return the point `a + t (b - a)` on the line through `a` (t = 0) and `b` (t = 1)."""
    return add(a, subtract(b, a), scale=t)


def dot(a: Params, b: Params) -> Tensor:
    """Return the inner product of `a` and `b` over all parameters, a scalar tensor."""
    _check_same_names(a, b)
    return torch.stack([(a[name] * b[name]).sum() for name in a]).sum()


def norm(a: Params) -> Tensor:
    """Return the Euclidean length of `a` over all parameters, a scalar tensor."""
    return dot(a, a).sqrt()


def detach(a: Params) -> Params:
    """Return `a` cut from the graph that computed it."""
    return {name: value.detach() for name, value in a.items()}


def with_rates(params: Params) -> Params:
    """Return θ with a log-factor on α beside each parameter, as `log_rate/<name>`.

    Those that are there already are kept; the others are 0, factors of one.
    """
    theta, _ = split_rates(params)
    return {**{LOG_RATE + n: v.new_zeros(()) for n, v in theta.items()}, **params}


def split_rates(meta_params: Params) -> tuple[Params, Params | None]:
    """Return θ and the learned factors on α by name (None where there are none)."""
    params = {n: v for n, v in meta_params.items() if not n.startswith(LOG_RATE)}
    rates = {
        n: (RATE_GAIN * meta_params[LOG_RATE + n]).exp()
        for n in params
        if LOG_RATE + n in meta_params
    }
    return params, rates or None


def _check_same_names(a: Params, b: Params) -> None:
    if a.keys() != b.keys():
        odd = sorted(a.keys() ^ b.keys())
        raise ValueError(f"The two parameter sets differ in {', '.join(odd)}.")
