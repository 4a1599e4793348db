"""Charts that a component of our own draws side by side, to be clicked on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go

from maml_core.figures.plotly_json import figure_json
from pages.shared.charts.chart import for_the_room


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        name: What clicks on it are told by.
        title: Above it.
        colour: Of the dot beside the title.
        figure: The chart itself; the component draws some of its traces, told by their meta.
        numbers: What it shows, in words.
        config: Plotly's.
        note: After the title.
    """

    name: str
    title: str
    colour: str
    figure: go.Figure
    numbers: str
    config: Mapping[str, object]
    note: str = ""


def panel_data(panel: Panel) -> dict[str, object]:
    """Return what a component is told of a chart; a double click is two clicks on it."""
    return {
        "name": panel.name,
        "title": panel.title,
        "colour": panel.colour,
        "note": panel.note,
        "figure": figure_json(for_the_room(panel.figure)),
        "numbers": panel.numbers,
        "config": {**panel.config, "doubleClick": False},
    }
