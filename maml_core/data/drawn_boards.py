"""Drawings: boards that several people drew, each of them a drawer of the same characters.

Every file of the folder is a board as the Draw page saves it (`board.board_to_json`). Row A of one
board and row A of another are one character: people agree on what to draw before they do.
"""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from maml_core.config import MAX_BOARDS, MIN_BOARDS
from maml_core.data.character_set import CharacterSet, ClassName, DataError
from maml_core.data.disk_cache import written_whole
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
    boards = [_drawn(path) for path in paths]
    n_classes = min(map(len, boards))
    n_pictures = min(len(row) for rows in boards for row in rows[:n_classes])
    characters = [
        cell_character(drawing)
        for label in range(n_classes)
        for rows in boards
        for drawing in rows[label][:n_pictures]
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


def _drawn(path: Path) -> list[list[Cell]]:
    """Return the rows of a board without their empty cells."""
    try:
        return complete(board_from_json(path.read_bytes(), path.name))
    except (OSError, PictureError) as error:
        raise DataError(f"{path} cannot be used ({error}); take it out of the folder.") from error


def complete(board: Board) -> list[list[Cell]]:
    """Return the rows of a board without their empty cells.

    Raises:
        PictureError: A row is empty.
    """
    rows = [[drawing for drawing in row if not drawing.is_empty] for row in board.support]
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
        PictureError: It is no board, a row of it is empty, or there are as many as can be.
        OSError: It cannot be written.
    """
    complete(board_from_json(content, name))
    path = root / f"{hashlib.sha256(content).hexdigest()[:16]}.json"
    if not path.exists() and len(list(root.glob("*.json"))) >= MAX_BOARDS:
        raise PictureError(f"{root} holds {MAX_BOARDS} boards already; take some out.")
    with written_whole(path) as file:
        file.write(content)
    return path


def packed(root: Path) -> bytes:
    """Return all boards of a folder as a zip."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.glob("*.json")):
            archive.write(path, path.name)
    return buffer.getvalue()
