"""What a class takes away: a table, a report for its teacher, and each pupil's own file."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

from sqlalchemy import Engine

from maml_core.classroom.activities import (
    reveal_link,
)
from maml_core.classroom.boards import board_entries
from maml_core.classroom.hand_ins import hand_in, hand_ins_of, take_out
from maml_core.classroom.hand_ins_csv import hand_ins_csv
from maml_core.classroom.membership import (
    class_of_code,
    set_options,
)
from maml_core.classroom.predictions import field_name
from pages.classroom.drawings import board_pixels
from pages.classroom.report import class_report, own_report
from pages.shared import cached
from pages.shared.charts.picture_html import pixels_uri
from pages.shared.classroom.predictions import prediction_task
from pages.shared.classroom.subjects import lesson_subject
from tests.pages.classroom.conftest import StartedClass, play_round
from tests.support.class_boards import board_of, give


def loaded_by(page: str) -> list[str]:
    """Return the addresses of what a page loads: links lead elsewhere only when followed."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name == "src")

    Reader().feed(page)
    return found


def test_what_is_taken_away_says_what_was_handed_in(
    database: Engine, started: StartedClass
) -> None:
    truths = play_round(database, started)
    hand_in(database, started.pupils[1], "answer", "lesson 3", "=1+1 <b>no</b>", 1)
    rows = list(csv.DictReader(io.StringIO(hand_ins_csv(hand_ins_of(database, started.record.id)))))
    assert [(row["name"], row["kind"]) for row in rows] == [
        ("red fox", "play"),
        ("blue owl", "play"),
        ("blue owl", "answer"),
    ]
    assert rows[0]["content"] == str(truths)
    assert rows[2]["content"] == "'=1+1 <b>no</b>"
    report = class_report(started.record)
    assert "the class got 5.0 right, the mean of 2 who answered all" in report
    assert not loaded_by(report), "it opens without the internet"
    own = own_report(started.pupils[0])
    assert "10 of 10 right" in own
    assert "blue owl" not in own


def test_reports_hold_predictions_and_lessons_and_nothing_before_its_time(
    database: Engine, started: StartedClass
) -> None:
    fox, owl, _ = started.pupils
    link = "adapt?dataset=Glyphs&k_shot=1&n_way=3&seed=4&steps=2"
    for pupil, percent in ((fox, 41), (owl, 83)):
        said = {field_name(m, s): percent for m in ("maml", "pretrained") for s in (1, 2)}
        hand_in(database, pupil, "prediction", link, said, 1)
    hand_in(database, owl, "answer", lesson_subject(3), "No <i>single</i> network.", 1)
    task = prediction_task(link)
    assert task
    truth = f"{cached.trajectories(task.settings, task.methods, 2, 1.0)[0].accuracy[1]:.0%}"
    before, own = class_report(started.record), own_report(fox)
    assert "has not been revealed" in before
    assert "not revealed yet" in own
    assert "41 %" in own
    assert "83 %" not in own
    assert "No &lt;i&gt;single&lt;/i&gt; network." in before
    assert "blue owl" in before
    set_options(database, started.record.id, names=False)
    unnamed = class_of_code(database, started.record.code)
    assert unnamed
    assert "blue owl" not in class_report(unnamed)
    reveal_link(database, started.record.id, "prediction", link)
    assert "has not been revealed" not in class_report(started.record)
    assert f"<td>{truth.replace('%', ' %')}</td>" in own_report(fox)
    assert f"/{link}".replace("&", "&amp;") in own_report(fox)


def test_the_report_shows_the_drawings_that_the_teacher_left_in(
    database: Engine, started: StartedClass
) -> None:
    fox, owl, _ = started.pupils
    for person, pupil in enumerate((fox, owl)):
        give(database, pupil, board_of(person))
    expected = {
        pupil.name: pixels_uri(board_pixels(board_of(person)))
        for person, pupil in enumerate((fox, owl))
    }
    assert all(source in class_report(started.record) for source in expected.values())
    assert expected["red fox"] in own_report(fox)
    assert expected["blue owl"] not in own_report(fox)
    (entry,) = [one for one in board_entries(database, started.record.id) if one.name == "blue owl"]
    take_out(database, started.record.id, entry.id)
    assert expected["blue owl"] not in class_report(started.record)
