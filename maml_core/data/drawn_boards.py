"""Boards of several people as a data set: each is a drawer of the same characters.

Row A of one board and row A of another are one character: people agree on what to draw before they
do. The data set "drawings" is a folder of boards as the Draw page saves them
(`board.board_to_json`); those of a class lie in its database, see `classroom.drawn_set`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maml_core.config import MAX_BOARDS, MIN_BOARDS
from maml_core.data.character_set import CharacterSet, ClassName, DataError
from maml_core.images.board import Board, Cell, board_from_json, cell_character
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import SIDE
from maml_core.images.network_input import to_network_input

ALPHABET = "Drawings"
Rows = Sequence[Sequence[Cell]]  # of a board, without its empty cells


def load(root: Path) -> CharacterSet:
    """Read the boards of a folder.

    Args:
        root: Holds boards, '*.json', in the order of their names.

    Raises:
        DataError: Too few boards or too many, or one that cannot be used.
    """
    paths = sorted(root.glob("*.json"))
    if not MIN_BOARDS <= len(paths) <= MAX_BOARDS:
        raise DataError(
            f"{root} holds {len(paths)} boards; {MIN_BOARDS} to {MAX_BOARDS} make a data set: "
            "save them on the Draw page."
        )
    return from_boards("drawings", ALPHABET, [_read_board(path) for path in paths])


def from_boards(
    name: str, alphabet: str, boards: Sequence[Rows], drawer_names: Sequence[str] = ()
) -> CharacterSet:
    """Return boards as a data set.

    Args:
        name: The set's.
        alphabet: What its only alphabet is called.
        boards: Of each drawer the rows; no row is empty.
        drawer_names: What the drawers are called, likewise; empty: by their numbers.

    Returns:
        One alphabet, all of it for testing: as many characters as the board with the fewest
        rows, and of each drawer as many pictures as the row with the fewest has.
    """
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
        name=name,
        classes=tuple(ClassName(alphabet, chr(ord("A") + label)) for label in range(n_classes)),
        starts=np.arange(n_classes + 1) * len(drawers),
        drawers=np.tile(drawers, n_classes),
        inputs=np.stack([to_network_input(character) for character in characters]),
        bits=np.packbits(np.stack(characters) > 0, axis=-1),
        side=SIDE,
        evaluation_alphabets=(alphabet,),
        drawer_names=tuple(drawer_names),
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
    if empty := empty_rows(board):
        raise PictureError(
            f"The board has no character in {', '.join(empty)}; draw one in each row."
        )
    return [[cell for cell in row if not cell.is_empty] for row in board.support]


def empty_rows(board: Board) -> list[str]:
    """Return the letters of the rows in which nothing is drawn."""
    return [
        chr(ord("A") + label)
        for label, row in enumerate(board.support)
        if all(cell.is_empty for cell in row)
    ]
