"""The loss along descents, step by step, and along the first step with its quadratic model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from maml_core.figures.description import in_words
from maml_core.figures.landscape import path_style
from maml_core.figures.style import CHANCE_COLOUR, LOSS_TICKS, MIN_LOSS, STYLES, layout, tick_labels
from maml_core.landscape.curvature import Curvature
from maml_core.landscape.loss_maps import Grid
from maml_core.landscape.plane_descent import ProjectedTrajectory


def descent_figure(paths: Sequence[ProjectedTrajectory], which: str) -> go.Figure:
    """Draw the loss on one set after each inner step, a line a path."""
    figure = go.Figure(layout=layout())
    for path in paths:
        style, colour = path_style(path)
        figure.add_scatter(
            x=list(range(len(path.x))),
            y=np.maximum(path.loss[which], MIN_LOSS),
            name=style.label + (" · restarted" if path.restarted else ""),
            mode="lines+markers",
            line={"color": colour, "width": 1.5 if path.restarted else 3},
            marker={"symbol": style.marker, "size": 7},
            hovertemplate="step %{x}: %{y:.3~g}",
        )
    figure.update_xaxes(title="Inner step", rangemode="tozero")
    title = f"{which.capitalize()} loss, nats"
    figure.update_yaxes(title=title, type="log", **tick_labels(LOSS_TICKS))
    return figure


def map_in_words(grid: Grid | None, paths: Sequence[ProjectedTrajectory], which: str) -> str:
    """Return where a map is lowest and highest and where its paths lead, for a text alternative.

    Args:
        grid: What is computed of the map; None: nothing yet.
        paths: What has descended on it.
        which: 'support' or 'query': whose loss the paths' points tell.
    """
    parts = []
    if grid and np.isfinite(grid.loss).any():
        xs, ys = grid.window.along(grid.resolution)
        low, high = np.nanmin(grid.loss), np.nanmax(np.where(np.isfinite(grid.loss), grid.loss, 0))
        row, column = np.unravel_index(np.nanargmin(grid.loss), grid.loss.shape)
        parts.append(
            f"Loss from {in_words(low)} to {in_words(high)}, lowest at "
            f"({in_words(xs[column])}, {in_words(ys[row])})"
        )
    for path in paths:
        style, _ = path_style(path)
        values = path.loss[which]
        parts.append(
            f"{style.label}{' restarted' if path.restarted else ''}: {which} loss from "
            f"{in_words(values[0])} to {in_words(values[-1])} in {len(values) - 1} steps"
        )
    return "; ".join(parts)


def first_step_figure(found: Mapping[str, Curvature]) -> go.Figure:
    """Draw the support loss along the first inner step, with what the quadratic model says.

    Args:
        found: By method.
    """
    figure = go.Figure(layout=layout(2))
    for method, one in found.items():
        style = STYLES[method]
        figure.add_scatter(
            x=one.step_fractions,
            y=one.loss_along_step,
            name=style.label,
            mode="lines",
            line={"color": style.colour, "width": 3},
            hovertemplate="%{x:.2f} of the step: %{y:.3~g}",
        )
        figure.add_scatter(
            x=one.step_fractions,
            y=one.predicted_along_step,
            name=f"{style.label}, quadratic model",
            mode="lines",
            line={"color": style.colour, "width": 1.5, "dash": "dot"},
            hovertemplate="%{x:.2f} of the step: %{y:.3~g}",
        )
    figure.add_vline(x=1, line={"color": CHANCE_COLOUR, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title="Length of the first step, in its own α")
    top = max((one.loss for one in found.values() if math.isfinite(one.loss)), default=1.0)
    figure.update_yaxes(title="Support loss, nats", range=[-0.1 * top, 1.4 * top])
    return figure
