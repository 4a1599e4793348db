"""Who is in a class: its teacher, who holds a secret, and pupils, who hold a token each."""

from __future__ import annotations

import hashlib
import random
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from maml_core.classroom.database import lock_class, writing
from maml_core.classroom.names import NAMES, free_names
from maml_core.classroom.tables import CODE, PLACE, classes, hand_ins, pupils

SECRET_BYTES = 16  # 128 bits
CODE_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o and u
LOOK_ALIKES = str.maketrans("ilo", "110", "- ")
MAX_PUPILS = 200
OFFERED_NAMES = 6
ATTEMPTS = 5  # to find a code or a name that nobody takes in the same moment
PRESENCE_SECONDS = 10  # between two notes of where a pupil is
DAY = 86_400.0
# A ranking by name; names beside written answers; the drawings, not only who has drawn.
OPTIONS = {"ranking": False, "names": True, "drawings": True}


class ClassError(ValueError):
    """What a class does not allow; the message says why, and what to do."""


@dataclass(frozen=True)
class ClassRecord:
    """A class.

    Attributes:
        id: Its number.
        code: What pupils type, `CODE` letters.
        started_at: Seconds since 1970.
        used_at: When somebody last did something in it, likewise; within a day.
        options: What the teacher has chosen, see `OPTIONS`.
    """

    id: int
    code: str
    started_at: float
    used_at: float
    options: Mapping[str, bool]


@dataclass(frozen=True)
class Pupil:
    """Somebody in a class.

    Attributes:
        id: Their number.
        class_id: The class's.
        name: From the list.
        seen_at: When their browser last spoke, seconds since 1970.
        place: The page they were on.
    """

    id: int
    class_id: int
    name: str
    seen_at: float
    place: str


def start_class(engine: Engine) -> tuple[ClassRecord, str]:
    """Start a class; return it with its teacher's secret, which is kept nowhere."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    now = time.time()
    for _ in range(ATTEMPTS):
        values = {
            "code": "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE)),
            "teacher_digest": digest(secret),
            "started_at": now,
            "used_at": now,
            "options": OPTIONS,
        }
        try:
            with writing(engine).begin() as connection:
                row = connection.execute(insert(classes).values(values).returning(classes)).one()
        except IntegrityError:
            continue  # the code is another class's
        return _class(row), secret
    raise ClassError("No code was free for a class; try again.")


def renew_secret(engine: Engine, class_id: int) -> str:
    """Give a class's teacher another secret and return it; the former one opens nothing any more.

    Raises:
        ClassError: The class has been deleted.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    renewed = update(classes).where(classes.c.id == class_id).values(teacher_digest=digest(secret))
    with writing(engine).begin() as connection:
        if not connection.execute(renewed).rowcount:
            raise ClassError("The class has been deleted; start another one.")
    return secret


def class_of_teacher(engine: Engine, secret: str) -> ClassRecord | None:
    """Return the class of a teacher's secret, if there is one."""
    return _find_class(engine, classes.c.teacher_digest == digest(secret))


def class_of_code(engine: Engine, code: str) -> ClassRecord | None:
    """Return the class of a code, if there is one; see `normal_code`."""
    normal = normal_code(code)
    if len(normal) != CODE or set(normal) - set(CODE_LETTERS):
        return None
    return _find_class(engine, classes.c.code == normal)


def normal_code(code: str) -> str:
    """Return a code as it is kept: small letters, no spaces and hyphens; i and l are 1, o is 0."""
    return code.lower().translate(LOOK_ALIKES)


def is_there(engine: Engine, class_id: int) -> bool:
    """Say whether a class has not been deleted."""
    return _find_class(engine, classes.c.id == class_id) is not None


def set_options(engine: Engine, class_id: int, **options: bool) -> None:
    """Change what the teacher has chosen for a class; of one that is deleted there is nothing."""
    with writing(engine).begin() as connection:
        former = connection.execute(
            select(classes.c.options).where(classes.c.id == class_id)
        ).scalar()
        chosen = {**(former or {}), **options}
        connection.execute(update(classes).where(classes.c.id == class_id).values(options=chosen))


def offered_names(engine: Engine, class_id: int, generator: random.Random) -> list[str]:
    """Return some names that are free in a class."""
    with engine.begin() as connection:
        taken = connection.scalars(select(pupils.c.name).where(pupils.c.class_id == class_id))
        return free_names(set(taken), OFFERED_NAMES, generator)


