"""The points that a person gives the networks: a wave's own, or those clicked, kept in the URL."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from maml_core.teaching.sinusoid_comparison import shown_points
from maml_core.teaching.sinusoid_tasks import RANGE
from pages.shared.settings import Check
from pages.train.sinusoid.wave_chart import MAX_POINTS

CHART = "wave_chart"
MAX_HEIGHT = 100.0  # far outside of the charts
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Task:
    """Which wave, and which of its points.

    Attributes:
        seed: Of the wave.
        k_shot: Points.
        half: In the left half alone.
    """

    seed: int
    k_shot: int
    half: bool


def points_of(text: str) -> Points | None:
    """Read points from the URL; None: it says nothing of the kind."""
    found = []
    for one in filter(None, text.split(";")):
        try:
            x, y = map(float, one.split(","))
        except ValueError:
            return None
        if not (RANGE[0] <= x <= RANGE[1] and math.isfinite(y) and abs(y) <= MAX_HEIGHT):
            return None
        found.append((x, y))
    return found[-MAX_POINTS:]


def points(task: Task) -> Points:
    """Return the points that a person chose, else the wave's own."""
    chosen = points_of(st.query_params["points"]) if is_edited() else None
    return shown_points(task.seed, task.k_shot, task.half) if chosen is None else chosen


def is_edited() -> bool:
    """Say whether a person chose the points."""
    return "points" in st.query_params


def forget_those_of_another(task: Task) -> None:
    """Drop the points once they belong to another task; a link's own are kept."""
    if st.session_state.setdefault("points_of", task) != task:
        st.session_state["points_of"] = task
        st.query_params.pop("points", None)


def revision(task: Task) -> str:
    """Return what changes when the points do otherwise than by a click on a chart."""
    return f"{task} {st.session_state.get('points_put', 0)}"


def on_points(task: Task) -> None:
    """Take what was clicked on the chart, unless the points have become others meanwhile."""
    said = (st.session_state.get(CHART) or {}).get("points") or {}
    if said.get("revision") == revision(task):
        _write(said["points"])


def clear() -> None:
    """Take all points away."""
    _write([])
    _put()


def restore() -> None:
    """Go back to the wave's own points."""
    st.query_params.pop("points", None)
    _put()


def _write(new: Points) -> None:
    text = ";".join(f"{x:.4g},{y:.4g}" for x, y in new)
    if points_of(text) is not None:
        st.query_params["points"] = text


def _put() -> None:
    st.session_state["points_put"] = st.session_state.get("points_put", 0) + 1


CHECK: Check = (
    lambda text: points_of(text) is not None,
    "a list of x, y with x from −5 to 5",
)
