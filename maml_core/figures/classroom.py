"""What a class thought, as charts for a projector."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from maml_core.classroom.predictions import ChoiceSummary, PredictionSummary
from maml_core.classroom.summaries import PlaySummary
from maml_core.figures.style import STYLES, accuracy_axis, layout

CLASS_COLOUR = "#888888"
NEXT_TO = 3.0  # percentage points between two dots that stand side by side
DOT_ROOM = 0.08  # of the width of a column, that a dot takes at most
HALF_COLUMN = 0.42
ABOVE_DOTS = 112.0  # percent, where no dot can be
ABOVE_BARS = 120.0  # percent, where neither a bar nor its number can be
CLOSE = 5.0  # percentage points within which a prediction is called close
CHOICE_LETTERS = 28  # in a line of a choice's words


def round_figure(
    summary: PlaySummary, labels: Mapping[str, str], colours: Mapping[str, str]
) -> go.Figure:
    """Return the share of right answers by question, with a mark for each machine that was right.

    Args:
        summary: Of the round.
        labels: The machines' words, by name.
        colours: Theirs, likewise.
    """
    numbers = np.arange(1, len(summary.truths) + 1)
    share = 100 * summary.share_right
    figure = go.Figure(layout=layout(1))
    figure.add_bar(
        x=numbers,
        y=share,
        name="The class",
        marker_color=CLASS_COLOUR,
        customdata=summary.n_answers,
        # Written, too: from the back row nothing at all looks like nobody's answer.
        text=["" if np.isnan(one) else f"{one:.0f} %" for one in share],
        textposition="outside",
        textfont_size=16,
        hovertemplate="question %{x}: %{y:.0f} % of %{customdata} right<extra></extra>",
    )
    for row, (name, right) in enumerate(summary.machine_right.items()):
        figure.add_scatter(
            x=numbers[right],
            y=np.full(int(right.sum()), ABOVE_BARS + 11 * row),
            mode="markers",
            name=f"{labels[name]} is right",
            marker={"color": colours[name], "size": 14, "symbol": "circle"},
            hovertemplate="question %{x}<extra></extra>",
        )
    figure.update_xaxes(title="question", dtick=1)
    figure.update_yaxes(
        title="right, % of the class", range=[0, ABOVE_BARS + 17], tickvals=[0, 25, 50, 75, 100]
    )
    return figure


def round_in_words(summary: PlaySummary, labels: Mapping[str, str]) -> str:
    """Return the same in words, question by question."""
    sentences = []
    for number, share in enumerate(summary.share_right):
        class_words = "nobody has answered" if np.isnan(share) else f"{100 * share:.0f} % right"
        right = [labels[name] for name, one in summary.machine_right.items() if one[number]]
        machines = f"; right: {', '.join(right)}" if right else "; no machine was right"
        sentences.append(f"Question {number + 1}: {class_words}{machines}.")
    return " ".join(sentences)


def predictions_figure(summary: PredictionSummary, truth: np.ndarray | None) -> go.Figure:
    """Return a dot for each predicted accuracy, a column for each method and step.

    Args:
        summary: Of a class's predictions.
        truth: The accuracies in percent, [M, S]; None: they are not to be seen yet.
    """
    figure = go.Figure(layout=layout(1, height=380))
    columns = _columns(summary)
    xs = [place + _side_by_side(summary.predicted[:, m, s]) for place, (m, s) in enumerate(columns)]
    ys = [summary.predicted[:, m, s] for m, s in columns]
    figure.add_scatter(
        x=np.concatenate(xs),
        y=np.concatenate(ys),
        mode="markers",
        name="a prediction",
        marker={"color": CLASS_COLOUR, "size": 9, "opacity": 0.7},
        hovertemplate="%{y:.0f} %<extra></extra>",
    )
    if len(summary.predicted):
        _add_levels(figure, [summary.medians[c] for c in columns], "the class's median")
    for place, (m, s) in enumerate(columns if truth is not None else ()):
        assert truth is not None
        _add_truth(figure, place, summary.methods[m], float(truth[m, s]), is_first=s == 0)
    labels = [
        f"{STYLES[summary.methods[m]].short_label}<br>after step {summary.steps[s]}"
        for m, s in columns
    ]
    figure.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=labels,
        range=[-0.5, len(columns) - 0.5],
        showgrid=False,
        zeroline=False,
        tickangle=0,  # on a phone they just have room
    )
    accuracy_axis(figure, "Predicted query accuracy, %")
    figure.update_yaxes(range=[-3, ABOVE_DOTS + 8], tickvals=[0, 20, 40, 60, 80, 100])
    return figure


def predictions_in_words(summary: PredictionSummary, truth: np.ndarray | None) -> list[str]:
    """Return the same in words, a sentence for each method and step."""
    if not len(summary.predicted):
        return ["Nobody has predicted anything."]
    sentences = []
    for m, s in sorted(_columns(summary), key=lambda pair: pair[1]):
        values = summary.predicted[:, m, s]
        name = STYLES[summary.methods[m]].in_sentences
        sentence = (
            f"{name[0].upper()}{name[1:]} after step {summary.steps[s]}: predicted were "
            f"{values.min():.0f} to {values.max():.0f} %, median {np.median(values):.0f} %"
        )
        if truth is not None:
            close = int(summary.n_close(truth, CLOSE)[m, s])
            sentence += (
                f"; it is {truth[m, s]:.0f} %, and {close} of {len(values)} came within "
                f"{CLOSE:.0f} points"
            )
        sentences.append(f"{sentence}.")
    return sentences


def _columns(summary: PredictionSummary) -> list[tuple[int, int]]:
    """Return which method and step each column is of, from left to right."""
    return [(m, s) for s in range(len(summary.steps)) for m in range(len(summary.methods))]


def _side_by_side(values: np.ndarray) -> np.ndarray:
    """Return how far from the middle of its column each dot stands, so that all are seen, [P]."""
    rows = (values // NEXT_TO).astype(int)
    offsets = np.zeros(len(values))
    for row in np.unique(rows):
        (here,) = np.nonzero(rows == row)
        room = min(DOT_ROOM, 2 * HALF_COLUMN / len(here))
        offsets[here] = room * (np.arange(len(here)) - (len(here) - 1) / 2)
    return offsets


def _add_levels(figure: go.Figure, levels: list[np.floating], name: str) -> None:
    """Draw a line across each column at its level."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for place, level in enumerate(levels):
        xs += [place - HALF_COLUMN, place + HALF_COLUMN, None]
        ys += [float(level), float(level), None]
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="lines",
        name=name,
        line={"color": CLASS_COLOUR, "width": 2, "dash": "dot"},
        hovertemplate="median %{y:.0f} %<extra></extra>",
    )


