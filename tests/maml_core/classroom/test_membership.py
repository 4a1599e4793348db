"""Starting, joining and leaving a class, and who may what."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, select, text, update

from maml_core.classroom import membership
from maml_core.classroom.activities import activities_of, open_activity, open_activity_of
from maml_core.classroom.database import writing
from maml_core.classroom.hand_ins import hand_in, hand_ins_of
from maml_core.classroom.membership import (
    ClassError,
    class_of_code,
    class_of_teacher,
    delete_class,
    delete_unused,
    join,
    leave,
    note_presence,
    offered_names,
    pupil_of_token,
    pupils_of,
    renew_secret,
    set_options,
    start_class,
)
from maml_core.classroom.names import ANIMALS, COLOURS, NAMES, animal_of, free_names
from maml_core.classroom.tables import classes, hand_ins, metadata, pupils


def test_who_has_the_teachers_secret_has_the_class(engine: Engine) -> None:
    started, secret = start_class(engine)
    other, other_secret = start_class(engine)
    assert class_of_teacher(engine, secret) == started
    assert class_of_teacher(engine, other_secret) == other != started
    assert class_of_teacher(engine, started.code) is None
    assert len(secret) * 6 >= 128, "base 64 has six bits a letter"


def test_no_secret_lies_in_the_database(engine: Engine) -> None:
    started, secret = start_class(engine)
    _, token = join(engine, started.code, NAMES[0])
    with engine.connect() as connection:
        rows = [
            str(value)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
            for value in row
        ]
    assert started.code in rows
    assert not [value for value in rows if secret in value or token in value]


def test_a_renewed_secret_opens_the_same_class_in_place_of_the_former(engine: Engine) -> None:
    started, lost = start_class(engine)
    other, others = start_class(engine)
    secret = renew_secret(engine, started.id)
    assert class_of_teacher(engine, secret) == started
    assert class_of_teacher(engine, lost) is None
    assert class_of_teacher(engine, others) == other
    with engine.connect() as connection:
        rows = connection.execute(select(classes)).all()
    assert not [value for row in rows for value in row if secret in str(value)]
    delete_class(engine, started.id)
    with pytest.raises(ClassError, match="has been deleted"):
        renew_secret(engine, started.id)


def test_a_code_may_be_typed_as_one_reads_it(engine: Engine) -> None:
    started, _ = start_class(engine)
    with writing(engine).begin() as connection:
        connection.execute(update(classes).values(code="a01k2xyz"))
    for typed in ("a01k2xyz", "A01K2XYZ", "aoik-2xyz", " a0lk 2xyz "):
        found = class_of_code(engine, typed)
        assert found
        assert found.id == started.id
    assert class_of_code(engine, "a01k2xyy") is None


def test_pupils_join_under_names_of_their_own(engine: Engine) -> None:
    started, _ = start_class(engine)
    fox, token = join(engine, started.code, "red fox")
    assert pupil_of_token(engine, token) == fox
    with pytest.raises(ClassError, match="Somebody else is the red fox already"):
        join(engine, started.code, "red fox")
    with pytest.raises(ClassError, match="Choose one of the names"):
        join(engine, started.code, "Robert'); DROP TABLE pupil;--")
    with pytest.raises(ClassError, match="No class has the code 'zzzzzz'"):
        join(engine, "zzzzzz", "red owl")
    elsewhere, _ = start_class(engine)
    namesake, _ = join(engine, elsewhere.code, "red fox")
    assert [pupil.id for pupil in pupils_of(engine, started.id)] == [fox.id]
    assert [pupil.id for pupil in pupils_of(engine, elsewhere.id)] == [namesake.id]


def test_of_two_who_choose_a_name_at_once_one_gets_it(engine: Engine) -> None:
    started, _ = start_class(engine)

    def try_to_join(_: int) -> bool:
        try:
            join(engine, started.code, "blue seal")
        except ClassError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(try_to_join, range(4))) == 1


def test_a_class_is_full_at_some_point(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "MAX_PUPILS", 2)
    started, _ = start_class(engine)
    for name in NAMES[:2]:
        join(engine, started.code, name)
    with pytest.raises(ClassError, match="The class is full: 2 have joined"):
        join(engine, started.code, NAMES[2])


def test_who_leaves_is_out_and_what_they_handed_in_stays(engine: Engine) -> None:
    started, _ = start_class(engine)
    pupil, token = join(engine, started.code, "red fox")
    hand_in(engine, pupil, "answer", "lesson 1", "Because.", 1)
    leave(engine, pupil)
    assert pupil_of_token(engine, token) is None
    assert pupils_of(engine, started.id) == []
    assert [one.name for one in hand_ins_of(engine, started.id)] == ["red fox"]


def test_who_joins_and_leaves_takes_nobodys_place(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MAX_PUPILS", 1)
    started, _ = start_class(engine)
    fox, _ = join(engine, started.code, "red fox")
    leave(engine, fox)
    again, _ = join(engine, started.code, "red fox")
    hand_in(engine, again, "answer", "lesson 1", "Because.", 1)
    leave(engine, again)
    with pytest.raises(ClassError, match="Somebody else is the red fox"):
        join(engine, started.code, "red fox")
    join(engine, started.code, "blue owl")


def test_where_a_pupil_is_is_noted_now_and_then(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(membership.time, "time", lambda: seconds)
    started, _ = start_class(engine)
    pupil, token = join(engine, started.code, "red fox")
    seconds = 1_001.0
    note_presence(engine, pupil, "play")
    seen = pupil_of_token(engine, token)
    assert seen
    assert (seen.place, seen.seen_at) == ("play", 1_001.0)
    seconds = 1_005.0
    note_presence(engine, seen, "play")
    assert pupil_of_token(engine, token) == seen, "a few seconds later the same is not news"
    seconds = 1_015.0
    note_presence(engine, seen, "play")
    later = pupil_of_token(engine, token)
    assert later
    assert later.seen_at == 1_015.0


def test_what_the_teacher_chooses_is_kept(engine: Engine) -> None:
    started, secret = start_class(engine)
    set_options(engine, started.id, ranking=True)
    found = class_of_teacher(engine, secret)
    assert found
    assert found.options == {"ranking": True, "names": True, "drawings": True}


def test_of_many_who_join_in_one_moment_the_class_takes_as_many_as_there_is_room_for(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MAX_PUPILS", 3)
    for _ in range(5):
        started, _ = start_class(engine)
        at_once = Barrier(6)

        def enter(name: str, code: str = started.code, at_once: Barrier = at_once) -> bool:
            at_once.wait()
            try:
                join(engine, code, name)
            except ClassError:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            entered = list(pool.map(enter, NAMES[:6]))
        assert sum(entered) == len(pupils_of(engine, started.id)) == 3


def test_of_two_leads_in_one_moment_one_is_open(engine: Engine) -> None:
    started, _ = start_class(engine)
    for number in range(10):
        at_once = Barrier(4)

        def lead(link: str, at_once: Barrier = at_once) -> None:
            at_once.wait()
            open_activity(engine, started.id, "play", link)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lead, [f"?seed={number}{one}" for one in range(4)]))
        still_open = [one for one in activities_of(engine, started.id) if one.closed_at is None]
        assert still_open == [open_activity_of(engine, started.id)]


def test_a_class_goes_with_everything_in_it(engine: Engine) -> None:
    started, secret = start_class(engine)
    kept, _ = start_class(engine)
    for record in (started, kept):
        pupil, _ = join(engine, record.code, "red fox")
        hand_in(engine, pupil, "answer", "lesson 1", "Because.", 1)
    delete_class(engine, started.id)
    assert class_of_teacher(engine, secret) is None
    with engine.connect() as connection:
        for table in (classes, pupils, hand_ins):
            assert len(connection.execute(select(table)).all()) == 1
    assert len(hand_ins_of(engine, kept.id)) == 1


def test_a_class_that_nobody_uses_is_deleted_in_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = 86_400.0
    monkeypatch.setattr(membership.time, "time", lambda: 0.0)
    old, _ = start_class(engine)
    used, _ = start_class(engine)
    monkeypatch.setattr(membership.time, "time", lambda: 20 * day)
    join(engine, used.code, "red fox")
    monkeypatch.setattr(membership.time, "time", lambda: 31 * day)
    assert delete_unused(engine, 30) == 1
    assert class_of_code(engine, old.code) is None
    assert class_of_code(engine, used.code) is not None


def test_names_are_enough_distinct_and_spread_over_animals() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(ANIMALS) * len(COLOURS) >= 2 * 200
    offered = free_names(set(), 6, random.Random(1))
    assert len({animal_of(name) for name in offered}) == 6
    taken = {f"{colour} {animal}" for animal in ANIMALS[1:] for colour in COLOURS}
    left = free_names(taken, 20, random.Random(1))
    assert set(left) == {f"{colour} {ANIMALS[0]}" for colour in COLOURS}


def test_names_offered_in_a_class_are_free(engine: Engine) -> None:
    started, _ = start_class(engine)
    everybody = random.Random(3)
    for _ in range(5):
        name = offered_names(engine, started.id, everybody)[0]
        join(engine, started.code, name)
    joined = {pupil.name for pupil in pupils_of(engine, started.id)}
    assert len(joined) == 5
    assert len({animal_of(name) for name in joined}) == 5
    assert not joined & set(offered_names(engine, started.id, everybody))


def test_a_row_whose_owner_is_missing_is_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), writing(engine).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO hand_in (pupil_id, kind, subject, version, content, handed_in_at, "
                "is_taken_out) VALUES (77, 'answer', 'x', 1, '1', 0, false)"
            )
        )
