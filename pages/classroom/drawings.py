"""What the class drew: the boards as they come, and the data set that the teacher makes of them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import partial
from html import escape

import numpy as np
import streamlit as st

from maml_core.classroom.activities import Activity, activities_of
from maml_core.classroom.boards import NO_ACTIVITY, BoardEntry, board_entries, handed_in_board
from maml_core.classroom.drawn_set import (
    boards_of_set,
    drawn_set_edition,
    fault_of,
    make_drawn_set,
    zip_boards,
)
from maml_core.classroom.hand_ins import take_out
from maml_core.classroom.membership import ClassError, ClassRecord, set_options
from maml_core.config import MIN_BOARDS
from maml_core.images.board import Board, cell_character
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import SIDE
from pages.classroom.choosing import choose_newest
from pages.shared import cached
from pages.shared.charts.picture_html import pixels_uri
from pages.shared.classroom.store import database
from pages.shared.classroom.subjects import rows_asked_for
from pages.shared.link_settings import CLASS_LABEL, DEFAULT_SPEC
from pages.shared.widgets import show_until_dismissed

GAP = 6  # pixels between the characters of a board
GREY = 200
SAID = "drawn_set_said"  # in the session: what became of the boards, until it is read


def draw_drawings(taught: ClassRecord, opened: Activity | None) -> None:
    """Draw the boards that were handed in, and what makes a data set of them.

    Args:
        taught: The class.
        opened: What it is asked to do now.
    """
    entries = board_entries(database(), taught.id)
    subjects = _subjects(taught, opened, {one.subject for one in entries})
    if not subjects:
        st.info(
            "Open Draw, choose how many characters, and press *Lead everybody here*: what your "
            "pupils hand in appears on this page, and becomes a data set in one tap."
        )
        return
    titles = {subject: _title(number, subject) for number, subject in enumerate(subjects, 1)}
    subject = choose_newest("Drawing", subjects, "class_drawing", lambda one: titles.get(one, ""))
    chosen = [one for one in entries if one.subject == subject]
    _draw_data_set(taught, subject, chosen)
    _draw_boards(taught, subject, chosen)


def _subjects(taught: ClassRecord, opened: Activity | None, handed_in: Container[str]) -> list[str]:
    """Return what can be shown: boards that nobody asked for, then the teacher's activities.

    A pupil can hand in something on any subject; what is none of these is not shown.
    """
    asked = [one for one in activities_of(database(), taught.id) if one.kind == "drawing"]
    last_opened_last = list(dict.fromkeys(one.link for one in reversed(asked)))[::-1]
    now = opened.link if opened and opened.kind == "drawing" else None
    return [one for one in (NO_ACTIVITY, *last_opened_last) if one in handed_in or one == now]


def _title(number: int, subject: str) -> str:
    rows = rows_asked_for(subject, DEFAULT_SPEC.n_way)
    return f"{number}: {rows} characters" if rows else f"{number}: at everybody's own pace"


def _draw_data_set(taught: ClassRecord, subject: str, entries: Sequence[BoardEntry]) -> None:
    """Offer to make the class's data set, and say what is in it."""
    shown = sum(not one.is_taken_out for one in entries)
    edition = drawn_set_edition(database(), taught.id)
    with st.container(horizontal=True, vertical_alignment="center", key="drawn_set"):
        is_changed = st.button(
            f"Make *{CLASS_LABEL}* of {shown} {'board' if shown == 1 else 'boards'}",
            key="make_drawn_set",
            type="primary" if shown >= MIN_BOARDS else "secondary",  # legible in the dark, too
            icon=":material/auto_awesome:",
            disabled=shown < MIN_BOARDS,
            help="A data set for all pages, for this class alone. Of each board it takes one "
            "drawing of each character, so that support and query are by different hands.",
            on_click=partial(_make, taught.id, subject),
        )
        if edition is not None and st.session_state["dataset"] == CLASS_LABEL:
            st.page_link(
                "pages/episodes/page.py", label="Open it on Episodes", icon=":material/grid_view:"
            )
        elif edition is not None:
            is_changed |= st.button("Choose it", key="choose_drawn_set", on_click=_choose)
        if edition is not None:
            st.download_button(
                "Its boards (zip)",
                lambda: zip_boards(boards_of_set(database(), taught.id)),
                "our-class.zip",
                "application/zip",
                key="save_drawn_set",
                icon=":material/folder_zip:",
                on_click="ignore",
            )
    if is_changed:
        st.rerun()  # the sidebar too
    show_until_dismissed(st.session_state.setdefault(SAID, []), SAID, ":material/info:")
    if edition is not None:
        n_boards, n_rows = _size_of_set(taught.id, edition)
        st.caption(
            f"**{CLASS_LABEL}** holds {n_boards} board{'' if n_boards == 1 else 's'} of {n_rows} "
            "characters. You and your "
            "pupils find it under *Characters* on every page."
        )


