"""Accuracy over episodes with its confidence band, and confusions between classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.evaluation.training_distance import Lead
from maml_core.figures.style import (
    CHANCE_COLOUR,
    HEIGHT,
    MOST_MARKERS,
    STYLES,
    WHITE_TEXT_FROM,
    accuracy_axis,
    add_band,
    add_chance,
    class_letter,
    error_bars,
    inner_step_axis,
    layout,
    tick_labels,
)

WIDE = 3  # times as far as the nearest is the farthest set of a logarithmic axis
NUMBER_SIZE = 0.08  # of a point with its number, share of either axis


def confidence_figure(
    estimates: Mapping[str, Estimate], n_way: int, close: bool = False
) -> go.Figure:
    """Draw mean query accuracy over episodes with its 95 % confidence band.

    Args:
        estimates: One a method, of the same episodes.
        n_way: Chance is 1 / n_way.
        close: Show only the range in which the methods are after the first step.
    """
    figure = go.Figure(layout=layout(legend_rows=math.ceil(len(estimates) / 2)))
    n_points = max(len(found.accuracy) for found in estimates.values())
    crowded = n_points > MOST_MARKERS
    for method, found in estimates.items():
        style = STYLES[method]
        steps = list(range(n_points))
        # What takes no steps, as the nearest picture, is the same at all of them.
        values = np.array([found.accuracy, found.ci95])
        mean, half = 100 * np.broadcast_to(values, (2, n_points))
        interval, bars = "", None
        if np.isfinite(half).all():  # a single episode has none
            interval = " ± %{customdata:.1f}"
            if n_points > 1:
                add_band(figure, steps, mean, half, style.colour)
            else:  # a band would have no width
                bars = error_bars(mean, half)
        figure.add_scatter(
            x=steps,
            y=mean,
            error_y=bars,
            customdata=half,
            name=style.short_label,
            mode="lines" if crowded else "lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 3},
            marker={"symbol": style.marker, "size": 8},
            hovertemplate=f"step %{{x}}: %{{y:.1f}}{interval} %",
        )
    add_chance(figure, 100 / n_way)
    inner_step_axis(figure, n_points, is_taken=n_points > 1)
    accuracy_axis(figure)
    if close:
        lows = [
            100 * max(mean - half, 0)
            for found in estimates.values()
            for mean, half in list(zip(found.accuracy, np.nan_to_num(found.ci95), strict=True))[
                -n_points + 1 :
            ]
        ]
        figure.update_yaxes(range=[min(lows) - 0.5, 100.5])
    return figure


def side_by_side_figure(
    measurements: Mapping[str, Mapping[str, Estimate]], n_ways: Sequence[int]
) -> go.Figure:
    """Draw the accuracies of several measurements after the first and after the last inner step.

    Args:
        measurements: By name, of which what comes before a comma stands on the axis, each method's
            estimate.
        n_ways: Of each; chance is 1 / n_way.
    """
    figure = go.Figure(layout=layout(legend_rows=1, scattermode="group"))
    names = list(measurements)
    methods = dict.fromkeys(method for estimates in measurements.values() for method in estimates)
    for method in methods:
        style = STYLES[method]
        for step, least_points, open_marker in ((1, 3, True), (-1, 1, False)):
            shown = [
                (name, 100 * estimates[method].accuracy[step], 100 * estimates[method].ci95[step])
                for name, estimates in zip(names, measurements.values(), strict=True)
                if method in estimates and len(estimates[method].accuracy) >= least_points
            ]
            figure.add_scatter(
                x=[name for name, _, _ in shown],
                y=[mean for _, mean, _ in shown],
                error_y=error_bars([mean for _, mean, _ in shown], [half for _, _, half in shown]),
                customdata=[half for _, _, half in shown],
                name=style.short_label + (", first step" if open_marker else ""),
                showlegend=not open_marker,
                offsetgroup=method,
                mode="markers",
                marker={
                    "color": style.colour,
                    "symbol": style.marker + ("-open" if open_marker else ""),
                    "size": 11,
                },
                hovertemplate=[
                    "%{x}: %{y:.1f} %"
                    if np.isnan(half)  # a single episode has no interval
                    else "%{x}: %{y:.1f} ± %{customdata:.1f} %"
                    for _, _, half in shown
                ],
            )
    figure.add_scatter(
        x=names,
        y=[100 / n_way for n_way in n_ways],
        name="Chance",
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 40, "color": CHANCE_COLOUR},
        hovertemplate="chance %{y:.0f} %",
    )
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=names,
        tickvals=names,
        ticktext=[name.partition(",")[0] for name in names],
    )
    accuracy_axis(figure)
    lowest = min(min(trace.y) for trace in figure.data[:-1] if trace.y)
    figure.update_yaxes(range=[max(lowest - 5, -3), 101])
    return figure


def leads_figure(leads: Sequence[Lead], method: str) -> go.Figure:
    """Draw MAML's lead on each set of characters by their distance from those of training.

    Beside each point stands its place by distance, from 1: names would cover each other. It stands
    to the left where another point lies to the right.

    Args:
        leads: Over one method, the nearest set first.
        method: That method.
    """
    figure = go.Figure(layout=layout(legend_rows=2, height=HEIGHT + 60))
    maml, other = STYLES["maml"], STYLES[method]
    is_log = bool(leads) and leads[-1].distance > WIDE * leads[0].distance
    numbered = list(zip(range(1, len(leads) + 1), leads, _number_sides(leads, is_log), strict=True))
    groups = (
        ("cannot be told apart", CHANCE_COLOUR, "circle-open", 0),
        (f"{maml.short_label} ahead", maml.colour, maml.marker, 1),
        (f"{other.short_label} ahead", other.colour, other.marker, -1),
    )
    for name, colour, marker, sign in groups:
        chosen = [each for each in numbered if each[1].sign == sign]
        _add_leads(figure, name, colour, marker, chosen)
    figure.add_hline(y=0, line={"color": CHANCE_COLOUR, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title="Distance from the training characters")
    if is_log:
        figure.update_xaxes(type="log", **tick_labels((1, 2, 5, 10, 20, 50)))
    figure.update_yaxes(title=f"{maml.short_label} − {other.short_label}, points")
    return figure


def _number_sides(leads: Sequence[Lead], is_log: bool) -> list[str]:
    """Return on which side of each point its number stands; the nearest set comes first."""
    x = np.array([math.log(one.distance) if is_log else one.distance for one in leads])
    places = np.stack([x, [one.mean for one in leads]], axis=1)
    near = NUMBER_SIZE * np.ptp(places, axis=0) if len(leads) else 0.0
    is_near = (np.abs(places - places[:, None]) <= near).all(-1)
    gives_way = np.triu(is_near, 1).any(1)  # to a point that is no nearer, so not to its left
    return ["middle left" if one else "middle right" for one in gives_way]


def _add_leads(
    figure: go.Figure, name: str, colour: str, marker: str, leads: Sequence[tuple[int, Lead, str]]
) -> None:
    """Draw some leads with their intervals and numbers; what there is none of has no legend."""
    if not leads:
        return
    figure.add_scatter(
        x=[one.distance for _, one, _ in leads],
        y=[100 * one.mean for _, one, _ in leads],
        error_y={"array": [100 * one.ci95 for _, one, _ in leads], "thickness": 1.5, "width": 3},
        name=name,
        mode="markers+text",
        text=[str(number) for number, *_ in leads],
        textposition=[side for *_, side in leads],
        customdata=[one.name for _, one, _ in leads],
        marker={"color": colour, "symbol": marker, "size": 9},
        hovertemplate="%{customdata}: %{y:+.1f} ± %{error_y.array:.1f} points",
    )


def confusion_figure(counts: np.ndarray, chosen: tuple[int, int] | None = None) -> go.Figure:
    """Draw a confusion matrix with a point to click in every cell.

    Args:
        counts: int [n_way, n_way], true class by predicted class.
        chosen: The cell to outline, (true, predicted).
    """
    n_way = len(counts)
    letters = [class_letter(label) for label in range(n_way)]
    own = np.eye(n_way, dtype=bool)
    # Empty cells have no colour: the page shows through, in light and dark.
    right, wrong = (np.where(cells & (counts > 0), counts, np.nan) for cells in (own, ~own))
    figure = go.Figure(layout=layout())
    for values, colour in ((right, STYLES["maml"].colour), (wrong, "#D55E00")):
        figure.add_heatmap(
            x=letters,
            y=letters,
            z=values,
            zmin=0,
            zmax=max(int(counts.max()), 1),
            colorscale=[[0, "#ffffff"], [1, colour]],
            showscale=False,
            hoverinfo="skip",
        )
    true, predicted = (axis.ravel() for axis in np.indices(counts.shape))
    figure.add_scatter(
        x=[letters[label] for label in predicted],
        y=[letters[label] for label in true],
        customdata=np.stack([true, predicted, counts.ravel()], -1),
        mode="markers+text",
        text=[str(count) if count else "" for count in counts.ravel()],
        textfont={"size": 15 if n_way <= 10 else 11, "color": _on_cells(counts)},
        marker={"size": 26 if n_way <= 10 else 16, "opacity": 0, "symbol": "square"},
        hovertemplate="%{y} classified as %{x}: %{customdata[2]}<extra></extra>",
        showlegend=False,
    )
    if chosen:
        y, x = chosen
        figure.add_shape(
            type="rect",
            x0=x - 0.5,
            x1=x + 0.5,
            y0=y - 0.5,
            y1=y + 0.5,
            line_width=3,
            line_color=CHANCE_COLOUR,
        )
    figure.update_xaxes(title="Predicted", side="bottom", showgrid=False, fixedrange=True)
    figure.update_yaxes(title="True", autorange="reversed", showgrid=False, fixedrange=True)
    figure.update_layout(height=max(HEIGHT, 60 + 24 * n_way), dragmode=False)
    return figure


def confusion_in_words(counts: np.ndarray, most: int = 5) -> str:
    """Return how many are right and the most frequent confusions, for a text alternative.

    Args:
        counts: int [n_way, n_way], true class by predicted class.
        most: Confusions that are named.
    """
    wrong = counts - np.diag(np.diag(counts))
    cells = np.argwhere(wrong > 0)
    order = np.argsort(-wrong[tuple(cells.T)], kind="stable")
    named = [
        f"{class_letter(true)} classified as {class_letter(predicted)}, {wrong[true, predicted]}"
        for true, predicted in cells[order[:most]]
    ]
    more = f"; {len(cells) - most} more" if len(cells) > most else ""
    return f"{np.trace(counts)} of {counts.sum()} right" + "".join(f"; {n}" for n in named) + more


def _on_cells(counts: np.ndarray) -> list[str]:
    """Return for each cell a text colour that can be read on it, at a contrast of 4.5 or more.

    Black can be on all cells but the darkest of the blue diagonal.
    """
    dark = np.eye(len(counts), dtype=bool) & (counts > WHITE_TEXT_FROM * counts.max())
    return ["#ffffff" if on_dark else "#000000" for on_dark in dark.ravel()]
