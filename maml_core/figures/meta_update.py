"""One meta-update as Plotly figures: arrows on a plane, angles, and what moves in each layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from maml_core.figures.description import in_words
from maml_core.figures.style import CHANCE_COLOUR, FAINT, STYLES, layout, tick_labels
from maml_core.teaching.anatomy.gradient_plane import ProjectedGradient
from maml_core.teaching.anatomy.learned_rates import Rates

TASK_COLOUR = CHANCE_COLOUR  # grey, so that colour says which method
UPDATE_COLOUR = "#B0126F"  # as the descents that a person starts: far from the methods' colours
ARROW_HEIGHT = 400  # pixels
ROOM = 1.25  # of the longest arrow, around θ
RIGHT_ANGLE = 90
ROOM_FOR_LABELS = 1.15  # of the longest bar


def projected_update_figure(
    arrows: Sequence[ProjectedGradient], frames: Sequence[Sequence[str]]
) -> go.Figure:
    """Draw the tasks' arrows, their mean and the update, faint; strong from a frame on.

    Args:
        arrows: From `project_meta_update`; the update is stretched to the mean's length first, for
            its own is of another kind.
        frames: Of each frame the names of the arrows that have been reached.
    """
    mean = {arrow.name: arrow for arrow in arrows}.get("mean")
    ends = {}
    for arrow in arrows:
        stretch = mean.length / arrow.length if mean and arrow.name == "update" else 1.0
        ends[arrow.name] = (arrow.x * stretch, arrow.y * stretch)
    figure = _plane([*ends.values()])
    for arrow in arrows:
        _draw(figure, arrow, ends[arrow.name], FAINT)
    for arrow in arrows:
        _draw(figure, arrow, ends[arrow.name], 1.0)
    strong = list(range(len(figure.data) - len(arrows), len(figure.data)))
    figure.frames = [
        go.Frame(
            name=str(number),
            data=[_line(ends[arrow.name] if arrow.name in reached else None) for arrow in arrows],
            traces=strong,
        )
        for number, reached in enumerate(frames)
    ]
    return figure


def method_gradients_figure(arrows: Sequence[ProjectedGradient]) -> go.Figure:
    """Draw the methods' steps downhill on a plane, each stretched to length 1 first.

    Args:
        arrows: As `project_method_gradients` gives them, with a length above 0.
    """
    ends = [(arrow.x / arrow.length, arrow.y / arrow.length) for arrow in arrows]
    figure = _plane(ends)
    for arrow, end in zip(arrows, ends, strict=True):
        _draw(figure, arrow, end, 1.0)
    figure.update_xaxes(title="along MAML's, downhill")
    return figure


def arrows_in_words(arrows: Sequence[ProjectedGradient]) -> str:
    """Return the arrows' lengths and directions in their plane, for a text alternative."""
    return "; ".join(
        f"{_label(arrow)}: length {in_words(arrow.length)}, "
        f"{in_words(round(math.degrees(math.atan2(arrow.y, arrow.x))))}° from the first axis"
        for arrow in arrows
    )


def angles_figure(
    xs: Sequence[float], angles: Mapping[str, Sequence[float]], title: str, *, log: bool
) -> go.Figure:
    """Draw the angle to MAML's gradient over a setting; 90° is a gradient that does not help.

    Args:
        xs: The values of the setting.
        angles: By method, degrees; not a number where there is no direction.
        title: Of the setting.
        log: Whether its axis is logarithmic.
    """
    figure = go.Figure(layout=layout())
    for method, values in angles.items():
        style = STYLES[method]
        figure.add_scatter(
            x=list(xs),
            y=list(values),
            name=style.label,
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 3},
            marker={"symbol": style.marker, "size": 9},
            hovertemplate="%{x}: %{y:.0f}°",
        )
    figure.add_hline(
        y=RIGHT_ANGLE,
        line={"color": CHANCE_COLOUR, "width": 1.5, "dash": "dot"},
        annotation={"text": "at a right angle", "font_color": CHANCE_COLOUR},
        annotation_position="top left",
    )
    figure.update_xaxes(title=title, type="log" if log else "linear", **tick_labels(xs))
    finite = [value for values in angles.values() for value in values if np.isfinite(value)]
    figure.update_yaxes(
        title="Angle to MAML's gradient", ticksuffix="°", range=[0, max([*finite, 100]) + 5]
    )
    return figure


