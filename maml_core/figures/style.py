"""One palette, one mark a method, one layout for every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from maml_core.methods import catalogue


@dataclass(frozen=True)
class MethodStyle:
    """How a method, or the person, is named and drawn, the same on all pages."""

    label: str
    colour: str
    dash: str
    marker: str
    short_label: str = ""  # where there is little room; the label unless given
    in_sentences: str = ""  # the short label unless given

    def __post_init__(self) -> None:
        object.__setattr__(self, "short_label", self.short_label or self.label)
        object.__setattr__(self, "in_sentences", self.in_sentences or self.short_label)


class _Styles(dict[str, MethodStyle]):
    """The styles by method; one's own learners, see `own_name`, have theirs from their name."""

    def __missing__(self, name: str) -> MethodStyle:
        if name.endswith(HEAD_ALONE):
            whole = self[name.removesuffix(HEAD_ALONE)]
            return replace(
                whole,
                label=f"{whole.label}, head alone",
                short_label="",
                in_sentences=f"{whole.in_sentences}'s head alone",
                dash="1px 4px",
            )
        number, method = own_parts(name)
        colour, dash, marker = OWN_LOOKS[number - 1]
        label = f"Mine {number}: {self[method].label}"
        return MethodStyle(label, colour, dash, marker, in_sentences=f"“{label}”")


# As far from all other colours and each other as three can be, in every kind of colour vision.
OWN_LOOKS = (
    ("#9C473C", "10px 3px", "diamond-tall"),
    ("#8572F7", "4px 4px", "hourglass"),
    ("#526084", "14px 3px 3px 3px", "bowtie"),
)
OWN = "mine"
HEAD_ALONE = "-head"  # ends the name of a learner of which the head alone adapts
_LOOKS = {  # colour, dash and marker of the methods in the catalogue
    "maml": ("#0072B2", "solid", "circle"),
    "pretrained": ("#E69F00", "dash", "square"),
    "random": ("#7F7F7F", "dot", "diamond"),
    "fomaml": ("#56B4E9", "dashdot", "triangle-up"),
    "anil": ("#009E73", "longdash", "triangle-down"),
    "reptile": ("#CC79A7", "longdashdot", "x"),
    "multi_task": ("#D55E00", "2px 5px", "star"),
    "imaml": ("#D800AE", "2px 2px 8px 2px", "triangle-ne"),
    "boil": ("#8A7230", "3px 3px", "diamond-wide"),
    "meta_sgd": ("#FC4860", "16px 4px", "hexagram"),
    "maml_plus_plus": ("#6648CC", "5px 2px 1px 2px", "octagon"),
    "protonet": ("#F00066", "6px 6px", "star-triangle-up"),
    "r2d2": ("#9C7EEA", "12px 3px 2px 3px 2px 3px", "star-triangle-down"),
    "nearest-features": ("#A6761D", "8px 3px 2px 3px", "cross"),
    "nearest-resnet": ("#7A9A01", "10px 2px 10px 6px", "star-square"),
    "nearest-pixels": ("#5F9EA0", "12px 4px", "hexagon"),
}
_OF_METHODS = {
    name: MethodStyle(method.label, *look, method.short_label, method.in_sentences)
    for name, look in _LOOKS.items()
    for method in (catalogue.BY_NAME[name],)
} | {
    # The same starts, of which the head alone adapts.
    "maml-head": MethodStyle(
        "MAML, head alone", "#3399CC", "1px 4px", "triangle-right", "", "MAML's head alone"
    ),
    "pretrained-head": MethodStyle(
        "Pretrained, head alone",
        "#C46A00",
        "4px 2px",
        "triangle-left",
        "",
        "pretraining's head alone",
    ),
    # All that are chosen, together.
    "ensemble": MethodStyle("Ensemble", "#3D5A00", "1px 2px", "hexagon2", "", "the ensemble"),
    # Told what the others have to find out: no rival, and drawn as none.
    "oracle": MethodStyle("Oracle", "#8C8C8C", "9px 5px", "star-diamond"),
    # Far from all others in every kind of colour vision, and to be seen in light and dark.
    "person": MethodStyle("You", "#9024FC", "6px 2px", "pentagon"),
}
STYLES = _Styles(_OF_METHODS)
CHANCE_COLOUR = "#888888"
FAINT = 0.25  # opacity of what is still to come
HEIGHT = 300  # pixels
PLOTLY_FONT, PLOTLY_LINE, PLOTLY_MARKER = 12, 2, 6  # sizes that Plotly takes unless told, pixels
PART_COLOURS = {"train": "#56B4E9", "validation": "#CC79A7", "test": "#E69F00"}
# Of classes: Kelly 1965, "Twenty-two colors of maximum contrast", in his order without white and
# black; the first nine can be told apart with a deficient colour vision, too.
CLASS_COLOURS = (
    *("#F3C300", "#875692", "#F38400", "#A1CAF1", "#BE0032", "#C2B280", "#848482", "#008856"),
    *("#E68FAC", "#0067A5", "#F99379", "#604E97", "#F6A600", "#B3446C", "#DCD300", "#882D17"),
    *("#8DB600", "#654522", "#E25822", "#2B3D26"),
)
# Plotly's own menu can neither be reached by keyboard nor save both PNG and SVG; the pages have
# another.
CHART_CONFIG = {"displayModeBar": False}
FINE_LOSS_TICKS = tuple(n * 10.0**power for power in range(-4, 4) for n in range(1, 10))
LOSS_TICKS = (1e-4, 1e-3, 1e-2, 0.1, 0.3, 1, 3, 10, 30, 100, 1e3, 1e4)
MIN_LOSS = 1e-4  # nats; the logarithmic axis ends here
EQUAL_CONTRAST = 0.05 * (21**0.5 - 1)  # the luminance on which black and white are as clear
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
        KeyError: There is no such name.
    """
    own, _, rest = name.partition("-")
    number, _, rest = rest.partition("-")
    method, _, digest = rest.rpartition("-")
    if own != OWN or not digest or number not in map(str, range(1, len(OWN_LOOKS) + 1)):
        raise KeyError(name)
    return int(number), method


def trained_method(name: str) -> str:
    """Return how a learner was trained: a visitor's own by what its name says."""
    return name if name in STYLES or name.endswith(HEAD_ALONE) else own_parts(name)[1]


