"""Boards of several people: how a class collects them, and its teacher adds files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from maml_core.config import MAX_BOARDS
from maml_core.images import uploads
from maml_core.images.decoding import PictureError
from maml_core.images.uploads import Upload
from pages.draw.board_state import BoardState
from pages.shared.classroom import visitor
from pages.shared.classroom.store import database
from pages.shared.widgets import MAX_MEGABYTES, toast

if TYPE_CHECKING:
    from maml_core.classroom.membership import ClassRecord

HOW = (
    "Agree on what A, B, … are, and have everybody draw a board: together they are a data set, "
    "**Our class**, each board a drawer, which every page offers to the class and to nobody else. "
)


def class_collection(state: BoardState) -> None:
    """Say how the boards of a class come together, and let its teacher add files."""
    taught = visitor.taught_class()
    if taught is None and visitor.current_pupil() is not None:
        return  # who is in a class hands in
    with st.popover("Boards of a whole class", icon=":material/groups:", key="drawers"):
        if taught is None:
            st.markdown(
                f"{HOW}That takes a class, which pupils join with their phones, without accounts."
            )
            st.page_link(
                "pages/classroom/page.py", label="Start or join a class", icon=":material/groups:"
            )
            return
        st.markdown(
            f"{HOW}*Lead everybody here* asks your class for boards of as many rows as this one, "
            "and shows them what you have put into its first squares, if anything. What they hand "
            "in is on the page *Class*."
        )
        _file_uploader(state, taught)
        st.page_link("pages/classroom/page.py", label="To the class", icon=":material/groups:")


def _file_uploader(state: BoardState, taught: ClassRecord) -> None:
    files = st.file_uploader(
        "Add boards that others saved, or a zip of them",
        accept_multiple_files=True,
        key=f"boards_{state.n_uploads}",
        max_upload_size=MAX_MEGABYTES,
    )
    if files:
        state.n_uploads += 1  # a new key: the next uploader starts empty
        received = [Upload(file.name, file.getvalue()) for file in files]
        state.messages = add_boards(taught, received)
        toast(state.messages)
        st.rerun()


def add_boards(taught: ClassRecord, files: Sequence[Upload]) -> list[str]:
    """Put boards, some of them in zips, into a class; return what became of them."""
    from maml_core.classroom.boards import import_boards

    boards, messages = [], []
    for file in files[:MAX_BOARDS]:
        try:
            found, bad = uploads.read_zip(file, MAX_BOARDS) if file.is_zip else ([file], [])
            boards += [(board.name, board.content) for board in found]
            messages += bad
        except PictureError as error:
            messages.append(str(error))
    names, refused = import_boards(database(), taught, boards)
    added = [f"Added to the class: {', '.join(names)}."] if names else []
    return [*added, *messages, *refused]
