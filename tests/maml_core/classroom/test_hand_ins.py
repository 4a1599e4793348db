"""What is handed in is there once, in its newest version, whatever happens on the way."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from maml_core.classroom import hand_ins
from maml_core.classroom.activities import open_activity, reveal_link
from maml_core.classroom.database import open_database
from maml_core.classroom.hand_ins import hand_in, hand_ins_of, own_hand_ins, take_out
from maml_core.classroom.membership import ClassError, Pupil, join, start_class
from maml_core.paths import PROJECT
from tests.support.postgresql import PostgreSQL

ROUND = "play?seed=3&mode=20-way"


@pytest.fixture
def pupils(engine: Engine) -> list[Pupil]:
    started, _ = start_class(engine)
    return [join(engine, started.code, name)[0] for name in ("red fox", "blue owl")]


def contents(engine: Engine, pupil: Pupil) -> list[object]:
    return [one.content for one in hand_ins_of(engine, pupil.class_id)]


def test_versions_that_come_twice_and_in_any_order_leave_the_newest(
    engine: Engine, pupils: list[Pupil]
) -> None:
    versions = [(n, list(range(n))) for n in range(1, 11)] * 2
    random.Random(0).shuffle(versions)
    fox = pupils[0]
    with ThreadPoolExecutor(4) as pool:
        kept = list(
            pool.map(lambda one: hand_in(engine, fox, "play", ROUND, one[1], one[0]), versions)
        )
    assert contents(engine, fox) == [list(range(10))]
    assert not hand_in(engine, fox, "play", ROUND, ["other"], 10), "the same one again"
    assert contents(engine, fox) == [list(range(10))]
    assert 1 <= sum(kept) <= 10


@pytest.mark.parametrize(
    "content", ["\\u0000", "\\\\u0000", "你好 ✓ 😀", {"a": [1, None, True, 0.5]}]
)
def test_what_is_handed_in_comes_back_as_it_was(
    engine: Engine, pupils: list[Pupil], content: object
) -> None:
    hand_in(engine, pupils[0], "answer", "lesson 1", content, 1)
    assert contents(engine, pupils[0]) == [content]


def test_subjects_kinds_and_pupils_are_kept_apart(engine: Engine, pupils: list[Pupil]) -> None:
    fox, owl = pupils
    hand_in(engine, fox, "play", ROUND, [1], 1)
    hand_in(engine, owl, "play", ROUND, [2], 1)
    hand_in(engine, fox, "play", "play?seed=4", [3], 1)
    hand_in(engine, fox, "answer", ROUND, "4", 1)
    assert contents(engine, fox) == [[1], [2], [3], "4"]
    on_round = hand_ins_of(engine, fox.class_id, "play", ROUND)
    assert [(one.name, one.content) for one in on_round] == [("red fox", [1]), ("blue owl", [2])]
    assert [one.content for one in own_hand_ins(engine, owl)] == [[2]]


def test_of_other_classes_nothing_is_seen_or_taken_out(engine: Engine, pupils: list[Pupil]) -> None:
    hand_in(engine, pupils[0], "answer", "lesson 1", "Because.", 1)
    (mine,) = hand_ins_of(engine, pupils[0].class_id)
    other, _ = start_class(engine)
    assert hand_ins_of(engine, other.id) == []
    take_out(engine, other.id, mine.id)
    assert not hand_ins_of(engine, pupils[0].class_id)[0].is_taken_out
    take_out(engine, pupils[0].class_id, mine.id)
    assert hand_ins_of(engine, pupils[0].class_id)[0].is_taken_out
    hand_in(engine, pupils[0], "answer", "lesson 1", "Since.", 2)
    assert hand_ins_of(engine, pupils[0].class_id)[0].is_taken_out, "a new version does not return"


def test_after_the_outcome_was_shown_nothing_comes_in(engine: Engine, pupils: list[Pupil]) -> None:
    fox = pupils[0]
    link = "adapt?n_way=20&seed=3"
    open_activity(engine, fox.class_id, "prediction", link)
    hand_in(engine, fox, "prediction", link, {"maml": [0.5, 0.9]}, 1)
    reveal_link(engine, fox.class_id, "prediction", link)
    with pytest.raises(ClassError, match="has been shown"):
        hand_in(engine, fox, "prediction", link, {"maml": [0.97, 0.99]}, 2)
    assert contents(engine, fox) == [{"maml": [0.5, 0.9]}]
    hand_in(engine, fox, "prediction", "adapt?n_way=5", {"maml": [1, 1]}, 3)


@pytest.mark.parametrize(
    ("kind", "subject", "content", "version", "words"),
    [
        ("answer", "lesson 1", "é" * 10_001, 1, "20,004 bytes; 20,000 are possible"),
        ("answer", "", "x", 1, "0 characters, not 1 to 500"),
        ("answer", "x" * 501, "x", 1, "501 characters, not 1 to 500"),
        ("answer", "x", "x", -1, "-1 is not between"),
        ("answer", "x", "x", 2**63, "is not between"),
        ("answer", "x\0", "x", 1, "that can be printed"),
        ("answer", "x", ["x\0"], 1, "cannot be kept"),
        ("answer", "x", "\ud800", 1, "cannot be kept"),
        ("answer", "x", float("nan"), 1, "cannot be kept"),
        ("virus", "x", "x", 1, "virus"),
    ],
)
def test_what_is_too_much_is_refused(
    engine: Engine,
    pupils: list[Pupil],
    kind: str,
    subject: str,
    content: object,
    version: int,
    words: str,
) -> None:
    with pytest.raises(ValueError, match=words):
        hand_in(engine, pupils[0], kind, subject, content, version)
    assert contents(engine, pupils[0]) == []


def test_nobody_fills_the_database(
    engine: Engine, pupils: list[Pupil], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand_ins, "MAX_SUBJECTS", 2)
    fox = pupils[0]
    for n in range(2):
        hand_in(engine, fox, "answer", f"lesson {n}", "x", 1)
    with pytest.raises(ClassError, match="handed in 2 things"):
        hand_in(engine, fox, "answer", "lesson 3", "x", 1)
    assert hand_in(engine, fox, "answer", "lesson 1", "y", 2), "what is there can be improved"


def test_boards_are_fewer_than_other_things(
    engine: Engine, pupils: list[Pupil], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand_ins, "MAX_BOARDS", 1)
    fox = pupils[0]
    assert hand_in(engine, fox, "board", "draw?n_way=3", "x", 1)
    with pytest.raises(ClassError, match="handed in 1 boards"):
        hand_in(engine, fox, "board", "draw?n_way=4", "x", 1)
    assert hand_in(engine, fox, "board", "draw?n_way=3", "y", 2), "drawn anew"
    assert hand_in(engine, fox, "answer", "draw?n_way=4", "x", 1)


HAND_IN_AND_SAY = """
import sys
from maml_core.classroom.database import open_database
from maml_core.classroom.hand_ins import hand_in
from maml_core.classroom.membership import pupil_of_token
engine = open_database(sys.argv[1])
pupil = pupil_of_token(engine, sys.argv[2])
for number in range(10_000):
    hand_in(engine, pupil, "play", "play?seed=3", list(range(number % 10)), number)
    print(number, flush=True)