def _add_truth(
    figure: go.Figure, place: int, method: str, percent: float, *, is_first: bool
) -> None:
    style = STYLES[method]
    figure.add_scatter(
        x=[place - HALF_COLUMN, place + HALF_COLUMN],
        y=[percent, percent],
        mode="lines",
        name=f"{style.short_label}, measured",
        legendgroup=method,
        showlegend=is_first,
        line={"color": style.colour, "width": 5},
        hovertemplate=f"{percent:.1f} %<extra>{style.label}</extra>",
    )
    figure.add_annotation(
        x=place, y=ABOVE_DOTS, text=f"<b>{percent:.0f} %</b>", showarrow=False, font_size=18
    )


def choices_figure(summary: ChoiceSummary) -> go.Figure:
    """Return how many chose what, before and after, as bars."""
    labels = ["<br>".join(textwrap.wrap(one, CHOICE_LETTERS)) for one in summary.choices]
    figure = go.Figure(layout=layout(1, height=100 + 80 * len(labels)))
    for name, counts, colour in (
        ("before", summary.before, CLASS_COLOUR),
        ("after", summary.after, STYLES["person"].colour),
    ):
        figure.add_bar(
            y=labels,
            x=counts,
            orientation="h",
            name=name,
            marker_color=colour,
            text=[str(count) if count else "" for count in counts],
            textposition="outside",
            textfont_size=18,
            hovertemplate=f"{name}: %{{x}}<extra></extra>",
        )
    most = max(*summary.before, *summary.after, 5)
    # Upwards is what Plotly lists first: of the choices and of before and after.
    # Choices may be written as numbers, and are none.
    figure.update_yaxes(type="category", autorange="reversed", tickfont_size=15)
    figure.update_xaxes(title="how many", range=[0, 1.1 * most], tickformat="d")
    return figure


def choices_in_words(summary: ChoiceSummary) -> str:
    """Return the same in words, choice by choice."""
    counts = zip(summary.choices, summary.before, summary.after, strict=True)
    words = [f"“{choice}”: {before} before, {after} after." for choice, before, after in counts]
    return " ".join(words)
