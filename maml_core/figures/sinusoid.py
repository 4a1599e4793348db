"""Fitted waves, their trainings and their errors as Plotly figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from maml_core.figures.style import HEIGHT, LOSS_TICKS, STYLES, layout, on_log_axis, tick_labels
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate
from maml_core.teaching.sinusoids.regressors import FittedCurves
from maml_core.teaching.sinusoids.tasks import X_RANGE, Sinusoid, x_grid
from maml_core.teaching.sinusoids.training import ValidationErrors

SHOWN_STEPS = {0: ("dot", 1.5), 1: ("dash", 2.5), 10: ("solid", 3.5)}  # dash and width of each
HEIGHT_RANGE = (-6.5, 6.5)  # of the charts with waves, whose amplitude is 5 at most
ERROR_RANGE = (0.002, 6.0)  # of the axis, so that it does not jump while a training runs
WAVE_COLOUR = "rgba(136,136,136,0.35)"
POINT_COLOUR, POINT_EDGE = "#F0E442", "#333333"  # to be seen in light and dark
GRID_COLOUR = "rgba(136,136,136,0.2)"
POINTS = "points"  # the meta of the trace that the browser moves


def fit_figure(
    fit: FittedCurves,
    oracle: FittedCurves,
    sinusoid: Sinusoid,
    points: Sequence[tuple[float, float]],
) -> go.Figure:
    """Draw what one method makes of some points, before and after the steps of `SHOWN_STEPS`.

    Args:
        fit: The method's, of at least ten steps.
        oracle: The oracle's, which takes none.
        sinusoid: The truth.
        points: The support set, x and y.
    """
    x, colour = x_grid().tolist(), STYLES[fit.method].colour
    figure = go.Figure(layout=layout(height=HEIGHT + 64, transparent=True))
    figure.add_scatter(
        x=x,
        y=sinusoid.targets(x_grid()).tolist(),
        name="the wave",
        mode="lines",
        line={"color": WAVE_COLOUR, "width": 9},
        hoverinfo="skip",
    )
    told = STYLES["oracle"]
    lines = [(told.label.lower(), oracle.curves[0], told.colour, told.dash, 2.0)]
    for step, (dash, width) in SHOWN_STEPS.items():
        words = f"after {step} step{'s' * (step > 1)}" if step else "before"
        lines.append((words, fit.curves[step], colour, dash, width))
    for words, heights, line_colour, dash, width in lines:
        figure.add_scatter(
            x=x,
            y=_drawable(heights),
            name=words,
            mode="lines",
            line={"color": line_colour, "dash": dash, "width": width},
            hovertemplate="%{y:.2f}",
        )
    figure.add_scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        name="points",
        meta=POINTS,
        mode="markers",
        marker={"size": 12, "color": POINT_COLOUR, "line": {"color": POINT_EDGE, "width": 2}},
        hovertemplate="(%{x:.2f}, %{y:.2f})",
    )
    axis = {"fixedrange": True, "gridcolor": GRID_COLOUR, "zerolinecolor": GRID_COLOUR}
    figure.update_xaxes(range=[X_RANGE[0] - 0.15, X_RANGE[1] + 0.15], dtick=1, **axis)
    figure.update_yaxes(range=HEIGHT_RANGE, dtick=2, automargin=True, **axis)
    return figure


def training_figure(history: Sequence[ValidationErrors], updates: int) -> go.Figure:
    """Draw the error on validation tasks as a training goes on, before and after adaptation.

    Args:
        history: So far.
        updates: Of the whole training.
    """
    figure = go.Figure(layout=layout(height=HEIGHT + 48, transparent=True))
    steps = [errors.step for errors in history]
    for method in history[0].by_method:
        style = STYLES[method]
        before, after = np.array([errors.by_method[method] for errors in history]).T
        if method != "oracle":
            figure.add_scatter(
                x=steps,
                y=on_log_axis(before),
                name=f"{style.label}, before",
                mode="lines",
                line={"color": style.colour, "dash": "dot", "width": 1.5},
                hovertemplate="update %{x:,}: %{y:.2f}",
            )
        figure.add_scatter(
            x=steps,
            y=on_log_axis(after),
            name=style.label + ("" if method == "oracle" else ", after a step"),
            mode="lines",
            line={
                "color": style.colour,
                "dash": style.dash if method == "oracle" else "solid",
                "width": 2 if method == "oracle" else 3,
            },
            hovertemplate="update %{x:,}: %{y:.2f}",
        )
    figure.update_xaxes(title="Updates", range=[0, updates])
    _log_error_axis(figure)
    return figure


def error_figure(estimates: Mapping[str, ErrorEstimate]) -> go.Figure:
    """Draw the mean error after each inner step with its 95 % confidence band.

    Args:
        estimates: By method, on the same tasks.
    """
    figure = go.Figure(layout=layout(1, transparent=True))
    for method, errors in estimates.items():
        style, steps = STYLES[method], list(range(len(errors.mean)))
        mean, half = np.array(errors.mean), np.array(errors.ci95)
        figure.add_scatter(
            x=steps,
            y=on_log_axis(mean),
            customdata=half,
            error_y={"type": "data", "array": half, "width": 3, "thickness": 1.5},
            name=style.label,
            mode="lines" if method == "oracle" else "lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 2.5},
            marker={"symbol": style.marker, "size": 8},
            hovertemplate="step %{x}: %{y:.3f} ± %{customdata:.3f}",
        )
    figure.update_xaxes(title="Inner step", dtick=1)
    _log_error_axis(figure)
    return figure


def _log_error_axis(figure: go.Figure) -> None:
    """Let the axis show `ERROR_RANGE`, and more only where a line leaves it."""
    heights = np.concatenate([np.asarray(line.y, dtype=float) for line in figure.data])
    low, high = ERROR_RANGE
    figure.update_yaxes(
        title="Mean squared error",
        type="log",
        range=np.log10([np.nanmin([low, *heights]), np.nanmax([high, *heights])]).tolist(),
        **tick_labels(LOSS_TICKS),
    )


def _drawable(heights: np.ndarray) -> list[float | None]:
    """Return heights with gaps where they are far outside of the chart, or not finite."""
    far = 100 * HEIGHT_RANGE[1]
    return [float(y) if abs(y) < far else None for y in heights]