"""


def test_a_server_that_is_killed_loses_nothing_that_it_confirmed(
    database_url: str, engine: Engine
) -> None:
    started, _ = start_class(engine)
    _, token = join(engine, started.code, "red fox")
    command = [sys.executable, "-c", HAND_IN_AND_SAY, database_url, token]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as program:
        assert program.stdout is not None
        confirmed = [int(program.stdout.readline()) for _ in range(20)]
        program.kill()
        confirmed += map(int, program.stdout.read().split())
    again = open_database(database_url)
    (kept,) = hand_ins_of(again, started.id)
    last = confirmed[-1]
    possible = [list(range(number % 10)) for number in (last, last + 1)]
    assert kept.content in possible, "the last confirmed, or the one that was under way"
    again.dispose()


def test_a_database_that_is_killed_has_all_that_it_confirmed(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    url = postgresql.new_database("killed")
    engine = open_database(url)
    started, _ = start_class(engine)
    pupil, _ = join(engine, started.code, "red fox")
    for number in range(20):
        hand_in(engine, pupil, "answer", f"lesson {number}", "Because.", 1)
    postgresql.kill()
    with pytest.raises(Exception, match=r"(?i)connection|server"):
        hand_in(engine, pupil, "answer", "lesson 20", "Because.", 1)
    postgresql.start()
    assert len(hand_ins_of(engine, started.id)) == 20, "the same engine goes on"
    assert hand_in(engine, pupil, "answer", "lesson 20", "Because.", 1)
    engine.dispose()


@pytest.mark.parametrize("depth", [12, 13, 500])
def test_lists_may_lie_in_each_other_to_a_depth(
    depth: int, engine: Engine, pupils: list[Pupil]
) -> None:
    content: object = "x"
    for number in range(depth):
        content = [content] if number % 2 else {"of": content}
    if depth == 12:
        assert hand_in(engine, pupils[0], "board", "board", content, 1)
        assert contents(engine, pupils[0]) == [content]
        return
    with pytest.raises(ClassError, match="more than 12 lists inside each other"):
        hand_in(engine, pupils[0], "board", "board", content, 1)
