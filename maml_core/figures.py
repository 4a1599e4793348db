"""Arrays in, Plotly figures out; one palette for all pages.

Okabe & Ito's colours, which colour-blind people can tell apart, with a dash and a marker
beside each. Text and grid take the theme's colours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from maml_core.comparison import Recording
from maml_core.evaluation import Estimate


@dataclass(frozen=True)
class MethodStyle:
    """How a method, or the person, is named and drawn, the same on all pages."""

    label: str
    colour: str
    dash: str
    marker: str


class _Styles(dict[str, MethodStyle]):
    """The styles by method; one's own learners, see `own_name`, have theirs from their name."""

    def __missing__(self, name: str) -> MethodStyle:
        number, method = own_parts(name)
        colour, dash, marker = OWN_LOOKS[number - 1]
        return MethodStyle(f"Mine {number}: {self[method].label}", colour, dash, marker)


# As far from all other colours and each other as three can be, in every kind of colour vision.
OWN_LOOKS = (
    ("#9C473C", "10px 3px", "diamond-tall"),
    ("#8572F7", "4px 4px", "hourglass"),
    ("#526084", "14px 3px 3px 3px", "bowtie"),
)
OWN = "mine"
_OF_METHODS = {
    "maml": MethodStyle("MAML", "#0072B2", "solid", "circle"),
    "pretrained": MethodStyle("Pretrained", "#E69F00", "dash", "square"),
    "random": MethodStyle("Random start", "#7F7F7F", "dot", "diamond"),
    "fomaml": MethodStyle("First-order MAML", "#56B4E9", "dashdot", "triangle-up"),
    "anil": MethodStyle("ANIL", "#009E73", "longdash", "triangle-down"),
    "reptile": MethodStyle("Reptile", "#CC79A7", "longdashdot", "x"),
    "joint": MethodStyle("Joint pretraining", "#D55E00", "2px 5px", "star"),
    "nearest-features": MethodStyle("Nearest by features", "#A6761D", "8px 3px 2px 3px", "cross"),
    "nearest-resnet": MethodStyle(
        "Nearest by ResNet", "#7A9A01", "10px 2px 10px 6px", "star-square"
    ),
    "nearest-pixels": MethodStyle("Nearest by pixels", "#5F9EA0", "12px 4px", "hexagon"),
    # The same starts, of which the head alone adapts.
    "maml-head": MethodStyle("MAML, head alone", "#3399CC", "1px 4px", "triangle-right"),
    "pretrained-head": MethodStyle("Pretrained, head alone", "#C46A00", "4px 2px", "triangle-left"),
    # Told what the others have to find out: no rival, and drawn as none.
    "oracle": MethodStyle("Oracle", "#8C8C8C", "9px 5px", "star-diamond"),
    # Far from all others in every kind of colour vision, and to be seen in light and dark.
    "person": MethodStyle("You", "#9024FC", "6px 2px", "pentagon"),
}
STYLES = _Styles(_OF_METHODS)
CHANCE_COLOUR = "#888888"
FAINT = 0.25  # opacity of what is still to come
HEIGHT = 300  # pixels
PART_COLOURS = {"train": "#56B4E9", "validation": "#CC79A7", "test": "#E69F00"}
# The chart's own menu: a picture as SVG, sharp at any size.
CHART_CONFIG = {"displaylogo": False, "toImageButtonOptions": {"format": "svg", "scale": 1}}
FINE_LOSS_TICKS = tuple(n * 10.0**power for power in range(-4, 4) for n in range(1, 10))
LOSS_TICKS = (1e-4, 1e-3, 1e-2, 0.1, 0.3, 1, 3, 10, 30, 100, 1e3, 1e4)
MIN_LOSS = 1e-4  # nats; the logarithmic axis ends here
MOST_MARKERS = 31  # points of a line; more markers would hide it
WHITE_TEXT_FROM = 0.925  # of the full blue: there black and white have the same contrast, 4.5


def own_name(number: int, method: str, digest: str) -> str:
    """Return the name of a learner that a visitor trained or brought.

    Args:
        number: Which of theirs, from 1 to as many as `OWN_LOOKS` has.
        method: How it was trained, one of the methods in `STYLES`.
        digest: Of its weights, so that no two visitors' learners share a name.
    """
    return f"{OWN}-{number}-{method}-{digest}"


