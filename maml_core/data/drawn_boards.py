"""The data set "drawings": boards of several people, each a drawer of the same characters.

Every file of the folder is a board as the Draw page saves it (`board.board_to_json`). Row A of one
board and row A of another are one character: people agree on what to draw before they do.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from maml_core.config import MAX_BOARDS, MIN_BOARDS
from maml_core.data.character_set import CharacterSet, ClassName, DataError
from maml_core.data.storage.disk_cache import atomic_write, short_digest
from maml_core.images.board import Board, Cell, board_from_json, cell_character
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import SIDE
from maml_core.images.network_input import to_network_input

ALPHABET = "Drawings"


def load(root: Path) -> CharacterSet:
    """Read the boards of a folder.

    Args:
        root: Holds boards, '*.json', in the order of their names.

    Returns:
        One alphabet, all of it for testing: as many characters as the board with the fewest
        rows, and of each drawer as many pictures as the row with the fewest has.

    Raises:
        DataError: Too few boards or too many, or one that cannot be used.
    """
    paths = sorted(root.glob("*.json"))
    if not MIN_BOARDS <= len(paths) <= MAX_BOARDS:
        raise DataError(
            f"{root} holds {len(paths)} boards; {MIN_BOARDS} to {MAX_BOARDS} make a data set: "
            "collect them on the Draw page."
        )
    boards = [_read_board(path) for path in paths]
    n_classes = min(map(len, boards))
    n_pictures = min(len(row) for rows in boards for row in rows[:n_classes])
    characters = [
        cell_character(cell)
        for label in range(n_classes)
        for rows in boards
        for cell in rows[label][:n_pictures]
    ]
    drawers = np.repeat(np.arange(1, len(boards) + 1), n_pictures)
    return CharacterSet(
        name="drawings",
        classes=tuple(ClassName(ALPHABET, chr(ord("A") + label)) for label in range(n_classes)),
        starts=np.arange(n_classes + 1) * len(drawers),
        drawers=np.tile(drawers, n_classes),
        inputs=np.stack([to_network_input(character) for character in characters]),
        bits=np.packbits(np.stack(characters) > 0, axis=-1),
        side=SIDE,
        evaluation_alphabets=(ALPHABET,),
    )


def _read_board(path: Path) -> list[list[Cell]]:
    """Return the rows of a board without their empty cells."""
    try:
        return non_empty_rows(board_from_json(path.read_bytes(), path.name))
    except (OSError, PictureError) as error:
        raise DataError(f"{path} cannot be used ({error}); take it out of the folder.") from error


def non_empty_rows(board: Board) -> list[list[Cell]]:
    """Return the rows of a board without their empty cells.

    Raises:
        PictureError: A row is empty.
    """
    rows = [[cell for cell in row if not cell.is_empty] for row in board.support]
    empty = [chr(ord("A") + label) for label, row in enumerate(rows) if not row]
    if empty:
        raise PictureError(
            f"The board has no character in {', '.join(empty)}; draw one in each row."
        )
    return rows


def add(content: bytes, name: str, root: Path) -> Path:
    """Add somebody's board to a folder; the same board twice is one.

    Args:
        content: A board's file of unknown origin.
        name: What to call it in messages; not where it is kept.
        root: The folder; made when missing.

    Raises:
        PictureError: It is not a board, a row of it is empty, or the folder is full.
        OSError: It cannot be written.
    """
    non_empty_rows(board_from_json(content, name))
    path = root / f"{short_digest(content)}.json"
    if not path.exists() and len(list(root.glob("*.json"))) >= MAX_BOARDS:
        raise PictureError(f"{root} holds {MAX_BOARDS} boards already; take some out.")
    with atomic_write(path) as file:
        file.write(content)
    return path


def zip_boards(root: Path) -> bytes:
    """Return all boards of a folder as a zip."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.glob("*.json")):
            archive.write(path, path.name)
    return buffer.getvalue()
