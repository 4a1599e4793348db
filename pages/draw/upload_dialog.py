"""Pictures uploaded into the board's cells, and the board saved to a file and loaded again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from maml_core.images import uploads
from maml_core.images.board import Cell, board_from_json, board_to_json, cell_from_character
from maml_core.images.decoding import MAX_FILE_BYTES, PictureError
from maml_core.images.uploads import Upload
from pages.draw.board_state import QUERY, BoardState, board_state, cell_name, cells_by_name
from pages.draw.canvas import cell_label
from pages.shared.streamlit_internals import UploadedFile, forget_upload
from pages.shared.widgets import MAX_MEGABYTES, segmented_choice, toast

ROWS = "the rows: one file or one folder per class"
FILES, FOLDER = "Pictures, or a zip", "A folder"


@st.dialog("Upload pictures")
def open_upload_dialog(n_way: int, k_shot: int, target: str | None = None) -> None:
    """Ask for pictures and put them into the cells that the person chooses.

    Args:
        n_way: Rows that are shown.
        k_shot: Cells of each.
        target: The cell that is chosen at first; None: the rows.
    """
    state = board_state()
    cells = [cell_name(label, shot) for label in range(n_way) for shot in range(k_shot)]
    targets = {ROWS: None, **{cell_label(name): name for name in [*cells, QUERY]}}
    start = list(targets.values()).index(target)
    key = f"into_{state.n_uploads}_{target}"
    chosen = targets[st.selectbox("Into", list(targets), start, key=key)]
    files = _file_uploader(state, into_rows=chosen is None)
    if files:
        with st.spinner("Looking for the ink …"):
            received = [Upload(file.name, file.getvalue()) for file in files]
            state.messages = place_uploads(state, received, chosen, n_way, k_shot)
        for file in files:
            forget_upload(file)
        toast(state.messages)
        state.n_uploads += 1  # a new key: the next uploader starts empty
        st.rerun()


def _file_uploader(state: BoardState, *, into_rows: bool) -> list[UploadedFile]:
    """Show the uploader, of files or of a folder; a single cell takes files only."""
    label = "PNG, JPEG, WebP or GIF; dark ink on light paper or the reverse. A photo will do."
    key = f"upload_{state.n_uploads}"
    most = MAX_FILE_BYTES // 1_000_000
    if into_rows and segmented_choice("What", (FILES, FOLDER), "upload_kind", bind=None) == FOLDER:
        return st.file_uploader(
            label,
            accept_multiple_files="directory",
            key=f"{key}_directory",
            max_upload_size=most,
        )
    return st.file_uploader(
        label, accept_multiple_files=True, key=f"{key}_True", max_upload_size=most
    )


def place_uploads(
    state: BoardState, files: Sequence[Upload], target: str | None, n_way: int, k_shot: int
) -> list[str]:
    """Put the characters in some files into a cell or the rows; return messages about bad files.

    Cells whose files cannot be used stay as they are.
    """
    files = uploads.without_system_files(files)
    try:
        if not files:
            raise PictureError("There is no picture in the folder; choose another one.")
        if len(files) > uploads.MAX_FILES:
            raise PictureError(
                f"These are {len(files)} files; choose at most {uploads.MAX_FILES} at once. "
                "Nothing was taken."
            )
        if target is None:
            return _place_in_rows(state, files, n_way, k_shot)
        if len(files) > 1:
            raise PictureError(
                f"These are {len(files)} files for one cell; choose one of them, or “{ROWS}”."
            )
        state.set_cells({target: cell_from_character(uploads.character_from_file(files[0]))})
    except PictureError as error:
        return [str(error)]
    return []


def _place_in_rows(
    state: BoardState, files: Sequence[Upload], n_way: int, k_shot: int
) -> list[str]:
    pictures, messages = [], []
    for file in files:
        if not file.is_zip:
            pictures.append(file)
            continue
        try:
            entries, bad = uploads.read_zip(file)
        except PictureError as error:
            entries, bad = [], [str(error)]
        pictures += entries
        messages += bad
    rows = uploads.group_into_rows(pictures)
    try:
        characters, bad = uploads.characters_from_rows(rows, n_way, k_shot)
    except PictureError as error:
        return [*messages, str(error)]
    changes = {}
    for label, row in enumerate(characters):
        # A row is replaced as a whole, or not at all.
        for shot in range(k_shot) if row else ():
            cell = cell_from_character(row[shot]) if shot < len(row) else Cell()
            changes[cell_name(label, shot)] = cell
    if changes:
        state.set_cells(changes)
    return messages + bad


def save_board_button(state: BoardState, n_way: int, k_shot: int) -> None:
    """Offer the board as a file."""
    st.download_button(
        "Save the board",
        # Made at the click: the query changes without this button being drawn anew.
        lambda: board_to_json(state.board(n_way, k_shot)),
        f"board-{n_way}-way-{k_shot}-shot.json",
        "application/json",
        key="save_board",
        icon=":material/download:",
        on_click="ignore",
    )


def load_board_popover(state: BoardState) -> None:
    """Offer to load a board from a file."""
    key = f"board_file_{state.n_uploads}"
    with st.popover("Load a board", icon=":material/folder_open:", key="load_board"):
        st.file_uploader(
            "A file saved with “Save the board”",
            key=key,
            max_upload_size=MAX_MEGABYTES,
            on_change=lambda: _load_board(state, st.session_state[key]),
        )
    if state.needs_redraw:
        state.needs_redraw = False
        st.rerun()  # with the sidebar, which is not part of this fragment


def _load_board(state: BoardState, file: UploadedFile | None) -> None:
    """Show the board in a file, and its N and K in the sidebar."""
    if file is None:
        return
    state.n_uploads += 1
    try:
        board = board_from_json(file.getvalue(), file.name)
    except PictureError as error:
        state.messages = [str(error)]
        return
    state.set_cells(cells_by_name(board))
    state.messages, state.needs_redraw = [], True
    st.session_state.update(n_way=board.n_way, k_shot=board.k_shot)
