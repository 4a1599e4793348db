"""The server's database of classes, opened when it is first needed."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from maml_core.classroom import FILE, database_url
from maml_core.data.storage.disk_cache import default_data_dir

if TYPE_CHECKING:
    from sqlalchemy import Engine

KEPT_DAYS = 30.0
TIDY_SECONDS = 3600.0
_opening = threading.Lock()
_tidied: float | None = None


def database() -> Engine:
    """Return the database of classes; see `maml_core.classroom.database`.

    Raises:
        DatabaseError: `DATABASE_URL` names none that can be used.
    """
    with _opening:
        return _open()


def kept_days() -> float:
    """Return for how many days a class is kept after its last use: `MAML_CLASS_DAYS`.

    Raises:
        ValueError: It is not a number above 0.
    """
    said = os.environ.get("MAML_CLASS_DAYS", str(KEPT_DAYS))
    try:
        days = float(said)
    except ValueError:
        days = 0.0
    if not 0 < days < float("inf"):
        raise ValueError(f"MAML_CLASS_DAYS is {said!r}; set it to a number of days above 0.")
    return days


def delete_unused_classes() -> None:
    """Delete the classes that nobody has used for `kept_days`; at most once an hour.

    A server without classes opens no database for it, and one whose database is away tries later.
    """
    global _tidied
    if _tidied is not None and time.monotonic() - _tidied < TIDY_SECONDS:
        return
    _tidied = time.monotonic()
    if not os.environ.get("DATABASE_URL") and not (default_data_dir() / FILE).exists():
        return
    from sqlalchemy.exc import SQLAlchemyError

    from maml_core.classroom.membership import delete_unused

    with suppress(SQLAlchemyError, ValueError):
        delete_unused(database(), kept_days())


@cache
def _open() -> Engine:
    # Here: who has no class waits for none of it.
    from maml_core.classroom.database import open_database

    return open_database(database_url())
