"""What pupils hand in: of each subject the newest version, and the same one twice is one."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from maml_core.classroom.activities import revealed
from maml_core.classroom.database import writing
from maml_core.classroom.membership import ClassError, Pupil
from maml_core.classroom.tables import SUBJECT, classes, hand_ins, pupils
from maml_core.config import check_choice

# How long what is handed in may be, as JSON, by kind: a round of Play, predicted accuracies, a
# lesson's choices and closing answer, a drawn board.
MAX_BYTES = {
    "play": 2_000,
    "prediction": 2_000,
    "choice": 2_000,
    "answer": 20_000,
    "board": 400_000,
}
_NULL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # in JSON; PostgreSQL keeps none in a text
MAX_DEPTH = 12  # of lists in lists; a board has 7
MAX_SUBJECTS = 300  # of one pupil
MAX_BOARDS = 20  # of these: they are large, and 200 pupils may fill no disk
MAX_VERSION = 2**53  # what JavaScript can count to


@dataclass(frozen=True)
class HandIn:
    """What a pupil has handed in on a subject.

    Attributes:
        id: Its number.
        pupil_id: Whose it is.
        name: Theirs in the class.
        kind: One of `MAX_BYTES`.
        subject: What it is about: the settings of the task, as in its link.
        content: As the page of its kind understands it.
        handed_in_at: When its newest version came, seconds since 1970.
        is_taken_out: Whether the teacher does not want it shown.
    """

    id: int
    pupil_id: int
    name: str
    kind: str
    subject: str
    content: Any
    handed_in_at: float
    is_taken_out: bool


def hand_in(
    engine: Engine, pupil: Pupil, kind: str, subject: str, content: Any, version: int
) -> bool:
    """Keep what a pupil hands in, unless a version as new or newer is there.

    So a browser may send the same again until it hears that it came, and in any order.

    Args:
        engine: The database.
        pupil: Who hands it in.
        kind: One of `MAX_BYTES`.
        subject: What it is about, at most `SUBJECT` characters.
        content: What JSON can hold.
        version: Counts up, 0 to `MAX_VERSION`: the time at which it was made, in milliseconds.

    Returns:
        Whether it was kept.

    Raises:
        ClassError: It is too long, there are too many, or what came out has been revealed.
        ValueError: There is no such kind.
    """
    _check(kind, subject, content, version)
    now = time.time()
    values = {
        "pupil_id": pupil.id,
        "kind": kind,
        "subject": subject,
        "version": version,
        "content": content,
        "handed_in_at": now,
        "is_taken_out": False,
    }
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    upsert = dialect.insert(hand_ins).values(values)
    newer = {name: upsert.excluded[name] for name in ("version", "content", "handed_in_at")}
    upsert = upsert.on_conflict_do_update(
        index_elements=["pupil_id", "kind", "subject"],
        set_=newer,
        where=hand_ins.c.version < upsert.excluded.version,
    )
    with writing(engine).begin() as connection:
        if connection.execute(revealed(pupil.class_id, subject)).first():
            raise ClassError("What came out has been shown; nothing can be handed in any more.")
        others = ~and_(hand_ins.c.kind == kind, hand_ins.c.subject == subject)
        count = select(func.count()).where(hand_ins.c.pupil_id == pupil.id, others)
        if connection.execute(count).scalar_one() >= MAX_SUBJECTS:
            raise ClassError(f"You have handed in {MAX_SUBJECTS} things, the most there can be.")
        boards = count.where(hand_ins.c.kind == "board")
        if kind == "board" and connection.execute(boards).scalar_one() >= MAX_BOARDS:
            raise ClassError(f"You have handed in {MAX_BOARDS} boards, the most there can be.")
        kept = connection.execute(upsert.returning(hand_ins.c.id)).first() is not None
        connection.execute(
            update(classes).where(classes.c.id == pupil.class_id).values(used_at=now)
        )
    return kept


def hand_ins_of(
    engine: Engine, class_id: int, kind: str | None = None, subject: str | None = None
) -> list[HandIn]:
    """Return what was handed in in a class, in the order in which it first came.

    Args:
        engine: The database.
        class_id: The class.
        kind: Only what is of it.
        subject: Only what is about it.
    """
    conditions = [pupils.c.class_id == class_id]
    if kind is not None:
        conditions.append(hand_ins.c.kind == kind)
    if subject is not None:
        conditions.append(hand_ins.c.subject == subject)
    return _select(engine, *conditions)


def own_hand_ins(engine: Engine, pupil: Pupil) -> list[HandIn]:
    """Return what a pupil has handed in."""
    return _select(engine, pupils.c.id == pupil.id)


def _select(engine: Engine, *conditions: ColumnElement[bool]) -> list[HandIn]:
    wanted = (
        select(hand_ins, pupils.c.name)
        .join(pupils, pupils.c.id == hand_ins.c.pupil_id)
        .where(*conditions)
        .order_by(hand_ins.c.id)
    )
    with engine.begin() as connection:
        return [_hand_in(row) for row in connection.execute(wanted)]


def own_content(engine: Engine, pupil: Pupil, kind: str, subject: str) -> Any:
    """Return what a pupil has handed in on a subject; None: nothing."""
    wanted = select(hand_ins.c.content).where(
        hand_ins.c.pupil_id == pupil.id,
        hand_ins.c.kind == kind,
        hand_ins.c.subject == subject,
    )
    with engine.begin() as connection:
        return connection.execute(wanted).scalar_one_or_none()


def take_out(engine: Engine, class_id: int, hand_in_id: int, *, taken_out: bool = True) -> None:
    """Have something shown no more, or again; of another class nothing is changed."""
    members = select(pupils.c.id).where(pupils.c.class_id == class_id)
    with writing(engine).begin() as connection:
        connection.execute(
            update(hand_ins)
            .where(hand_ins.c.id == hand_in_id, hand_ins.c.pupil_id.in_(members))
            .values(is_taken_out=taken_out)
        )


def _check(kind: str, subject: str, content: Any, version: int) -> None:
    """Refuse what is no hand-in, or too long; see `hand_in`."""
    check_choice("kind", kind, tuple(MAX_BYTES))
    if _is_deeper(content, MAX_DEPTH):  # reading it again would take as many calls in each other
        raise ClassError(f"What you hand in has more than {MAX_DEPTH} lists inside each other.")
    size = _size(content)
    if size > MAX_BYTES[kind]:
        raise ClassError(
            f"What you hand in takes {size:,} bytes; {MAX_BYTES[kind]:,} are possible. Make it "
            "shorter."
        )
    if not 0 < len(subject) <= SUBJECT or not subject.isprintable():
        raise ClassError(
            f"What this is about has {len(subject)} characters, not 1 to {SUBJECT} that can be "
            "printed."
        )
    if not 0 <= version <= MAX_VERSION:
        raise ClassError(f"The version {version} is not between 0 and {MAX_VERSION}.")


def _is_deeper(content: Any, depth: int) -> bool:
    """Say whether lists and objects lie in each other to more than a depth."""
    level = [content]
    for _ in range(depth):
        inner = [one.values() if isinstance(one, dict) else one for one in level if _holds(one)]
        level = [part for one in inner for part in one]
    return any(map(_holds, level))


def _holds(content: Any) -> bool:
    return isinstance(content, list | dict)


def _size(content: Any) -> int:
    """Return how many bytes something takes as JSON.

    Raises:
        ClassError: It holds what a database cannot keep.
    """
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        if _NULL.search(text):
            raise ValueError
        return len(text.encode())
    except ValueError as error:  # not a number, or half a character
        raise ClassError(
            "What you hand in has a number or a character in it that cannot be kept; take it out."
        ) from error


def _hand_in(row: Row[Any]) -> HandIn:
    return HandIn(
        row.id,
        row.pupil_id,
        row.name,
        row.kind,
        row.subject,
        row.content,
        row.handed_in_at,
        row.is_taken_out,
    )