@st.cache_data(show_spinner=False, max_entries=64, ttl=cached.RESULT_SECONDS)
def _size_of_set(class_id: int, edition: str) -> tuple[int, int]:
    """Return how many boards a class's set has, and how many rows they have."""
    boards = boards_of_set(database(), class_id)
    return len(boards), max((board.n_way for board in boards.values()), default=0)


def _make(class_id: int, subject: str) -> None:
    asked = rows_asked_for(subject, DEFAULT_SPEC.n_way)
    try:
        st.session_state[SAID] = make_drawn_set(database(), class_id, subject, asked)
    except ClassError as error:
        st.session_state[SAID] = [str(error)]
    else:
        _choose()


def _choose() -> None:
    st.session_state["dataset"] = CLASS_LABEL


def _draw_boards(taught: ClassRecord, subject: str, entries: Sequence[BoardEntry]) -> None:
    """Show the boards under their drawers' names, and what has been taken out."""
    here = [one for one in entries if not one.is_taken_out]
    is_visible = st.toggle(
        "Show the drawings",
        taught.options["drawings"],
        key="show_drawings",
        on_change=lambda: set_options(
            database(), taught.id, drawings=st.session_state["show_drawings"]
        ),
        help="Off, this page shows names only, until you turn it on again. Each window that is "
        "open keeps what it shows: on another device you can look first, and take one out.",
    )
    if not here:
        st.caption("Nobody has handed in a board yet.")
    asked = rows_asked_for(subject, DEFAULT_SPEC.n_way)
    with st.container(horizontal=True, key="class_boards"):
        for one in here:
            with st.container(width="content", gap=None, key=f"board_{one.id}"):
                st.html(_board_html(one, asked) if is_visible else _figure(one.name, "", ""))
                _take_out_button(taught, one)
    gone = [one for one in entries if one.is_taken_out]
    with st.container(horizontal=True, vertical_alignment="center", key="boards_taken_out"):
        if gone:
            st.caption("Taken out:", width="content")
        for one in gone:
            _take_out_button(taught, one)


def _take_out_button(taught: ClassRecord, entry: BoardEntry) -> None:
    st.button(
        f"Put back {entry.name}" if entry.is_taken_out else "Take out",
        key=f"take_out_{entry.id}",
        type="tertiary",
        icon=":material/undo:" if entry.is_taken_out else ":material/close:",
        help=None if entry.is_taken_out else f"Show the board of {entry.name} no more",
        on_click=lambda: take_out(
            database(), taught.id, entry.id, taken_out=not entry.is_taken_out
        ),
    )


def _board_html(entry: BoardEntry, asked: int | None) -> str:
    source, fault = _picture(entry.id, entry.version, asked, entry)
    return _figure(entry.name, source, fault)


def _figure(name: str, source: str, fault: str) -> str:
    words = escape(name, quote=True)
    image = f'<img src="{source}" alt="The board of {words}">' if source else ""
    note = f"<small>{escape(fault)}</small>" if fault else ""
    return f'<figure class="class-board"><figcaption>{words}</figcaption>{image}{note}</figure>'


@st.cache_data(show_spinner=False, max_entries=1024, ttl=cached.RESULT_SECONDS)
def _picture(number: int, version: int, asked: int | None, _entry: BoardEntry) -> tuple[str, str]:
    """Return a board as a data URI, and why it cannot be in the data set, if so."""
    try:
        board = handed_in_board(database(), _entry)
    except PictureError as error:
        return "", str(error)
    return pixels_uri(board_pixels(board)), fault_of(board, asked)


def board_pixels(board: Board) -> np.ndarray:
    """Return a board as one picture: a column for each character, ink black, uint8 [h, w]."""
    step = SIDE + GAP
    pixels = np.full((board.k_shot * step - GAP, board.n_way * step - GAP), GREY, np.uint8)
    for label, row in enumerate(board.support):
        for shot, cell in enumerate(row):
            ink = 0 if cell.is_empty else cell_character(cell)
            top, left = shot * step, label * step
            pixels[top : top + SIDE, left : left + SIDE] = 255 - ink
    return pixels
