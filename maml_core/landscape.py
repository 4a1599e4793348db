"""The loss of one episode on a plane through parameter space: paths on it, and maps of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn import functional as F

from maml_core.adaptation import accuracy
from maml_core.config import AdaptConfig, check_choice
from maml_core.episodes import Episode, TaskBatch
from maml_core.evaluation import adapt_to
from maml_core.learners import Learner
from maml_core.models import for_n_way, logits, query_logits
from maml_core.params import Params, norm, subtract
from maml_core.planes import PLANES, Plane
from maml_core.threads import in_parallel

Height = Callable[[Params], tuple[float, float]]  # loss, in nats, and accuracy, 0 to 1

SIDES = (11, 31, 61)  # points along a map's side: each grid holds all points of the one before
SETS = ("support", "query")
REFERENCE_STEPS = 10  # of the paths that planes are laid through, at each learner's own α
MARGIN = 1.35  # of a window around what it must show
MAX_DOUBLINGS = 4  # of a window that shows what leaves it
SMALLEST = 1e-6  # half a window's side around a single point
PIECE = 4  # points that a worker takes at a time
CHUNK = 16  # points between two reports of progress: 0.1 s with 75 pictures
# Of few pictures a worker's `vmap` runs so many points at once: three times as fast with 5 pictures
# as one by one, where each call's overhead counts; slower with 75, where arithmetic does.
AT_ONCE = 16
FEW = 25  # pictures


def lay_planes(
    kind: str, learners: Mapping[str, Learner], episode: Episode, seed: int
) -> dict[str, Plane]:
    """Lay the planes of a kind by the learners' own paths, `REFERENCE_STEPS` at their own α.

    Args:
        kind: 'paths': for each learner the first two principal components of its path.
            'ends': one plane, through the first learner's θ and where both ended.
            'random': for each learner two filter-normalised random directions from its θ.
        learners: By name.
        episode: What they adapt to.
        seed: Of the random directions; the other kinds need them only where the paths span no
            plane.

    Returns:
        Planes by the learner's name; 'ends' by `TOGETHER`.
    """
    check_choice("kind", kind, tuple(PLANES))
    n_way = episode.spec.n_way

    def reference(name: str) -> list[Params]:
        config = AdaptConfig(learners[name].inner_lr(n_way), REFERENCE_STEPS)
        path = adapt_to(learners[name], episode, config)
        return [point for point in path if torch.isfinite(norm(point))]

    paths = dict(zip(learners, in_parallel(reference, learners), strict=True))
    return PLANES[kind](paths, seed)


@dataclass(frozen=True, eq=False)
class Path:
    """One descent, seen from a plane, at its S + 1 points; points after a break are left out.

    Attributes:
        method: Who descends.
        inner_lr: The α it took.
        x: Coordinate of the nearest point of the plane, [S + 1].
        y: Likewise.
        beside: How far the point is from the plane, [S + 1].
        distance: From the plane's origin, [S + 1].
        held: The share of the path's length that the plane holds, 0 to 1: its projection's
            length over its own.
        loss: By set, 'support' and 'query', at the points themselves and not at their projections;
            nats, [S + 1].
        accuracy: By set, 0 to 1, [S + 1].
        broke: Whether it was cut short because the loss was no finite number.
        restarted: Whether it began at a point of the plane and not at the learner's θ.
    """

    method: str
    inner_lr: float
    x: np.ndarray
    y: np.ndarray
    beside: np.ndarray
    distance: np.ndarray
    held: float
    loss: Mapping[str, np.ndarray]
    accuracy: Mapping[str, np.ndarray]
    broke: bool
    restarted: bool


def descend(
    learner: Learner,
    episode: Episode,
    plane: Plane,
    *,
    inner_lr: float,
    inner_steps: int,
    start: tuple[float, float] | None = None,
) -> Path:
    """Take the inner loop's steps and look at them from a plane.

    Args:
        learner: Whose network, rates, and θ where there is no `start`.
        episode: What it adapts to.
        plane: From where it is seen.
        inner_lr: α > 0.
        inner_steps: 0 to 100.
        start: A point of the plane to descend from.
    """
    params = for_n_way(learner.params, episode.spec.n_way) if start is None else plane.point(*start)
    config = AdaptConfig(inner_lr, inner_steps)
    path = adapt_to(replace(learner, params=params), episode, config)
    answers = {
        which: np.array([answer(learner.model, point, episode.task, which) for point in path])
        for which in SETS
    }  # [S + 1, loss and accuracy]
    finite = np.isfinite([found[:, 0] for found in answers.values()]).all(0)
    whole = len(path) if finite.all() else int(finite.argmin())
    if not whole:
        raise ValueError(
            "The loss where the descent would start is no finite number; start closer to θ."
        )
    places = np.array([plane.project(point) for point in path[:whole]])
    distances = [float(norm(subtract(point, plane.origin))) for point in path[:whole]]
    return Path(
        method=learner.method,
        inner_lr=inner_lr,
        x=places[:, 0],
        y=places[:, 1],
        beside=places[:, 2],
        distance=np.array(distances),
        held=_held(path[:whole], places),
        loss={which: found[:whole, 0] for which, found in answers.items()},
        accuracy={which: found[:whole, 1] for which, found in answers.items()},
        broke=whole < len(path),
        restarted=start is not None,
    )


@dataclass(frozen=True, eq=False)
class Route:
    """The way of a meta-training, seen from a plane.

    Attributes:
        updates: After how many meta-updates, [n].
        x: Coordinate of the nearest point of the plane, [n].
        y: Likewise.
        beside: How far θ is from the plane, [n].
    """

    updates: tuple[int, ...]
    x: np.ndarray
    y: np.ndarray
    beside: np.ndarray


def project_route(plane: Plane, points: Mapping[int, Params], n_way: int) -> Route:
    """Return where θ was on its way through meta-training.

    Args:
        plane: From where it is seen.
        points: θ by meta-update.
        n_way: Rows of the plane's head.
    """
    places = np.array([plane.project(for_n_way(point, n_way)) for point in points.values()])
    return Route(tuple(points), *places.T)


@torch.no_grad()
def answer(model: nn.Module, params: Params, task: TaskBatch, which: str) -> tuple[float, float]:
    """Return loss, in nats, and accuracy, 0 to 1, on the support or the query set.

    The support loss is the inner loop's: its pictures are normalised with their own statistics.
    Queries are normalised with theirs, as on the Adapt page (`models.query_logits`).

    Args:
        model: The network.
        params: Where, with a head of N rows.
        task: One episode, without a batch dimension.
        which: 'support' or 'query'.
    """
    loss, share = _answer(model, params, task, which)
    return float(loss), float(share)


@torch.no_grad()
def answers(
    model: nn.Module, plane: Plane, places: np.ndarray, task: TaskBatch, which: str
) -> np.ndarray:
    """Return the same at several points of a plane at once, [n, 2] for places [n, 2]."""
    like = next(iter(plane.origin.values()))

    def at(place: Tensor) -> Tensor:
        return torch.stack(_answer(model, plane.point(place[0], place[1]), task, which))

    found: np.ndarray = vmap(at)(torch.as_tensor(places).to(like)).numpy()
    return found


def _answer(model: nn.Module, params: Params, task: TaskBatch, which: str) -> tuple[Tensor, Tensor]:
    if which == "support":
        out, y = logits(model, params, task.support_x), task.support_y
    else:
        out = query_logits(model, params, task.support_x, task.query_x, transductive=True)
        y = task.query_y
    loss = F.cross_entropy(out, y)
    return loss, accuracy(out, y).to(loss)


def _held(path: Sequence[Params], places: np.ndarray) -> float:
    own = sum(float(norm(subtract(b, a))) for a, b in pairwise(path))
    seen = float(np.hypot(*np.diff(places[:, :2], axis=0).T).sum())
    return min(seen / own, 1.0) if own else 1.0


@dataclass(frozen=True)
class Window:
    """A square part of a plane.

    Attributes:
        x: Its middle.
        y: Likewise.
        half: Half of its side, > 0.

    Raises:
        ValueError: Not finite, or `half` not above 0.
    """

    x: float
    y: float
    half: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.x, self.y, self.half]).all() and self.half > 0):
            raise ValueError(
                f"The window is {self.half} wide around ({self.x}, {self.y}); choose finite "
                "numbers and a width above 0."
            )

    def along(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates of a map's columns and rows, each [side]."""
        steps = np.linspace(-self.half, self.half, side)
        return self.x + steps, self.y + steps


