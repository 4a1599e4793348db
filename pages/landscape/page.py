"""Landscape: the loss of one episode around an initialisation, on a plane one can walk on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st

from maml_core.figures.landscape import (
    ACCURACY,
    LOSS,
    common_scale,
    contour_figure,
    descent_figure,
    surface_figure,
)
from maml_core.figures.style import CHANCE_COLOUR, CHART_CONFIG, STYLES
from maml_core.landscape import loss_maps
from maml_core.landscape.loss_maps import SIDES, Grid, Window
from maml_core.landscape.plane_descent import Path
from maml_core.landscape.planes import TOGETHER
from maml_core.teaching.csv_exports import grids_csv
from pages.landscape import map_cache, plane_cache, url_state
from pages.landscape.curvature import draw_curvature
from pages.landscape.maps import Panel, maps
from pages.landscape.plane_cache import Descent, Ground
from pages.landscape.texts import WHY_PLANES, WHY_SLICE, what_is_drawn, what_is_held
from pages.shared import cached
from pages.shared.learners.picker import in_place_of_maml
from pages.shared.learners.recorded import recorded_params
from pages.shared.page_header import begin, why
from pages.shared.settings import MAX_SEED, PARTS, Settings, one_of, whole
from pages.shared.widgets import choice

KINDS = {"Paths": "paths", "Both ends": "ends", "Random": "random"}
# What is drawn: on which set, and loss or accuracy.
DRAWN = {
    "Support loss": ("support", LOSS),
    "Query loss": ("query", LOSS),
    "Query accuracy": ("query", ACCURACY),
}
VIEWS = {"Contour": "contour", "Surface": "surface"}
LR_FACTORS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0, 32.0)
MAX_STEPS = 20


@dataclass(frozen=True)
class Asked:
    """What the page's own controls say.

    Attributes:
        ground: Episode, plane and θ.
        words: What is drawn.
        which: 'support' or 'query'.
        of: 'loss' or 'accuracy'.
        view: 'contour' or 'surface'.
        factor: On each method's own α, of the paths drawn.
        steps: Their inner steps.
        side: Points along a map's side.
    """

    ground: Ground
    words: str
    which: str
    of: str
    view: str
    factor: float
    steps: int
    side: int


def main() -> None:
    """Draw the page."""
    updates = recorded_params()
    ready = begin("The loss landscape", _checks(list(updates)))
    st.markdown(
        "The loss of *this* episode around each starting point θ, and the way that descent takes "
        "down. **Click anywhere on a map: descent starts again there.**"
    )
    if ready is None:
        return
    asked = _controls(ready[0], list(updates))
    url_state.forget_what_was_elsewhere(asked.ground)
    if asked.ground.kind == "ends" and not plane_cache.have_one_shape(asked.ground):
        st.info(
            f"The networks of {STYLES[asked.ground.method].label} and "
            f"{STYLES[cached.BASELINE].label} have different shapes, so no plane holds both: "
            "choose Paths or Random."
        )
        return
    try:
        paths = _paths(asked)
    except ValueError as error:
        # Among the notices, which stay until they are read: this run is not the last.
        st.session_state.setdefault("link_notices", []).append(f"{error}")
        url_state.write_starts([])
        st.rerun()
    every = [path for drawn in paths.values() for path in drawn]
    whole_window = loss_maps.widened(plane_cache.whole_window(asked.ground), every)
    window = url_state.window() or whole_window
    surveys = {}
    for panel in paths:
        what = (plane_cache.as_shown_on(panel, asked.ground), panel, asked.which, window)
        surveys[what] = partial(plane_cache.survey, *what)
    known = {key[1]: found for key in surveys if (found := map_cache.whole(key, asked.side))}
    _maps(asked, window, paths, known)
    progress = st.container(key="map_progress", horizontal=True, vertical_alignment="center")
    _below(asked, paths, known)
    draw_curvature(asked.ground)
    _refine(asked, surveys, progress)


def _checks(updates: list[int]) -> dict:
    return {
        "plane": one_of(*KINDS),
        "drawn": one_of(*DRAWN),
        "view": one_of(*VIEWS),
        "rate": one_of(*map(_times, LR_FACTORS)),
        "path_steps": whole(1, MAX_STEPS),
        "plane_seed": whole(0, MAX_SEED),
        "update": one_of(*map(str, updates)),
        "finest": one_of("true", "false"),
    } | url_state.CHECKS


def _times(factor: float) -> str:
    return f"× {factor:g}"


def _controls(settings: Settings, updates: list[int]) -> Asked:
    """Draw the page's own controls and return what they say."""
    with st.container(horizontal=True):
        kind = KINDS[choice("Plane", KINDS, "plane")]
        words = choice("Height", DRAWN, "drawn")
        view = VIEWS[choice("View", VIEWS, "view")]
        method = in_place_of_maml(zero_head=True)
    first, second, third, fourth = st.columns([3, 2, 3, 2], vertical_alignment="bottom")
    factor = first.select_slider(
        "Inner learning rate α",
        [_times(factor) for factor in LR_FACTORS],
        _times(1.0),
        key="rate",
        bind="query-params",
        help="× 1 is each method's own best α. Move it up and see the path overshoot; the plane "
        "stays.",
    )
    steps = second.slider("Inner steps", 1, MAX_STEPS, 10, key="path_steps", bind="query-params")
    update = third.select_slider(
        "MAML's θ after so many meta-updates",
        updates,
        updates[-1],
        key="update",
        bind="query-params",
        disabled=method != "maml",
        help="Points on the way from the pretrained weights, 0, to the shipped ones, recorded in "
        "one training. α stays that of the end.",
    )
    update = update if method == "maml" else updates[-1]
    finest = fourth.toggle(
        f"Finest map, {SIDES[-1]} × {SIDES[-1]}", key="finest", bind="query-params"
    )
    seed = 0
    if kind == "random":
        seed = int(
            st.number_input(
                "Seed of the random directions",
                0,
                MAX_SEED,
                key="plane_seed",
                bind="query-params",
                width=240,
            )
        )
    factors = dict(zip(map(_times, LR_FACTORS), LR_FACTORS, strict=True))
    side = SIDES[-1] if finest else SIDES[-2]
    ground = Ground(settings, kind, seed, update, method)
    return Asked(ground, words, *DRAWN[words], view, factors[factor], steps, side)