def join(engine: Engine, code: str, name: str) -> tuple[Pupil, str]:
    """Let somebody into a class under a name of the list; return them with their token.

    Raises:
        ClassError: No class has this code, the class is full, the name is not on the list, or
            somebody has it.
    """
    found = class_of_code(engine, code)
    if found is None:
        raise ClassError(
            f"No class has the code {code.strip()[: 2 * CODE]!r}; compare it with the board."
        )
    if name not in NAMES:
        raise ClassError("Choose one of the names that are offered.")
    token, now = secrets.token_urlsafe(SECRET_BYTES), time.time()
    values = {
        "class_id": found.id,
        "name": name,
        "token_digest": digest(token),
        "joined_at": now,
        "seen_at": now,
        "place": "",
    }
    try:
        with writing(engine).begin() as connection:
            lock_class(connection, found.id)
            count = select(func.count()).where(pupils.c.class_id == found.id, pupils.c.is_here)
            if connection.execute(count).scalar_one() >= MAX_PUPILS:
                raise ClassError(
                    f"The class is full: {MAX_PUPILS} have joined. Ask the teacher for another one."
                )
            row = connection.execute(insert(pupils).values(values).returning(pupils)).one()
            _note_use(connection, found.id, found.used_at, now)
    except IntegrityError as error:
        raise ClassError(f"Somebody else is the {name} already; choose another name.") from error
    return _pupil(row), token


def pupil_of_token(engine: Engine, token: str) -> Pupil | None:
    """Return who holds a token, if they are still in a class."""
    wanted = select(pupils).where(pupils.c.token_digest == digest(token), pupils.c.is_here)
    with engine.begin() as connection:
        row = connection.execute(wanted).one_or_none()
    return None if row is None else _pupil(row)


def pupils_of(engine: Engine, class_id: int) -> list[Pupil]:
    """Return who is in a class, by name."""
    wanted = select(pupils).where(pupils.c.class_id == class_id, pupils.c.is_here)
    with engine.begin() as connection:
        return [_pupil(row) for row in connection.execute(wanted.order_by(pupils.c.name))]


def note_presence(engine: Engine, pupil: Pupil, place: str) -> None:
    """Note where a pupil is; not more often than every `PRESENCE_SECONDS` on one page."""
    now = time.time()
    place = place[:PLACE] if place.isprintable() else ""
    if place == pupil.place and now - pupil.seen_at < PRESENCE_SECONDS:
        return
    with writing(engine).begin() as connection:
        connection.execute(
            update(pupils).where(pupils.c.id == pupil.id).values(seen_at=now, place=place[:PLACE])
        )


def leave(engine: Engine, pupil: Pupil) -> None:
    """Let a pupil go; what they handed in stays with the class, under their name.

    Of who has handed in nothing nothing stays: their name is free again.
    """
    with writing(engine).begin() as connection:
        one = pupils.c.id == pupil.id
        has_handed_in = select(hand_ins.c.id).where(hand_ins.c.pupil_id == pupil.id).exists()
        connection.execute(delete(pupils).where(one, ~has_handed_in))
        connection.execute(update(pupils).where(one).values(is_here=False))


def delete_class(engine: Engine, class_id: int) -> None:
    """Delete a class with everything in it."""
    with writing(engine).begin() as connection:
        connection.execute(delete(classes).where(classes.c.id == class_id))


def delete_unused(engine: Engine, days: float) -> int:
    """Delete the classes that nobody has used for so long; return how many there were."""
    with writing(engine).begin() as connection:
        old = classes.c.used_at < time.time() - days * DAY
        return connection.execute(delete(classes).where(old)).rowcount


def digest(secret: str) -> str:
    """Return what is kept of a secret: it is random, so that a plain SHA-256 does."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _find_class(engine: Engine, condition: Any) -> ClassRecord | None:
    with engine.begin() as connection:
        row = connection.execute(select(classes).where(condition)).one_or_none()
    return None if row is None else _class(row)


def _note_use(connection: Any, class_id: int, used_at: float, now: float) -> None:
    if now - used_at > DAY / 2:
        connection.execute(update(classes).where(classes.c.id == class_id).values(used_at=now))


def _class(row: Row[Any]) -> ClassRecord:
    return ClassRecord(row.id, row.code, row.started_at, row.used_at, {**OPTIONS, **row.options})


def _pupil(row: Row[Any]) -> Pupil:
    return Pupil(row.id, row.class_id, row.name, row.seen_at, row.place)
