"""Figures as the JSON that the browser's Plotly draws."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go


def figure_json(figure: go.Figure) -> dict[str, Any]:
    """Return a figure as JSON without Plotly's own theme: the page's colours are set on it."""
    found: dict[str, Any] = json.loads(figure.to_json())
    found["layout"].pop("template", None)
    return found