def widened(window: Window, paths: Iterable[Path]) -> Window:
    """Return the window, doubled around its middle until it shows paths whole.

    In doublings, so that paths that differ a little have the same map; `MAX_DOUBLINGS` at most.
    """
    points = np.concatenate([[path.x, path.y] for path in paths], axis=1)
    far = float(np.abs(points - np.array([[window.x], [window.y]])).max())
    doublings = math.ceil(math.log2(max(far / window.half, 1.0)))
    return replace(window, half=window.half * 2 ** min(doublings, MAX_DOUBLINGS))


def window_around(paths: Iterable[Path]) -> Window:
    """Return the smallest square that shows paths whole, with a margin, in round numbers."""
    x, y = np.concatenate([[path.x, path.y] for path in paths], axis=1)
    half = MARGIN * max(np.ptp(x), np.ptp(y), SMALLEST) / 2
    return Window(_round((x.min() + x.max()) / 2), _round((y.min() + y.max()) / 2), _round(half))


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
            loss is no finite number.
        accuracy: 0 to 1, [side, side]; not a number where it is not computed yet.
    """

    window: Window
    loss: np.ndarray
    accuracy: np.ndarray

    @property
    def side(self) -> int:
        """Points along its side."""
        return len(self.loss)

    @property
    def done(self) -> float:
        """The share of points that are computed, 0 to 1."""
        return 1 - float(np.isnan(self.loss).mean())


def survey_loss(
    model: nn.Module,
    plane: Plane,
    task: TaskBatch,
    which: str,
    window: Window,
    side: int,
    known: Grid | None = None,
) -> Iterator[Grid]:
    """Compute a map of an episode's loss, in the way that is fastest for it; see `survey`."""
    height = partial(answer, model, task=task, which=which)
    several = None
    if len(task.support_x if which == "support" else task.query_x) <= FEW:
        several = partial(answers, model, plane, task=task, which=which)
    return survey(height, plane, window, side=side, known=known, several=several)


