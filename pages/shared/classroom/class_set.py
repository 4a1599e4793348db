"""What a visitor's class drew as a data set: for its teacher and its pupils, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from maml_core.config import CLASS_SET_PREFIX
from maml_core.data.character_set import DataError
from maml_core.data.loaded_sets import SetSource
from pages.shared.character_sets import CLASS_SET, loaded_sets
from pages.shared.classroom import visitor
from pages.shared.classroom.store import database

if TYPE_CHECKING:
    from maml_core.data.character_set import CharacterSet


def find_class_set() -> None:
    """Let this run know the data set of the visitor's class, if there is one."""
    name = _name_of_set()
    st.session_state[CLASS_SET] = name
    held = st.session_state.get("held_sets", {})
    for other in [one for one in held if one.startswith(CLASS_SET_PREFIX) and one != name]:
        del held[other]  # who has left a class, or whose class is deleted, keeps nothing of it
    if name is not None:
        loaded_sets().add_source(CLASS_SET_PREFIX, SetSource(_edition, _load))


def _name_of_set() -> str | None:
    taught, pupil = visitor.taught_class(), visitor.current_pupil()
    classes = [taught.id] if taught else []
    classes += [pupil.class_id] if pupil else []
    if not classes:
        return None
    from maml_core.classroom.drawn_set import drawn_set_edition

    made = (one for one in classes if drawn_set_edition(database(), one) is not None)
    first = next(made, None)
    return None if first is None else f"{CLASS_SET_PREFIX}{first}"


def _edition(name: str) -> str:
    from maml_core.classroom.drawn_set import drawn_set_edition

    edition = drawn_set_edition(database(), _class_of(name))
    if edition is None:
        raise DataError("The class has no drawings any more.")
    return edition


def _load(name: str) -> CharacterSet:
    from maml_core.classroom.drawn_set import load_drawn_set

    return load_drawn_set(database(), _class_of(name))


def _class_of(name: str) -> int:
    return int(name.removeprefix(CLASS_SET_PREFIX))
