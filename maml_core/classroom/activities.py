"""What a teacher asks of a whole class: one thing at a time, opened, revealed and closed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, insert, select, update

from maml_core.classroom.database import lock_class, writing
from maml_core.classroom.tables import SUBJECT, activities, classes
from maml_core.config import check_choice

KINDS = ("play", "prediction", "drawing", "lesson", "page")  # the last: only to be looked at


@dataclass(frozen=True)
class Activity:
    """Something that a class is asked to do.

    Attributes:
        id: Its number.
        class_id: The class's.
        kind: One of `KINDS`.
        link: Where pupils do it: a page and its parameters, 'adapt?n_way=20&seed=3'.
        settings: What else it consists of, by name.
        opened_at: Seconds since 1970.
        revealed_at: When the teacher showed what came out, likewise; None: not yet.
        closed_at: When it ended, likewise; None: it is open.
    """

    id: int
    class_id: int
    kind: str
    link: str
    settings: Mapping[str, Any]
    opened_at: float
    revealed_at: float | None
    closed_at: float | None

    @property
    def is_revealed(self) -> bool:
        """Whether pupils may see what came out."""
        return self.revealed_at is not None


def fault_of_link(link: str) -> str:
    """Say why a class cannot be led by a link; empty: it can."""
    return (
        ""
        if len(link) <= SUBJECT
        else f"A class cannot be led here: the page's link has {len(link)} characters, and "
        f"{SUBJECT} are possible. Choose fewer settings."
    )


def open_activity(
    engine: Engine, class_id: int, kind: str, link: str, settings: Mapping[str, Any] | None = None
) -> Activity:
    """Lead a class to an activity; the one before it is closed.

    Raises:
        ValueError: There is no such kind, or the link is longer than `SUBJECT` characters.
    """
    check_choice("kind", kind, KINDS)
    if fault := fault_of_link(link):
        raise ValueError(fault)
    now = time.time()
    with writing(engine).begin() as connection:
        lock_class(connection, class_id)
        _close(connection, class_id, now)
        values = {
            "class_id": class_id,
            "kind": kind,
            "link": link,
            "settings": dict(settings or {}),
            "opened_at": now,
        }
        row = connection.execute(insert(activities).values(values).returning(activities)).one()
        connection.execute(update(classes).where(classes.c.id == class_id).values(used_at=now))
    return _activity(row)


def close_activity(engine: Engine, class_id: int) -> None:
    """Let everyone work at their own pace again."""
    with writing(engine).begin() as connection:
        _close(connection, class_id, time.time())


def reveal_link(engine: Engine, class_id: int, kind: str, link: str) -> None:
    """Let pupils see what came out of what a link leads to, also if nobody was led there.

    From then on nothing is handed in to it.
    """
    check_choice("kind", kind, KINDS)
    now = time.time()
    with writing(engine).begin() as connection:
        lock_class(connection, class_id)
        connection.execute(
            update(activities)
            .where(
                activities.c.class_id == class_id,
                activities.c.link == link,
                activities.c.revealed_at.is_(None),
            )
            .values(revealed_at=now)
        )
        if not connection.execute(revealed(class_id, link)).first():
            values = {
                "class_id": class_id,
                "kind": kind,
                "link": link,
                "settings": {},
                "opened_at": now,
                "revealed_at": now,
                "closed_at": now,
            }
            connection.execute(insert(activities).values(values))


def is_revealed(engine: Engine, class_id: int, link: str) -> bool:
    """Say whether the teacher has shown what came out of what a link leads to."""
    with engine.begin() as connection:
        return connection.execute(revealed(class_id, link)).first() is not None


def revealed(class_id: int, link: str) -> Select[tuple[int]]:
    """Select the activities of a link whose outcome has been shown."""
    return select(activities.c.id).where(
        activities.c.class_id == class_id,
        activities.c.link == link,
        activities.c.revealed_at.is_not(None),
    )


def open_activity_of(engine: Engine, class_id: int) -> Activity | None:
    """Return what a class is asked to do now, if there is something."""
    wanted = select(activities).where(
        activities.c.class_id == class_id, activities.c.closed_at.is_(None)
    )
    with engine.begin() as connection:
        row = connection.execute(wanted).one_or_none()
    return None if row is None else _activity(row)


def activities_of(engine: Engine, class_id: int) -> list[Activity]:
    """Return all that a class was asked to do, the first one first."""
    wanted = select(activities).where(activities.c.class_id == class_id)
    with engine.begin() as connection:
        return [_activity(row) for row in connection.execute(wanted.order_by(activities.c.id))]


def _close(connection: Connection, class_id: int, now: float) -> None:
    connection.execute(
        update(activities)
        .where(activities.c.class_id == class_id, activities.c.closed_at.is_(None))
        .values(closed_at=now)
    )


def _activity(row: Row[Any]) -> Activity:
    return Activity(**row._mapping)
