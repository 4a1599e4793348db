"""The maps of the Landscape page: a thin wrapper around Plotly that keeps its nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from maml_core.figures.landscape import PATH, RESTART_COLOUR
from maml_core.figures.plotly_json import figure_json
from maml_core.landscape.loss_maps import Window
from pages.shared.charts.chart import for_the_room
from pages.shared.component import component

# Plotly keeps its styles in the page's head.
_mount = component("loss_map", isolate_styles=False)


@dataclass(frozen=True)
class Panel:
    """One map.

    Attributes:
        name: What clicks on it are told by.
        title: Above it.
        colour: Of the dot beside the title.
        figure: The map itself; traces with the meta 'path' are shown step by step.
        numbers: What it shows, in words.
        config: Plotly's.
    """

    name: str
    title: str
    colour: str
    figure: go.Figure
    numbers: str
    config: Mapping[str, object]


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
        panels: The maps.
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
            "panels": [
                {
                    "name": panel.name,
                    "title": panel.title,
                    "colour": panel.colour,
                    "figure": figure_json(for_the_room(panel.figure)),
                    "numbers": panel.numbers,
                    "config": {**panel.config, "doubleClick": False},
                }
                for panel in panels
            ],
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
