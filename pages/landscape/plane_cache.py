"""Cached ways to the Landscape page's planes, paths and maps. Nobody writes to what they return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import streamlit as st

from maml_core.landscape import loss_maps, plane_descent
from maml_core.landscape.curvature import Curvature, learner_curvatures
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.landscape.plane_descent import MetaTrainingTrajectory, ProjectedTrajectory
from maml_core.landscape.planes import SHARED_PLANE, Plane
from maml_core.learners.learner import Learner
from maml_core.networks.functional import for_n_way
from pages.shared import cached
from pages.shared.charts.facts import episode_facts
from pages.shared.learners.recorded import learner_at_update, recorded_params
from pages.shared.link_settings import Settings


@dataclass(frozen=True)
class PlaneSettings:
    """What the planes depend on.

    Attributes:
        settings: The episode.
        kind: One of `planes.PLANES`.
        seed: Of the random directions.
        update: Which recorded meta-update MAML's θ is from.
        method: Who stands beside the baseline: MAML, or a visitor's own learner.
    """

    settings: Settings
    kind: str
    seed: int
    update: int
    method: str = "maml"


@dataclass(frozen=True)
class Descent:
    """One descent on a map.

    Attributes:
        panel: On which map it is drawn.
        method: Who descends.
        start: From where on the plane; None: from the method's own θ.
        factor: On the method's own α.
        steps: Inner steps.
    """

    panel: str
    method: str
    start: tuple[float, float] | None
    factor: float
    steps: int


def learners(update: int, method: str = "maml") -> dict[str, Learner]:
    """Return both learners, MAML with the θ of a meta-update and its α of the end."""
    return {name: learner_at_update(update, name) for name in (method, cached.BASELINE)}


def have_one_shape(plane_settings: PlaneSettings) -> bool:
    """Say whether one plane can hold both learners' parameters."""
    n_way = plane_settings.settings.spec.n_way
    shapes = [
        {name: value.shape for name, value in for_n_way(one.params, n_way).items()}
        for one in learners(plane_settings.update, plane_settings.method).values()
    ]
    return shapes[0] == shapes[1]


@st.cache_resource(show_spinner="Laying the planes …", max_entries=12, ttl=cached.RESULT_SECONDS)
def planes(plane_settings: PlaneSettings) -> dict[str, Plane]:
    """Return the plane of each map, by its name."""
    episode = cached.episode(plane_settings.settings)
    both = learners(plane_settings.update, plane_settings.method)
    return plane_descent.build_planes(plane_settings.kind, both, episode, plane_settings.seed)


def as_shown_on(panel: str, plane_settings: PlaneSettings) -> PlaneSettings:
    """Return the ground that a map depends on: the baseline's stays, whoever is beside it."""
    if panel != cached.BASELINE:
        return plane_settings
    return replace(plane_settings, update=max(recorded_params()), method="maml")


def on_map(panel: str, plane_settings: PlaneSettings) -> tuple[str, ...]:
    """Return the methods whose paths a map shows."""
    return (plane_settings.method, cached.BASELINE) if panel == SHARED_PLANE else (panel,)


@st.cache_resource(show_spinner="Descending …", max_entries=512, ttl=cached.RESULT_SECONDS)
def path(plane_settings: PlaneSettings, descent: Descent) -> ProjectedTrajectory:
    """Return a descent as its map's plane shows it.

    Raises:
        ValueError: The loss is not finite where it would start.
    """
    learner = learners(plane_settings.update, plane_settings.method)[descent.method]
    return plane_descent.descend(
        learner,
        cached.episode(plane_settings.settings),
        planes(plane_settings)[descent.panel],
        inner_lr=descent.factor * learner.inner_lr(plane_settings.settings.spec.n_way),
        inner_steps=descent.steps,
        start=descent.start,
    )


@st.cache_data(show_spinner=False, max_entries=128, ttl=cached.RESULT_SECONDS)
def whole_window(plane_settings: PlaneSettings) -> Window:
    """Return the part of the planes that shows the methods' paths at their own α.

    All maps of a ground have the same one, so that their lengths compare. It is that of the end of
    the meta-training, so that the view stays as one slides through it.
    """
    plane_settings = replace(plane_settings, update=max(recorded_params()))
    if plane_settings.kind == "random":
        return loss_maps.window_at_random(planes(plane_settings).values())
    return loss_maps.window_around(
        path(plane_settings, Descent(panel, method, None, 1.0, plane_descent.REFERENCE_STEPS))
        for panel in planes(plane_settings)
        for method in on_map(panel, plane_settings)
    )


@st.cache_resource(show_spinner=False, max_entries=32, ttl=cached.RESULT_SECONDS)
def meta_training(plane_settings: PlaneSettings) -> MetaTrainingTrajectory | None:
    """Return the way of MAML's meta-training on the plane that both methods share.

    None: MAML is not on it.
    """
    if plane_settings.method != "maml":
        return None
    plane = planes(plane_settings)[SHARED_PLANE]
    return plane_descent.project_meta_training(
        plane, recorded_params(), plane_settings.settings.spec.n_way
    )


def evaluate_grid(
    plane_settings: PlaneSettings,
    panel: str,
    which: str,
    window: Window,
    resolution: int,
    known: Grid | None,
) -> Iterator[Grid]:
    """Compute a map, see `loss_maps.evaluate_loss_grid`."""
    learner = learners(plane_settings.update, plane_settings.method)[
        on_map(panel, plane_settings)[0]
    ]
    task = cached.episode(plane_settings.settings).task
    plane = planes(plane_settings)[panel]
    return loss_maps.evaluate_loss_grid(
        learner.model, plane, task, which, window, resolution, known
    )


@st.cache_data(show_spinner=False, max_entries=128, ttl=cached.RESULT_SECONDS)
def curvatures(plane_settings: PlaneSettings) -> dict[str, Curvature]:
    """Return the curvature of the support loss at each method's θ, whatever the planes."""
    both = learners(plane_settings.update, plane_settings.method)
    return learner_curvatures(both, cached.episode(plane_settings.settings))


def map_facts(plane_settings: PlaneSettings, which: str) -> dict[str, object]:
    """Return what maps were computed with, for their CSV.

    Args:
        plane_settings: Episode, plane and θ.
        which: 'support' or 'query'.
    """
    named = learners(plane_settings.update, plane_settings.method)
    n_way = plane_settings.settings.spec.n_way
    return episode_facts(
        plane_settings.settings,
        set=which,
        plane=plane_settings.kind,
        plane_seed=plane_settings.seed,
        meta_update=plane_settings.update,
    ) | {f"inner_lr_{name}": learner.inner_lr(n_way) for name, learner in named.items()}
