"""The loss of one episode on a plane through parameter space: paths on it, and maps of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from torch import nn

from maml_core.episodes.task_batch import TaskBatch
from maml_core.landscape.episode_loss import loss_and_accuracy, loss_and_accuracy_at_points
from maml_core.landscape.plane_descent import ProjectedTrajectory
from maml_core.landscape.planes import Plane
from maml_core.networks.params import Params, norm
from maml_core.optimisation.cores import worker_count
from maml_core.optimisation.thread_pool import in_parallel

LossFn = Callable[[Params], tuple[float, float]]  # loss, in nats, and accuracy, 0 to 1
# Points along a side: each grid holds all points of the one before. Of thirty visitors who come at
# once, each with an episode of their own, the last sees the first map after two thirds of the time
# that 11 × 11 points take.
RESOLUTIONS = (7, 31, 61)
MARGIN = 1.35  # of a window around what it must show
MAX_DOUBLINGS = 4  # of a window that shows what leaves it
SMALLEST = 1e-6  # half a window's side around a single point
PIECE = 4  # points that a worker takes at a time
PIECES = 2  # of each worker between two reports of progress: 0.1 s with 75 pictures
# Of few pictures a worker runs so many points at once: three times as fast with 5 pictures
# as one by one, where each call's overhead counts; slower with 75, where arithmetic does.
AT_ONCE = 16
FEW = 25  # pictures


@dataclass(frozen=True)
class Window:
    """A square part of a plane.

    Attributes:
        x: Its middle.
        y: Likewise.
        half_width: Half of its side, > 0.

    Raises:
        ValueError: Not finite, or `half_width` not above 0.
    """

    x: float
    y: float
    half_width: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.x, self.y, self.half_width]).all() and self.half_width > 0):
            raise ValueError(
                f"The window is {self.half_width} wide around ({self.x}, {self.y}); choose finite "
                "numbers and a width above 0."
            )

    def along(self, resolution: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates of a map's columns and rows, each [side]."""
        steps = np.linspace(-self.half_width, self.half_width, resolution)
        return self.x + steps, self.y + steps


def widen_to_show(window: Window, paths: Iterable[ProjectedTrajectory]) -> Window:
    """Return the window, doubled around its middle until it shows paths whole.

    In doublings, so that paths that differ a little have the same map; `MAX_DOUBLINGS` at most.
    """
    points = np.concatenate([[path.x, path.y] for path in paths], axis=1)
    far = float(np.abs(points - np.array([[window.x], [window.y]])).max())
    doublings = math.ceil(math.log2(max(far / window.half_width, 1.0)))
    return replace(window, half_width=window.half_width * 2 ** min(doublings, MAX_DOUBLINGS))


def window_around(paths: Iterable[ProjectedTrajectory]) -> Window:
    """Return the smallest square that shows paths whole, with a margin, in round numbers."""
    x, y = np.concatenate([[path.x, path.y] for path in paths], axis=1)
    half_width = MARGIN * max(np.ptp(x), np.ptp(y), SMALLEST) / 2
    return Window(
        _round((x.min() + x.max()) / 2), _round((y.min() + y.max()) / 2), _round(half_width)
    )


def window_at_random(planes: Iterable[Plane]) -> Window:
    """Return the square that reaches as far as a filter-normalised direction is long.

    At its edges every filter has moved by about its own length, as at ±1 in Li et al. 2018.
    """
    lengths = [norm({n: v for n, v in p.origin.items() if v.ndim > 1}) for p in planes]
    return Window(0.0, 0.0, _round(max(map(float, lengths))))


def _round(value: float) -> float:
    return float(f"{value:.3g}")


@dataclass(frozen=True, eq=False)
class Grid:
    """A map of loss and accuracy, row by row from low y to high y.

    Attributes:
        window: What it covers.
        loss: Nats, [side, side]; not a number where it is not computed yet, infinite where the
            loss is not finite.
        accuracy: 0 to 1, [side, side]; not a number where it is not computed yet.
    """

    window: Window
    loss: np.ndarray
    accuracy: np.ndarray

    @property
    def resolution(self) -> int:
        """Points along its side."""
        return len(self.loss)

    @property
    def done(self) -> float:
        """The share of points that are computed, 0 to 1."""
        return 1 - float(np.isnan(self.loss).mean())


def evaluate_loss_grid(
    model: nn.Module,
    plane: Plane,
    task: TaskBatch,
    which: str,
    window: Window,
    resolution: int,
    known: Grid | None = None,
) -> Iterator[Grid]:
    """Compute a map of an episode's loss, in the fastest way for it; see `evaluate_grid`."""
    loss_fn = partial(loss_and_accuracy, model, task=task, which=which)
    several = None
    if len(task.support_x if which == "support" else task.query_x) <= FEW:
        several = partial(loss_and_accuracy_at_points, model, plane, task=task, which=which)
    return evaluate_grid(
        loss_fn, plane, window, resolution=resolution, known=known, several=several
    )


def evaluate_grid(
    loss_fn: LossFn,
    plane: Plane,
    window: Window,
    *,
    resolution: int,
    known: Grid | None = None,
    several: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Iterator[Grid]:
    """Compute a map, yielding it as it fills; closing the iterator ends the work.

    Args:
        loss_fn: Returns loss and accuracy at a point; called by several threads at once.
        plane: Where.
        window: The part of the plane.
        resolution: Points along the map's side, 2 or more.
        known: A map of the same window, whole or not; points that coincide are taken over.
        several: Returns the same as `loss_fn` at places [n, 2] of the plane at once, [n, 2].
    """
    grid = _begin(window, resolution, known)
    yield grid
    xs, ys = window.along(resolution)
    at_places = several or partial(_one_by_one, loss_fn, plane)
    piece = AT_ONCE if several else PIECE
    for chunk in _pieces(np.argwhere(np.isnan(grid.loss)), PIECES * worker_count() * piece):
        places = np.stack([xs[chunk[:, 1]], ys[chunk[:, 0]]], axis=-1)
        found = np.concatenate(list(in_parallel(at_places, _pieces(places, piece))))
        loss, share = grid.loss.copy(), grid.accuracy.copy()
        loss[tuple(chunk.T)] = np.nan_to_num(found[:, 0], nan=np.inf, posinf=np.inf)
        share[tuple(chunk.T)] = found[:, 1]
        grid = Grid(window, loss, share)
        yield grid


def _one_by_one(loss_fn: LossFn, plane: Plane, places: np.ndarray) -> np.ndarray:
    return np.array([loss_fn(plane.point(x, y)) for x, y in places])


def _begin(window: Window, resolution: int, known: Grid | None) -> Grid:
    """Return a map to be filled, with the points that are known already."""
    loss, share = np.full((2, resolution, resolution), np.nan)
    if known and known.window == window and (resolution - 1) % (known.resolution - 1) == 0:
        every = (resolution - 1) // (known.resolution - 1)
        loss[::every, ::every] = known.loss
        share[::every, ::every] = known.accuracy
    return Grid(window, loss, share)


def _pieces(cells: np.ndarray, size: int) -> list[np.ndarray]:
    return [cells[i : i + size] for i in range(0, len(cells), size)]
