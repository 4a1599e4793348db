"""Maps of the loss and the paths on them as Plotly figures, flat or as a surface."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from maml_core.figures.style import (
    CHANCE_COLOUR,
    MIN_LOSS,
    STYLES,
    MethodStyle,
    ink_on,
    layout,
    tick_labels,
)
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.landscape.plane_descent import MetaTrainingTrajectory, ProjectedTrajectory

# Light where the loss is low: grey, so that colour says which method.
COLOURS = ("#ffffff", "#efedea", "#d9d5cf", "#bdb8b1", "#9c968f", "#79736d", "#59544f", "#3d3935")
LINE_COLOUR = "rgba(60,55,50,0.45)"
PATH = "path"  # the meta of the traces that the browser reveals step by step
RESTART_COLOUR = "#B0126F"  # as far from the methods' colours as from the greys
HALO = "#ffffff"
MAX_TICKS = 8  # on the colour bar
META_TRAINING_COLOUR = "#000000"
SOLID_FROM = 0.95  # a path of which the plane holds less is dashed
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

    def values(self, loss: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
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
        return tick_labels(values) | {"tickvals": [math.log10(value) for value in values]}


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
    paths: Sequence[ProjectedTrajectory],
    scale: Scale,
    which: str,
    window: Window,
    meta_training: MetaTrainingTrajectory | None = None,
) -> go.Figure:
    """Draw a map with contour lines and the paths on it.

    Args:
        grid: What is computed of the map; None: nothing yet.
        paths: What has descended on it.
        scale: Of the colours and the levels.
        which: 'support' or 'query': whose loss the paths' points tell.
        window: The part of the plane that is shown.
        meta_training: Of the meta-training.
    """
    figure = go.Figure(layout=_map_layout())
    if grid:
        xs, ys = grid.window.along(grid.resolution)
        figure.add_contour(
            x=xs,
            y=ys,
            z=scale.values(grid.loss, grid.accuracy),
            customdata=_hover_data(grid),
            zmin=scale.low,
            zmax=scale.high,
            colorscale=_colours(scale),
            contours={"start": scale.low, "end": scale.high, "size": scale.step},
            line={"color": LINE_COLOUR, "width": 1},
            colorbar=_colour_bar(scale),
            hovertemplate=HOVER_OF_MAP,
            hoverongaps=False,
        )
    if meta_training:
        figure.add_trace(_meta_training_line(meta_training))
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
    grid: Grid | None,
    paths: Sequence[ProjectedTrajectory],
    scale: Scale,
    which: str,
    window: Window,
) -> go.Figure:
    """Draw a map as a surface, each path at the height of its own points; as `contour_figure`.

    A path that leaves the plane so floats above the surface or runs under it.
    """
    figure = go.Figure(layout=_map_layout())
    if grid:
        xs, ys = grid.window.along(grid.resolution)
        figure.add_surface(
            x=xs,
            y=ys,
            z=scale.values(grid.loss, grid.accuracy),
            customdata=_hover_data(grid),
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
            hovertemplate=HOVER_OF_MAP,
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


HOVER_OF_MAP = (
    "loss %{customdata[0]:.3~g}<br>accuracy %{customdata[1]:.0%}<br>"
    "distance from θ %{customdata[2]:.3~g}<extra></extra>"
)


def _hover_data(grid: Grid) -> np.ndarray:
    """Return what hovering tells of each point: loss, accuracy, distance; [side, side, 3]."""
    xs, ys = grid.window.along(grid.resolution)
    distance = np.hypot(xs[None, :], ys[:, None])
    return np.stack([grid.loss, grid.accuracy, distance], axis=-1).astype(np.float32)


def _hover_data_of(path: ProjectedTrajectory, which: str) -> np.ndarray:
    """Return what hovering tells of each point of a path; [S + 1, 4]."""
    off_plane_distance = np.where(
        path.off_plane_distance > ROUNDING * path.distance.max(), path.off_plane_distance, 0.0
    )
    return np.stack(
        [path.loss[which], path.accuracy[which], path.distance, off_plane_distance], axis=-1
    )


def path_style(path: ProjectedTrajectory) -> tuple[MethodStyle, str]:
    """Return a path's style and its colour, which is another one where it was restarted."""
    style = STYLES[path.method]
    return style, RESTART_COLOUR if path.restarted else style.colour


def _flat_path(path: ProjectedTrajectory, which: str) -> list[go.Scatter]:
    """Return a path as a white halo under a line with numbered points."""
    style, colour = path_style(path)
    dash = "solid" if path.fraction_in_plane >= SOLID_FROM else "dash"
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
        textfont={"size": 10, "color": ink_on(colour)},
        customdata=_hover_data_of(path, which).tolist(),
        hovertemplate=HOVER_OF_POINT,
    )
    return [halo, line]


def _meta_training_line(meta_training: MetaTrainingTrajectory) -> go.Scatter:
    """Return the way of the meta-training as a thin dotted line."""
    return go.Scatter(
        x=meta_training.x,
        y=meta_training.y,
        mode="lines+markers",
        line={"color": META_TRAINING_COLOUR, "width": 1.5, "dash": "dot"},
        marker={"size": 5, "color": META_TRAINING_COLOUR, "line": {"color": HALO, "width": 1}},
        customdata=np.stack(
            [meta_training.updates, meta_training.off_plane_distance], axis=-1
        ).tolist(),
        hovertemplate="%{customdata[0]:,} meta-updates<br>off the plane by %{customdata[1]:.2~g}"
        "<extra>meta-training</extra>",
        showlegend=False,
    )


HOVER_OF_POINT = (
    "step %{text}<br>loss %{customdata[0]:.3~g}<br>accuracy %{customdata[1]:.0%}<br>"
    "distance from θ %{customdata[2]:.3~g}<br>off the plane by %{customdata[3]:.2~g}"
    "<extra>%{fullData.name}</extra>"
)


def _raised_path(path: ProjectedTrajectory, scale: Scale, which: str) -> go.Scatter3d:
    style, colour = path_style(path)
    heights = scale.values(path.loss[which], path.accuracy[which])
    return go.Scatter3d(
        x=path.x.tolist(),
        y=path.y.tolist(),
        z=(heights + LIFT * (scale.high - scale.low)).tolist(),
        meta=PATH,
        mode="lines+markers+text",
        name=style.label,
        line={
            "color": colour,
            "width": 6,
            "dash": "solid" if path.fraction_in_plane >= SOLID_FROM else "dash",
        },
        marker={"size": 5, "color": colour},
        text=[str(step) for step in range(len(path.x))],
        textfont={"size": 11, "color": colour},
        customdata=_hover_data_of(path, which).tolist(),
        hovertemplate=HOVER_OF_POINT,
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
    return [middle - window.half_width, middle + window.half_width]


def _map_layout() -> go.Layout:
    return layout(
        height=MAP_HEIGHT,
        # Fixed, so that what they leave can be made square: both axes have the same unit.
        margin={"l": 64, "r": 16, "t": 28, "b": 116, "autoexpand": False},
        transparent=True,
        uirevision=None,  # the server says what part of the plane is shown
    )