def takes_no_step(name: str) -> bool:
    """Say whether a learner solves for its head in place of inner steps: then it has no α."""
    return trained_method(name) in catalogue.TAKES_NO_STEP


def inner_lr_in_words(name: str, inner_lr: float) -> str:
    """Return 'MAML α = 0.4', or 'ProtoNet: no inner step'.

    Args:
        name: Of the learner.
        inner_lr: Its α; of no meaning where no step is taken.
    """
    label = STYLES[name].label
    return f"{label}: no inner step" if takes_no_step(name) else f"{label} α = {inner_lr:.3g}"


def class_letter(label: int) -> str:
    """Return the letter that stands for a label, A for 0."""
    return chr(ord("A") + label)


def class_label(letter: str) -> int:
    """Return the label that a letter stands for, 0 for A."""
    return ord(letter) - ord("A")


def add_band(
    figure: go.Figure, x: Sequence[float], mean: np.ndarray, half: np.ndarray, colour: str
) -> None:
    """Draw the band of half-width `half` around a line of accuracies in %, all [n]."""
    below, above = arms(mean, half)
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=np.concatenate([mean + above, (mean - below)[::-1]]),
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


def layout(
    legend_rows: int = 0, *, height: int = HEIGHT, transparent: bool = False, **options: Any
) -> go.Layout:
    """Return what all figures have in common.

    Args:
        legend_rows: Rows of the legend, for which the figure is made taller.
        height: Of the figure without its legend, pixels.
        transparent: Whether the page shows through where a component draws the figure itself.
        options: Of `go.Layout`, which take precedence.
    """
    clear = "rgba(0,0,0,0)"
    common: dict[str, Any] = {
        "height": height + 24 * legend_rows,
        # Below the plot, because on a touch screen the chart's menu always stands above it.
        "legend": {"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top", "font_size": 13},
        "margin": {"l": 8, "r": 8, "t": 32, "b": 8},
        "hovermode": "closest",
        "uirevision": "same",
    }
    if transparent:
        common |= {"paper_bgcolor": clear, "plot_bgcolor": clear}
    return go.Layout(common | options)


