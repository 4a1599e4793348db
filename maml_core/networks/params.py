"""A network's parameters as a dict of tensors, and the small algebra on such dicts.

θ is `params`; θ′ is `adapted` or `fast_params`. Every function returns a new dict
and leaves its arguments as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor

Params = dict[str, Tensor]


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


def _check_same_names(a: Params, b: Params) -> None:
    if a.keys() != b.keys():
        odd = sorted(a.keys() ^ b.keys())
        raise ValueError(f"The two parameter sets differ in {', '.join(odd)}.")
