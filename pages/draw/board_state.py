"""The board that a person draws on: kept for the session, whatever page they go to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from maml_core.figures.style import class_letter
from maml_core.images.board import (
    MAX_CELLS,
    MAX_ROWS,
    Board,
    Cell,
    cell_character,
    cell_from_json,
    cell_from_strokes,
    cell_to_json,
)
from maml_core.images.decoding import PictureError
from pages.shared.frame.kept_work.parts import KEPT_BOARD

QUERY = "query"


def cell_name(label: int, shot: int) -> str:
    """Return the name of a cell, 'A1' for the first of the first row."""
    return f"{class_letter(label)}{shot + 1}"


def row_names(label: int, k_shot: int) -> list[str]:
    """Return the names of the cells of a class, in order."""
    return [cell_name(label, shot) for shot in range(k_shot)]


CELL_NAMES = {QUERY} | {
    cell_name(row, shot) for row in range(MAX_ROWS) for shot in range(MAX_CELLS)
}


@dataclass
class BoardState:
    """One person's cells by name, hidden ones included.

    Attributes:
        cells: What was drawn or put into them; a cell that is missing here is empty.
        backgrounds: Cells whose picture lies under the strokes, also while a cell is cleared:
            clearing can be undone.
        versions: How often each cell was changed other than by a pen.
        pen_edits: The last edit of each cell that a pad reported.
        problems: Why the strokes in a cell could not be used.
        previous_cells: What the last `set_cells` replaced.
        messages: About an upload, until the person has read them.
        n_uploads: How many uploads there were.
        needs_redraw: More of the page has changed than the part that is drawn anew.
        n_data_queries: How many queries were taken from the data set.
        query_messages: Why no query could be taken from it, until the person has read them.
    """

    cells: dict[str, Cell] = field(default_factory=dict)
    backgrounds: dict[str, Cell] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    pen_edits: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    previous_cells: dict[str, Cell] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    n_uploads: int = 0
    needs_redraw: bool = False
    n_data_queries: int = 0
    query_messages: list[str] = field(default_factory=list)

    def cell(self, name: str) -> Cell:
        """Return a cell, which may be empty."""
        return self.cells.get(name, Cell())

    def set_cells(self, changes: Mapping[str, Cell]) -> None:
        """Change cells other than by a pen; `undo` takes it back."""
        new = {name: cell for name, cell in changes.items() if cell != self.cell(name)}
        if not new:
            return  # a double click must not overwrite what the first click replaced
        self.previous_cells = {name: self.cell(name) for name in new}
        for name, cell in new.items():
            self.cells[name] = cell
            self.backgrounds[name] = cell
            self.versions[name] = self.versions.get(name, 0) + 1
            self.problems.pop(name, None)

    def undo(self) -> None:
        """Undo the last `set_cells`, or the last `undo`."""
        self.set_cells(self.previous_cells)

    def apply_pen_edits(self, ink: object) -> None:
        """Take the strokes of each cell that a pen changed, as the pads report them.

        Edits from before the last `set_cells` of a cell are outdated and ignored.
        """
        for name, edit in ink.items() if isinstance(ink, Mapping) else ():
            if name not in CELL_NAMES or not isinstance(edit, Mapping):
                continue
            outdated = edit.get("version") != self.versions.get(name, 0)
            if outdated or self.pen_edits.get(name) == edit:
                continue
            self.pen_edits[name] = edit
            below = self.backgrounds.get(name, Cell()) if edit.get("keep") else Cell()
            self.problems.pop(name, None)
            try:
                strokes = edit.get("strokes", ())
                self.cells[name] = cell_from_strokes(strokes, below.picture, below.origin)
            except PictureError as error:
                self.problems[name] = str(error)

    def problem(self, name: str) -> str:
        """Return the sentence that says why a cell cannot be used; empty when it can."""
        if name in self.problems or self.cell(name).is_empty:
            return self.problems.get(name, "")
        try:
            cell_character(self.cell(name))
        except PictureError as error:
            return str(error)
        return ""

    def has_character(self, name: str) -> bool:
        """Return whether a cell holds a character that can be used."""
        return not self.cell(name).is_empty and not self.problem(name)

    def row(self, label: int, k_shot: int) -> dict[str, Cell]:
        """Return the cells of a class by name."""
        return {name: self.cell(name) for name in row_names(label, k_shot)}

    def board(self, n_way: int, k_shot: int) -> Board:
        """Return the rows that are shown, and the query."""
        rows = [tuple(self.row(label, k_shot).values()) for label in range(n_way)]
        return Board(tuple(rows), self.cell(QUERY))

    def to_json(self) -> bytes:
        """Return all that outlives the server, for `from_json` on another one."""
        cells = {name: getattr(self, name) for name in _CELLS}
        content: dict[str, Any] = {
            kind: {name: cell_to_json(cell) for name, cell in by_name.items()}
            for kind, by_name in cells.items()
        }
        content |= {name: getattr(self, name) for name in _NUMBERS}
        return json.dumps(content).encode()

    @classmethod
    def from_json(cls, content: bytes) -> BoardState:
        """Read what `to_json` wrote; what another version wrote otherwise is left out."""
        entries = json.loads(content)
        state = cls()
        for kind in _CELLS:
            cells = entries.get(kind, {}).items()
            getattr(state, kind).update({name: cell_from_json(cell) for name, cell in cells})
        for name in _NUMBERS:
            setattr(state, name, entries.get(name, getattr(state, name)))
        return state


_CELLS = ("cells", "backgrounds", "previous_cells")
_NUMBERS = ("versions", "n_uploads", "n_data_queries")


def board_state() -> BoardState:
    """Return this session's board, which it may have begun on another server."""
    state = st.session_state
    if "board_state" not in state:
        state["board_state"] = BoardState()
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # of another version
            state["board_state"] = BoardState.from_json(state.pop(KEPT_BOARD, b"{}"))
    board: BoardState = state["board_state"]
    return board


def cells_by_name(board: Board) -> dict[str, Cell]:
    """Return all cells of a board by name, the query included."""
    cells = {
        cell_name(label, shot): cell
        for label, row in enumerate(board.support)
        for shot, cell in enumerate(row)
    }
    return {**cells, QUERY: board.query}
