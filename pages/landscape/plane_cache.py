"""Cached ways to the Landscape page's planes, paths and maps. Nobody writes to what they return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import streamlit as st

from maml_core.landscape import loss_maps, plane_descent
from maml_core.landscape.curvature import Curvature, learner_curvatures
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.landscape.plane_descent import Path, Route
from maml_core.landscape.planes import TOGETHER, Plane
from maml_core.learners.learner import Learner
from maml_core.networks.functional import for_n_way
from pages.shared import cached
from pages.shared.learners.recorded import learner_at_update, recorded_params
from pages.shared.settings import Settings


@dataclass(frozen=True)
class Ground:
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


def have_one_shape(ground: Ground) -> bool:
    """Say whether one plane can hold both learners' parameters."""
    n_way = ground.settings.spec.n_way
    shapes = [
        {name: value.shape for name, value in for_n_way(one.params, n_way).items()}
        for one in learners(ground.update, ground.method).values()
    ]
    return shapes[0] == shapes[1]


@st.cache_resource(show_spinner="Laying the planes …", max_entries=12)
def planes(ground: Ground) -> dict[str, Plane]:
    """Return the plane of each map, by its name."""
    episode = cached.episode(ground.settings)
    both = learners(ground.update, ground.method)
    return plane_descent.lay_planes(ground.kind, both, episode, ground.seed)


def as_shown_on(panel: str, ground: Ground) -> Ground:
    """Return the ground that a map depends on: the baseline's stays, whoever is beside it."""
    if panel != cached.BASELINE:
        return ground
    return replace(ground, update=max(recorded_params()), method="maml")


def on_map(panel: str, ground: Ground) -> tuple[str, ...]:
    """Return the methods whose paths a map shows."""
    return (ground.method, cached.BASELINE) if panel == TOGETHER else (panel,)


@st.cache_resource(show_spinner="Descending …", max_entries=512)
def path(ground: Ground, descent: Descent) -> Path:
    """Return a descent as its map's plane shows it.

    Raises:
        ValueError: The loss is no finite number where it would start.
    """
    learner = learners(ground.update, ground.method)[descent.method]
    return plane_descent.descend(
        learner,
        cached.episode(ground.settings),
        planes(ground)[descent.panel],
        inner_lr=descent.factor * learner.inner_lr(ground.settings.spec.n_way),
        inner_steps=descent.steps,
        start=descent.start,
    )


@st.cache_data(show_spinner=False, max_entries=128)
def whole_window(ground: Ground) -> Window:
    """Return the part of the planes that shows the methods' paths at their own α.

    All maps of a ground have the same one, so that their lengths compare. It is that of the end of
    the meta-training, so that the view stays as one slides through it.
    """
    ground = replace(ground, update=max(recorded_params()))
    if ground.kind == "random":
        return loss_maps.window_at_random(planes(ground).values())
    return loss_maps.window_around(
        path(ground, Descent(panel, method, None, 1.0, plane_descent.REFERENCE_STEPS))
        for panel in planes(ground)
        for method in on_map(panel, ground)
    )


@st.cache_resource(show_spinner=False, max_entries=32)
def route(ground: Ground) -> Route | None:
    """Return the way of MAML's meta-training on the plane that both methods share.

    None: MAML is not on it.
    """
    if ground.method != "maml":
        return None
    plane = planes(ground)[TOGETHER]
    return plane_descent.project_route(plane, recorded_params(), ground.settings.spec.n_way)


def survey(
    ground: Ground, panel: str, which: str, window: Window, side: int, known: Grid | None
) -> Iterator[Grid]:
    """Compute a map, see `loss_maps.survey_loss`."""
    learner = learners(ground.update, ground.method)[on_map(panel, ground)[0]]
    task = cached.episode(ground.settings).task
    plane = planes(ground)[panel]
    return loss_maps.survey_loss(learner.model, plane, task, which, window, side, known)


@st.cache_data(show_spinner=False, max_entries=128)
def curvatures(ground: Ground) -> dict[str, Curvature]:
    """Return the curvature of the support loss at each method's θ, whatever the planes."""
    both = learners(ground.update, ground.method)
    return learner_curvatures(both, cached.episode(ground.settings))
