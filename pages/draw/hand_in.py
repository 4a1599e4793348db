"""The board of a pupil for their class: a button, and what it is asked to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import streamlit as st

from maml_core.figures.style import class_letter
from maml_core.images.board import Board, board_to_json
from pages.draw.board_state import BoardState
from pages.shared.classroom import visitor
from pages.shared.classroom.store import database
from pages.shared.classroom.subjects import rows_asked_for
from pages.shared.component import component
from pages.shared.link_settings import DEFAULT_SPEC

if TYPE_CHECKING:
    from maml_core.classroom.membership import Pupil

_mount = component("hand_in_board")


def hand_in_button(state: BoardState, n_way: int, k_shot: int) -> None:
    """Let a pupil hand in their board; for anybody else nothing is drawn."""
    with st.container(key="hand_in"):  # always there, see `show_until_dismissed`
        pupil = visitor.current_pupil()
        if pupil is not None:
            _draw(state, pupil, n_way, k_shot)


def _draw(state: BoardState, pupil: Pupil, n_way: int, k_shot: int) -> None:
    from maml_core.classroom.boards import KIND, board_subject
    from maml_core.classroom.hand_ins import own_content

    subject = board_subject(database(), pupil.class_id)
    board = Board(state.board(n_way, k_shot).support)  # the query is the pupil's own affair
    is_empty = all(cell.is_empty for row in board.support for cell in row)
    content = None if is_empty else json.loads(board_to_json(board))
    handed = own_content(database(), pupil, KIND, subject)
    _mount(
        key="board_to_class",
        data={
            "handIn": visitor.own_hand_in(KIND, subject),
            "content": content,
            "handed": handed and ("this" if handed == content else "another"),
            "note": _note(state, subject, n_way, k_shot),
        },
    )


def _note(state: BoardState, subject: str, n_way: int, k_shot: int) -> str:
    """Say why the class cannot use the board as it stands; empty: it can."""
    asked = rows_asked_for(subject, DEFAULT_SPEC.n_way)
    if asked is not None and asked != n_way:
        return f"Your class draws boards of {asked} rows; yours has {n_way}."
    empty = [
        class_letter(label)
        for label in range(n_way)
        if not any(map(state.has_character, state.row(label, k_shot)))
    ]
    return f"Still empty: {', '.join(empty)}. Each row needs a character." if empty else ""
