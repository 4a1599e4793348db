"""Boards of several people, put together as a data set that every page offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from maml_core.config import MAX_BOARDS, MIN_BOARDS
from maml_core.data import drawn_boards
from maml_core.data.registry import drawings_root
from maml_core.images import uploads
from maml_core.images.board import board_to_json
from maml_core.images.decoding import PictureError
from maml_core.images.uploads import Upload
from pages.draw.board_state import BoardState
from pages.shared.character_sets import look_again
from pages.shared.widgets import MAX_MEGABYTES, toast


def class_collection(state: BoardState, n_way: int, k_shot: int) -> None:
    """Offer to add this board, or others' boards, to the data set of drawings."""
    root = drawings_root()
    count = len(list(root.glob("*.json")))
    with st.popover("Boards of a whole class", icon=":material/groups:", key="drawers"):
        st.markdown(
            "Agree on what A, B, … are, have everybody draw a board, and put the boards together: "
            f"{MIN_BOARDS} or more make the data set **Drawings**, each board a drawer, which "
            f"every page offers in the sidebar. So far there are **{count}** on this server."
        )
        new_boards: list[Upload] = []
        with st.container(horizontal=True):
            if st.button("Add this board", key="add_board", icon=":material/add:"):
                new_boards = [Upload("This board", board_to_json(state.board(n_way, k_shot)))]
            if state.added_boards and st.button("Take mine out again", key="remove_board"):
                _remove_own_boards(state)
            _download_button(root, disabled=not count)
        files = st.file_uploader(
            "Add boards that others saved, or a zip of them",
            accept_multiple_files=True,
            key=f"boards_{state.n_uploads}",
            max_upload_size=MAX_MEGABYTES,
        )
        new_boards += [Upload(file.name, file.getvalue()) for file in files]
        if new_boards:
            state.n_uploads += 1  # a new key: the next uploader starts empty
            state.messages = add_boards(state, new_boards)
            toast(state.messages)
            _refresh_pages()


def _download_button(root: Path, *, disabled: bool) -> None:
    st.download_button(
        "All boards (zip)",
        lambda: drawn_boards.zip_boards(root),
        "drawings.zip",
        "application/zip",
        key="save_drawings",
        icon=":material/folder_zip:",
        on_click="ignore",
        disabled=disabled,
    )


def add_boards(state: BoardState, files: Sequence[Upload]) -> list[str]:
    """Add boards, some of them in zips, to the data set; return a message for each bad one."""
    messages, already_there = [], 0
    for file in files[:MAX_BOARDS]:
        try:
            boards, bad = uploads.read_zip(file, MAX_BOARDS) if file.is_zip else ([file], [])
            messages += bad
        except PictureError as error:
            boards = []
            messages.append(str(error))
        for board in boards:
            try:
                before = set(drawings_root().glob("*.json"))
                path = drawn_boards.add(board.content, board.name, drawings_root())
                if path in before:  # perhaps somebody else's, which one may not take out
                    already_there += 1
                else:
                    state.added_boards.append(path)
            except PictureError as error:
                messages.append(str(error))
            except OSError as error:
                messages.append(f"{board.name} cannot be kept on this server ({error.strerror}).")
    if already_there:
        messages.append(
            "The data set holds this very board already."
            if already_there == 1
            else f"The data set holds {already_there} of these boards already."
        )
    return messages


def _remove_own_boards(state: BoardState) -> None:
    for path in state.added_boards:
        path.unlink(missing_ok=True)
    state.added_boards.clear()
    _refresh_pages()


def _refresh_pages() -> None:
    """Let every page see the changed data set."""
    look_again("drawings")
    st.rerun()
