"""Figures of a meta-training: as it runs, and as it was recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.style import (
    FAINT,
    HEIGHT,
    STYLES,
    accuracy_axis,
    add_band,
    add_chance,
    inner_step_axis,
    layout,
    takes_no_step,
)
from maml_core.training.background.job import Progress, Validation

MAX_POINTS = 150  # drawn of a curve; of more updates each point is a mean
BEFORE_COLOUR = STYLES["random"].colour
SMALL = 220  # pixels


def progress_figure(progress: Sequence[Progress], name: str, method: str, steps: int) -> go.Figure:
    """Draw what each update said: the meta-loss or the gradient's length.

    Args:
        progress: Update by update.
        name: 'loss' or 'gradient_norm'.
        method: Whose colour.
        steps: Updates of the whole training: the axis ends there.
    """
    width = points_mean(len(progress))
    groups = [progress[i : i + width] for i in range(0, len(progress), width)]
    figure = go.Figure(layout=layout())
    style = STYLES[method]
    figure.add_scatter(
        x=[group[-1].step for group in groups],
        y=[float(np.mean([getattr(one, name) for one in group])) for group in groups],
        mode="lines",
        line={"color": style.colour, "width": 2},
        hovertemplate="update %{x}: %{y:.3~g}<extra></extra>",
    )
    figure.update_xaxes(title="Meta-update", range=[0, steps])
    titles = {"loss": "Meta-loss, nats", "gradient_norm": "Gradient’s length"}
    figure.update_yaxes(title=titles[name], rangemode="tozero")
    figure.update_layout(height=SMALL, showlegend=False)
    return figure


def points_mean(updates: int) -> int:
    """Return over how many updates each point of a curve of so many is a mean."""
    return max(1, -(-updates // MAX_POINTS))


def validation_figure(
    validations: Sequence[Validation], method: str, n_way: int, steps: int
) -> go.Figure:
    """Draw the accuracy on validation characters before and after adaptation, with its 95 % CI.

    Who takes no inner step has one accuracy.

    Args:
        validations: In the order of their updates.
        method: Whose colour.
        n_way: Chance is 1 / n_way.
        steps: Updates of the whole training: the axis ends there.
    """
    figure = go.Figure(layout=layout(legend_rows=1))
    x = [one.step for one in validations]
    inner_steps = len(validations[0].accuracy) - 1 if validations else 0
    after = f"after {inner_steps} inner step{'s' if inner_steps > 1 else ''}"
    style = STYLES[method]
    lines = [
        (0, "before adaptation", BEFORE_COLOUR, "dot"),
        (-1, after, style.colour, "solid"),
    ]
    if takes_no_step(method):
        lines = [(0, "without an inner step", style.colour, "solid")]
    for step, words, colour, dash in lines:
        mean = 100 * np.array([one.accuracy[step] for one in validations])
        half = 100 * np.array([one.ci95[step] for one in validations])
        add_band(figure, x, mean, half, colour)
        figure.add_scatter(
            x=x,
            y=mean,
            customdata=half,
            name=words,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 3},
            marker={"size": 6},
            hovertemplate="update %{x}: %{y:.1f} ± %{customdata:.1f} %",
        )
    add_chance(figure, 100 / n_way)
    figure.update_xaxes(title="Meta-update", range=[0, steps])
    accuracy_axis(figure, "Accuracy, %")
    figure.update_layout(height=2 * SMALL)
    return figure


def replay_figure(trajectories: Sequence[AdaptationTrajectory], n_way: int) -> go.Figure:
    """Draw accuracy by inner step at each point of a recorded training, a frame a point.

    Args:
        trajectories: How θ at each point adapts to the same episode, in the order of the training.
        n_way: Chance is 1 / n_way.
    """
    figure = go.Figure(layout=layout())
    colour = STYLES["maml"].colour
    curves = [100 * one.accuracy for one in trajectories]
    steps = np.arange(len(curves[0]))
    for curve in curves:
        figure.add_scatter(
            x=steps,
            y=curve,
            mode="lines",
            line={"color": colour, "width": 1},
            opacity=FAINT,
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scatter(
        x=steps,
        y=curves[-1],
        mode="lines+markers",
        line={"color": colour, "width": 3},
        marker={"size": 8},
        hovertemplate="step %{x}: %{y:.3~g} %<extra></extra>",
        showlegend=False,
    )
    figure.frames = [
        go.Frame(name=str(k), data=[go.Scatter(x=steps, y=curve)], traces=[len(curves)])
        for k, curve in enumerate(curves)
    ]
    add_chance(figure, 100 / n_way)
    inner_step_axis(figure, len(steps))
    accuracy_axis(figure)
    return figure


def course_figure(
    trajectories: Sequence[AdaptationTrajectory],
    updates: Sequence[int],
    shown: Sequence[int],
    n_way: int,
) -> go.Figure:
    """Draw accuracy over a recorded training after some inner steps, a frame a point.

    Args:
        trajectories: How θ at each point adapts to the same episode, in the order of the training.
        updates: Of each point.
        shown: The inner steps.
        n_way: Chance is 1 / n_way.
    """
    figure = go.Figure(layout=layout(legend_rows=1))
    places = np.arange(len(updates))  # evenly: the points lie closer where more happens
    lines = [100 * np.array([one.accuracy[step] for one in trajectories]) for step in shown]
    looks = (("dot", "circle-open"), ("dash", "diamond"), ("solid", "circle"))
    for step, line, (dash, marker) in zip(shown, lines, looks, strict=False):
        figure.add_scatter(
            x=places,
            y=line,
            customdata=updates,
            name="before any step" if step == 0 else f"after step {step}",
            mode="lines+markers",
            line={"color": STYLES["maml"].colour, "dash": dash, "width": 2},
            marker={"symbol": marker, "size": 5},
            hovertemplate="update %{customdata:,}: %{y:.3~g} %",
        )
    where = go.Scatter(
        x=[places[-1]] * 2,
        y=[0, 100],
        mode="lines",
        line={"color": STYLES["pretrained"].colour, "width": 3},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_trace(where)
    figure.frames = [
        go.Frame(name=str(k), data=[go.Scatter(x=[k, k], y=[0, 100])], traces=[len(lines)])
        for k in range(len(updates))
    ]
    add_chance(figure, 100 / n_way)
    every = max(1, len(updates) // 6)
    ticks = [*range(0, len(updates) - every // 2 - 1, every), len(updates) - 1]
    figure.update_xaxes(
        title="Meta-updates made (not to scale)",
        tickvals=ticks,
        ticktext=[f"{updates[tick]:,}" for tick in ticks],
    )
    accuracy_axis(figure)
    figure.update_layout(height=HEIGHT)
    return figure