def layers_figure(changes: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Draw by method and layer how far adaptation moves it, in % of its length.

    Args:
        changes: By method, by layer, as shares.
    """
    figure = go.Figure(layout=layout())
    longest = 0.0
    for method, found in changes.items():
        values = [100 * value for value in found.values()]
        figure.add_bar(
            x=values,
            y=list(found),
            orientation="h",  # so that the labels of neighbours do not collide
            name=STYLES[method].label,
            marker_color=STYLES[method].colour,
            text=[f"{value:.2g}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.3g} %",
        )
        longest = max([longest, *(value for value in values if np.isfinite(value))])
    room = longest * ROOM_FOR_LABELS or 1.0
    figure.update_xaxes(title="moved, % of its length", range=[0, room])
    figure.update_yaxes(autorange="reversed")
    return figure


def rates_figure(rates: Mapping[str, Sequence[Mapping[str, Rates]]]) -> go.Figure:
    """Draw by method, inner step and layer which rates were learned.

    Args:
        rates: By method, for each step that has its own, by layer. Where a layer's weights have
            each their own, a bar reaches from the first to the third quartile.
    """
    figure = go.Figure(layout=layout())
    for method, steps in rates.items():
        style = STYLES[method]
        for step, by_layer in enumerate(steps, 1):
            found = list(by_layer.values())
            differ = any(one.lower < one.upper for one in found)
            figure.add_scatter(
                x=list(by_layer),
                y=[one.median for one in found],
                error_y={
                    "array": [one.upper - one.median for one in found],
                    "arrayminus": [one.median - one.lower for one in found],
                    "visible": differ,
                },
                mode="lines+markers",
                name=style.label + (f", step {step}" if len(steps) > 1 else ""),
                line={"color": style.colour, "dash": style.dash},
                marker={"symbol": style.marker, "size": 5 + 3 * step},
                opacity=0.4 + 0.6 * step / len(steps),
                hovertemplate="%{x}: %{y:.3g}",
            )
    figure.update_yaxes(title="rate", zeroline=True, zerolinecolor=CHANCE_COLOUR)
    return figure


def _plane(ends: Sequence[tuple[float, float]]) -> go.Figure:
    """Return an empty plane with θ in the middle of the left and room for the arrows."""
    figure = go.Figure(layout=layout(height=ARROW_HEIGHT))
    figure.add_scatter(
        x=[0], y=[0], mode="markers+text", text=["θ"], textposition="bottom left",
        marker={"size": 9, "color": TASK_COLOUR}, textfont_size=16, hoverinfo="skip",
    )  # fmt: skip
    xs, ys = zip((0.0, 0.0), *ends, strict=True)
    axis = {"zeroline": True, "zerolinecolor": CHANCE_COLOUR, "showgrid": False}
    size = max(max(map(abs, xs)), max(map(abs, ys)), 1e-12)
    figure.update_xaxes(
        title="along the mean, downhill",
        range=[min(min(xs), -0.1 * size) * ROOM, max(xs) * ROOM],
        **axis,
    )
    low, high = min(min(ys), -0.3 * size), max(max(ys), 0.3 * size)
    figure.update_yaxes(title="across it", range=[low * ROOM, high * ROOM], scaleanchor="x", **axis)
    figure.update_layout(showlegend=False)
    return figure


def _draw(
    figure: go.Figure, arrow: ProjectedGradient, end: tuple[float, float], opacity: float
) -> None:
    style = STYLES.get("maml" if arrow.name == "mean" else arrow.name)
    colour = style.colour if style else TASK_COLOUR
    if arrow.name == "update":
        colour = UPDATE_COLOUR
    label = _label(arrow)
    strong = opacity == 1.0
    figure.add_trace(
        _line(end).update(
            mode="lines+markers+text" if strong else "lines+markers",
            line={"color": colour, "width": 4 if style else 2.5},
            marker={"symbol": "arrow", "size": [0, 16], "angleref": "previous", "color": colour},
            opacity=opacity,
            text=["", label],
            textposition="top center" if end[1] >= 0 else "bottom center",
            textfont_size=14,  # in the page's own colour: not every method's can be read
            name=label,
            hovertemplate=f"{label}: length {arrow.length:.3g}, "
            f"{100 * arrow.fraction_in_plane:.0f} % of its square in this plane<extra></extra>",
        )
    )


def _label(arrow: ProjectedGradient) -> str:
    if arrow.name in ("mean", "update"):
        return arrow.name
    style = STYLES.get(arrow.name)
    return style.label if style else f"task {arrow.name}"


def _line(end: tuple[float, float] | None) -> go.Scatter:
    """Return the line from θ to an end; None: the same without a place, which is not drawn."""
    if end is None:
        return go.Scatter(x=[None, None], y=[None, None])
    return go.Scatter(x=[0.0, end[0]], y=[0.0, end[1]])
