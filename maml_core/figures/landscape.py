"""Maps of the loss and the paths on them as Plotly figures, flat or as a surface."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from maml_core.figures.style import CHANCE_COLOUR, HEIGHT, LOSS_TICKS, MIN_LOSS, STYLES, MethodStyle
from maml_core.landscape.curvature import Curvature
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.landscape.plane_descent import Path, Route

# Light where the loss is low: grey, so that colour says which method.
COLOURS = ("#ffffff", "#efedea", "#d9d5cf", "#bdb8b1", "#9c968f", "#79736d", "#59544f", "#3d3935")
LINE_COLOUR = "rgba(60,55,50,0.45)"
PATH = "path"  # the meta of the traces that the browser reveals step by step
RESTART_COLOUR = "#B0126F"  # as far from the methods' colours as from the greys
HALO = "#ffffff"
MAX_TICKS = 8  # on the colour bar
ROUTE_COLOUR = "#000000"
HELD_WHOLE = 0.95  # a path of which the plane holds less is dashed
LEVELS = 16  # contour lines, about
MAP_HEIGHT = 470  # pixels
NICE_STEPS = (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)  # between levels, in powers of ten
ROUNDING = 1e-4  # of a path: what lies closer to the plane lies in it
LIFT = 0.02  # of the height of a surface: paths are drawn so far above it, to be seen
ACCURACY = "accuracy"
LOSS = "loss"


@dataclass(frozen=True)
class Scale:
    """What all maps that stand side by side have in common.

    Attributes:
        of: 'loss', drawn as its logarithm, or 'accuracy', in %.
        low: Where the colours begin, log10 nats or %.
        high: Where they end.
        step: Between two contour levels.
    """

    of: str
    low: float
    high: float
    step: float

    def heights(self, loss: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
        """Return what is drawn, in the scale's units; a gap where there is no finite loss."""
        if self.of == ACCURACY:
            return np.where(np.isfinite(loss), 100 * accuracy, np.nan)
        return log_loss(loss)

    @property
    def ticks(self) -> dict[str, list[float] | list[str]]:
        """Where the colour bar is marked, and with what."""
        if self.of == ACCURACY:
            return {"tickvals": [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]}
        fine = self.high - self.low < 1
        values = [
            value
            for power in range(math.floor(self.low), math.ceil(self.high) + 1)
            for value in (np.array((1, 2, 3, 4, 6) if fine else (1, 3)) * 10.0**power)
            if self.low <= math.log10(value) <= self.high
        ]
        if len(values) > MAX_TICKS:
            values = [value for value in values if math.log10(value) % 1 == 0]
        if len(values) < 3:
            values = [float(f"{10**each:.3g}") for each in np.linspace(self.low, self.high, 3)]
        return {"tickvals": [math.log10(v) for v in values], "ticktext": [f"{v:g}" for v in values]}


def log_loss(loss: np.ndarray) -> np.ndarray:
    """Return log10 of losses, none below `MIN_LOSS`; not a number where none is finite."""
    finite = np.isfinite(loss)
    return np.log10(np.maximum(np.where(finite, loss, 1.0), MIN_LOSS)) + np.where(finite, 0, np.nan)


def common_scale(of: str, grids: Iterable[Grid]) -> Scale:
    """Return the scale that fits several maps, with levels evenly spaced on it.

    Args:
        of: 'loss' or 'accuracy'.
        grids: The maps.
    """
    if of == ACCURACY:
        return Scale(of, 0.0, 100.0, 10.0)
    heights = np.concatenate([log_loss(grid.loss).ravel() for grid in grids] or [np.zeros(1)])
    heights = heights[np.isfinite(heights)]
    low, high = (heights.min(), heights.max()) if len(heights) else (-1.0, 1.0)
    wanted = max(high - low, 0.02) / LEVELS
    step = next((nice for nice in NICE_STEPS if nice >= wanted), NICE_STEPS[-1])
    return Scale(of, step * math.floor(low / step), step * math.ceil(high / step + 1e-9), step)


