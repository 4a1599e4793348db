"""A board: N rows of K characters that somebody drew, one query, and the file that keeps both.

A cell holds strokes, or a picture that was uploaded or taken from a data set, or strokes over
such a picture. The file is JSON: strokes as points, pictures as PNG in base64; it holds no code.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from maml_core.images.decoding import PictureError, decode_image, flatten
from maml_core.images.handwriting import (
    SIDE,
    Stroke,
    draw_strokes,
    normalise_ink,
    to_character,
    validate_strokes,
)

MIN_ROWS, MAX_ROWS = 2, 10
MIN_CELLS, MAX_CELLS = 1, 5  # of a row
KIND, VERSION = "maml-core board", 1  # raise it when the file's layout changes
MAX_BYTES = 5_000_000
MAX_POINTS = 100_000  # of a board from a file; 2 s to draw, and people put 500 into a cell
MAX_ORIGIN = 200  # letters of a class's name
DIGITS = 4  # of a point's coordinates: a tenth of a pixel at 1,000 pixels


class BoardError(ValueError):
    """What is not a board; the message says why."""


Strokes = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True)
class Cell:
    """One cell of a board; empty without arguments.

    Attributes:
        strokes: Lines of points (x, y), 0 to 1, see `handwriting.Stroke`.
        picture: PNG of a character, 105x105, black ink on white, under the strokes; or empty.
        origin: The class of a data set that the picture was taken from; empty where it was not.
    """

    strokes: Strokes = ()
    picture: bytes = b""
    origin: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it holds neither strokes nor a picture."""
        return not self.strokes and not self.picture


@dataclass(frozen=True)
class Board:
    """What a board's file holds.

    Attributes:
        support: A row for each class, `MIN_ROWS` to `MAX_ROWS`, each of equally many cells,
            `MIN_CELLS` to `MAX_CELLS`.
        query: The character to be classified.

    Raises:
        BoardError: Too few or too many rows or cells, or rows of unequal length.
    """

    support: tuple[tuple[Cell, ...], ...]
    query: Cell = Cell()

    def __post_init__(self) -> None:
        lengths = {len(row) for row in self.support}
        if not MIN_ROWS <= len(self.support) <= MAX_ROWS:
            raise BoardError(
                f"The board has {len(self.support)} rows; choose {MIN_ROWS} to {MAX_ROWS}."
            )
        if len(lengths) != 1 or not MIN_CELLS <= max(lengths) <= MAX_CELLS:
            raise BoardError(
                f"The board has rows of {sorted(lengths)} cells; every row needs the same, "
                f"{MIN_CELLS} to {MAX_CELLS}."
            )

    @property
    def n_way(self) -> int:
        """Rows, one per class."""
        return len(self.support)

    @property
    def k_shot(self) -> int:
        """Cells of each row."""
        return len(self.support[0])


def cell_from_strokes(strokes: Sequence[Stroke], picture: bytes = b"", origin: str = "") -> Cell:
    """Return a cell of strokes that may be anything, over a picture if one is given.

    Raises:
        PictureError: As `handwriting.validate_strokes`, but no stroke at all is an empty cell.
    """
    if not strokes:
        return Cell((), picture, origin)
    lines = (points.clip(0, 1).round(DIGITS) for points in validate_strokes(strokes))
    drawn = tuple(tuple((x, y) for x, y in line.tolist()) for line in lines)
    return Cell(drawn, picture, origin)


def cell_from_character(character: np.ndarray, origin: str = "") -> Cell:
    """Return a cell that holds a character, uint8 [105, 105]; 255 is ink, 0 is paper."""
    return Cell((), encode_png(255 - character), origin)


def encode_png(picture: np.ndarray) -> bytes:
    """Return a picture as PNG: uint8 [height, width], of one bit if only 0 and 255 are in it."""
    image = Image.fromarray(picture)
    buffer = BytesIO()
    (image.convert("1") if np.isin(picture, (0, 255)).all() else image).save(buffer, "PNG")
    return buffer.getvalue()


