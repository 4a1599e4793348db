"""The confusion matrix of an episode, with the pictures behind each cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.comparison import confusion_matrix
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.evaluation import confusion_figure, confusion_in_words
from maml_core.figures.style import STYLES, class_label, class_letter, takes_no_step
from pages.shared.charts.chart import draw_chart
from pages.shared.charts.picture_html import STYLE, picture_strip
from pages.shared.widgets import segmented_choice

CHART, CELL, NAMED = "confusion_chart", "confused_cell", "confused_cells_named"  # keys
Cell = tuple[int, int]  # true and predicted label


@st.fragment
def confusion_section(
    data: CharacterSet, episode: Episode, trajectories: Sequence[AdaptationTrajectory]
) -> None:
    """Draw the confusion matrix of one method, and the pictures behind the chosen cell."""
    st.subheader("Which characters get confused?", anchor=False)
    by_label = {STYLES[trajectory.method].label: trajectory for trajectory in trajectories}
    method_column, step_column = st.columns([3, 2])
    with method_column:
        label = segmented_choice("Method", by_label, "confused", bind=None)
    trajectory = by_label[label]
    last = len(trajectory.accuracy) - 1
    has_no_step = takes_no_step(trajectory.method)
    step = last
    if last:
        step = step_column.slider(
            "After inner step",
            0,
            last,
            last,
            key="confused_step",
            disabled=has_no_step,
            help=f"{label} takes no inner step." if has_no_step else None,
        )
    when = "" if has_no_step else f" after inner step {step}"
    counts = confusion_matrix(episode, trajectory, step)
    left, right = st.columns(2, gap="large")
    with left:
        draw_chart(
            confusion_figure(counts),
            CHART,
            f"Confusion matrix of {label}{when}",
            numbers=confusion_in_words(counts),
            on_select=_choose_clicked_cell,
            selection_mode="points",
        )
        st.caption(f"Counts over this episode's {counts.sum()} query pictures.")
    with right:
        true, predicted = _cell_choice(counts)
        _cell_pictures(data, episode, trajectory, step, true, predicted)


def _cell_choice(counts: np.ndarray) -> Cell:
    """Let the person choose a cell that holds pictures, the most frequent confusion first.

    A click or a tap on the chart chooses one too; this one is there for the keyboard, and for
    fingers, to which a cell of twenty is too small.
    """
    cells: list[Cell] = [(int(t), int(p)) for t, p in np.argwhere(counts > 0)]
    cells.sort(key=lambda cell: (cell[0] == cell[1], -counts[cell]))
    named = {
        cell: f"{class_letter(cell[0])} classified as {class_letter(cell[1])}: {counts[cell]}"
        for cell in cells
    }
    state = st.session_state
    chosen = state.get(CELL)
    # What another episode's box showed stays in the browser until it is told what is chosen now.
    if chosen not in cells or state.get(NAMED) != named:
        state[CELL] = chosen if chosen in cells else cells[0]
    state[NAMED] = named
    return st.selectbox(
        "Pictures of a cell: choose one here or on the chart",
        cells,
        format_func=named.__getitem__,
        key=CELL,
    )


def _choose_clicked_cell() -> None:
    points = st.session_state[CHART].selection.points
    if points:
        st.session_state[CELL] = tuple(class_label(points[0][axis]) for axis in ("y", "x"))


def _cell_pictures(
    data: CharacterSet,
    episode: Episode,
    trajectory: AdaptationTrajectory,
    step: int,
    true: int,
    predicted: int,
) -> None:
    """Draw the queries behind a cell of the confusion matrix and its two classes' examples."""
    predictions = trajectory.predictions[step].reshape(episode.query.shape)
    pictures = episode.query[true][predictions[true] == predicted]
    st.markdown(
        f"**{len(pictures)}** of class **{class_letter(true)}** classified as "
        f"**{class_letter(predicted)}**"
    )
    st.html(STYLE + picture_strip(data, pictures))
    for label in dict.fromkeys((true, predicted)):
        st.markdown(
            f"Support set of **{class_letter(label)}**: {data.classes[episode.classes[label]]}"
        )
        st.html(STYLE + picture_strip(data, episode.support[label], small=True))
