"""The page Class, and the class's line on every page, for whoever looks at them."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Engine, create_engine, update
from streamlit.testing.v1 import AppTest

from maml_core.classroom.activities import (
    close_activity,
    open_activity,
    open_activity_of,
)
from maml_core.classroom.database import writing
from maml_core.classroom.hand_ins import hand_in
from maml_core.classroom.membership import (
    MAX_PUPILS,
    Pupil,
    class_of_teacher,
    delete_class,
    note_presence,
    pupil_of_token,
    pupils_of,
)
from maml_core.classroom.tables import SUBJECT, pupils
from pages.classroom.projector import who_is_where
from pages.classroom.report import class_report
from pages.shared import cached
from pages.shared.classroom import store
from pages.shared.classroom.subjects import labels_of, play_subject
from pages.shared.frame.class_line import LEAD, LET_GO
from tests.pages.classroom.conftest import ROUND, StartedClass, play_round
from tests.support.opened_page import at_page, open_page, run, texts

PAGE = "pages/classroom/page.py"
TITLE = "Seed 3, 5-way, Glyphs"


def html(at: AppTest) -> str:
    return " ".join(one.proto.body for one in at.get("html"))


def chart_words(at: AppTest) -> str:
    (chart,) = at.get("plotly_chart")
    return str(chart.proto)


def test_a_stranger_can_join_or_start(started: StartedClass) -> None:
    at = open_page(PAGE)
    assert "what the class thought" in texts(at, "markdown")
    assert not at.metric


def test_a_teacher_sees_the_code_and_who_is_here(database: Engine, started: StartedClass) -> None:
    started.become_teacher()
    at = open_page(PAGE)
    assert f"{started.record.code[:4]} {started.record.code[4:]}" in html(at)
    assert "3 here" in texts(at, "subheader")
    assert "3 just coming: blue owl, mint cat, red fox." in texts(at, "caption")
    assert "Open Play" in texts(at, "info")
    with writing(database).begin() as connection:
        long_ago = update(pupils).where(pupils.c.name == "red fox").values(seen_at=0)
        connection.execute(long_ago)
    at.run()
    assert "2 here" in texts(at, "subheader")
    assert "1 away" in texts(at, "caption")


def test_a_teacher_sees_where_pupils_are_and_who_is_away() -> None:
    now = time.time()
    seen = [(1, "play"), (2, "play"), (3, "adapt"), (3, "nowhere"), (100, "play")]
    pupils = [Pupil(n, 1, f"pupil {n}", now - ago, place) for n, (ago, place) in enumerate(seen)]
    names = "pupil 0, pupil 1, pupil 2, pupil 3, pupil 4"
    assert who_is_where(pupils) == f"2 on Play, 1 on Adapt, 1 just coming, 1 away: {names}."


def test_of_a_full_class_the_projector_counts_whom_it_has_no_room_to_name() -> None:
    pupils = [Pupil(n, 1, f"pupil {n}", time.time(), "play") for n in range(MAX_PUPILS)]
    words = who_is_where(pupils)
    named = words.count("pupil ")
    assert 0 < named < 50
    assert words.startswith("200 on Play: pupil 0, pupil 1, ")
    assert words.endswith(f" and {200 - named} more.")


def test_the_projector_shows_a_round_as_it_was_played(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    play_round(database, started)
    at = open_page(PAGE)
    machines = cached.machine_answers(*ROUND, ("maml", "pretrained"), 5)
    truths = [question.truth for question in cached.questions(*ROUND)]
    metrics = {one.label: one.value for one in at.metric}
    assert metrics["The class, mean of 2 who finished"] == "5.0 of 10"
    for name, label in (("maml", "MAML"), ("pretrained", "Pretrained")):
        right = sum(a == b for a, b in zip(machines[name], truths, strict=True))
        assert metrics[label] == f"{right} of 10"
    assert chart_words(at).count("50 % right") == 10
    assert "Most missed: question 1**, which 1 of 2 got right" in texts(at, "markdown")
    assert not at.table, "no ranking unless the teacher wants one"
    at.toggle(key="class_ranking").set_value(True)
    run(at)
    found = class_of_teacher(database, started.secret)
    assert found
    assert found.options["ranking"]
    assert at.table[0].value["Name"].tolist() == ["red fox", "blue owl"]


def test_the_teacher_leads_and_lets_go(database: Engine, started: StartedClass) -> None:
    started.become_teacher()
    at = open_page("pages/adapt/page.py", n_way="3", seed="4")
    at.button(key=LEAD).click()
    run(at)
    activity = open_activity_of(database, started.record.id)
    assert activity
    assert activity.kind == "prediction"
    assert activity.link.startswith("adapt?")
    assert {"n_way=3", "seed=4"} <= set(activity.link.partition("?")[2].split("&"))
    assert at.button(key=LEAD).disabled
    at.button(key=LET_GO).click()
    run(at)
    assert open_activity_of(database, started.record.id) is None


def test_a_link_that_is_too_long_is_said_to_be_so_and_ends_nothing(
    database: Engine, started: StartedClass
) -> None:
    open_activity(database, started.record.id, "play", "?seed=3")
    started.become_teacher()
    at = open_page("pages/episodes/page.py", note="x" * SUBJECT)
    assert at.button(key=LEAD).disabled
    assert f"and {SUBJECT} are possible" in texts(at, "caption")
    activity = open_activity_of(database, started.record.id)
    assert activity
    assert activity.link == "?seed=3"


@pytest.mark.parametrize("page", ["adapt", "draw", "lessons", "classroom"])
def test_who_a_visitor_is_is_looked_up_once_a_run(
    page: str, started: StartedClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def counting(engine: Engine, token: str) -> Pupil | None:
        looked_up.append(token)
        return pupil_of_token(engine, token)

    monkeypatch.setattr("maml_core.classroom.membership.pupil_of_token", counting)
    started.become_pupil(1)
    at = open_page(f"pages/{page}/page.py")
    assert looked_up == [started.tokens[1]]
    run(at)
    assert looked_up == 2 * [started.tokens[1]]


def test_a_pupil_takes_part_and_teaches_nothing(database: Engine, started: StartedClass) -> None:
    started.become_pupil(0)
    at = open_page(PAGE)
    assert "You are the red fox" in texts(at, "subheader")
    assert "nothing yet" in texts(at, "caption")
    assert not [one for one in at.button if one.key in (LEAD, "delete_class")]
    play_round(database, started)
    run(at)
    assert "You have handed in 1 thing" in texts(at, "caption")


def test_who_is_in_no_class_finds_the_pages_as_they_were(
    started: StartedClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> Engine:
        raise AssertionError("the database is nothing for who has no class")

    monkeypatch.setattr("pages.shared.classroom.store._open", never)
    at = open_page("pages/play/page.py", seed="3")
    assert not [one for one in at.button if one.key in (LEAD, LET_GO)]


def test_a_round_is_handed_in_by_pupils_alone(database: Engine, started: StartedClass) -> None:
    for become, expected in (
        (started.become_teacher, '"handIn": null'),
        (lambda: started.become_pupil(0), str(ROUND)),
    ):
        become()
        at = at_page("pages/play/page.py", seed="3")
        run(at)
        boards = [str(one.proto) for one in at.get("bidi_component") if "game" in str(one.proto)]
        assert boards
        assert all(expected.replace('"', '\\"') in board or expected in board for board in boards)


def test_the_class_ends_for_good(database: Engine, started: StartedClass) -> None:
    started.become_teacher()
    play_round(database, started)
    at = open_page(PAGE)
    at.button(key="delete_class").click()
    run(at)
    assert class_of_teacher(database, started.secret) is None
    assert "what the class thought" in texts(at, "markdown")


def test_a_second_window_of_the_teachers_sees_that_the_class_has_ended(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    projector, other = open_page(PAGE), open_page("pages/episodes/page.py")
    delete_class(database, started.record.id)
    projector.toggle(key="class_ranking").set_value(True)
    run(projector)
    assert "what the class thought" in texts(projector, "markdown")
    other.button(key=LEAD).click()
    run(other)
    assert LEAD not in [one.key for one in other.button]


def test_odd_things_that_a_browser_may_say_harm_no_page(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    fox = started.pupils[0]
    note_presence(database, fox, "\0nowhere")
    subjects = ("play|x", "play|no-such-set|test|5-way|3", "play|glyphs|nowhere|5-way|3", "?")
    for subject in (*subjects, "play|glyphs|test|6-way|3", "play|glyphs|test|5-way|-3"):
        hand_in(database, fox, "play", subject, {"a": ["x"]}, 1)
    hand_in(database, fox, "play", str(ROUND), [None, "1", 99, -5, True, 1.5, [], 2], 1)
    open_activity(database, fox.class_id, "play", "?seed=3")
    at = open_page(PAGE)
    for title in list(at.selectbox(key="class_round").options):
        at.selectbox(key="class_round").select(title)
        run(at)
    for odd in ("³", "03", "1000000", "9" * 480):
        assert play_subject(f"play|glyphs|test|5-way|{odd}") is None
    assert labels_of([None, "1", True, 2]) == [None, None, None, 2]
    assert labels_of({"a": 1}) == []


@pytest.mark.parametrize(
    "subject",
    [
        "play|glyphs|Mr Miller <b>is</b> a fool|5-way|3",
        "play|Mr Miller is a fool|test|5-way|3",
        "play|class-Mr Miller|test|5-way|3",
        "play|zip-1|test|5-way|3",
    ],
)
def test_no_text_of_a_pupils_own_is_a_rounds_title(
    subject: str, database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    hand_in(database, started.pupils[0], "play", str(ROUND), [0], 1)
    hand_in(database, started.pupils[1], "play", subject, [0], 1)
    hand_in(database, started.pupils[1], "prediction", "Mr Miller is a fool", {}, 1)
    assert open_page(PAGE).selectbox(key="class_round").options == [TITLE]
    assert "a fool" not in class_report(started.record)


def test_the_drawings_of_another_class_are_not_in_a_round_and_nothing_stands_in_for_them(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    hand_in(database, started.pupils[0], "play", "play|class-77|test|5-way|3", [0], 1)
    at = open_page(PAGE)
    assert "not on this server" in texts(at, "warning")
    assert "MAML" not in class_report(started.record).partition("Play:")[2]


def test_who_plays_another_round_does_not_turn_the_projector(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    open_activity(database, started.record.id, "play", "?dataset=Glyphs&seed=3")
    play_round(database, started)
    stray = ROUND._replace(seed=9)
    hand_in(database, started.pupils[0], "play", str(stray), [0], 1)
    at = open_page(PAGE)
    assert at.selectbox(key="class_round").value == ROUND
    close_activity(database, started.record.id)
    at = open_page(PAGE)
    assert at.selectbox(key="class_round").value == stray


def test_while_the_database_is_away_other_pages_are_as_they_were(
    started: StartedClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:9/none")
    monkeypatch.setattr(store, "_open", lambda: away)
    started.become_teacher()
    at = open_page("pages/episodes/page.py")
    assert not [one for one in at.button if one.key == LEAD]
    assert "what the class thought" in texts(open_page(PAGE), "markdown")


def test_a_teacher_puts_somebody_out(database: Engine, started: StartedClass) -> None:
    started.become_teacher()
    at = open_page(PAGE)
    assert at.button(key="put_out").disabled
    at.selectbox(key="put_out_name").select("red fox")
    run(at)
    at.button(key="put_out").click()
    run(at)
    assert [pupil.name for pupil in pupils_of(database, started.record.id)] == [
        "blue owl",
        "mint cat",
    ]
    assert pupil_of_token(database, started.tokens[0]) is None


def shows_code(at: AppTest) -> bool:
    return "<p class='class-code'>" in html(at)


def test_once_the_class_has_begun_the_code_makes_room_for_what_it_thinks(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    assert shows_code(open_page(PAGE))
    open_activity(database, started.record.id, "play", "?seed=3")
    at = open_page(PAGE)
    assert not shows_code(at)
    assert f"<b>{started.record.code[:4]} {started.record.code[4:]}</b>" in html(at)
    at.toggle(key="show_way_in").set_value(True)
    run(at)
    assert shows_code(at)
