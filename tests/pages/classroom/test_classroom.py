"""The page Class, and the class's line on every page, for whoever looks at them."""

from __future__ import annotations

import csv
import io
import time
from html.parser import HTMLParser

import pytest
from sqlalchemy import Engine, create_engine
from streamlit.testing.v1 import AppTest

from maml_core.classroom.activities import (
    close_activity,
    open_activity,
    open_activity_of,
    reveal_link,
)
from maml_core.classroom.boards import board_entries
from maml_core.classroom.hand_ins import hand_in, hand_ins_of, take_out
from maml_core.classroom.hand_ins_csv import hand_ins_csv
from maml_core.classroom.membership import (
    ClassRecord,
    Pupil,
    class_of_code,
    class_of_teacher,
    delete_class,
    join,
    note_presence,
    pupil_of_token,
    pupils_of,
    set_options,
    start_class,
)
from maml_core.classroom.predictions import field_name
from pages.classroom.drawings import board_pixels
from pages.classroom.projector import where_they_are
from pages.classroom.report import class_report, own_report
from pages.shared import cached
from pages.shared.charts.picture_html import pixels_uri
from pages.shared.classroom.predictions import prediction_task
from pages.shared.classroom.subjects import PlaySubject, labels_of, lesson_subject, play_subject
from pages.shared.frame.class_line import LEAD, LET_GO
from tests.support.class_boards import board_of, give
from tests.support.class_visitor import be_visitor
from tests.support.opened_page import at_page, open_page, run, texts

PAGE = "pages/classroom/page.py"
ROUND = PlaySubject("glyphs", "test", "5-way", 3)
TITLE = "Seed 3, 5-way, Glyphs"
Class = tuple[ClassRecord, str, list[tuple[Pupil, str]]]


@pytest.fixture
def started(engine: Engine) -> Class:
    """A class, its teacher's secret, and two pupils with their tokens."""
    record, secret = start_class(engine)
    return record, secret, [join(engine, record.code, name) for name in ("red fox", "blue owl")]


def play_round(engine: Engine, pupils: list[tuple[Pupil, str]]) -> list[int]:
    """Hand in a round, right by the first pupil and wrong by the second; return the truths."""
    truths = [question.truth for question in cached.questions(*ROUND)]
    hand_in(engine, pupils[0][0], "play", str(ROUND), truths, 1)
    hand_in(engine, pupils[1][0], "play", str(ROUND), [(t + 1) % 5 for t in truths], 1)
    return truths


