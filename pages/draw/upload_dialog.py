"""Pictures into the board's cells, and the board as a file: out and in again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from maml_core.images import uploads
from maml_core.images.board import Cell, board_from_json, board_to_json, cell_from_character
from maml_core.images.decoding import PictureError
from maml_core.images.uploads import Upload
from pages.draw.board_state import QUERY, Desk, cell_name, cells_by_name, desk
from pages.draw.canvas import label_of
from pages.shared.widgets import choice

ROWS = "the rows: a file a class, or a folder a class"
KINDS = {"Pictures, or a zip": True, "A folder": "directory"}


@st.dialog("Upload pictures")
def ask_for_pictures(n_way: int, k_shot: int, into: str | None = None) -> None:
    """Ask for pictures and put them into the cells that the person names.

    Args:
        n_way: Rows that are shown.
        k_shot: Cells of each.
        into: The cell to begin with; None: the rows.
    """
    here = desk()
    cells = [cell_name(label, shot) for label in range(n_way) for shot in range(k_shot)]
    targets = {ROWS: None, **{label_of(name): name for name in [*cells, QUERY]}}
    start = list(targets.values()).index(into)
    target = targets[st.selectbox("Into", list(targets), start, key=f"into_{here.uploads}_{into}")]
    kind = KINDS["Pictures, or a zip"]
    if target is None:
        kind = KINDS[choice("What", KINDS, "upload_kind", bind=None)]
    files = st.file_uploader(
        "PNG, JPEG, WebP or GIF; dark ink on light paper or the reverse, a photograph will do",
        accept_multiple_files=kind,
        key=f"upload_{here.uploads}_{kind}",
    )
    if files:
        with st.spinner("Looking for the ink …"):
            brought = [Upload(file.name, file.getvalue()) for file in files]
            here.messages = take_pictures(here, brought, target, n_way, k_shot)
        for message in here.messages:
            st.toast(message)  # wherever the page is scrolled to
        here.uploads += 1  # the next time the uploader begins empty
        st.rerun()


def take_pictures(
    here: Desk, files: Sequence[Upload], target: str | None, n_way: int, k_shot: int
) -> list[str]:
    """Put the characters in some files into a cell or the rows; return what is to be said.

    Whatever cannot be used leaves its cells as they are.
    """
    try:
        if len(files) > uploads.MAX_FILES:
            raise PictureError(
                f"These are {len(files)} files; choose at most {uploads.MAX_FILES} at once. "
                "Nothing was taken."
            )
        if target is None:
            return _take_rows(here, files, n_way, k_shot)
        if len(files) > 1:
            raise PictureError(
                f"These are {len(files)} files for one cell; choose one of them, or “{ROWS}”."
            )
        here.put({target: cell_from_character(uploads.character_from_file(files[0]))})
    except PictureError as error:
        return [str(error)]
    return []


def _take_rows(here: Desk, files: Sequence[Upload], n_way: int, k_shot: int) -> list[str]:
    pictures, refused = [], []
    for file in files:
        if not file.is_zip:
            pictures.append(file)
            continue
        try:
            inside, bad = uploads.read_zip(file)
        except PictureError as error:
            inside, bad = [], [str(error)]
        pictures += inside
        refused += bad
    rows = uploads.group_into_rows(pictures)
    characters, bad = uploads.characters_from_rows(rows, n_way, k_shot)
    changes = {}
    for label, row in enumerate(characters):
        # What a row held before goes as a whole, or not at all.
        for shot in range(k_shot) if row else ():
            found = cell_from_character(row[shot]) if shot < len(row) else Cell()
            changes[cell_name(label, shot)] = found
    if changes:
        here.put(changes)
    return refused + bad


def keep(here: Desk, n_way: int, k_shot: int) -> None:
    """Offer the board as a file."""
    st.download_button(
        "Save the board",
        # Made when it is clicked: the query changes without this button being drawn anew.
        lambda: board_to_json(here.board(n_way, k_shot)),
        f"board-{n_way}-way-{k_shot}-shot.json",
        "application/json",
        key="save_board",
        icon=":material/download:",
        on_click="ignore",
    )


def fetch(here: Desk) -> None:
    """Offer to load a board from a file."""
    key = f"board_file_{here.uploads}"
    with st.popover("Load a board", icon=":material/folder_open:", key="load_board"):
        st.file_uploader(
            "A file that “Save the board” wrote",
            key=key,
            on_change=lambda: _load(here, st.session_state[key]),
        )
    if here.loaded:
        here.loaded = False
        st.rerun()  # with the sidebar, which is no part of this fragment


def _load(here: Desk, file: object) -> None:
    """Put a board's file onto the desk, and its N and K into the sidebar."""
    if file is None:
        return
    here.uploads += 1
    try:
        board = board_from_json(file.getvalue(), file.name)
    except PictureError as error:
        here.messages = [str(error)]
        return
    here.put(cells_by_name(board))
    here.messages, here.loaded = [], True
    st.session_state.update(n_way=board.n_way, k_shot=board.k_shot)