def own_parts(name: str) -> tuple[int, str]:
    """Return the number and the method that `own_name` put into a name.

    Raises:
        KeyError: It is no such name.
    """
    own, _, rest = name.partition("-")
    number, _, rest = rest.partition("-")
    method, _, digest = rest.rpartition("-")
    if own != OWN or not digest or number not in map(str, range(1, len(OWN_LOOKS) + 1)):
        raise KeyError(name)
    return int(number), method


def class_letter(label: int) -> str:
    """Return the letter that stands for a label, A for 0."""
    return chr(ord("A") + label)


def class_label(letter: str) -> int:
    """Return the label that a letter stands for, 0 for A."""
    return ord(letter) - ord("A")


def accuracy_figure(recordings: Sequence[Recording], n_way: int, predict: bool) -> go.Figure:
    """Draw query accuracy after each inner step, with a frame for each step.

    Args:
        recordings: One a method, all of one episode.
        n_way: Chance is 1 / n_way.
        predict: Show only what comes before the first step; the frames reveal the rest.
    """
    lines = [(recording, 100 * recording.accuracy, "") for recording in recordings]
    figure = _stepwise(lines, predict)
    add_chance(figure, 100 / n_way)
    figure.update_yaxes(title="Query accuracy, %", range=[-3, 103])
    return figure


def loss_figure(recordings: Sequence[Recording], predict: bool) -> go.Figure:
    """Draw support and query loss after each inner step, with a frame for each step."""
    lines = []
    for recording in recordings:
        lines.append((recording, on_log_axis(recording.query_loss), " · query"))
        lines.append((recording, on_log_axis(recording.support_loss), " · support"))
    figure = _stepwise(lines, predict)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="Inner step (filled: query loss, open: support loss)")
    finite = np.concatenate([values[np.isfinite(values)] for _, values, _ in lines])
    low, high = np.log10([finite.min(), finite.max()]) if len(finite) else (-4.0, 1.0)
    figure.update_yaxes(title="Loss, nats", type="log", range=[low - 0.2, high + 0.2])
    ticks = LOSS_TICKS if high - low > 1 else FINE_LOSS_TICKS
    figure.update_yaxes(tickvals=ticks, ticktext=[f"{value:g}" for value in ticks])
    return figure


def confidence_figure(
    estimates: Mapping[str, Estimate], n_way: int, close: bool = False
) -> go.Figure:
    """Draw mean query accuracy over episodes with its 95 % confidence band.

    Args:
        estimates: One a method, of the same episodes.
        n_way: Chance is 1 / n_way.
        close: Show only the range in which the methods are after the first step.
    """
    figure = go.Figure(layout=layout(legend_rows=1))
    n_points = max(len(found.accuracy) for found in estimates.values())
    crowded = n_points > MOST_MARKERS
    for method, found in estimates.items():
        style = STYLES[method]
        steps = list(range(n_points))
        # What takes no steps, as the nearest picture, is the same at all of them.
        values = np.array([found.accuracy, found.ci95])
        mean, half = 100 * np.broadcast_to(values, (2, n_points))
        add_band(figure, steps, mean, half, style.colour)
        figure.add_scatter(
            x=steps,
            y=mean,
            customdata=half,
            name=style.label,
            mode="lines" if crowded else "lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 3},
            marker={"symbol": style.marker, "size": 8},
            hovertemplate="step %{x}: %{y:.1f} ± %{customdata:.1f} %",
        )
    add_chance(figure, 100 / n_way)
    figure.update_xaxes(title="Inner step", dtick=10 if crowded else 5 if n_points > 15 else 1)
    figure.update_yaxes(title="Query accuracy, %", range=[-3, 103])
    if close:
        bands = [
            (100 * (mean - half), 100 * (mean + half))
            for found in estimates.values()
            for mean, half in list(zip(found.accuracy, found.ci95, strict=True))[-n_points + 1 :]
        ]
        low, high = min(low for low, _ in bands), max(high for _, high in bands)
        figure.update_yaxes(range=[low - 0.5, max(high, 100) + 0.5])
    return figure


def confusion_figure(counts: np.ndarray, chosen: tuple[int, int] | None = None) -> go.Figure:
    """Draw how often each class was taken for each, with a point to click in every cell.

    Args:
        counts: int [n_way, n_way], true class by predicted class.
        chosen: The cell to outline, (true, predicted).
    """
    n_way = len(counts)
    letters = [class_letter(label) for label in range(n_way)]
    own = np.eye(n_way, dtype=bool)
    # Empty cells have no colour: the page shows through, in light and dark.
    right, wrong = (np.where(cells & (counts > 0), counts, np.nan) for cells in (own, ~own))
    figure = go.Figure(layout=layout(legend_rows=0))
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
        hovertemplate="%{y} taken for %{x}: %{customdata[2]}<extra></extra>",
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


