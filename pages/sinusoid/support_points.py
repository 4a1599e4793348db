"""The points that the networks adapt to: a sinusoid's own, or those clicked, kept in the URL."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from maml_core.teaching.sinusoids.tasks import X_RANGE, displayed_support
from pages.shared.link_settings import Check, parse_numbers
from pages.sinusoid.clickable_charts import MAX_POINTS

CHART = "wave_chart"
MAX_Y = 100.0  # far outside of the charts
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class SinusoidTask:
    """Which sinusoid, and which of its points.

    Attributes:
        seed: Of the sinusoid.
        k_shot: Points.
        support_in_left_half: Whether x < 0 for all of them.
    """

    seed: int
    k_shot: int
    support_in_left_half: bool


def parse_points(text: str) -> Points | None:
    """Read points from the URL; None: it is not a list of points."""
    points: Points = []
    for pair in filter(None, text.split(";")):
        numbers = parse_numbers(pair)
        if numbers is None or len(numbers) != 2:
            return None
        x, y = numbers
        if not (X_RANGE[0] <= x <= X_RANGE[1] and abs(y) <= MAX_Y):
            return None
        points.append((x, y))
    return points[-MAX_POINTS:]


POINTS_CHECK: Check = (
    lambda text: parse_points(text) is not None,
    "a list of x, y with x from −5 to 5",
)


def support_points(task: SinusoidTask) -> Points:
    """Return the points that a person chose, else the sinusoid's own."""
    chosen = parse_points(st.query_params["points"]) if are_edited() else None
    if chosen is None:
        return displayed_support(task.seed, task.k_shot, task.support_in_left_half)
    return chosen


def are_edited() -> bool:
    """Say whether a person chose the points."""
    return "points" in st.query_params


def drop_points_of_another_task(task: SinusoidTask) -> None:
    """Drop the chosen points once the task is another; a link's own are kept."""
    if st.session_state.setdefault("points_of", task) != task:
        st.session_state["points_of"] = task
        st.query_params.pop("points", None)


def revision(task: SinusoidTask) -> str:
    """Return what changes when the points change in another way than by a click on a chart."""
    return f"{task} {st.session_state.get('points_put', 0)}"


def take_clicked_points(task: SinusoidTask) -> None:
    """Take what was clicked on the chart, unless the points have changed in the meantime."""
    clicked = (st.session_state.get(CHART) or {}).get("points") or {}
    if clicked.get("revision") == revision(task):
        _write_to_url(clicked["points"])


def clear_points() -> None:
    """Remove all points."""
    _write_to_url([])
    _raise_revision()


def restore_points() -> None:
    """Go back to the sinusoid's own points."""
    st.query_params.pop("points", None)
    _raise_revision()


def _write_to_url(points: Points) -> None:
    text = ";".join(f"{x:.4g},{y:.4g}" for x, y in points)
    if parse_points(text) is not None:
        st.query_params["points"] = text


def _raise_revision() -> None:
    st.session_state["points_put"] = st.session_state.get("points_put", 0) + 1
