"""What a pupil predicts of accuracies: a form to hand in, and the class's when it is revealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from maml_core.figures.style import STYLES
from pages.shared.charts.chart import draw_chart
from pages.shared.classroom.hand_in_form import hand_in_form
from pages.shared.classroom.predictions import PredictionTask
from pages.shared.classroom.store import database

if TYPE_CHECKING:
    from maml_core.classroom.membership import Pupil

REVEALED = "Your teacher has shown what came out."
SEEN = "You have seen what comes out: a prediction is made before."


@st.fragment
def ask_for_accuracies(
    pupil: Pupil, subject: str, task: PredictionTask, question: str, *, is_seen: bool
) -> None:
    """Let a pupil hand in predicted accuracies; after the teacher's reveal show the class's.

    Args:
        pupil: Who.
        subject: The page's link.
        task: What it says.
        question: Above the form, in Markdown.
        is_seen: Whether it is too late for a prediction.
    """
    from maml_core.classroom.activities import is_revealed
    from maml_core.classroom.predictions import field_name, steps_asked

    closed = is_revealed(database(), pupil.class_id, subject)
    st.markdown(question)
    fields = [
        {
            "name": field_name(method, step),
            "label": STYLES[method].short_label,
            "type": "percent",
            "group": f"After inner step {step}",
        }
        for step in steps_asked(task.inner_steps)
        for method in task.methods
    ]
    handed = hand_in_form(
        pupil,
        "prediction",
        subject,
        fields,
        key="prediction_form",
        closed=REVEALED if closed else SEEN if is_seen else "",
    )
    with st.container(key="class_predictions"):  # always there, see `show_until_dismissed`
        if closed:
            _draw_outcome(pupil, subject, task, handed)


def _draw_outcome(pupil: Pupil, subject: str, task: PredictionTask, handed: object) -> None:
    """Compare a pupil's own predictions, if there are some, and draw everybody's with the truth."""
    from maml_core.classroom.hand_ins import hand_ins_of
    from maml_core.classroom.predictions import steps_asked, summarise_predictions
    from maml_core.figures.classroom import predictions_figure, predictions_in_words

    steps = steps_asked(task.inner_steps)
    with st.spinner(task.waiting, show_time=True):
        truth = task.accuracies()[:, list(steps)]
    own = summarise_predictions([handed], task.methods, steps).predicted
    sentences = [
        f"{STYLES[method].short_label} after step {step}: you predicted {predicted[m, s]:.0f} %, "
        f"it is **{truth[m, s]:.0f} %**."
        for predicted in own
        for s, step in enumerate(steps)
        for m, method in enumerate(task.methods)
    ]
    st.markdown("  \n".join(sentences))
    contents = [
        one.content
        for one in hand_ins_of(database(), pupil.class_id, "prediction", subject)
        if not one.is_taken_out
    ]
    summary = summarise_predictions(contents, task.methods, steps)
    draw_chart(
        predictions_figure(summary, truth),
        "class_predictions_chart",
        "What your class predicted",
        numbers=" ".join(predictions_in_words(summary, truth)),
    )
