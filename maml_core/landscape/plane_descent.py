"""Descents and a meta-training seen from a plane, and the planes that descents span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import torch

from maml_core.config import AdaptConfig, check_choice
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.trajectory import AdaptationTrajectory, measure_trajectory
from maml_core.landscape.planes import PLANES, Plane
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.networks.functional import for_n_way
from maml_core.networks.params import Params, norm, subtract
from maml_core.optimisation.thread_pool import in_parallel, map_in_parallel

REFERENCE_STEPS = 10  # of the paths that planes are laid through, at each learner's own α


@dataclass(frozen=True, eq=False)
class ProjectedTrajectory:
    """One descent, seen from a plane, at its S + 1 points before it diverged, if it did.

    Attributes:
        trajectory: The descent itself, with all its points: its losses and accuracies are those
            at the points, not at their projections.
        x: Coordinate of the nearest point of the plane, [S + 1].
        y: Likewise.
        off_plane_distance: How far the point is from the plane, [S + 1].
        distance: From the plane's origin, [S + 1].
        fraction_in_plane: The length of its projection over its own, 0 to 1.
        restarted: Whether it began at a point of the plane and not at the learner's θ.
    """

    trajectory: AdaptationTrajectory
    x: np.ndarray
    y: np.ndarray
    off_plane_distance: np.ndarray
    distance: np.ndarray
    fraction_in_plane: float
    restarted: bool

    @property
    def method(self) -> str:
        """Who descends."""
        return self.trajectory.method

    @property
    def inner_lr(self) -> float:
        """The α it took."""
        return self.trajectory.inner_lr

    @property
    def loss(self) -> dict[str, np.ndarray]:
        """By set, nats, [S + 1]."""
        return {which: values[: len(self.x)] for which, values in self.trajectory.losses.items()}

    @property
    def accuracy(self) -> dict[str, np.ndarray]:
        """By set, 0 to 1, [S + 1]."""
        return {
            which: values[: len(self.x)] for which, values in self.trajectory.accuracies.items()
        }

    @property
    def diverged(self) -> bool:
        """Whether it was cut short because the loss was not a finite number."""
        return self.trajectory.diverged_at is not None


def descend(
    learner: Learner,
    episode: Episode,
    plane: Plane,
    *,
    inner_lr: float,
    inner_steps: int,
    start: tuple[float, float] | None = None,
) -> ProjectedTrajectory:
    """Take the inner loop's steps and look at them from a plane.

    Args:
        learner: Whose network, step sizes, and θ where there is no `start`.
        episode: What it adapts to.
        plane: From where it is seen.
        inner_lr: α > 0.
        inner_steps: 0 to 100.
        start: A point of the plane to descend from.

    Raises:
        ValueError: The loss is not finite where the descent would start.
    """
    work = partial(_descent, learner, episode, plane, inner_lr, inner_steps)
    return next(in_parallel(work, [start]))


def _descent(
    learner: Learner,
    episode: Episode,
    plane: Plane,
    inner_lr: float,
    inner_steps: int,
    start: tuple[float, float] | None,
) -> ProjectedTrajectory:
    params = for_n_way(learner.params, episode.spec.n_way) if start is None else plane.point(*start)
    config = AdaptConfig(inner_lr, inner_steps)
    path = adapt_to_episode(replace(learner, params=params), episode, config)
    trajectory = measure_trajectory(learner, inner_lr, path, episode.task)
    whole = len(path) if trajectory.diverged_at is None else trajectory.diverged_at
    if not whole:
        raise ValueError(
            "The loss at θ is not a finite number: no descent starts there."
            if start is None
            else "The loss where the descent would start is not a finite number; start closer to θ."
        )
    places = np.array([plane.project(point) for point in path[:whole]])
    distances = [float(norm(subtract(point, plane.origin))) for point in path[:whole]]
    return ProjectedTrajectory(
        trajectory=trajectory,
        x=places[:, 0],
        y=places[:, 1],
        off_plane_distance=places[:, 2],
        distance=np.array(distances),
        fraction_in_plane=_fraction_in_plane(path[:whole], places),
        restarted=start is not None,
    )


@dataclass(frozen=True, eq=False)
class MetaTrainingTrajectory:
    """A meta-training, seen from a plane.

    Attributes:
        updates: After how many meta-updates, [n].
        x: Coordinate of the nearest point of the plane, [n].
        y: Likewise.
        off_plane_distance: How far θ is from the plane, [n].
    """

    updates: tuple[int, ...]
    x: np.ndarray
    y: np.ndarray
    off_plane_distance: np.ndarray


def project_meta_training(
    plane: Plane, points: Mapping[int, Params], n_way: int
) -> MetaTrainingTrajectory:
    """Project θ at each point of a meta-training onto a plane.

    Args:
        plane: From where it is seen.
        points: θ by meta-update.
        n_way: Rows of the plane's head.
    """
    places = np.array([plane.project(for_n_way(point, n_way)) for point in points.values()])
    return MetaTrainingTrajectory(tuple(points), *places.T)


def _fraction_in_plane(path: Sequence[Params], places: np.ndarray) -> float:
    own = sum(float(norm(subtract(b, a))) for a, b in pairwise(path))
    seen = float(np.hypot(*np.diff(places[:, :2], axis=0).T).sum())
    return min(seen / own, 1.0) if own else 1.0


def build_planes(
    kind: str, learners: Mapping[str, Learner], episode: Episode, seed: int
) -> dict[str, Plane]:
    """Build the planes of a kind from the learners' own paths, `REFERENCE_STEPS` at their own α.

    Args:
        kind: 'paths': for each learner the first two principal components of its path.
            'ends': one plane, through the first learner's θ and where both ended.
            'random': for each learner two filter-normalised random directions from its θ.
        learners: By name.
        episode: What they adapt to.
        seed: Of the random directions; the other kinds need them only where the paths span no
            plane.

    Returns:
        Planes by the learner's name; 'ends' by `SHARED_PLANE`.

    Raises:
        ValueError: The landscape is flat, or distances in it are not finite.
    """
    check_choice("kind", kind, tuple(PLANES))
    paths = map_in_parallel(partial(_reference_path, episode), learners)
    if not all(paths.values()):
        raise ValueError(
            "The parameters are so large that distances between them are not finite numbers: "
            "there is no map to draw."
        )
    try:
        return PLANES[kind](paths, seed)
    except ValueError as error:
        raise ValueError(
            "The landscape is flat around θ: the gradient is so small that the inner steps span no "
            "plane, and filters without length have no random direction. There is no map to draw."
        ) from error


def _reference_path(episode: Episode, learner: Learner) -> list[Params]:
    config = AdaptConfig(learner.inner_lr(episode.spec.n_way), REFERENCE_STEPS)
    path = adapt_to_episode(learner, episode, config)
    return [point for point in path if torch.isfinite(norm(point))]
