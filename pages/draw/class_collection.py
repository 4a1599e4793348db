"""Boards of several people, put together as a data set that every page offers."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from maml_core.config import MAX_BOARDS, MIN_BOARDS
from maml_core.data import drawn_boards
from maml_core.data.registry import drawings_root
from maml_core.images import uploads
from maml_core.images.board import board_to_json
from maml_core.images.decoding import PictureError
from maml_core.images.uploads import Upload
from pages.draw.board_state import Desk
from pages.shared import cached
from pages.shared.sidebar import available_datasets


def collect(here: Desk, n_way: int, k_shot: int) -> None:
    """Offer to add this board, or others' boards, to the data set of drawings."""
    root = drawings_root()
    count = len(list(root.glob("*.json")))
    with st.popover("Boards of a whole class", icon=":material/groups:", key="drawers"):
        st.markdown(
            "Agree on what A, B, … are, let everybody draw a board, and put the boards together: "
            f"from {MIN_BOARDS} on they make the data set **Drawings**, each board a drawer, which "
            f"every page offers in the sidebar. So far **{count}** on this server."
        )
        taken: list[Upload] = []
        with st.container(horizontal=True):
            if st.button("Add this board", key="add_board", icon=":material/add:"):
                taken = [Upload("This board", board_to_json(here.board(n_way, k_shot)))]
            if here.added and st.button("Take mine out again", key="remove_board"):
                _remove(here)
            st.download_button(
                "All boards (zip)",
                lambda: drawn_boards.zip_boards(root),
                "drawings.zip",
                "application/zip",
                key="save_drawings",
                icon=":material/folder_zip:",
                on_click="ignore",
                disabled=not count,
            )
        files = st.file_uploader(
            "Add boards that others saved, or a zip of them",
            accept_multiple_files=True,
            key=f"boards_{here.uploads}",
        )
        taken += [Upload(file.name, file.getvalue()) for file in files]
        if taken:
            here.uploads += 1  # the next time the uploader begins empty
            here.messages = add_boards(here, taken)
            for message in here.messages:
                st.toast(message)
            _changed()


def add_boards(here: Desk, files: Sequence[Upload]) -> list[str]:
    """Add boards, some of them in zips, to the data set; return what is to be said of bad ones."""
    refused = []
    for file in files[:MAX_BOARDS]:
        try:
            boards, bad = uploads.read_zip(file, MAX_BOARDS) if file.is_zip else ([file], [])
            refused += bad
        except PictureError as error:
            boards = []
            refused.append(str(error))
        for board in boards:
            try:
                here.added.append(drawn_boards.add(board.content, board.name, drawings_root()))
            except PictureError as error:
                refused.append(str(error))
            except OSError as error:
                refused.append(f"{board.name} cannot be kept on this server ({error.strerror}).")
    return refused


def _remove(here: Desk) -> None:
    for path in here.added:
        path.unlink(missing_ok=True)
    here.added.clear()
    _changed()


def _changed() -> None:
    """Let every page see the changed data set."""
    available_datasets.clear()
    cached.forget_characters("drawings")
    st.rerun()
