"""The board that a person draws on: kept for the session, whatever page they go to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from maml_core.figures.style import class_letter
from maml_core.images.board import (
    MAX_CELLS,
    MAX_ROWS,
    Board,
    Cell,
    cell_character,
    cell_from_character,
    cell_from_strokes,
)
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import normalise_ink

QUERY = "query"


def cell_name(label: int, shot: int) -> str:
    """Return the name of a cell, 'A1' for the first of the first row."""
    return f"{class_letter(label)}{shot + 1}"


NAMES = {QUERY} | {cell_name(row, shot) for row in range(MAX_ROWS) for shot in range(MAX_CELLS)}


@dataclass
class Desk:
    """One person's drawings by the names of their cells, hidden ones included.

    Attributes:
        drawings: What the cells hold; a cell that is not named is empty.
        pictures: What lies under the strokes, also while a cell is cleared: clearing can be undone.
        versions: How often each cell was changed other than by a pen.
        edits: What the pads last said of each cell.
        notes: Why the pads' ink of a cell could not be used.
        before: What a change of many cells replaced.
        messages: What is to be said of an upload, until it has been read.
        uploads: How many uploads there were.
        added: Where the boards lie that were added to the data set of drawings.
        loaded: A board has just come from a file, perhaps with another N and K.
        asked: How many queries were taken from the data set.
    """

    drawings: dict[str, Cell] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    edits: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    before: dict[str, Cell] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    added: list[Path] = field(default_factory=list)
    uploads: int = 0
    loaded: bool = False
    asked: int = 0

    def drawing(self, name: str) -> Cell:
        """Return what a cell holds."""
        return self.drawings.get(name, Cell())

    def put(self, changes: Mapping[str, Cell]) -> None:
        """Change cells otherwise than by a pen; `take_back` undoes it."""
        new = {name: one for name, one in changes.items() if one != self.drawing(name)}
        if not new:
            return  # a double click is not to forget what the first changed
        self.before = {name: self.drawing(name) for name in new}
        for name, drawing in new.items():
            self.drawings[name] = drawing
            self.pictures[name] = drawing.picture
            self.versions[name] = self.versions.get(name, 0) + 1
            self.notes.pop(name, None)

    def put_pictures(self, ink: Mapping[str, np.ndarray]) -> None:
        """Put characters into cells, uint8 [height, width] each, 255 is ink.

        Brought there as all others are; one without ink is left out and said.
        """
        changes = {}
        for name, one in ink.items():
            try:
                changes[name] = cell_from_character(normalise_ink(one))
            except PictureError as error:
                self.messages.append(f"{name}: {error}")
        self.put(changes)

    def take_back(self) -> None:
        """Undo the last `put`, or the undoing."""
        self.put(self.before)

    def take(self, ink: object) -> None:
        """Take what the pads say: the strokes of each cell that a pen changed.

        What was said before a cell was last `put` is old and passed over.
        """
        for name, edit in ink.items() if isinstance(ink, Mapping) else ():
            if name not in NAMES or not isinstance(edit, Mapping) or self.edits.get(name) == edit:
                continue
            if edit.get("version") != self.versions.get(name, 0):
                continue
            self.edits[name] = edit
            picture = self.pictures.get(name, b"") if edit.get("keep") else b""
            self.notes.pop(name, None)
            try:
                self.drawings[name] = cell_from_strokes(edit.get("strokes", ()), picture)
            except PictureError as error:
                self.notes[name] = str(error)

    def note(self, name: str) -> str:
        """Return the sentence that says why a cell cannot be used; empty when it can."""
        if name in self.notes or self.drawing(name).is_empty:
            return self.notes.get(name, "")
        try:
            cell_character(self.drawing(name))
        except PictureError as error:
            return str(error)
        return ""

    def usable(self, name: str) -> bool:
        """Say whether a cell holds a character."""
        return not self.drawing(name).is_empty and not self.note(name)

    def board(self, n_way: int, k_shot: int) -> Board:
        """Return the rows that are shown, and the query."""
        rows = [
            tuple(self.drawing(cell_name(label, shot)) for shot in range(k_shot))
            for label in range(n_way)
        ]
        return Board(tuple(rows), self.drawing(QUERY))


def desk() -> Desk:
    """Return this session's desk."""
    found: Desk = st.session_state.setdefault("desk", Desk())
    return found


def cells_by_name(board: Board) -> dict[str, Cell]:
    """Return all cells of a board by their names, and the query."""
    cells = {
        cell_name(label, shot): drawing
        for label, row in enumerate(board.support)
        for shot, drawing in enumerate(row)
    }
    return {**cells, QUERY: board.query}