def contour_figure(
    grid: Grid | None,
    paths: Sequence[Path],
    scale: Scale,
    which: str,
    window: Window,
    route: Route | None = None,
) -> go.Figure:
    """Draw a map with contour lines and the paths on it.

    Args:
        grid: What is computed of the map; None: nothing yet.
        paths: What has descended on it.
        scale: Of the colours and the levels.
        which: 'support' or 'query': whose loss the paths' points tell.
        window: The part of the plane that is shown.
        route: Of the meta-training.
    """
    figure = go.Figure(layout=_layout())
    if grid:
        xs, ys = grid.window.along(grid.side)
        figure.add_contour(
            x=xs,
            y=ys,
            z=scale.heights(grid.loss, grid.accuracy),
            customdata=_told(grid),
            zmin=scale.low,
            zmax=scale.high,
            colorscale=_colours(scale),
            contours={"start": scale.low, "end": scale.high, "size": scale.step},
            line={"color": LINE_COLOUR, "width": 1},
            colorbar=_colour_bar(scale),
            hovertemplate=_TOLD,
            hoverongaps=False,
        )
    if route:
        figure.add_trace(_flat_route(route))
    for path in paths:
        for trace in _flat_path(path, which):
            figure.add_trace(trace)
    axis = {"zeroline": False, "showgrid": False, "ticks": "outside", "tickcolor": CHANCE_COLOUR}
    axis |= {"showline": True, "mirror": True, "linecolor": CHANCE_COLOUR}
    figure.update_xaxes(
        title="distance along the first axis", range=_range(window.x, window), **axis
    )
    figure.update_yaxes(title="along the second", range=_range(window.y, window), **axis)
    return figure


def surface_figure(
    grid: Grid | None, paths: Sequence[Path], scale: Scale, which: str, window: Window
) -> go.Figure:
    """Draw a map as a surface, each path at the height of its own points; as `contour_figure`.

    A path that leaves the plane so floats above the surface or runs under it.
    """
    figure = go.Figure(layout=_layout())
    if grid:
        xs, ys = grid.window.along(grid.side)
        figure.add_surface(
            x=xs,
            y=ys,
            z=scale.heights(grid.loss, grid.accuracy),
            customdata=_told(grid),
            cmin=scale.low,
            cmax=scale.high,
            colorscale=_colours(scale),
            colorbar=_colour_bar(scale),
            lighting={"ambient": 0.85, "diffuse": 0.3, "specular": 0.0},
            contours_z={
                "show": True,
                "start": scale.low,
                "end": scale.high,
                "size": scale.step,
                "color": "#3d3935",
                "width": 1,
            },
            hovertemplate=_TOLD,
        )
    for path in paths:
        figure.add_trace(_raised_path(path, scale, which))
    across = {"showbackground": False, "zeroline": False}
    ticks = scale.ticks | {"title": {"text": ""}}  # the colour bar says it
    figure.update_layout(
        margin={"l": 8, "r": 8},
        scene={
            "xaxis": across | {"title": {"text": "first axis"}, "range": _range(window.x, window)},
            "yaxis": across | {"title": {"text": "second"}, "range": _range(window.y, window)},
            "zaxis": across | ticks | {"range": [scale.low, scale.high]},
            "aspectmode": "manual",
            "aspectratio": {"x": 1, "y": 1, "z": 0.7},
            "camera": {
                "eye": {"x": 0.9, "y": -1.55, "z": 0.9},
                "center": {"x": 0, "y": 0, "z": -0.1},
            },
            "uirevision": "same",
        },
    )
    return figure


def descent_figure(paths: Sequence[Path], which: str) -> go.Figure:
    """Draw the loss on one set after each inner step, a line a path."""
    figure = go.Figure(layout=_chart_layout(HEIGHT))
    for path in paths:
        style, colour = _style(path)
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
    ticks = [f"{value:g}" for value in LOSS_TICKS]
    figure.update_yaxes(
        title=f"{which.capitalize()} loss, nats", type="log", tickvals=LOSS_TICKS, ticktext=ticks
    )
    return figure


def slope_figure(found: Mapping[str, Curvature]) -> go.Figure:
    """Draw the support loss along the first inner step, with what the quadratic model says.

    Args:
        found: By method.
    """
    figure = go.Figure(layout=_chart_layout(HEIGHT + 48))
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


_TOLD = (
    "loss %{customdata[0]:.3~g}<br>accuracy %{customdata[1]:.0%}<br>"
    "distance from θ %{customdata[2]:.3~g}<extra></extra>"
)


def _told(grid: Grid) -> np.ndarray:
    """Return what hovering tells of each point: loss, accuracy, distance; [side, side, 3]."""
    xs, ys = grid.window.along(grid.side)
    distance = np.hypot(xs[None, :], ys[:, None])
    return np.stack([grid.loss, grid.accuracy, distance], axis=-1).astype(np.float32)


