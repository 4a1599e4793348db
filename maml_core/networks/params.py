"""A network's parameters as a dict of tensors, and the small algebra on such dicts.

θ is `params`; θ′ is `adapted` or `fast_params`. Every function returns a new dict
and leaves its arguments as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

Params = dict[str, Tensor]


def channels_last(params: Params) -> Params:
    """Return the same with filters laid out as convolutions want them, which else turn them."""
    filters = {name: value for name, value in params.items() if value.ndim == 4}
    turned = {n: v.contiguous(memory_format=torch.channels_last) for n, v in filters.items()}
    return {**params, **turned}


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


def flatten(tensors: Iterable[Tensor], n_leading: int = 0) -> Tensor:
    """Return all numbers in one row; with leading dimensions, of tasks, in one row for each."""
    return torch.cat([each.flatten(n_leading) for each in tensors], -1)


def norm(a: Params) -> Tensor:
    """Return the Euclidean length of `a` over all parameters, a scalar tensor."""
    return dot(a, a).sqrt()


def gradient(value: Tensor, by: Params, *, create_graph: bool = False) -> Params:
    """Return the derivative of a scalar by each parameter, zeros by what plays no part in it.

    So a bias plays none that normalisation takes away.

    Args:
        value: The scalar.
        by: What it is computed from; all require a gradient.
        create_graph: Keep what a derivative of the result needs.
    """
    found = torch.autograd.grad(
        value,
        list(by.values()),
        create_graph=create_graph,
        allow_unused=True,
        materialize_grads=True,
    )
    return dict(zip(by, found, strict=True))


def detach(a: Params) -> Params:
    """Return `a` cut from the graph that computed it."""
    return {name: value.detach() for name, value in a.items()}


def _check_same_names(a: Params, b: Params) -> None:
    if a.keys() != b.keys():
        odd = sorted(a.keys() ^ b.keys())
        raise ValueError(f"The two parameter sets differ in {', '.join(odd)}.")
