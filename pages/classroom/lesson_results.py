"""A lesson on the projector: what the class chose before and after, and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from maml_core.classroom.activities import Activity
from maml_core.classroom.hand_ins import HandIn, hand_ins_of, take_out
from maml_core.classroom.membership import ClassRecord
from maml_core.classroom.predictions import ChoiceSummary, count_choices
from maml_core.figures.classroom import choices_figure, choices_in_words
from maml_core.teaching import lessons
from maml_core.teaching.lesson_figures import LESSONS as FOLDER
from maml_core.teaching.lessons import Lesson
from pages.classroom.choosing import choose_newest
from pages.shared.character_sets import available_datasets
from pages.shared.charts.chart import draw_chart
from pages.shared.classroom.store import database
from pages.shared.classroom.subjects import lesson_number, lesson_subject
from pages.shared.frame.navigation import PAGES
from pages.shared.widgets import plain_text

COLUMNS = 3  # of answers beside each other


def draw_lesson_results(taught: ClassRecord, opened: Activity | None) -> None:
    """Draw a lesson's choices and answers, at first of the one that is open."""
    handed_in = [
        *hand_ins_of(database(), taught.id, "choice"),
        *hand_ins_of(database(), taught.id, "answer"),
    ]
    by_number = lessons_by_number()
    links = [one.subject for one in handed_in]
    links += [opened.link] if opened is not None and opened.kind == "lesson" else []
    named = dict.fromkeys(lesson_number(link) for link in links)
    numbers = [number for number in named if number is not None and number in by_number]
    if not numbers:
        st.info(
            "Open a lesson and press *Lead everybody here*: what the class chooses and answers "
            "appears on this page."
        )
        return
    number = choose_newest(
        "Lesson", numbers, "class_lesson", lambda number: f"{number}. {by_number[number].title}"
    )
    lesson = by_number[number]
    of_lesson = [one for one in handed_in if lesson_number(one.subject) == number]
    if lesson.choices:
        _draw_choices(lesson, number, of_lesson)
    _draw_answers(taught, lesson, answers_of(number, of_lesson))


def answers_of(number: int, handed_in: Sequence[HandIn]) -> list[HandIn]:
    """Return the answers to a lesson's closing question, at most one of each pupil."""
    subject = lesson_subject(number)
    return [one for one in handed_in if one.kind == "answer" and one.subject == subject]


def summary_of_choices(lesson: Lesson, number: int, handed_in: Sequence[HandIn]) -> ChoiceSummary:
    """Return what a class chose in a lesson, of all that it handed in."""
    before, after = (
        {
            one.name: one.content
            for one in handed_in
            if (one.kind, one.subject) == ("choice", subject) and not one.is_taken_out
        }
        for subject in (lesson_subject(number), lesson_subject(number, after=True))
    )
    return count_choices(lesson.choices, before, after)


def lessons_by_number() -> dict[int, Lesson]:
    """Return the lessons by number, as the page Lessons shows them."""
    dataset = "omniglot" if available_datasets()["omniglot"] else "glyphs"
    loaded, _ = lessons.load(FOLDER, {page.address for page in PAGES}, dataset)
    return dict(enumerate(loaded, 1))


def _draw_choices(lesson: Lesson, number: int, handed_in: Sequence[HandIn]) -> None:
    summary = summary_of_choices(lesson, number, handed_in)
    st.markdown(lesson.prediction)
    shown = st.toggle("Show what they chose", key="class_choices_shown")
    with st.container(key="class_choices"):  # always there, see `show_until_dismissed`
        st.caption(_counts(summary))
        if shown:
            draw_chart(
                choices_figure(summary),
                "class_choices_chart",
                "What the class chose before and after",
                numbers=choices_in_words(summary),
            )


def _counts(summary: ChoiceSummary) -> str:
    words = f"{sum(summary.before)} have predicted, {sum(summary.after)} have chosen again"
    if summary.n_both:
        words += f"; {summary.n_changed} of {summary.n_both} changed their mind"
    return f"{words}."


def _draw_answers(taught: ClassRecord, lesson: Lesson, answers: Sequence[HandIn]) -> None:
    """Draw the answers side by side, once the teacher wants them seen."""
    st.markdown("**The closing question**")
    st.markdown(lesson.question)
    n_out = sum(one.is_taken_out for one in answers)
    st.caption(f"{len(answers)} have answered." + (f" {n_out} are taken out." if n_out else ""))
    shown = st.toggle("Show the answers", key="class_answers_shown")
    with st.container(key="class_answers"):  # always there, see `show_until_dismissed`
        if shown:
            columns = st.columns(COLUMNS)
            for place, one in enumerate(answers):
                with columns[place % COLUMNS]:
                    _draw_answer(taught, one)


def _draw_answer(taught: ClassRecord, answer: HandIn) -> None:
    with st.container(border=True, key=f"answer_{answer.id}"):
        if taught.options["names"]:
            st.caption(plain_text(answer.name))
        if not answer.is_taken_out:
            st.html(f"<p class='class-answer'>{escape(str(answer.content))}</p>")
        st.button(
            "Put it back" if answer.is_taken_out else "Take it out",
            key=f"take_out_{answer.id}",
            type="tertiary",
            on_click=lambda: take_out(
                database(), taught.id, answer.id, taken_out=not answer.is_taken_out
            ),
        )