def survey(
    height: Height,
    plane: Plane,
    window: Window,
    *,
    side: int,
    known: Grid | None = None,
    several: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Iterator[Grid]:
    """Compute a map, yielding it as it fills; closing the iterator ends the work.

    Args:
        height: Returns loss and accuracy at a point; called by two threads at once.
        plane: Where.
        window: The part of the plane.
        side: Points along the map's side, 2 or more.
        known: A map of the same window, whole or not; points that coincide are taken over.
        several: Returns the same as `height` at places [n, 2] of the plane at once, [n, 2].
    """
    grid = _begin(window, side, known)
    yield grid
    xs, ys = window.along(side)

    def heights(cells: np.ndarray) -> np.ndarray:
        places = np.stack([xs[cells[:, 1]], ys[cells[:, 0]]], axis=-1)
        if several:
            return several(places)
        return np.array([height(plane.point(x, y)) for x, y in places])

    piece, in_all = (AT_ONCE, 4 * AT_ONCE) if several else (PIECE, CHUNK)
    for chunk in _pieces(np.argwhere(np.isnan(grid.loss)), in_all):
        found = np.concatenate(list(in_parallel(heights, _pieces(chunk, piece))))
        loss, share = grid.loss.copy(), grid.accuracy.copy()
        loss[tuple(chunk.T)] = np.nan_to_num(found[:, 0], nan=np.inf, posinf=np.inf)
        share[tuple(chunk.T)] = found[:, 1]
        grid = Grid(window, loss, share)
        yield grid


def _begin(window: Window, side: int, known: Grid | None) -> Grid:
    """Return a map to be filled, with the points that are known already."""
    loss, share = np.full((2, side, side), np.nan)
    if known and known.window == window and (side - 1) % (known.side - 1) == 0:
        every = (side - 1) // (known.side - 1)
        loss[::every, ::every] = known.loss
        share[::every, ::every] = known.accuracy
    return Grid(window, loss, share)


def _pieces(cells: np.ndarray, size: int) -> list[np.ndarray]:
    return [cells[i : i + size] for i in range(0, len(cells), size)]
