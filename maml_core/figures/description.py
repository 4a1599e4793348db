"""What a figure shows in words, from its own numbers: for those who hear a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

MAX_LISTED = 12  # bars or points of a trace that are read out one by one
DIGITS = 3


def describe(figure: go.Figure, title: str) -> str:
    """Return a text alternative: the title, the axes, and where each trace begins and ends.

    Lines say their first and last value and their extremes, bars and single points all values,
    treemaps their parts. What has no hover text (bands, halos, faint lines) is left out, and so is
    what the figure's frames have still to reveal.

    Args:
        figure: Any of the functions in this folder; its traces are lines, points, bars or treemaps.
        title: What the figure is about, without a full stop.
    """
    traces = [trace for trace in figure.data if trace.hoverinfo != "skip"]
    parts = filter(None, (_trace_in_words(trace, figure.layout) for trace in traces))
    marks = [note.text for note in figure.layout.annotations if note.text]
    axes = _axes_in_words(figure.layout)
    sentences = [
        title,
        (f"{axes}: " if axes else "") + "; ".join(parts),
        f"Marked: {', '.join(marks)}" if marks else "",
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def in_words(value: float) -> str:
    """Return a number as it is read out: three digits, no exponent where it can be avoided."""
    if not math.isfinite(value):
        return "not finite"
    text = f"{value:.{DIGITS}g}"
    return f"{float(text):,.0f}" if "e+" in text and abs(value) < 1e9 else text.replace("-", "−")


def _axes_in_words(layout: go.Layout) -> str:
    x, y = layout.xaxis.title.text, layout.yaxis.title.text
    text = f"{y} against {x[0].lower() + x[1:]}" if x and y else y or x or ""
    return text.replace("<br>", " ")


def _trace_in_words(trace: Any, layout: go.Layout) -> str:
    """Return a trace's numbers; empty where there are none."""
    if trace.type == "treemap":
        return _treemap_in_words(trace)
    if trace.type not in ("scatter", "bar") or trace.y is None:
        return ""
    across, up = (trace.y, trace.x) if trace.orientation == "h" else (trace.x, trace.y)
    y = np.array([np.nan if value is None else value for value in up], dtype=float)
    known = np.flatnonzero(np.isfinite(y))
    if not len(known):
        return ""
    places = list(range(len(y)) if across is None else across)
    ticks = _ticks(layout)
    if trace.type == "bar" or len(known) <= 2 or trace.mode == "markers":
        words = [f"{in_words(y[i])} at {_place(places[i], ticks)}" for i in known[:MAX_LISTED]]
        if len(known) > MAX_LISTED:
            words.append(f"and {len(known) - MAX_LISTED} more")
        text = ", ".join(words)
    else:
        text = _line_in_words(y, known, [_place(place, ticks) for place in places])
    return f"{trace.name} {text}" if trace.name else text


def _line_in_words(y: np.ndarray, known: np.ndarray, places: Sequence[str]) -> str:
    """Return where a line begins and ends, and its extremes if they lie in between."""
    first, last = int(known[0]), int(known[-1])
    if all(in_words(y[a]) == in_words(y[b]) for a, b in pairwise(known)):
        text = f"{in_words(y[first])} throughout"
    else:
        text = f"from {in_words(y[first])} at {places[first]} to {in_words(y[last])} at "
        text += places[last]
    for word, extreme in (("highest", int(np.nanargmax(y))), ("lowest", int(np.nanargmin(y)))):
        if in_words(y[extreme]) not in (in_words(y[first]), in_words(y[last])):
            text += f", {word} {in_words(y[extreme])} at {places[extreme]}"
    if last < len(y) - 1:
        text += f", not finite from {places[last + 1]} on"
    return text


def _ticks(layout: go.Layout) -> Mapping[float, str]:
    """Return the words of the horizontal axis for its own values, where it has any."""
    axis = layout.xaxis
    return dict(zip(axis.tickvals or (), axis.ticktext or (), strict=False))


def _place(place: Any, ticks: Mapping[float, str]) -> str:
    return place if isinstance(place, str) else ticks.get(place, in_words(float(place)))


def _treemap_in_words(trace: Any) -> str:
    """Return the top parts of a treemap with how many blocks each has, and what is outlined."""
    widths = trace.marker.line.width or [0] * len(trace.labels)
    parts = []
    for name, label, parent in zip(trace.ids, trace.labels, trace.parents, strict=True):
        if not parent:
            blocks = list(trace.parents).count(name)
            parts.append(f"{label}, {blocks} block{'s' * (blocks != 1)}")
    outlined = [label for label, width in zip(trace.labels, widths, strict=True) if width]
    return "; ".join(parts) + (f"; outlined: {', '.join(outlined)}" if outlined else "")
