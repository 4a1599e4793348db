"""Charts of one sinusoid on which a person places points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from maml_core.figures.description import describe
from maml_core.figures.landscape import RESTART_COLOUR
from maml_core.figures.plotly_json import figure_json
from maml_core.figures.sinusoid import POINTS
from maml_core.teaching.sinusoids.tasks import X_RANGE
from pages.shared.charts.chart import chart_config, for_the_room
from pages.shared.component import component

MAX_POINTS = 20  # with more, the oldest is dropped
# Plotly keeps its styles in the page's head.
_mount = component("wave_chart", isolate_styles=False)


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        name: Its method, which tells it from the other.
        title: Above it.
        colour: Of the dot beside the title.
        note: After the title.
        figure: The chart itself; the trace with the meta 'points' is drawn by the browser.
    """

    name: str
    title: str
    colour: str
    note: str
    figure: go.Figure


def draw_clickable_charts(
    panels: Sequence[Panel],
    points: Sequence[tuple[float, float]],
    revision: str,
    *,
    key: str,
    on_points: Callable[[], None],
) -> None:
    """Draw charts side by side that have the same points.

    Args:
        panels: The charts.
        points: x and y of each.
        revision: Changes when the points change in another way than by a click on a chart.
        key: Of the component.
        on_points: Called after a click; `st.session_state[key].points` holds the revision that
            was clicked on and all points.
    """
    _mount(
        key=key,
        data={
            "panels": [
                {
                    "name": panel.name,
                    "title": panel.title,
                    "colour": panel.colour,
                    "note": panel.note,
                    "figure": figure_json(for_the_room(panel.figure)),
                    "numbers": describe(panel.figure, panel.note),
                    "config": chart_config(f"sinusoid {panel.title}") | {"doubleClick": False},
                }
                for panel in panels
            ],
            "points": [list(point) for point in points],
            "revision": revision,
            "range": list(X_RANGE),
            "maxPoints": MAX_POINTS,
            "pointsMeta": POINTS,
            "crossColour": RESTART_COLOUR,
        },
        on_points_change=on_points,
    )
