"""How methods adapt to one episode: accuracy and loss by inner step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.style import (
    FAINT,
    FINE_LOSS_TICKS,
    LOSS_TICKS,
    STYLES,
    accuracy_axis,
    add_chance,
    inner_step_axis,
    layout,
    on_log_axis,
    tick_labels,
)

LEGEND_ROOM = 2  # rows that a legend takes from a plot at no cost; in a narrow one each has a row


def accuracy_figure(
    trajectories: Sequence[AdaptationTrajectory], n_way: int, predict: bool
) -> go.Figure:
    """Draw query accuracy after each inner step, with a frame for each step.

    Args:
        trajectories: One a method, all of one episode.
        n_way: Chance is 1 / n_way.
        predict: Show only what comes before the first step; the frames reveal the rest.
    """
    lines = [(trajectory, 100 * trajectory.accuracy, "") for trajectory in trajectories]
    figure = _stepwise(lines, predict, legend_rows=max(1, len(trajectories) - LEGEND_ROOM))
    add_chance(figure, 100 / n_way)
    accuracy_axis(figure)
    return figure


def loss_figure(trajectories: Sequence[AdaptationTrajectory], predict: bool) -> go.Figure:
    """Draw support and query loss after each inner step, with a frame for each step."""
    lines = []
    for trajectory in trajectories:
        lines.append((trajectory, on_log_axis(trajectory.query_loss), " · query"))
        lines.append((trajectory, on_log_axis(trajectory.support_loss), " · support"))
    figure = _stepwise(lines, predict, legend_rows=1)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="Inner step<br>(filled: query loss, open: support loss)")
    finite = np.concatenate([values[np.isfinite(values)] for _, values, _ in lines])
    low, high = np.log10([finite.min(), finite.max()]) if len(finite) else (-4.0, 1.0)
    figure.update_yaxes(title="Loss, nats", type="log", range=[low - 0.2, high + 0.2])
    ticks = LOSS_TICKS if high - low > 1 else FINE_LOSS_TICKS
    figure.update_yaxes(tick_labels(ticks))
    return figure


def _stepwise(
    lines: Sequence[tuple[AdaptationTrajectory, np.ndarray, str]],
    predict: bool,
    legend_rows: int,
) -> go.Figure:
    """Draw each line faint as a whole and strong up to a step; frame k stands at step k."""
    figure = go.Figure(layout=layout(legend_rows))
    n_points = len(lines[0][1])
    steps = np.arange(n_points)
    shown = 1 if predict else n_points
    for trajectory, values, _ in lines:
        style = STYLES[trajectory.method]
        figure.add_scatter(
            x=steps,
            y=np.full(n_points, np.nan) if predict else values,
            mode="lines",
            line={"color": style.colour, "width": 1.5},
            opacity=FAINT,
            hoverinfo="skip",
            showlegend=False,
        )
    for trajectory, values, kind in lines:
        style = STYLES[trajectory.method]
        open_marker = kind.endswith("support")
        figure.add_scatter(
            x=steps[:shown],
            y=values[:shown],
            name=style.label + kind,
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 1.5 if open_marker else 3},
            marker={"symbol": style.marker + ("-open" if open_marker else ""), "size": 8},
            hovertemplate="step %{x}: %{y:.3~g}",
        )
    figure.frames = [
        go.Frame(
            name=str(k),
            data=[go.Scatter(x=steps[: k + 1], y=values[: k + 1]) for _, values, _ in lines],
            traces=list(range(len(lines), 2 * len(lines))),
        )
        for k in range(n_points)
    ]
    inner_step_axis(figure, n_points)
    figure.update_xaxes(range=[-0.3, n_points - 0.7])
    return figure
