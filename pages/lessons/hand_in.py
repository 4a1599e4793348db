"""What a pupil of a class hands in of a lesson: a choice before and after, and an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from maml_core.teaching.lessons import Lesson
from pages.shared.classroom.hand_in_form import hand_in_form
from pages.shared.classroom.subjects import lesson_subject

if TYPE_CHECKING:
    from maml_core.classroom.membership import Pupil

SAID = "Handed in. You can still change it."
SEEN = "You have seen what comes out: choose again below it."


def hand_in_choice(
    pupil: Pupil, lesson: Lesson, number: int, *, after: bool = False, is_seen: bool = False
) -> str | None:
    """Ask what a pupil predicts, or thinks in the end; return what is handed in.

    Args:
        pupil: Who.
        lesson: With choices.
        number: Its own, from 1.
        after: Whether it is asked at the end.
        is_seen: Whether it is too late for a prediction.
    """
    label = "What do you think now?" if after else "Your prediction"
    handed = hand_in_form(
        pupil,
        "choice",
        lesson_subject(number, after=after),
        [{"name": "", "label": label, "type": "choice", "choices": list(lesson.choices)}],
        key="choice_after" if after else "choice_before",
        said=SAID,
        closed=SEEN if is_seen else "",
    )
    return handed if handed in lesson.choices else None


def hand_in_answer(pupil: Pupil, number: int) -> None:
    """Ask for the answer to the closing question."""
    with st.container(key="closing_answer"):
        hand_in_form(
            pupil,
            "answer",
            lesson_subject(number),
            [{"name": "", "label": "Your answer", "type": "text"}],
            key="answer_form",
            said=SAID,
        )