@lru_cache(maxsize=1024)  # a board has 51 cells; one changes at a time
def cell_character(cell: Cell) -> np.ndarray:
    """Return the character that a cell holds, uint8 [105, 105], read-only; 255 is ink.

    Raises:
        PictureError: The cell is empty or its picture is not a character.
    """
    if not cell.picture:
        character = to_character(cell.strokes)
    else:
        character = _decode_cell_picture(cell.picture)
        if cell.strokes:
            character = normalise_ink(np.maximum(character, draw_strokes(cell.strokes)))
    character.setflags(write=False)
    return character


def _decode_cell_picture(content: bytes) -> np.ndarray:
    picture = decode_image(content, "The picture in a cell")
    if picture.size != (SIDE, SIDE):
        raise PictureError(
            f"The picture in a cell is {picture.width} × {picture.height}, not {SIDE} × {SIDE}; "
            "upload it anew."
        )
    return np.where(np.asarray(flatten(picture).convert("L")) < 128, 255, 0).astype(np.uint8)


def board_to_json(board: Board) -> bytes:
    """Return a board as the bytes of a JSON file."""
    rows = [[cell_to_json(cell) for cell in row] for row in board.support]
    query = cell_to_json(board.query)
    content = {"kind": KIND, "version": VERSION, "support": rows, "query": query}
    return json.dumps(content, separators=(",", ":")).encode()


def cell_to_json(cell: Cell) -> dict[str, Any]:
    """Return a cell as JSON's objects, which `cell_from_json` reads."""
    picture = {"picture": base64.b64encode(cell.picture).decode()} if cell.picture else {}
    origin = {"origin": cell.origin} if cell.origin else {}
    return {"strokes": cell.strokes, **picture, **origin}


def board_from_json(content: bytes, name: str) -> Board:
    """Read the JSON file of a board, of unknown origin.

    Args:
        content: The file.
        name: What to call it in messages.

    Raises:
        PictureError: It is too large, not such a file, or holds what is not a drawing.
    """
    if len(content) > MAX_BYTES:
        raise PictureError(
            f"{name} has {len(content):,} bytes; a board has at most {MAX_BYTES:,}: choose the "
            "file that “Save the board” wrote."
        )
    try:
        board = _board_from_entries(json.loads(content))
        _check_cells(board)
    except PictureError as error:
        raise PictureError(f"{name} cannot be used: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PictureError(
            f"{name} is not a board, or a damaged one ({_reason(error)}); choose the file that "
            "“Save the board” wrote."
        ) from error
    return board


def _board_from_entries(entries: Any) -> Board:
    kind, version = entries["kind"], entries["version"]
    if kind != KIND or version != VERSION:
        raise BoardError(f"it says that it is a {kind!s:.40}, version {version!s:.40}")
    rows = tuple(tuple(cell_from_json(cell) for cell in row) for row in entries["support"])
    return Board(rows, cell_from_json(entries["query"]))


def _reason(error: Exception) -> str:
    """Return what is wrong with a board's file, for the middle of a sentence."""
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if isinstance(error, BoardError):
        return str(error).rstrip(".")
    if isinstance(error, RecursionError):
        return "its lists are nested too deeply"
    return "it is not JSON" if isinstance(error, ValueError) else "its parts are of another kind"


def _check_cells(board: Board) -> None:
    points = sum(len(line) for cell in filled_cells(board) for line in cell.strokes)
    if points > MAX_POINTS:
        raise PictureError(f"it has {points:,} points; draw a board of at most {MAX_POINTS:,}.")
    for cell in filled_cells(board):
        cell_character(cell)


def cell_from_json(cell: Mapping[str, Any]) -> Cell:
    """Return the cell of JSON's objects, of unknown origin.

    Raises:
        BoardError: Its picture or its origin is not one.
        PictureError: As `cell_from_strokes`.
        KeyError: It has no strokes.
    """
    try:
        picture = base64.b64decode(cell.get("picture", ""), validate=True)
    except ValueError as error:
        raise BoardError("a cell's picture is not base64") from error
    origin = cell.get("origin", "")
    if not isinstance(origin, str):
        raise BoardError("a cell's origin is not a text")
    return cell_from_strokes(cell["strokes"], picture, origin[:MAX_ORIGIN])


def filled_cells(board: Board) -> Iterator[Cell]:
    """Yield the cells of a board that are not empty, the query last."""
    for row in (*board.support, (board.query,)):
        yield from (cell for cell in row if not cell.is_empty)
