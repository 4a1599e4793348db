"""How methods adapt to one episode: accuracy, loss and features by inner step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.style import (
    CHANCE_COLOUR,
    CLASS_COLOURS,
    FAINT,
    FINE_LOSS_TICKS,
    LOSS_TICKS,
    STYLES,
    accuracy_axis,
    add_chance,
    class_letter,
    ink_on,
    inner_step_axis,
    layout,
    on_log_axis,
    takes_no_step,
    tick_labels,
)
from maml_core.teaching.anatomy.feature_map import FeatureMap

LEGEND_ROOM = 2  # rows that a legend takes from a plot at no cost; in a narrow one each has a row
MAP_HEIGHT = 380  # pixels
ROOM = 0.08  # of the points' extent, around them
SUPPORT_MARK, QUERY_MARK = 21, 14  # pixels
SUPPORT_DOT, QUERY_DOT = 15, 7  # where marks that one can read would hide each other
MOST_LETTERS = 100  # query pictures
LETTER = 0.65  # of its mark


def accuracy_figure(
    trajectories: Sequence[AdaptationTrajectory], n_way: int, predict: bool
) -> go.Figure:
    """Draw query accuracy after each inner step, with a frame for each step.

    Args:
        trajectories: One a method, all of one episode.
        n_way: Chance is 1 / n_way.
        predict: Show only what comes before the first step; the frames reveal the rest, and the
            last one what takes no step.
    """
    lines = [(trajectory.method, 100 * trajectory.accuracy, "") for trajectory in trajectories]
    figure = _stepwise(lines, predict, legend_rows=max(1, len(trajectories) - LEGEND_ROOM))
    add_chance(figure, 100 / n_way)
    accuracy_axis(figure)
    return figure


def loss_figure(trajectories: Sequence[AdaptationTrajectory], predict: bool) -> go.Figure:
    """Draw support and query loss after each inner step, with a frame for each step."""
    lines = []
    for trajectory in trajectories:
        lines.append((trajectory.method, on_log_axis(trajectory.query_loss), " · query"))
        lines.append((trajectory.method, on_log_axis(trajectory.support_loss), " · support"))
    figure = _stepwise(lines, predict, legend_rows=1)
    figure.update_layout(showlegend=False)
    title = figure.layout.xaxis.title.text
    figure.update_xaxes(title=f"{title}<br>(filled: query loss, open: support loss)")
    finite = np.concatenate([values[np.isfinite(values)] for _, values, _ in lines])
    low, high = np.log10([finite.min(), finite.max()]) if len(finite) else (-4.0, 1.0)
    figure.update_yaxes(title="Loss, nats", type="log", range=[low - 0.2, high + 0.2])
    ticks = LOSS_TICKS if high - low > 1 else FINE_LOSS_TICKS
    figure.update_yaxes(tick_labels(ticks))
    return figure


def _stepwise(
    lines: Sequence[tuple[str, np.ndarray, str]],
    predict: bool,
    legend_rows: int,
) -> go.Figure:
    """Draw each line faint as a whole and strong up to a step; frame k stands at step k."""
    figure = go.Figure(layout=layout(legend_rows))
    n_points = len(lines[0][1])
    steps = np.arange(n_points)
    shown = 1 if predict else n_points

    def until(step: int, method: str, values: np.ndarray) -> np.ndarray:
        is_hidden = predict and takes_no_step(method) and step < n_points - 1
        return np.full(step + 1, np.nan) if is_hidden else values[: step + 1]

    for method, values, _ in lines:
        style = STYLES[method]
        figure.add_scatter(
            x=steps,
            y=np.full(n_points, np.nan) if predict else values,
            mode="lines",
            line={"color": style.colour, "width": 1.5},
            opacity=FAINT,
            hoverinfo="skip",
            showlegend=False,
        )
    for method, values, kind in lines:
        style = STYLES[method]
        open_marker = kind.endswith("support")
        figure.add_scatter(
            x=steps[:shown],
            y=until(shown - 1, method, values),
            name=style.label + kind,
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 1.5 if open_marker else 3},
            marker={"symbol": style.marker + ("-open" if open_marker else ""), "size": 8},
            hovertemplate="step %{x}: %{y:.3~g}",
        )
    figure.frames = [
        go.Frame(
            name=str(k),
            data=[
                go.Scatter(x=steps[: k + 1], y=until(k, method, values))
                for method, values, _ in lines
            ],
            traces=list(range(len(lines), 2 * len(lines))),
        )
        for k in range(n_points)
    ]
    is_taken = not all(takes_no_step(method) for method, _, _ in lines)
    inner_step_axis(figure, n_points, is_taken=is_taken)
    figure.update_xaxes(range=[-0.3, n_points - 0.7])
    return figure


def separation_figure(maps: Mapping[str, FeatureMap], chance: float) -> go.Figure:
    """Draw by inner step how far the features hold the classes apart, with a frame for each step.

    Args:
        maps: By method, all of one episode and one place.
        chance: What shuffled labels have, 0 to 1.
    """
    lines = [(method, 100 * found.separation, "") for method, found in maps.items()]
    figure = _stepwise(lines, predict=False, legend_rows=max(1, len(maps) - LEGEND_ROOM))
    figure.add_hline(
        y=100 * chance,
        line={"color": CHANCE_COLOUR, "width": 1.5, "dash": "dot"},
        annotation={"text": f"shuffled labels {100 * chance:.0f} %", "font_color": CHANCE_COLOUR},
        annotation_position="top right",
    )
    accuracy_axis(figure, "Variance between classes, %")
    return figure


def feature_map_figure(found: FeatureMap, n_way: int) -> go.Figure:
    """Draw an episode's pictures where a network's features put them, with a frame for each step.

    Support pictures are large squares, query pictures small circles, each with its class's letter;
    many query pictures are dots without one.
    Each point's `customdata` is the picture's number: the queries first, then the support set.
    """
    figure = go.Figure(layout=layout(height=MAP_HEIGHT))
    n_query = found.query.shape[1]
    are_many = n_query > MOST_LETTERS
    query_size, query_mode = (QUERY_DOT, "markers") if are_many else (QUERY_MARK, "markers+text")
    support_size = SUPPORT_DOT if are_many else SUPPORT_MARK
    for points, kind, first, size, mode in (
        (found.query, "query", 0, query_size, query_mode),
        (found.support, "support", n_query, support_size, "markers+text"),
    ):
        labels = [label for label in range(n_way) for _ in range(points.shape[1] // n_way)]
        colours = [CLASS_COLOURS[label] for label in labels]
        figure.add_scatter(
            **_at_step(points, 0),
            customdata=list(range(first, first + len(labels))),
            name=kind,
            mode=mode,
            text=[class_letter(label) for label in labels],
            textfont={"color": [ink_on(colour) for colour in colours], "size": LETTER * size},
            marker={
                "color": colours,
                "size": size,
                "symbol": "square" if kind == "support" else "circle",
                "line": {"width": 1.5 if kind == "support" else 0.5, "color": CHANCE_COLOUR},
            },
            hoverinfo="none",  # the player shows the picture itself
            showlegend=False,
        )
    pairs = ((found.query, 0), (found.support, 1))
    figure.frames = [
        go.Frame(
            name=str(step),
            data=[go.Scatter(_at_step(points, step)) for points, _ in pairs],
            traces=[trace for _, trace in pairs],
        )
        for step in range(len(found.query))
    ]
    _fixed_axes(figure, np.concatenate([found.query, found.support], axis=1), found.in_plane)
    return figure


def _at_step(points: np.ndarray, step: int) -> dict[str, list[float | None]]:
    """Return where points [S + 1, B, 2] are after a step; None where they are nowhere."""
    x, y = ([float(v) if np.isfinite(v) else None for v in axis] for axis in points[step].T)
    return {"x": x, "y": y}


def _fixed_axes(figure: go.Figure, points: np.ndarray, in_plane: np.ndarray) -> None:
    """Give both axes one scale and the range of all steps, so that nothing but the points moves."""
    flat = points.reshape(-1, 2)
    known = flat[np.isfinite(flat).all(1)]
    low, high = (known.min(0), known.max(0)) if len(known) else (np.zeros(2), np.zeros(2))
    room = ROOM * float((high - low).max()) or 1.0
    for name, axis, start, end, share in zip(
        ("first", "second"), ("x", "y"), low, high, in_plane, strict=True
    ):
        figure.update_layout(
            {
                f"{axis}axis": {
                    "title": f"{name} component, {100 * share:.0f} % of the variance",
                    "range": [float(start) - room, float(end) + room],
                    "showticklabels": False,  # features have no unit
                    "showgrid": False,
                    "zeroline": False,
                    "showline": True,
                    "mirror": True,
                    "linecolor": CHANCE_COLOUR,
                }
            }
        )
    figure.update_yaxes(scaleanchor="x")
