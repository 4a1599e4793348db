"""The maps of the Landscape page: a thin wrapper around Plotly that keeps its nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maml_core.figures.landscape import PATH, RESTART_COLOUR
from maml_core.landscape.loss_maps import Window
from pages.shared.charts.panels import Panel, panel_data
from pages.shared.component import component

# Plotly keeps its styles in the page's head.
_mount = component("loss_map", isolate_styles=False)


def draw_maps(
    panels: Sequence[Panel],
    window: Window,
    *,
    view: str,
    steps: int,
    paths: str,
    key: str,
    on_start: Callable[[], None],
    on_zoom: Callable[[], None],
) -> None:
    """Draw maps side by side.

    Args:
        panels: The maps; traces with the meta 'path' are shown step by step.
        window: The part of the plane that they show.
        view: 'contour' or 'surface', which the figures are.
        steps: Inner steps that can be played through.
        paths: Changes when the paths do; all their steps are shown then.
        key: Of the component. `st.session_state[key]` holds what was done in the callbacks.
        on_start: Called after a click; `start` is its panel, x and y.
        on_zoom: Called after a zoom; `look` is the middle's x and y and half the width, or empty.
    """
    _mount(
        key=key,
        data={
            "panels": [panel_data(panel) for panel in panels],
            "window": {"x": window.x, "y": window.y, "half": window.half_width},
            "view": view,
            "steps": steps,
            "paths": paths,
            "pathMeta": PATH,
            "crossColour": RESTART_COLOUR,
        },
        on_start_change=on_start,
        on_look_change=on_zoom,
    )
