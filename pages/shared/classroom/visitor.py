"""Who a visitor is in a class: nobody, one of its pupils, or its teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from pages.shared.classroom.routes import PUPIL_COOKIE, TEACHER_COOKIE
from pages.shared.classroom.store import database

if TYPE_CHECKING:
    from maml_core.classroom.membership import ClassRecord, Pupil

T = TypeVar("T")
_MEMBER = "class_member"  # in the session: who the visitor is, as this run has found it


def cookie(name: str) -> str | None:
    """Return what this browser's cookie of a name says, if it has one."""
    said = st.context.cookies.get(name)
    return said if isinstance(said, str) else None  # in a test without a browser it is neither


def look_up() -> None:
    """Find who the visitor is, once for the whole run: a run begins with it."""
    st.session_state[_MEMBER] = (_find_class(), _find_pupil())


def current_pupil() -> Pupil | None:
    """Return the pupil that this browser is, if it is one and the database was there."""
    pupil: Pupil | None = st.session_state[_MEMBER][1]
    return pupil


def taught_class() -> ClassRecord | None:
    """Return the class that this browser is the teacher of, likewise."""
    taught: ClassRecord | None = st.session_state[_MEMBER][0]
    return taught


def _find_pupil() -> Pupil | None:
    token = cookie(PUPIL_COOKIE)
    if not token:
        return None
    from maml_core.classroom.membership import pupil_of_token

    return _unless_away(lambda: pupil_of_token(database(), token))


def _find_class() -> ClassRecord | None:
    secret = cookie(TEACHER_COOKIE)
    if not secret:
        return None
    from maml_core.classroom.membership import class_of_teacher

    return _unless_away(lambda: class_of_teacher(database(), secret))


def _unless_away(find: Callable[[], T | None]) -> T | None:
    """Find somebody; while the database is away all others' pages stay as they are."""
    from sqlalchemy.exc import OperationalError

    try:
        return find()
    except (OperationalError, ValueError):  # the latter: it is set up badly
        return None


def own_hand_in(kind: str, subject: object) -> dict[str, object] | None:
    """Return what a component needs to hand in what is about a subject; None for whom no class is.

    Args:
        kind: One of `hand_ins.MAX_BYTES`.
        subject: What it is about; its text is kept.
    """
    pupil = current_pupil()
    return {"who": pupil.id, "kind": kind, "subject": str(subject)} if pupil else None