def _told_of(path: Path, which: str) -> np.ndarray:
    """Return what hovering tells of each point of a path; [S + 1, 4]."""
    beside = np.where(path.beside > ROUNDING * path.distance.max(), path.beside, 0.0)
    return np.stack([path.loss[which], path.accuracy[which], path.distance, beside], axis=-1)


def _style(path: Path) -> tuple[MethodStyle, str]:
    style = STYLES[path.method]
    return style, RESTART_COLOUR if path.restarted else style.colour


def _flat_path(path: Path, which: str) -> list[go.Scatter]:
    """Return a path as a white halo under a line with numbered points."""
    style, colour = _style(path)
    dash = "solid" if path.held >= HELD_WHOLE else "dash"
    places = {"x": path.x.tolist(), "y": path.y.tolist(), "meta": PATH, "showlegend": False}
    halo = go.Scatter(
        **places, mode="lines", line={"color": HALO, "width": 7}, hoverinfo="skip", opacity=0.8
    )
    line = go.Scatter(
        **places,
        mode="lines+markers+text",
        name=style.label,
        line={"color": colour, "width": 3, "dash": dash},
        marker={"size": 15, "color": colour, "line": {"color": HALO, "width": 1.5}},
        text=[str(step) for step in range(len(path.x))],
        textfont={"size": 9, "color": "#ffffff"},
        customdata=_told_of(path, which).tolist(),
        hovertemplate=_POINT,
    )
    return [halo, line]


def _flat_route(route: Route) -> go.Scatter:
    """Return the way of the meta-training as a thin dotted line."""
    return go.Scatter(
        x=route.x,
        y=route.y,
        mode="lines+markers",
        line={"color": ROUTE_COLOUR, "width": 1.5, "dash": "dot"},
        marker={"size": 5, "color": ROUTE_COLOUR, "line": {"color": HALO, "width": 1}},
        customdata=np.stack([route.updates, route.beside], axis=-1).tolist(),
        hovertemplate="%{customdata[0]:,} meta-updates<br>beside the plane %{customdata[1]:.2~g}"
        "<extra>meta-training</extra>",
        showlegend=False,
    )


_POINT = (
    "step %{text}<br>loss %{customdata[0]:.3~g}<br>accuracy %{customdata[1]:.0%}<br>"
    "distance from θ %{customdata[2]:.3~g}<br>beside the plane %{customdata[3]:.2~g}"
    "<extra>%{fullData.name}</extra>"
)


def _raised_path(path: Path, scale: Scale, which: str) -> go.Scatter3d:
    style, colour = _style(path)
    heights = scale.heights(path.loss[which], path.accuracy[which])
    return go.Scatter3d(
        x=path.x.tolist(),
        y=path.y.tolist(),
        z=(heights + LIFT * (scale.high - scale.low)).tolist(),
        meta=PATH,
        mode="lines+markers+text",
        name=style.label,
        line={"color": colour, "width": 6, "dash": "solid" if path.held >= HELD_WHOLE else "dash"},
        marker={"size": 5, "color": colour},
        text=[str(step) for step in range(len(path.x))],
        textfont={"size": 11, "color": colour},
        customdata=_told_of(path, which).tolist(),
        hovertemplate=_POINT,
        showlegend=False,
    )


def _colours(scale: Scale) -> list[tuple[float, str]]:
    """Return the colour scale: what is good, low loss or high accuracy, is light."""
    colours = COLOURS[::-1] if scale.of == ACCURACY else COLOURS
    return [(i / (len(colours) - 1), colour) for i, colour in enumerate(colours)]


def _colour_bar(scale: Scale) -> dict[str, object]:
    title = "accuracy, %" if scale.of == ACCURACY else "loss, nats"
    return scale.ticks | {
        "title": {"text": title, "side": "top"},
        "orientation": "h",
        "thickness": 10,
        "len": 0.8,
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "ypad": 4,
        "outlinewidth": 0,
    }


def _range(middle: float, window: Window) -> list[float]:
    return [middle - window.half, middle + window.half]


def _layout() -> go.Layout:
    return go.Layout(
        height=MAP_HEIGHT,
        # Fixed, so that what they leave can be made square: both axes have the same unit.
        margin={"l": 64, "r": 16, "t": 28, "b": 116, "autoexpand": False},
        hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )


def _chart_layout(height: int) -> go.Layout:
    return go.Layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        hovermode="closest",
        uirevision="same",
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top", "font_size": 13},
    )