def split_figure(alphabets: Mapping[str, Mapping[str, int]], marked: Collection[str]) -> go.Figure:
    """Draw the alphabets of each part of a split as blocks.

    Args:
        alphabets: By part ('train', 'validation', 'test'), how many characters each has.
        marked: The alphabets to outline.
    """
    ids, labels, parents, values, colours, widths = [], [], [], [], [], []
    for part, sizes in alphabets.items():
        ids.append(part)
        labels.append(f"{part.capitalize()} ({sum(sizes.values()):,})")
        parents.append("")
        values.append(sum(sizes.values()))
        colours.append(faded(PART_COLOURS[part], 0.35))
        widths.append(0)
        for name, size in sizes.items():
            ids.append(f"{part}/{name}")
            labels.append(name.replace("_", " "))
            parents.append(part)
            values.append(size)
            colours.append(PART_COLOURS[part])
            widths.append(5 if name in marked else 0)
    figure = go.Figure(layout=layout(legend_rows=0))
    figure.add_treemap(
        ids=ids,
        labels=labels,
        parents=parents,
        values=values,
        branchvalues="total",
        marker={"colors": colours, "line": {"width": widths, "color": "#000000"}},
        textfont_color=[CHANCE_COLOUR if not parent else "#000000" for parent in parents],
        hovertemplate="%{label}<br>%{value} characters<extra></extra>",
        pathbar_visible=False,
        tiling_pad=2,
    )
    return figure


def _on_cells(counts: np.ndarray) -> list[str]:
    """Return for each cell a text colour that can be read on it, at a contrast of 4.5 or more.

    Black can be on all cells but the darkest of the blue diagonal.
    """
    dark = np.eye(len(counts), dtype=bool) & (counts > WHITE_TEXT_FROM * counts.max())
    return ["#ffffff" if on_dark else "#000000" for on_dark in dark.ravel()]


def _stepwise(lines: Sequence[tuple[Recording, np.ndarray, str]], predict: bool) -> go.Figure:
    """Draw each line faint as a whole and strong up to a step; frame k stands at step k."""
    figure = go.Figure(layout=layout(legend_rows=1))
    n_points = len(lines[0][1])
    steps = np.arange(n_points)
    shown = 1 if predict else n_points
    for recording, values, _ in lines:
        style = STYLES[recording.method]
        figure.add_scatter(
            x=steps,
            y=np.full(n_points, np.nan) if predict else values,
            mode="lines",
            line={"color": style.colour, "width": 1.5},
            opacity=FAINT,
            hoverinfo="skip",
            showlegend=False,
        )
    for recording, values, kind in lines:
        style = STYLES[recording.method]
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
    figure.update_xaxes(
        title="Inner step", range=[-0.3, n_points - 0.7], dtick=1 if n_points < 16 else 5
    )
    return figure


def add_band(
    figure: go.Figure, x: Sequence[float], mean: np.ndarray, half: np.ndarray, colour: str
) -> None:
    """Draw the band of half-width `half` around a line, all [n]."""
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=np.concatenate([mean + half, (mean - half)[::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=faded(colour, 0.2),
        line_width=0,
        hoverinfo="skip",
        showlegend=False,
    )


def add_chance(figure: go.Figure, percent: float) -> None:
    """Draw the line of chance."""
    figure.add_hline(
        y=percent,
        line={"color": CHANCE_COLOUR, "width": 1.5, "dash": "dot"},
        annotation={"text": f"chance {percent:.0f} %", "font_color": CHANCE_COLOUR},
        annotation_position="bottom right",
    )


def on_log_axis(losses: np.ndarray) -> np.ndarray:
    """Return losses for a logarithmic axis: none below `MIN_LOSS`, gaps where none is finite."""
    return np.where(np.isfinite(losses), np.maximum(losses, MIN_LOSS), np.nan)


def layout(legend_rows: int) -> go.Layout:
    """Return what all charts have in common."""
    return go.Layout(
        height=HEIGHT + 24 * legend_rows,
        # Below the plot, because on a touch screen the chart's menu always stands above it.
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top", "font_size": 13},
        hovermode="closest",
        uirevision="same",
    )


def faded(colour: str, opacity: float) -> str:
    """Return '#rrggbb' as 'rgba(…)'."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
