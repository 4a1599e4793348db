"""A board: somebody's N rows of K characters and one query, and the file that keeps it.

A cell holds strokes, or a picture that was uploaded or taken from a data set, or strokes over
such a picture. The file is JSON: strokes as points, pictures as PNG in base64; it holds no code.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from maml_core.images.decoding import PictureError, read_picture
from maml_core.images.handwriting import SIDE, Stroke, as_character, character_of, checked, draw

MIN_ROWS, MAX_ROWS = 2, 10
MIN_CELLS, MAX_CELLS = 1, 5  # of a row
KIND, VERSION = "maml-core board", 1  # raise it when the file's layout changes
MAX_BYTES = 5_000_000
MAX_POINTS = 100_000  # of a board from a file; 2 s to draw, and people put 500 into a cell
DIGITS = 4  # of a point's coordinates: a tenth of a pixel at 1,000 pixels

Strokes = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True)
class Drawing:
    """What one cell holds; empty without arguments.

    Attributes:
        strokes: Lines of points (x, y), 0 to 1, see `handwriting.Stroke`.
        picture: PNG of a character, 105x105, black ink on white, under the strokes; or empty.
    """

    strokes: Strokes = ()
    picture: bytes = b""

    @property
    def is_empty(self) -> bool:
        return not self.strokes and not self.picture


@dataclass(frozen=True)
class Board:
    """What a board's file holds.

    Attributes:
        support: A row for each class, `MIN_ROWS` to `MAX_ROWS`, each of equally many cells,
            `MIN_CELLS` to `MAX_CELLS`.
        query: The one that is asked about.

    Raises:
        ValueError: Too few or too many rows or cells, or rows of unequal length.
    """

    support: tuple[tuple[Drawing, ...], ...]
    query: Drawing = Drawing()

    def __post_init__(self) -> None:
        lengths = {len(row) for row in self.support}
        if not MIN_ROWS <= len(self.support) <= MAX_ROWS:
            raise ValueError(
                f"The board has {len(self.support)} rows; choose {MIN_ROWS} to {MAX_ROWS}."
            )
        if len(lengths) != 1 or not MIN_CELLS <= max(lengths) <= MAX_CELLS:
            raise ValueError(
                f"The board has rows of {sorted(lengths)} cells; every row needs the same, "
                f"{MIN_CELLS} to {MAX_CELLS}."
            )

    @property
    def n_way(self) -> int:
        return len(self.support)

    @property
    def k_shot(self) -> int:
        return len(self.support[0])


def drawing_of(strokes: Sequence[Stroke], picture: bytes = b"") -> Drawing:
    """Return a cell of strokes from anywhere, over a picture if one is given.

    Raises:
        PictureError: As `handwriting.checked`, but no stroke at all is an empty cell.
    """
    if not strokes:
        return Drawing((), picture)
    lines = (points.clip(0, 1).round(DIGITS) for points in checked(strokes))
    return Drawing(tuple(tuple((x, y) for x, y in line.tolist()) for line in lines), picture)


def picture_of(character: np.ndarray) -> Drawing:
    """Return a cell that holds a character, uint8 [105, 105]; 255 is ink, 0 is paper."""
    return Drawing((), as_png(255 - character))


def as_png(picture: np.ndarray) -> bytes:
    """Return a picture as PNG: uint8 [height, width], of one bit if only 0 and 255 are in it."""
    image = Image.fromarray(picture)
    buffer = BytesIO()
    (image.convert("1") if np.isin(picture, (0, 255)).all() else image).save(buffer, "PNG")
    return buffer.getvalue()


@lru_cache(maxsize=1024)  # a board has 51 cells; one changes at a time
def character_in(drawing: Drawing) -> np.ndarray:
    """Return the character that a cell holds, uint8 [105, 105], read-only; 255 is ink.

    Raises:
        PictureError: The cell is empty or its picture no character.
    """
    if not drawing.picture:
        found = character_of(drawing.strokes)
    else:
        found = _character_in_png(drawing.picture)
        if drawing.strokes:
            found = as_character(np.maximum(found, draw(drawing.strokes)))
    found.setflags(write=False)
    return found


def _character_in_png(content: bytes) -> np.ndarray:
    picture = read_picture(content, "The picture in a cell")
    if picture.size != (SIDE, SIDE):
        raise PictureError(
            f"The picture in a cell is {picture.width} × {picture.height}, not {SIDE} × {SIDE}; "
            "upload it anew."
        )
    return np.where(np.asarray(picture.convert("L")) < 128, 255, 0).astype(np.uint8)


def to_file(board: Board) -> bytes:
    """Return a board as a file."""
    rows = [[_to_json(drawing) for drawing in row] for row in board.support]
    found = {"kind": KIND, "version": VERSION, "support": rows, "query": _to_json(board.query)}
    return json.dumps(found, separators=(",", ":")).encode()


def _to_json(drawing: Drawing) -> dict[str, Any]:
    picture = {"picture": base64.b64encode(drawing.picture).decode()} if drawing.picture else {}
    return {"strokes": drawing.strokes, **picture}


def from_file(content: bytes, name: str) -> Board:
    """Read a board's file of unknown origin.

    Args:
        content: The file.
        name: What to call it in messages.

    Raises:
        PictureError: It is too large, no such file, or holds what is no drawing.
    """
    if len(content) > MAX_BYTES:
        raise PictureError(
            f"{name} has {len(content):,} bytes; a board has at most {MAX_BYTES:,}: choose the "
            "file that “Save the board” wrote."
        )
    try:
        found = json.loads(content)
        if found["kind"] != KIND or found["version"] != VERSION:
            raise ValueError("of another kind or version")
        rows = tuple(tuple(_from_json(cell) for cell in row) for row in found["support"])
        board = Board(rows, _from_json(found["query"]))
        _check_cells(board)
    except PictureError as error:
        raise PictureError(f"{name} cannot be used: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PictureError(
            f"{name} is no board, or a damaged one; choose the file that “Save the board” wrote."
        ) from error
    return board


def _check_cells(board: Board) -> None:
    points = sum(len(line) for drawing in drawings_of(board) for line in drawing.strokes)
    if points > MAX_POINTS:
        raise PictureError(f"it has {points:,} points; draw a board of at most {MAX_POINTS:,}.")
    for drawing in drawings_of(board):
        character_in(drawing)


def _from_json(cell: dict[str, Any]) -> Drawing:
    try:
        picture = base64.b64decode(cell.get("picture", ""), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    return drawing_of(cell["strokes"], picture)


def drawings_of(board: Board) -> Iterator[Drawing]:
    """Yield what is not empty on a board, the query last."""
    for row in (*board.support, (board.query,)):
        yield from (drawing for drawing in row if not drawing.is_empty)
