"""Boards that nobody else draws, handed in to a class."""

from __future__ import annotations

import json

from sqlalchemy import Engine

from maml_core.classroom.boards import NO_ACTIVITY
from maml_core.classroom.hand_ins import hand_in
from maml_core.classroom.membership import Pupil
from maml_core.images.board import Board, Cell, board_to_json, cell_from_strokes


def cell_of(person: int, label: int, shot: int) -> Cell:
    """A drawing that there is once."""
    end = (0.2 + 0.1 * label, 0.3 + 0.1 * shot + 0.04 * person)
    return cell_from_strokes([[(0.1, 0.1), end, (0.9, 0.5)]])


def board_of(person: int, rows: int = 3, cells: int = 1) -> Board:
    return Board(
        tuple(tuple(cell_of(person, label, shot) for shot in range(cells)) for label in range(rows))
    )


def give(
    engine: Engine, pupil: Pupil, board: Board, subject: str = NO_ACTIVITY, version: int = 1
) -> None:
    """Hand in a board, as a browser does."""
    hand_in(engine, pupil, "board", subject, json.loads(board_to_json(board)), version)
