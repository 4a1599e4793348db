"""What the class predicted on Adapt, on the projector, and what it is once it is revealed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from maml_core.classroom.activities import Activity, is_revealed, reveal_link
from maml_core.classroom.hand_ins import HandIn, hand_ins_of
from maml_core.classroom.membership import ClassRecord
from maml_core.classroom.predictions import PredictionSummary, steps_asked, summarise_predictions
from maml_core.figures.classroom import predictions_figure, predictions_in_words
from pages.classroom.choosing import choose_newest
from pages.shared.charts.chart import draw_chart
from pages.shared.classroom.predictions import PredictionTask, prediction_task
from pages.shared.classroom.store import database
from pages.shared.frame.finding import show_finding


def draw_prediction_results(taught: ClassRecord, opened: Activity | None) -> None:
    """Draw the predictions of an episode, at first of the one that is open."""
    by_link: dict[str, list[HandIn]] = {}
    for one in hand_ins_of(database(), taught.id, "prediction"):
        by_link.setdefault(one.subject, []).append(one)
    if opened is not None and opened.kind == "prediction":
        by_link[opened.link] = by_link.pop(opened.link, [])  # the newest
    tasks = {link: task for link in by_link if (task := prediction_task(link)) is not None}
    if not tasks:
        st.info(
            "Open Adapt or Evaluate, choose an episode, and press *Lead everybody here*: what the "
            "class expects appears on this page."
        )
        return
    link = choose_newest(
        "Which accuracies", list(tasks), "class_prediction", lambda link: tasks[link].title
    )
    _draw_task(taught, link, tasks[link], by_link[link])


def summary_of_predictions(task: PredictionTask, handed_in: Sequence[HandIn]) -> PredictionSummary:
    """Return what a class predicted of an episode."""
    contents = [one.content for one in handed_in if not one.is_taken_out]
    return summarise_predictions(contents, task.methods, steps_asked(task.inner_steps))


def truth_of(task: PredictionTask) -> np.ndarray:
    """Return the methods' query accuracies in percent, [M, S].

    Raises:
        ValueError: The episodes cannot be sampled from the characters here.
    """
    return task.accuracies()[:, list(steps_asked(task.inner_steps))]


def _draw_task(
    taught: ClassRecord, link: str, task: PredictionTask, handed_in: Sequence[HandIn]
) -> None:
    summary = summary_of_predictions(task, handed_in)
    revealed = is_revealed(database(), taught.id, link)
    with st.container(horizontal=True, vertical_alignment="center", key="class_reveal"):
        st.button(
            "Revealed" if revealed else "Reveal",
            key="reveal",
            type="secondary" if revealed else "primary",
            icon=":material/visibility:",
            disabled=revealed or not len(summary.predicted),
            help=None
            if revealed
            else "Draws what the methods reach. From then on nobody can hand in a "
            "prediction of these accuracies, and everybody's page shows this chart.",
            on_click=lambda: reveal_link(database(), taught.id, "prediction", link),
        )
        shown = st.toggle(
            "Show the predictions",
            key="class_predictions_shown",
            help="Who sees what others expect expects the same: show them when all have predicted.",
        )
        count = len(summary.predicted)
        words = "prediction" if count == 1 else "predictions"
        st.markdown(f"**{count}** {words} handed in.", width="content")
    truth = None
    if revealed:
        try:
            with st.spinner(task.waiting, show_time=True):
                truth = truth_of(task)
        except (ValueError, OSError):
            st.warning("The characters of this episode are not on this server.")
    with st.container(key="class_predictions"):  # always there, see `show_until_dismissed`
        if shown or revealed:
            sentences = predictions_in_words(summary, truth)
            draw_chart(
                predictions_figure(summary, truth),
                "class_predictions_chart",
                "What the class predicted",
                numbers=" ".join(sentences),
            )
            show_finding("  \n".join(sentences), "class_predictions")