def _parts(paths: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Return what the view can be fitted to, by the button's words."""
    every = [path for drawn in paths.values() for path in drawn]
    own = [path for path in paths.get(TOGETHER, ()) if not path.restarted]
    return {"Fit all paths": every} | {
        f"Fit the path of {STYLES[path.method].label}": [path] for path in own
    }


def _paths(asked: Asked) -> dict[str, list[Path]]:
    """Return what is drawn on each map: the methods' own paths, then those restarted on it."""
    found = {}
    for panel in plane_cache.planes(asked.ground):
        methods = plane_cache.on_map(panel, asked.ground)
        begins = [(method, None) for method in methods]
        begins += [(methods[0], (x, y)) for where, x, y in url_state.starts() if where == panel]
        found[panel] = [
            plane_cache.path(asked.ground, Descent(panel, method, start, asked.factor, asked.steps))
            for method, start in begins
        ]
    return found


def _maps(
    asked: Asked, window: Window, paths: dict[str, list[Path]], known: dict[str, Grid]
) -> None:
    draw = surface_figure if asked.view == "surface" else contour_figure
    if draw is contour_figure and TOGETHER in paths:
        draw = partial(contour_figure, route=plane_cache.route(asked.ground))
    scale = common_scale(asked.of, known.values())
    panels = [
        Panel(
            panel,
            _title(panel, asked.ground.update),
            CHANCE_COLOUR if panel == TOGETHER else STYLES[panel].colour,
            draw(known.get(panel), drawn, scale, asked.which, window),
        )
        for panel, drawn in paths.items()
    ]
    maps(
        panels,
        window,
        view=asked.view,
        steps=max(len(path.x) for drawn in paths.values() for path in drawn) - 1,
        paths=str((asked.ground, asked.factor, asked.steps, url_state.starts())),
        key="maps",
        on_start=url_state.on_start,
        on_look=url_state.on_look,
    )


def _title(panel: str, update: int) -> str:
    if panel == TOGETHER:
        return "Both on one plane"
    if panel == "maml" and update != max(recorded_params()):
        return f"MAML’s θ after {update:,} meta-updates"
    return f"{STYLES[panel].label}"


def _below(asked: Asked, paths: dict[str, list[Path]], known: dict[str, Grid]) -> None:
    """Say what is seen, and offer what can be done with it."""
    st.caption(what_is_drawn(asked.ground, asked.words, asked.which))
    st.markdown("\n".join(f"* {what_is_held(path)}" for drawn in paths.values() for path in drawn))
    with st.container(horizontal=True):
        for words, shown in _parts(paths).items():
            st.button(
                words,
                key=f"fit_{words}",
                icon=":material/fit_screen:",
                on_click=url_state.look_at,
                args=(loss_maps.window_around(shown),),
            )
        st.button(
            "Undo the last start",
            key="undo_start",
            icon=":material/undo:",
            disabled=not url_state.starts(),
            on_click=lambda: url_state.write_starts(url_state.starts()[:-1]),
        )
        st.download_button(
            "The maps as CSV",
            grids_csv(known),
            "landscape.csv",
            "text/csv",
            key="landscape_csv",
            on_click="ignore",
            disabled=not known,
        )
        why("What can a slice show?", WHY_SLICE)
        why("Which planes?", WHY_PLANES)
    flat = [path for drawn in paths.values() for path in drawn]
    st.plotly_chart(descent_figure(flat, asked.which), key="descent_chart", config=CHART_CONFIG)
    st.caption(
        f"The {asked.which} loss at the paths' own points, one episode; characters "
        f"{PARTS[asked.ground.settings.part]}."
    )


def _refine(asked: Asked, surveys: dict, progress: st.delta_generator.DeltaGenerator) -> None:
    """Compute what the maps still lack, one fineness a run, unless the person said stop."""
    side = map_cache.next_side(surveys, asked.side)
    what = str((list(surveys), asked.side))
    if side is None:
        progress.caption(f"{asked.side} × {asked.side} points a map.")
    elif st.session_state.get("stopped") == what:
        progress.caption("Stopped.")
        progress.button(
            "Go on", key="go_on", on_click=lambda: st.session_state.pop("stopped", None)
        )
    else:
        progress.button(
            "Stop",
            key="stop_map",
            icon=":material/stop:",
            on_click=lambda: st.session_state.update(stopped=what),
        )
        map_cache.refine(surveys, side, progress.container())
        st.rerun()


main()
