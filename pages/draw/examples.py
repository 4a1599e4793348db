"""What a class is asked to draw: the first characters of the teacher's board, row by row."""

from __future__ import annotations

from html import escape

import streamlit as st

from maml_core.figures.style import class_letter
from pages.draw.board_state import BoardState, row_names
from pages.draw.canvas import character_uri
from pages.shared.classroom import visitor
from pages.shared.classroom.store import database
from pages.shared.frame.class_line import LEAD_SETTINGS

EXAMPLES = (
    "examples"  # of the activity's settings: a picture for each row, empty where there is none
)


def note_examples(state: BoardState, n_way: int, k_shot: int) -> None:
    """Let a teacher's *Lead everybody here* send along what their board holds."""
    if visitor.taught_class() is None:
        return
    pictures = [_first_picture(state, label, k_shot) for label in range(n_way)]
    st.session_state[LEAD_SETTINGS] = {"draw": {EXAMPLES: pictures} if any(pictures) else {}}


def show_examples() -> None:
    """Show a pupil what their teacher has drawn for everybody, if something."""
    with st.container(key="examples"):  # always there, see `show_until_dismissed`
        pupil = visitor.current_pupil()
        if pupil is None:
            return
        from maml_core.classroom.activities import open_activity_of

        activity = open_activity_of(database(), pupil.class_id)
        pictures = activity.settings.get(EXAMPLES) if activity else None
        if pictures:
            st.caption("Your teacher asks for these, a row each, in your own hand:")
            figures = "".join(_figure(label, one) for label, one in enumerate(pictures))
            st.html(f'<div class="board-examples">{figures}</div>')


def _first_picture(state: BoardState, label: int, k_shot: int) -> str:
    names = filter(state.has_character, row_names(label, k_shot))
    first = next(names, None)
    return character_uri(state.cell(first)) if first else ""


def _figure(label: int, source: str) -> str:
    letter = class_letter(label)
    image = f'<img src="{escape(source, quote=True)}" alt="What {letter} is">' if source else ""
    return f"<figure>{image}<figcaption>{letter}</figcaption></figure>"
