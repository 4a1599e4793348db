"""Landscape: the loss of one episode around an initialisation, on a plane one can walk on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from maml_core.figures.descent import descent_figure, map_in_words
from maml_core.figures.landscape import ACCURACY, LOSS, common_scale, contour_figure, surface_figure
from maml_core.figures.style import CHANCE_COLOUR, STYLES
from maml_core.landscape import loss_maps
from maml_core.landscape.loss_maps import RESOLUTIONS, Grid, Window
from maml_core.landscape.plane_descent import ProjectedTrajectory
from maml_core.landscape.planes import SHARED_PLANE
from maml_core.teaching.exports.csv_exports import grids_csv
from pages.landscape import grid_cache, plane_cache, texts, url_state
from pages.landscape.curvature import draw_curvature
from pages.landscape.map_component import draw_maps
from pages.landscape.plane_cache import Descent, PlaneSettings
from pages.shared import cached
from pages.shared.charts.chart import chart_config, draw_chart, file_name
from pages.shared.charts.panels import Panel
from pages.shared.frame.finding import show_caption, show_finding
from pages.shared.frame.glossary import IN_SYMBOLS, introduce
from pages.shared.frame.page_header import explanation, page_with_episode
from pages.shared.learners.picker import in_place_of_maml
from pages.shared.learners.recorded import recorded_params
from pages.shared.link_settings import MAX_SEED, PARTS, Check, Settings, one_of, whole_number
from pages.shared.messages import message_of
from pages.shared.widgets import plain_text, segmented_choice

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
Evaluators = dict[tuple[PlaneSettings, str, str, Window], grid_cache.GridEvaluator]


@dataclass(frozen=True)
class Controls:
    """The values of the page's own controls.

    Attributes:
        plane_settings: Episode, plane and θ.
        words: What is drawn.
        which: 'support' or 'query'.
        of: 'loss' or 'accuracy'.
        view: 'contour' or 'surface'.
        factor: On each method's own α, of the paths drawn.
        steps: Their inner steps.
        resolution: Points along a map's side.
    """

    plane_settings: PlaneSettings
    words: str
    which: str
    of: str
    view: str
    factor: float
    steps: int
    resolution: int


def main() -> None:
    """Draw the page."""
    updates = recorded_params()
    ready = page_with_episode("The loss landscape", _checks(list(updates)))
    st.markdown(
        "The loss of *this* episode around each starting point θ, and the path that descent takes "
        "on it. **Click anywhere on a map: descent starts again there.**"
    )
    introduce(
        IN_SYMBOLS,
        *("θ", "θ′", "α", "inner loop, inner step", "support set, query set", "nats", "λ₁"),
        *("normalised together, each alone", "pretrained", "body, head"),
    )
    if ready is None:
        return
    controls = _controls(ready[0], list(updates))
    url_state.reset_on_another_plane(controls.plane_settings)
    if controls.plane_settings.kind == "ends" and not plane_cache.have_one_shape(
        controls.plane_settings
    ):
        st.info(
            f"The networks of {STYLES[controls.plane_settings.method].label} and "
            f"{STYLES[cached.BASELINE].label} have different shapes, so no plane contains both: "
            "choose Paths or Random."
        )
        return
    try:
        paths = _paths(controls)
        window = url_state.zoomed_window() or _whole_window(controls, paths)
    except ValueError as error:
        if not url_state.restarts():  # then nothing can be left out that would help
            label = STYLES[controls.plane_settings.method].label
            st.info(plain_text(f"“{label}”: {message_of(error)}"))
            return
        # Among the notices, which stay until they are read: this run is not the last.
        st.session_state.setdefault("link_notices", []).append(message_of(error))
        url_state.write_restarts([])
        st.rerun()
    evaluators: Evaluators = {}
    for panel in paths:
        what = (
            plane_cache.as_shown_on(panel, controls.plane_settings),
            panel,
            controls.which,
            window,
        )
        evaluators[what] = partial(plane_cache.evaluate_grid, *what)
    maps = st.container()
    progress = st.container(key="map_progress", horizontal=True, vertical_alignment="center")
    if not _is_stopped(controls, evaluators):  # the coarsest comes before all that takes longer
        grid_cache.refine_grids(evaluators, RESOLUTIONS[0], progress.container())
    known = {
        key[1]: found
        for key in evaluators
        if (found := grid_cache.finest_complete_grid(key, controls.resolution))
    }
    with maps:
        _maps(controls, window, paths, known)
    _below(controls, paths, known)
    draw_curvature(controls.plane_settings)
    _refine(controls, evaluators, progress)


def _checks(updates: list[int]) -> dict[str, Check]:
    return {
        "plane": one_of(*KINDS),
        "drawn": one_of(*DRAWN),
        "view": one_of(*VIEWS),
        "rate": one_of(*map(_times, LR_FACTORS)),
        "path_steps": whole_number(1, MAX_STEPS),
        "plane_seed": whole_number(0, MAX_SEED),
        "update": one_of(*map(str, updates)),
        "finest": one_of("true", "false"),
    } | url_state.CHECKS


def _times(factor: float) -> str:
    return f"× {factor:g}"


def _controls(settings: Settings, updates: list[int]) -> Controls:
    """Draw the page's own controls and return their values."""
    with st.container(horizontal=True):
        kind = KINDS[segmented_choice("Plane", KINDS, "plane")]
        words = segmented_choice("Show", DRAWN, "drawn")
        view = VIEWS[segmented_choice("View", VIEWS, "view")]
        method = in_place_of_maml(descends=True)
    first, second, third, fourth = st.columns([3, 2, 3, 2], vertical_alignment="bottom")
    factor = first.select_slider(
        "Inner learning rate α",
        [_times(factor) for factor in LR_FACTORS],
        _times(1.0),
        key="rate",
        bind="query-params",
        help="× 1 is each method's own best α. Increase it and see the path overshoot; the plane "
        "stays the same.",
    )
    steps = second.slider("Inner steps", 1, MAX_STEPS, 10, key="path_steps", bind="query-params")
    update = third.select_slider(
        "MAML's θ after how many meta-updates",
        updates,
        updates[-1],
        key="update",
        bind="query-params",
        disabled=method != "maml",
        help="Points recorded during one meta-training, from the pretrained weights, 0, to "
        "the shipped ones. α stays that of the end.",
    )
    update = update if method == "maml" else updates[-1]
    finest = fourth.toggle(
        f"Finest map, {RESOLUTIONS[-1]} × {RESOLUTIONS[-1]}", key="finest", bind="query-params"
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
    resolution = RESOLUTIONS[-1] if finest else RESOLUTIONS[-2]
    plane_settings = PlaneSettings(settings, kind, seed, update, method)
    return Controls(plane_settings, words, *DRAWN[words], view, factors[factor], steps, resolution)


def _parts(paths: dict[str, list[ProjectedTrajectory]]) -> dict[str, list[ProjectedTrajectory]]:
    """Return the paths that the view can be fitted to, by the button's label."""
    every = [path for drawn in paths.values() for path in drawn]
    own = [path for path in paths.get(SHARED_PLANE, ()) if not path.restarted]
    return {"Fit all paths": every} | {
        f"Fit the path of {STYLES[path.method].label}": [path] for path in own
    }


def _paths(controls: Controls) -> dict[str, list[ProjectedTrajectory]]:
    """Return each map's paths: the methods' own, then those restarted on it."""
    found = {}
    for panel in plane_cache.planes(controls.plane_settings):
        methods = plane_cache.on_map(panel, controls.plane_settings)
        begins: list[tuple[str, tuple[float, float] | None]] = [(name, None) for name in methods]
        begins += [(methods[0], (x, y)) for where, x, y in url_state.restarts() if where == panel]
        found[panel] = [
            plane_cache.path(
                controls.plane_settings,
                Descent(panel, method, start, controls.factor, controls.steps),
            )
            for method, start in begins
        ]
    return found


def _whole_window(controls: Controls, paths: dict[str, list[ProjectedTrajectory]]) -> Window:
    """Return the part of the planes that shows all paths."""
    every = [path for drawn in paths.values() for path in drawn]
    return loss_maps.widen_to_show(plane_cache.whole_window(controls.plane_settings), every)


def _maps(
    controls: Controls,
    window: Window,
    paths: dict[str, list[ProjectedTrajectory]],
    known: dict[str, Grid],
) -> None:
    draw = surface_figure if controls.view == "surface" else contour_figure
    if draw is contour_figure and SHARED_PLANE in paths:
        draw = partial(
            contour_figure, meta_training=plane_cache.meta_training(controls.plane_settings)
        )
    scale = common_scale(controls.of, known.values())
    panels = [
        Panel(
            panel,
            texts.panel_title(panel, controls.plane_settings.update),
            CHANCE_COLOUR if panel == SHARED_PLANE else STYLES[panel].colour,
            draw(known.get(panel), drawn, scale, controls.which, window),
            map_in_words(known.get(panel), drawn, controls.which),
            chart_config(
                f"{controls.which} {controls.of} {panel}", controls.plane_settings.settings
            ),
        )
        for panel, drawn in paths.items()
    ]
    draw_maps(
        panels,
        window,
        view=controls.view,
        steps=max(len(path.x) for drawn in paths.values() for path in drawn) - 1,
        paths=str((controls.plane_settings, controls.factor, controls.steps, url_state.restarts())),
        key="maps",
        on_start=url_state.on_restart,
        on_zoom=url_state.on_zoom,
    )


def _below(
    controls: Controls, paths: dict[str, list[ProjectedTrajectory]], known: dict[str, Grid]
) -> None:
    """Explain the maps, and offer zooms, undo and download."""
    flat = [path for drawn in paths.values() for path in drawn]
    show_finding(texts.paths_sentence(flat), "landscape")
    show_caption(
        texts.map_caption(controls.plane_settings, controls.words, controls.which), "landscape"
    )
    st.markdown("\n".join(f"* {texts.trajectory_caption(path)}" for path in flat))
    with st.container(horizontal=True):
        for words, shown in _parts(paths).items():
            st.button(
                words,
                key=f"fit_{words}",
                icon=":material/fit_screen:",
                on_click=url_state.write_window,
                args=(loss_maps.window_around(shown),),
            )
        st.button(
            "Undo the last restart",
            key="undo_start",
            icon=":material/undo:",
            disabled=not url_state.restarts(),
            on_click=lambda: url_state.write_restarts(url_state.restarts()[:-1]),
        )
        st.download_button(
            "The maps as CSV",
            grids_csv(known, plane_cache.map_facts(controls.plane_settings, controls.which)),
            f"{file_name('landscape', controls.plane_settings.settings)}.csv",
            "text/csv",
            key="landscape_csv",
            on_click="ignore",
            disabled=not known,
        )
        explanation("What can a slice show?", texts.WHY_SLICE)
        explanation("Which planes?", texts.WHY_PLANES)
    draw_chart(
        descent_figure(flat, controls.which),
        "descent_chart",
        f"{controls.which.capitalize()} loss along the descents",
        settings=controls.plane_settings.settings,
    )
    show_caption(
        f"The {controls.which} loss at the paths' own points, one episode; characters "
        f"{PARTS[controls.plane_settings.settings.part]}.",
        "descent",
    )


def _is_stopped(controls: Controls, evaluators: Evaluators) -> bool:
    return bool(st.session_state.get("stopped") == str((list(evaluators), controls.resolution)))


def _refine(controls: Controls, evaluators: Evaluators, progress: DeltaGenerator) -> None:
    """Compute what the maps still lack, one resolution per run, unless it was stopped."""
    resolution = grid_cache.next_resolution(evaluators, controls.resolution)
    what = str((list(evaluators), controls.resolution))
    if resolution is None:
        progress.caption(f"{controls.resolution} × {controls.resolution} points per map.")
    elif _is_stopped(controls, evaluators):
        progress.caption("Stopped.")
        progress.button(
            "Continue", key="go_on", on_click=lambda: st.session_state.pop("stopped", None)
        )
    else:
        progress.button(
            "Stop",
            key="stop_map",
            icon=":material/stop:",
            on_click=lambda: st.session_state.update(stopped=what),
        )
        grid_cache.refine_grids(evaluators, resolution, progress.container())
        if grid_cache.next_resolution(evaluators, controls.resolution) == resolution:
            st.session_state["stopped"] = what  # it was not kept: not again and again
        st.rerun()


main()
