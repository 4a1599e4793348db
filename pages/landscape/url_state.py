"""The zoom and the restarts of descent on the Landscape page's maps, kept in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st

from maml_core.landscape.loss_maps import Window
from maml_core.landscape.planes import SHARED_PLANE
from pages.landscape.plane_cache import PlaneSettings
from pages.shared import cached
from pages.shared.learners import store
from pages.shared.link_settings import Check, parse_numbers

MAX_STARTS = 6  # restarted descents that are kept; of more, the oldest goes


def reset_on_another_plane(plane_settings: PlaneSettings) -> None:
    """Forget restarts and zoom when the plane changes; those of a link are kept."""
    plane = plane_settings
    here = (plane.settings, plane.kind, plane.seed, plane.method)
    if st.session_state.setdefault("landscape_of", here) != here:
        st.session_state["landscape_of"] = here
        for name in ("starts", "window"):
            st.query_params.pop(name, None)


def parse_window(text: str) -> Window | None:
    """Parse the URL's window; None if it is not one."""
    try:
        return Window(*(parse_numbers(text) or ()))
    except (TypeError, ValueError):
        return None


def zoomed_window() -> Window | None:
    """Return the part that a person zoomed to; None: everything."""
    return parse_window(st.query_params.get("window", ""))


def parse_starts(text: str) -> list[tuple[str, float, float]] | None:
    """Parse the URL's restarts: map, x and y; None if it is not a list of them."""
    found = []
    for one in filter(None, text.split(";")):
        panel, _, place = one.partition(":")
        numbers = parse_numbers(place)
        if numbers is None or len(numbers) != 2:
            return None
        if panel not in ("maml", cached.BASELINE, *store.learners(), SHARED_PLANE):
            return None
        found.append((panel, *numbers))
    return found[-MAX_STARTS:]


def restarts() -> list[tuple[str, float, float]]:
    """Return where a person restarted descents: map, x and y."""
    return parse_starts(st.query_params.get("starts", "")) or []


def write_restarts(places: list[tuple[str, float, float]]) -> None:
    """Write where descents are restarted to the URL."""
    if places:
        st.query_params["starts"] = ";".join(f"{p}:{x:.4g},{y:.4g}" for p, x, y in places)
    else:
        st.query_params.pop("starts", None)


def on_restart() -> None:
    """Restart descent where a map was clicked."""
    click = _told("start")
    if click:
        start = (click["panel"], float(click["x"]), float(click["y"]))
        write_restarts([*restarts(), start][-MAX_STARTS:])


def on_zoom() -> None:
    """Show the part that a person zoomed to, or everything again."""
    seen = _told("look")
    if seen:
        write_window(Window(float(seen["x"]), float(seen["y"]), float(seen["half"])))
    elif seen is not None:
        st.query_params.pop("window", None)


def _told(name: str) -> Any:
    """Return what the maps have just told; None once their page has been left."""
    return (st.session_state.get("maps") or {}).get(name)


def write_window(seen: Window) -> None:
    """Write the part of the plane that is shown to the URL."""
    st.query_params["window"] = f"{seen.x:.4g},{seen.y:.4g},{seen.half_width:.4g}"


CHECKS: dict[str, Check] = {
    "window": (lambda text: parse_window(text) is not None, "x, y and half a width above 0"),
    "starts": (lambda text: parse_starts(text) is not None, "a list of map, x and y"),
}