def tick_labels(values: Sequence[float]) -> dict[str, list[float] | list[str]]:
    """Return an axis' ticks at some values, written in full: 0.1, not 10⁻¹ or 100m."""
    return {"tickvals": list(values), "ticktext": [f"{value:g}" for value in values]}


def arms(mean: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far intervals of accuracies in % reach down and up: to 0 and 100 at most.

    An interval is told by its longer side, which may reach farther than an accuracy can.
    """
    return np.minimum(half, mean), np.minimum(half, 100 - mean)


def error_bars(mean: Sequence[float], half: Sequence[float]) -> dict[str, Any]:
    """Return Plotly's error bars of accuracies in %; NaN: none."""
    below, above = arms(np.array(mean), np.array(half))
    return {"array": above, "arrayminus": below, "symmetric": False, "thickness": 1.5}


def inner_step_axis(figure: go.Figure, n_points: int, *, is_taken: bool = True) -> None:
    """Make x the inner step, with numbers that do not touch.

    Args:
        figure: The figure.
        n_points: Of the longest line, inner steps + 1.
        is_taken: Whether anybody takes an inner step.
    """
    every = 1 if n_points < 16 else 5 if n_points <= MOST_MARKERS else 10
    figure.update_xaxes(title="Inner step", dtick=every)
    if not is_taken:
        figure.update_xaxes(title="Without an inner step", showticklabels=False)


def accuracy_axis(figure: go.Figure, title: str = "Query accuracy, %") -> None:
    """Make y the accuracy from 0 to 100 %, with room for the markers at both ends."""
    figure.update_yaxes(title=title, range=[-3, 103])


def luminance(colour: str) -> float:
    """Return the relative luminance of '#rrggbb', 0 to 1, as WCAG 2.2 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def ink_on(colour: str) -> str:
    """Return black or white: what has the greater contrast on '#rrggbb', 4.5 : 1 or more."""
    return "#000000" if luminance(colour) > EQUAL_CONTRAST else "#ffffff"


def faded(colour: str, opacity: float) -> str:
    """Return '#rrggbb' as 'rgba(…)'."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def lightened(colour: str, share: float) -> str:
    """Return '#rrggbb' mixed with white; `share` is the white's, 0 to 1."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + share * (255 - part)):02x}" for part in parts)


def enlarge(figure: go.Figure, factor: float) -> go.Figure:
    """Return a copy of a figure whose letters, lines and markers are larger, for a projector.

    Args:
        figure: The figure, with frames or without.
        factor: By which sizes and widths are multiplied, those left to Plotly too.
    """
    plain: dict[str, Any] = _enlarged(figure.to_dict(), factor, "")
    plain["layout"]["height"] = plain["layout"].get("height", HEIGHT) * factor
    font = plain["layout"].setdefault("font", {})
    font.setdefault("size", PLOTLY_FONT * factor)
    for trace in plain["data"]:
        if trace.get("type") == "scatter" and "lines" in trace.get("mode", "lines"):
            trace.setdefault("line", {}).setdefault("width", PLOTLY_LINE * factor)
        if "markers" in trace.get("mode", ""):
            trace.setdefault("marker", {}).setdefault("size", PLOTLY_MARKER * factor)
    return go.Figure(plain)


def _enlarged(value: Any, factor: float, name: str) -> Any:
    """Return a part of a figure, `name`, with what it says of sizes and widths enlarged."""
    if isinstance(value, list | tuple):
        return [_enlarged(part, factor, name) for part in value]
    if not isinstance(value, dict):
        return value
    scaled = {"size"} if name.endswith("font") or name == "marker" else set()
    scaled |= {"width"} if name == "line" else set()
    return {
        key: np.multiply(part, factor).tolist()
        if key in scaled and not isinstance(part, dict)
        else _enlarged(part, factor, key)
        for key, part in value.items()
    }