def loaded_by(page: str) -> list[str]:
    """Return the addresses of what a page loads: links lead elsewhere only when followed."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name == "src")

    Reader().feed(page)
    return found


def chart_words(at: AppTest) -> str:
    (chart,) = at.get("plotly_chart")
    return str(chart.proto)


def test_a_stranger_can_join_or_start(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    be_visitor(monkeypatch, engine)
    at = open_page(PAGE)
    assert "what the class thought" in texts(at, "markdown")
    assert not at.metric


def test_a_teacher_sees_the_code_and_who_is_here(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, _ = started
    be_visitor(monkeypatch, engine, secret=secret)
    at = open_page(PAGE)
    assert f"{record.code[:4]} {record.code[4:]}" in str([one.proto for one in at.get("html")])
    assert "2 here" in texts(at, "subheader")
    assert "2 away: blue owl, red fox." in texts(at, "caption")
    assert "Open Play" in texts(at, "info")


def test_a_teacher_sees_where_pupils_are_and_who_is_away() -> None:
    now = time.time()
    seen = [(1, "play"), (2, "play"), (3, "adapt"), (3, "nowhere"), (100, "play")]
    pupils = [Pupil(n, 1, f"pupil {n}", now - ago, place) for n, (ago, place) in enumerate(seen)]
    assert where_they_are(pupils) == "2 on Play, 2 away, 1 on Adapt"


def test_the_projector_shows_a_round_as_it_was_played(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret, pupils = started
    be_visitor(monkeypatch, engine, secret=secret)
    play_round(engine, pupils)
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
    found = class_of_teacher(engine, secret)
    assert found
    assert found.options["ranking"]
    assert at.table[0].value["Name"].tolist() == ["red fox", "blue owl"]


def test_the_teacher_leads_and_lets_go(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, _ = started
    be_visitor(monkeypatch, engine, secret=secret)
    at = open_page("pages/adapt/page.py", n_way="3", seed="4")
    at.button(key=LEAD).click()
    run(at)
    activity = open_activity_of(engine, record.id)
    assert activity
    assert activity.kind == "prediction"
    assert activity.link.startswith("adapt?")
    assert {"n_way=3", "seed=4"} <= set(activity.link.partition("?")[2].split("&"))
    assert at.button(key=LEAD).disabled
    at.button(key=LET_GO).click()
    run(at)
    assert open_activity_of(engine, record.id) is None


def test_a_pupil_takes_part_and_teaches_nothing(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, pupils = started
    be_visitor(monkeypatch, engine, token=pupils[0][1])
    at = open_page(PAGE)
    assert "You are the red fox" in texts(at, "subheader")
    assert "nothing yet" in texts(at, "caption")
    assert not [one for one in at.button if one.key in (LEAD, "delete_class")]
    play_round(engine, pupils)
    run(at)
    assert "You have handed in 1 thing" in texts(at, "caption")


def test_who_is_in_no_class_finds_the_pages_as_they_were(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> Engine:
        raise AssertionError("the database is nothing for who has no class")

    be_visitor(monkeypatch, engine)
    monkeypatch.setattr("pages.shared.classroom.store._open", never)
    at = open_page("pages/play/page.py", seed="3")
    assert not [one for one in at.button if one.key in (LEAD, LET_GO)]


def test_a_round_is_handed_in_by_pupils_alone(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, pupils = started
    for token, expected in ((None, '"handIn": null'), (pupils[0][1], str(ROUND))):
        be_visitor(monkeypatch, engine, token=token)
        at = at_page("pages/play/page.py", seed="3")
        run(at)
        boards = [str(one.proto) for one in at.get("bidi_component") if "game" in str(one.proto)]
        assert boards
        assert all(expected.replace('"', '\\"') in board or expected in board for board in boards)


def test_the_class_ends_for_good(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret, pupils = started
    be_visitor(monkeypatch, engine, secret=secret)
    play_round(engine, pupils)
    at = open_page(PAGE)
    at.button(key="delete_class").click()
    run(at)
    assert class_of_teacher(engine, secret) is None
    assert "what the class thought" in texts(at, "markdown")


def test_a_second_window_of_the_teachers_sees_that_the_class_has_ended(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, _ = started
    be_visitor(monkeypatch, engine, secret=secret)
    projector, other = open_page(PAGE), open_page("pages/episodes/page.py")
    delete_class(engine, record.id)
    projector.toggle(key="class_ranking").set_value(True)
    run(projector)
    assert "what the class thought" in texts(projector, "markdown")
    other.button(key=LEAD).click()
    run(other)
    assert LEAD not in [one.key for one in other.button]


def test_what_is_taken_away_says_what_was_handed_in(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, _, pupils = started
    be_visitor(monkeypatch, engine)
    truths = play_round(engine, pupils)
    hand_in(engine, pupils[1][0], "answer", "lesson 3", "=1+1 <b>no</b>", 1)
    rows = list(csv.DictReader(io.StringIO(hand_ins_csv(hand_ins_of(engine, record.id)))))
    assert [(row["name"], row["kind"]) for row in rows] == [
        ("red fox", "play"),
        ("blue owl", "play"),
        ("blue owl", "answer"),
    ]
    assert rows[0]["content"] == str(truths)
    assert rows[2]["content"] == "'=1+1 <b>no</b>"
    report = class_report(record)
    assert "the class got 5.0 right, the mean of 2 who answered all" in report
    assert not loaded_by(report), "it opens without the internet"
    own = own_report(pupils[0][0])
    assert "10 of 10 right" in own
    assert "blue owl" not in own


def test_odd_things_that_a_browser_may_say_harm_no_page(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret, pupils = started
    be_visitor(monkeypatch, engine, secret=secret)
    fox = pupils[0][0]
    note_presence(engine, fox, "\0nowhere")
    subjects = ("play|x", "play|no-such-set|test|5-way|3", "play|glyphs|nowhere|5-way|3", "?")
    for subject in (*subjects, "play|glyphs|test|6-way|3", "play|glyphs|test|5-way|-3"):
        hand_in(engine, fox, "play", subject, {"a": ["x"]}, 1)
    hand_in(engine, fox, "play", str(ROUND), [None, "1", 99, -5, True, 1.5, [], 2], 1)
    open_activity(engine, fox.class_id, "play", "?seed=3")
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
    subject: str, engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, pupils = started
    be_visitor(monkeypatch, engine, secret=secret)
    hand_in(engine, pupils[0][0], "play", str(ROUND), [0], 1)
    hand_in(engine, pupils[1][0], "play", subject, [0], 1)
    hand_in(engine, pupils[1][0], "prediction", "Mr Miller is a fool", {}, 1)
    assert open_page(PAGE).selectbox(key="class_round").options == [TITLE]
    assert "a fool" not in class_report(record)


def test_the_drawings_of_another_class_are_not_in_a_round_and_nothing_stands_in_for_them(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, pupils = started
    be_visitor(monkeypatch, engine, secret=secret)
    hand_in(engine, pupils[0][0], "play", "play|class-77|test|5-way|3", [0], 1)
    at = open_page(PAGE)
    assert "not on this server" in texts(at, "warning")
    assert "MAML" not in class_report(record).partition("Play:")[2]


def test_who_plays_another_round_does_not_turn_the_projector(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, pupils = started
    be_visitor(monkeypatch, engine, secret=secret)
    open_activity(engine, record.id, "play", "?dataset=Glyphs&seed=3")
    play_round(engine, pupils)
    stray = ROUND._replace(seed=9)
    hand_in(engine, pupils[0][0], "play", str(stray), [0], 1)
    at = open_page(PAGE)
    assert at.selectbox(key="class_round").value == ROUND
    close_activity(engine, record.id)
    at = open_page(PAGE)
    assert at.selectbox(key="class_round").value == stray


def test_while_the_database_is_away_other_pages_are_as_they_were(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:9/none")
    be_visitor(monkeypatch, away, token="x", secret="y")
    at = open_page("pages/episodes/page.py")
    assert not [one for one in at.button if one.key == LEAD]
    assert "what the class thought" in texts(open_page(PAGE), "markdown")


def test_reports_hold_predictions_and_lessons_and_nothing_before_its_time(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, _, pupils = started
    be_visitor(monkeypatch, engine)
    fox, owl = (pupil for pupil, _ in pupils)
    link = "adapt?dataset=Glyphs&k_shot=1&n_way=3&seed=4&steps=2"
    for pupil, percent in ((fox, 41), (owl, 83)):
        said = {field_name(m, s): percent for m in ("maml", "pretrained") for s in (1, 2)}
        hand_in(engine, pupil, "prediction", link, said, 1)
    hand_in(engine, owl, "answer", lesson_subject(3), "No <i>single</i> network.", 1)
    task = prediction_task(link)
    assert task
    truth = f"{cached.trajectories(task.settings, task.methods, 2, 1.0)[0].accuracy[1]:.0%}"
    before, own = class_report(record), own_report(fox)
    assert "has not been revealed" in before
    assert "not revealed yet" in own
    assert "41 %" in own
    assert "83 %" not in own
    assert "No &lt;i&gt;single&lt;/i&gt; network." in before
    assert "blue owl" in before
    set_options(engine, record.id, names=False)
    unnamed = class_of_code(engine, record.code)
    assert unnamed
    assert "blue owl" not in class_report(unnamed)
    reveal_link(engine, record.id, "prediction", link)
    assert "has not been revealed" not in class_report(record)
    assert f"<td>{truth.replace('%', ' %')}</td>" in own_report(fox)
    assert f"/{link}".replace("&", "&amp;") in own_report(fox)


def test_the_report_shows_the_drawings_that_the_teacher_left_in(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, _, pupils = started
    be_visitor(monkeypatch, engine)
    (fox, _), (owl, _) = pupils
    for person, pupil in enumerate((fox, owl)):
        give(engine, pupil, board_of(person))
    expected = {
        pupil.name: pixels_uri(board_pixels(board_of(person)))
        for person, pupil in enumerate((fox, owl))
    }
    assert all(source in class_report(record) for source in expected.values())
    assert expected["red fox"] in own_report(fox)
    assert expected["blue owl"] not in own_report(fox)
    (entry,) = [one for one in board_entries(engine, record.id) if one.name == "blue owl"]
    take_out(engine, record.id, entry.id)
    assert expected["blue owl"] not in class_report(record)


def test_a_teacher_puts_somebody_out(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, pupils = started
    be_visitor(monkeypatch, engine, secret=secret)
    at = open_page(PAGE)
    assert at.button(key="put_out").disabled
    at.selectbox(key="put_out_name").select("red fox")
    run(at)
    at.button(key="put_out").click()
    run(at)
    assert [pupil.name for pupil in pupils_of(engine, record.id)] == ["blue owl"]
    assert pupil_of_token(engine, pupils[0][1]) is None


def shows_code(at: AppTest) -> bool:
    return any("<p class='class-code'>" in one.proto.body for one in at.get("html"))


def test_once_the_class_has_begun_the_code_makes_room_for_what_it_thinks(
    engine: Engine, started: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret, _ = started
    be_visitor(monkeypatch, engine, secret=secret)
    assert shows_code(open_page(PAGE))
    open_activity(engine, record.id, "play", "?seed=3")
    at = open_page(PAGE)
    assert not shows_code(at)
    assert f"**{record.code[:4]} {record.code[4:]}**" in texts(at, "caption")
    at.toggle(key="show_way_in").set_value(True)
    run(at)
    assert shows_code(at)
