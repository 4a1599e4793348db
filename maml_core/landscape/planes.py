"""Planes through parameter space: along paths, through end points, in random directions.

Coordinates on a plane are Euclidean distances in parameter space from its origin, so that maps
of different planes have the same unit of length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from maml_core.networks.params import Params, add, dot, norm, scale, subtract

SHARED_PLANE = "together"  # the name of a plane that all learners share
DEPENDENT = 1e-4  # a direction whose remainder is shorter, relative to it, adds no dimension


@dataclass(frozen=True, eq=False)
class Plane:
    """The points `origin + x first + y second`; both axes have length one, at a right angle.

    Attributes:
        origin: Parameters with a head of N rows.
        first: The direction of x.
        second: The direction of y.
    """

    origin: Params
    first: Params
    second: Params

    def point(self, x: float | Tensor, y: float | Tensor) -> Params:
        """Return the parameters at a point of the plane."""
        return add(add(self.origin, self.first, x), self.second, y)

    def points(self, places: Tensor) -> Params:
        """Return the parameters at n points [n, 2], [n, …] by name, see `for_each_task`."""
        found = {}
        for name, start in self.origin.items():
            x, y = places.T.reshape(2, -1, *(1 for _ in start.shape))
            found[name] = start + x * self.first[name] + y * self.second[name]
        return found

    def project(self, params: Params) -> tuple[float, float, float]:
        """Return x and y of the plane's nearest point, and how far away that is."""
        offset = subtract(params, self.origin)
        x, y = float(dot(offset, self.first)), float(dot(offset, self.second))
        rest = add(add(offset, self.first, -x), self.second, -y)
        return x, y, float(norm(rest))


def span(origin: Params, directions: Iterable[Params]) -> Plane:
    """Lay a plane through a point along the first two directions that are not parallel.

    Directions that are zero, not finite or dependent on the one before are passed over.

    Raises:
        ValueError: Fewer than two are left.
    """
    axes: list[Params] = []
    for direction in directions:
        rest, length = direction, float(norm(direction))
        for axis in [*axes, *axes]:  # twice: once leaves rounding errors behind
            rest = add(rest, axis, -float(dot(rest, axis)))
        left = float(norm(rest))
        if np.isfinite(length) and left > DEPENDENT * length:
            axes.append(scale(rest, 1 / left))
        if len(axes) == 2:
            return Plane(origin, *axes)
    raise ValueError(f"The directions span {len(axes)} dimensions; a plane needs 2.")


def filter_normalised(direction: Params, params: Params, adapted: Params) -> Params:
    """Give each filter of a direction the length of the same filter of θ.

    d_ij ← d_ij / ‖d_ij‖ · ‖θ_ij‖ (Li et al. 2018, arXiv:1712.09913, section 4): a filter is an
    output channel of a convolution or a row of the head. As in the authors' code, biases and the
    normalisation's gains and shifts stay where they are.

    Before adaptation the head is zero. It would be so on the whole plane, and the loss flat: a
    row without length in θ takes its length in θ′.

    Args:
        direction: d, of any lengths.
        params: θ.
        adapted: θ′.
    """
    found = {}
    for name, value in direction.items():
        if value.ndim < 2:
            found[name] = torch.zeros_like(value)
            continue
        own, start, end = (
            each[name].flatten(1).norm(dim=1) for each in (direction, params, adapted)
        )
        factor = torch.where(start > 0, start, end) / own
        found[name] = value * factor.reshape(-1, *[1] * (value.ndim - 1))
    return found


def random_directions(params: Params, adapted: Params, seed: int) -> list[Params]:
    """Return two filter-normalised random directions; for a seed the same draw for all networks
    of one shape.
    """
    generator = torch.Generator().manual_seed(seed)
    draws = [
        {n: torch.randn(v.shape, generator=generator).to(v) for n, v in params.items()}
        for _ in range(2)
    ]
    return [filter_normalised(draw, params, adapted) for draw in draws]


def principal_directions(path: Sequence[Params]) -> list[Params]:
    """Return the first principal components of a path as seen from its start, at most two.

    As in Li et al. 2018, section 7.2, from the differences to one end and not to the mean, so
    that the plane holds that end. Longest first, and turned so that the path ends at positive
    coordinates.
    """
    offsets = [subtract(point, path[0]) for point in path[1:]]
    if not offsets:
        return []
    stacked = {name: torch.stack([o[name] for o in offsets]).double() for name in path[0]}
    # By way of the Gram matrix: it is small, whatever the number of parameters.
    products = torch.stack([rows.flatten(1) @ rows.flatten(1).T for rows in stacked.values()])
    values, vectors = torch.linalg.eigh(products.sum(0))
    components = []
    for value, weights in list(zip(values.tolist(), vectors.T, strict=True))[:-3:-1]:
        if value > DEPENDENT**2 * float(values[-1]):
            component = {
                name: torch.tensordot(weights, rows, 1).to(path[0][name])
                for name, rows in stacked.items()
            }
            turn = -1.0 if float(dot(component, offsets[-1])) < 0 else 1.0
            components.append(scale(component, turn))
    return components


def _along_paths(paths: Mapping[str, Sequence[Params]], seed: int) -> dict[str, Plane]:
    return {
        name: span(path[0], chain(principal_directions(path), _spare(path, seed)))
        for name, path in paths.items()
    }


def _at_random(paths: Mapping[str, Sequence[Params]], seed: int) -> dict[str, Plane]:
    return {name: span(path[0], _spare(path, seed)) for name, path in paths.items()}


def _through_ends(paths: Mapping[str, Sequence[Params]], seed: int) -> dict[str, Plane]:
    first = next(iter(paths.values()))
    offsets = [subtract(path[-1], first[0]) for path in paths.values()]
    return {SHARED_PLANE: span(first[0], chain(offsets, _spare(first, seed)))}


def _spare(path: Sequence[Params], seed: int) -> Iterator[Params]:
    """Yield random directions, drawn only where a path spans no plane."""
    yield from random_directions(path[0], path[-1], seed)


PLANES: dict[str, Callable[[Mapping[str, Sequence[Params]], int], dict[str, Plane]]] = {
    "paths": _along_paths,
    "ends": _through_ends,
    "random": _at_random,
}
