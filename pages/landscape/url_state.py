"""Where a person is on the Landscape page's maps: zoom and clicks, kept in the URL."""

from __future__ import annotations

import math

import streamlit as st

from maml_core.landscape.loss_maps import Window
from maml_core.landscape.planes import TOGETHER
from pages.landscape.plane_cache import Ground
from pages.shared import cached
from pages.shared.learners import store
from pages.shared.settings import Check

MAX_STARTS = 6  # restarted descents that are kept; of more, the oldest goes


def forget_what_was_elsewhere(ground: Ground) -> None:
    """Drop clicks and zoom once they belong to another plane; a link's own are kept."""
    here = (ground.settings, ground.kind, ground.seed, ground.method)
    if st.session_state.setdefault("landscape_of", here) != here:
        st.session_state["landscape_of"] = here
        for name in ("starts", "window"):
            st.query_params.pop(name, None)


def window_of(text: str) -> Window | None:
    """Read a window from the URL; None: it is none."""
    try:
        return Window(*map(float, text.split(",")))
    except (TypeError, ValueError):
        return None


def window() -> Window | None:
    """Return what a person zoomed to; None: the whole."""
    return window_of(st.query_params.get("window", ""))


def starts_of(text: str) -> list[tuple[str, float, float]] | None:
    """Read where descents were restarted from the URL; None: it says nothing of the kind."""
    found = []
    for one in filter(None, text.split(";")):
        panel, _, place = one.partition(":")
        try:
            x, y = map(float, place.split(","))
        except ValueError:
            return None
        if panel not in ("maml", cached.BASELINE, *store.learners(), TOGETHER):
            return None
        if not (math.isfinite(x) and math.isfinite(y)):
            return None
        found.append((panel, x, y))
    return found[-MAX_STARTS:]


def starts() -> list[tuple[str, float, float]]:
    """Return where a person restarted descents: map, x and y."""
    return starts_of(st.query_params.get("starts", "")) or []


def write_starts(places: list[tuple[str, float, float]]) -> None:
    """Put where descents are restarted into the URL."""
    if places:
        st.query_params["starts"] = ";".join(f"{p}:{x:.4g},{y:.4g}" for p, x, y in places)
    else:
        st.query_params.pop("starts", None)


def on_start() -> None:
    """Take a click on a map as the start of another descent."""
    click = st.session_state["maps"].get("start")
    if click:
        start = (click["panel"], float(click["x"]), float(click["y"]))
        write_starts([*starts(), start][-MAX_STARTS:])


def on_look() -> None:
    """Take what a person zoomed to as the window, or go back to the whole."""
    seen = st.session_state["maps"].get("look")
    if seen:
        look_at(Window(float(seen["x"]), float(seen["y"]), float(seen["half"])))
    elif seen is not None:
        st.query_params.pop("window", None)


def look_at(seen: Window) -> None:
    """Put the part of the plane to be shown into the URL."""
    st.query_params["window"] = f"{seen.x:.4g},{seen.y:.4g},{seen.half:.4g}"


CHECKS: dict[str, Check] = {
    "window": (lambda text: window_of(text) is not None, "x, y and half a width above 0"),
    "starts": (lambda text: starts_of(text) is not None, "a list of map, x and y"),
}
