"""A lesson in a class: what a pupil hands in of it, and what the projector shows."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from maml_core.classroom.activities import open_activity_of
from maml_core.classroom.hand_ins import hand_in, hand_ins_of
from pages.classroom.report import class_report
from pages.shared.classroom.subjects import lesson_number, lesson_subject
from tests.pages.classroom.conftest import NAMES, StartedClass
from tests.support.opened_page import chart, components, open_page, texts

LESSONS, CLASS = "pages/lessons/page.py", "pages/classroom/page.py"
EPISODE = "What is an episode?"
FIRST, FIRST_AFTER = "lessons?lesson=1", "lessons?lesson=1#after"


def forms(at: AppTest) -> dict[tuple[str, str], dict]:
    """Return what each form was told, by kind and subject."""
    told = [one for one in components(at) if "handIn" in one]
    return {(one["handIn"]["kind"], one["handIn"]["subject"]): one for one in told}


@pytest.mark.parametrize(
    "text",
    [
        *("lessons?lesson=", "lessons?lesson=x", "lessons", "adapt?lesson=1"),
        *("lessons?lesson=01", "lessons?lesson=1#after#after", "lessons?lesson=1000"),
    ],
)
def test_a_text_that_names_no_lesson_is_none(text: str) -> None:
    assert lesson_number(text) is None


def test_a_lesson_is_named_by_its_link() -> None:
    assert lesson_subject(3) == "lessons?lesson=3"
    assert [lesson_number(lesson_subject(3, after=after)) for after in (False, True)] == [3, 3]


def test_the_teacher_leads_to_a_lesson_without_the_notes(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    at = open_page(LESSONS, teacher="true")
    at.button(key="lead_here").click().run()
    opened = open_activity_of(database, started.record.id)
    assert opened is not None
    assert (opened.kind, opened.link) == ("lesson", FIRST)
    # What is led to is what the address says there, so that nobody is led to where they are.
    assert open_page(LESSONS, lesson="1").query_params["lesson"] == "1"


def test_without_a_class_nothing_is_handed_in() -> None:
    at = open_page(LESSONS)
    assert not forms(at)
    assert at.radio(key=f"expected {EPISODE}") is not None


def test_a_pupil_chooses_before_and_after_and_answers(
    database: Engine, started: StartedClass
) -> None:
    started.become_pupil(0)
    at = open_page(LESSONS)
    assert forms(at).keys() == {("choice", FIRST), ("answer", FIRST)}
    assert forms(at)["choice", FIRST]["fields"][0]["choices"] == ["5", "10", "25", "75"]
    assert forms(at)["choice", FIRST]["closed"] == ""
    hand_in(database, started.pupils[0], "choice", FIRST, "5", 1)
    at.toggle(key=f"outcome {EPISODE}").set_value(True).run()
    assert not at.exception
    assert "You predicted: **5**" in texts(at, "markdown")
    assert forms(at).keys() == {("choice", FIRST), ("choice", FIRST_AFTER), ("answer", FIRST)}
    assert "You have seen" in forms(at)["choice", FIRST]["closed"]
    assert forms(at)["choice", FIRST]["handed"] == "5"
    assert forms(at)["choice", FIRST_AFTER]["closed"] == ""


def test_the_projector_counts_choices_before_and_after(
    database: Engine, started: StartedClass
) -> None:
    fox, owl, cat = started.pupils
    for pupil, before in ((fox, "5"), (owl, "5"), (cat, "25")):
        hand_in(database, pupil, "choice", FIRST, before, 1)
    for pupil, after in ((fox, "25"), (cat, "25")):
        hand_in(database, pupil, "choice", FIRST_AFTER, after, 1)
    for pupil in (fox, owl):  # a choice and an answer have the same subject
        hand_in(database, pupil, "answer", FIRST, "10", 1)
    report = class_report(started.record)
    assert "“5”: 2 before, 0 after. “10”: 0 before, 0 after. “25”: 1 before, 2 after." in report
    started.become_teacher()
    at = open_page(CLASS)
    at.segmented_control(key="class_results").set_value("Lessons").run()
    assert not at.get("plotly_chart"), "not before the teacher wants it"
    at.toggle(key="class_choices_shown").set_value(True).run()
    assert not at.exception
    bars = {one["name"]: one["x"] for one in chart(at, 0)["data"]}
    assert {name: [*map(int, xs)] for name, xs in bars.items()} == {
        "before": [2, 0, 1, 0],
        "after": [0, 0, 2, 0],
    }
    assert "1 of 2 changed their mind" in texts(at, "caption")


def test_answers_are_read_side_by_side_and_can_be_taken_out(
    database: Engine, started: StartedClass
) -> None:
    words = ["Which is A.", "<b>Nothing</b> & *all*", "How strokes look."]
    for pupil, text in zip(started.pupils, words, strict=True):
        hand_in(database, pupil, "answer", FIRST, text, 1)
    hand_in(database, started.pupils[0], "answer", FIRST_AFTER, "once more", 1)
    started.become_teacher()
    at = open_page(CLASS)
    at.segmented_control(key="class_results").set_value("Lessons").run()
    assert "3 have answered." in texts(at, "caption")
    assert words[0] not in str(at.main), "not before the teacher has looked"
    at.toggle(key="class_answers_shown").set_value(True).run()
    shown = " ".join(one.proto.body for one in at.get("html"))
    assert "Which is A." in shown
    assert "&lt;b&gt;Nothing&lt;/b&gt; &amp; *all*" in shown
    assert all(
        name in texts(at, "caption").split() or name in texts(at, "caption") for name in NAMES
    )

    second = hand_ins_of(database, started.record.id, "answer")[1]
    at.button(key=f"take_out_{second.id}").click().run()
    assert "Nothing" not in " ".join(one.proto.body for one in at.get("html"))
    assert hand_ins_of(database, started.record.id, "answer")[1].is_taken_out
    at.button(key=f"take_out_{second.id}").click().run()
    assert "Nothing" in " ".join(one.proto.body for one in at.get("html"))


def test_names_are_hidden_where_the_teacher_has_so_chosen(
    database: Engine, started: StartedClass
) -> None:
    hand_in(database, started.pupils[0], "answer", FIRST, "Which is A.", 1)
    started.become_teacher()
    at = open_page(CLASS)
    at.segmented_control(key="class_results").set_value("Lessons").run()
    at.toggle(key="class_answers_shown").set_value(True).run()
    named = texts(at, "caption").count(NAMES[0])
    at.toggle(key="class_names").set_value(False).run()
    assert texts(at, "caption").count(NAMES[0]) == named - 1, "still in the list of who is here"
