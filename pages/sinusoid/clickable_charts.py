"""Charts of one sinusoid on which a person places points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maml_core.figures.landscape import RESTART_COLOUR
from maml_core.figures.sinusoid import POINTS
from maml_core.teaching.sinusoids.tasks import X_RANGE
from pages.shared.charts.panels import Panel, panel_data
from pages.shared.component import component

MAX_POINTS = 20  # with more, the oldest is dropped
# Plotly keeps its styles in the page's head.
_mount = component("wave_chart", isolate_styles=False)


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
        panels: The charts; the trace with the meta 'points' is drawn by the browser.
        points: x and y of each.
        revision: Changes when the points change in another way than by a click on a chart.
        key: Of the component.
        on_points: Called after a click; `st.session_state[key].points` holds the revision that
            was clicked on and all points.
    """
    _mount(
        key=key,
        data={
            "panels": [panel_data(panel) for panel in panels],
            "points": [list(point) for point in points],
            "revision": revision,
            "range": list(X_RANGE),
            "maxPoints": MAX_POINTS,
            "pointsMeta": POINTS,
            "crossColour": RESTART_COLOUR,
        },
        on_points_change=on_points,
    )
