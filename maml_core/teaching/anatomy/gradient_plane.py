"""Gradients as arrows on a plane of parameter space."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maml_core.landscape.planes import principal_directions, span
from maml_core.networks.params import Params, norm, scale, subtract
from maml_core.teaching.anatomy.meta_update import MetaUpdate


@dataclass(frozen=True)
class ProjectedGradient:
    """A direction of parameter space as a plane shows it.

    Attributes:
        name: A task's number, a method, 'mean' or 'update'.
        x: Along the plane's first axis.
        y: Along its second.
        length: Of the whole vector, not only of its projection.
        fraction_in_plane: The share of its squared length that lies in the plane, 0 to 1.
    """

    name: str
    x: float
    y: float
    length: float
    fraction_in_plane: float


def project_meta_update(update: MetaUpdate) -> list[ProjectedGradient]:
    """Project the tasks' descent directions, their mean and θ's update on the plane that fits best.

    Its first axis is the mean, downhill; its second the principal component of the differences
    between the tasks. Names are '1', '2', … for the tasks, 'mean' and 'update'.

    Returns:
        An empty list where the vectors span no plane: they are zero, not finite or all parallel.
    """
    downhill = {str(i): scale(task.meta_gradient, -1.0) for i, task in enumerate(update.tasks, 1)}
    mean = scale(update.gradient, -1.0)
    origin = scale(mean, 0.0)
    differences = [subtract(direction, mean) for direction in downhill.values()]
    vectors = {**downhill, "mean": mean, "update": update.change}
    return _project(vectors, mean, [origin, *differences])


def project_method_gradients(gradients: Mapping[str, Params]) -> list[ProjectedGradient]:
    """Project the methods' descent directions on the plane of MAML's and first-order MAML's.

    Args:
        gradients: By method, 'maml' and 'fomaml' among them.

    Returns:
        As `project_meta_update`; methods whose gradient is zero are left out.
    """
    downhill = {
        method: scale(gradient, -1.0)
        for method, gradient in gradients.items()
        if float(norm(gradient)) > 0
    }
    if not {"maml", "fomaml"} <= downhill.keys():
        return []
    origin = scale(downhill["maml"], 0.0)
    return _project(downhill, downhill["maml"], [origin, downhill["fomaml"]])


def _project(
    vectors: Mapping[str, Params], first_axis: Params, path: Sequence[Params]
) -> list[ProjectedGradient]:
    """Project vectors on the plane of `first_axis` and the main direction of a path."""
    if not all(math.isfinite(float(norm(vector))) for vector in vectors.values()):
        return []
    try:
        plane = span(path[0], [first_axis, *principal_directions(path)])
    except ValueError:
        return []
    projected = []
    for name, vector in vectors.items():
        x, y, _ = plane.project(vector)
        length = float(norm(vector))
        fraction = min((x * x + y * y) / length**2, 1.0) if length else 1.0
        projected.append(ProjectedGradient(name, x, y, length, fraction))
    return projected
