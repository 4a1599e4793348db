"""Boards, the files that keep them, and files that are none."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maml_core.images.board import (
    MAX_BYTES,
    Board,
    Cell,
    board_from_json,
    board_to_json,
    cell_character,
    cell_from_character,
    cell_from_strokes,
    encode_png,
    filled_cells,
)
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import MAX_POINTS, draw_strokes, normalise_ink, to_character

LINES = [[(0.2, 0.8), (0.5, 0.2), (0.8, 0.8)], [(0.35, 0.55), (0.65, 0.55)]]
PICTURE = normalise_ink(draw_strokes([[(0.2, 0.2), (0.8, 0.8)]]))


@pytest.fixture
def board() -> Board:
    drawn, photographed = cell_from_strokes(LINES), cell_from_character(PICTURE)
    both = cell_from_strokes(LINES, photographed.picture)
    return Board(((drawn, both), (photographed, Cell())), cell_from_strokes([[(0.5, 0.5)]]))


def test_a_board_comes_back_from_its_file_as_it_was(board):
    assert board_from_json(board_to_json(board), "board.json") == board
    assert (board.n_way, board.k_shot) == (2, 2)


def test_a_board_saved_by_the_first_version_is_read():
    """Two strokes that cross; the same over a picture of a bar; that picture; an empty cell."""
    file = Path(__file__).parent / "files" / "first_layout.board.json"
    read = board_from_json(file.read_bytes(), file.name)
    crossed = (((0.2, 0.2), (0.8, 0.8)), ((0.2, 0.8), (0.8, 0.2)))
    bar = np.zeros((105, 105), np.uint8)
    bar[40:60, 30:80] = 255
    (drawn, both), (picture, empty) = read.support
    assert drawn.strokes == both.strokes == crossed
    assert both.picture == picture.picture
    np.testing.assert_array_equal(cell_character(picture), bar)
    assert empty.is_empty
    assert read.query.strokes == (((0.5, 0.5),),)


def test_an_empty_cell_is_not_drawn_and_the_others_are(board):
    assert [one.is_empty for one in filled_cells(board)] == [False] * 4
    with pytest.raises(PictureError, match="no ink"):
        cell_character(Cell())


def test_a_cell_shows_its_strokes_its_picture_or_the_strokes_on_the_picture(board):
    (drawn, both), (photographed, _) = board.support
    np.testing.assert_array_equal(cell_character(drawn), to_character(LINES))
    np.testing.assert_array_equal(cell_character(photographed), PICTURE)
    over = normalise_ink(np.maximum(PICTURE, draw_strokes(LINES)))
    np.testing.assert_array_equal(cell_character(both), over)


def test_what_a_cell_shows_can_be_shared():
    with pytest.raises(ValueError, match="read-only"):
        cell_character(cell_from_strokes(LINES))[0, 0] = 1


def test_points_outside_are_brought_to_the_border():
    assert cell_from_strokes([[(-3, 0.25), (2, 1.5)]]).strokes == (((0.0, 0.25), (1.0, 1.0)),)


@pytest.mark.parametrize(
    "strokes", [5, [5], ["ab"], [[("a", "b")]], [[(1, 2, 3)]], [[None]], [[(float("nan"), 0)]]]
)
def test_what_is_no_line_is_refused(strokes):
    with pytest.raises(PictureError, match="draw it again"):
        cell_from_strokes(strokes)


def test_too_many_points_are_refused():
    with pytest.raises(PictureError, match=f"at most {MAX_POINTS:,}"):
        cell_from_strokes([[(0.5, 0.5)] * (MAX_POINTS + 1)])


@pytest.mark.parametrize(("rows", "cells"), [(1, 1), (11, 1), (2, 0), (2, 6)])
def test_a_board_has_its_limits(rows, cells):
    with pytest.raises(ValueError, match=r"The board has .*(choose|needs)"):
        Board(((Cell(),) * cells,) * rows)


def test_rows_of_unequal_length_are_no_board():
    with pytest.raises(ValueError, match="every row needs the same"):
        Board(((Cell(),), (Cell(), Cell())))


def changed(board: Board, **entries) -> bytes:
    return json.dumps({**json.loads(board_to_json(board)), **entries}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n",
        b"[]",
        b"null",
        b'{"kind": "maml-core board"}',
        b"[" * 100_000,
        b'{"kind": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_board_is_a_sentence(content):
    with pytest.raises(PictureError, match=r"^mine\.json is not a board.*choose the file"):
        board_from_json(content, "mine.json")


@pytest.mark.parametrize(
    "entries",
    [
        {"version": 2},
        {"kind": "other"},
        {"support": []},
        {"support": [[{"strokes": []}]]},
        {"support": 5},
        {"support": [5, 6]},
        {"query": None},
        {"query": {}},
        {"query": {"strokes": [], "picture": "%%%"}},
        {"query": {"strokes": [], "picture": 7}},
    ],
)
def test_a_damaged_board_is_a_sentence(board, entries):
    with pytest.raises(PictureError, match=r"^mine\.json is not a board"):
        board_from_json(changed(board, **entries), "mine.json")


def as_text(png: bytes) -> str:
    return base64.b64encode(png).decode()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"strokes": 7}, "not a pair of numbers"),
        ({"strokes": [[[0.5, "x"]]]}, "not a pair of numbers"),
        ({"strokes": [], "picture": as_text(b"GIF89a")}, "not a PNG, JPEG"),
        ({"strokes": [], "picture": as_text(encode_png(np.zeros((9, 9), np.uint8)))}, "9 × 9"),
        (
            {"strokes": [], "picture": as_text(encode_png(np.zeros((6_000, 5_000), np.uint8)))},
            "pixels",
        ),
    ],
)
def test_a_board_with_an_unusable_cell_is_a_sentence(board, cell, words):
    with pytest.raises(PictureError, match=rf"^mine\.json cannot be used: .*{words}"):
        board_from_json(changed(board, query=cell), "mine.json")


def test_a_board_of_too_many_points_is_not_drawn(board, monkeypatch):
    monkeypatch.setattr("maml_core.images.board.cell_character", None)  # nothing is to be drawn
    line = [[0.5, 0.5]] * 40_000
    content = changed(board, support=[[{"strokes": [line]}]] * 3)
    with pytest.raises(PictureError, match=r"mine\.json cannot be used: it has 120,001 points"):
        board_from_json(content, "mine.json")


def test_a_board_that_is_too_large_is_not_parsed():
    with pytest.raises(PictureError, match=r"5,000,001 bytes.*at most 5,000,000"):
        board_from_json(b" " * (MAX_BYTES + 1), "mine.json")


def test_pngs_are_of_one_bit_where_that_is_enough(tmp_path):
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4)
    for picture, mode in ((PICTURE, "1"), (grey, "L")):
        (tmp_path / "one.png").write_bytes(encode_png(picture))
        with Image.open(tmp_path / "one.png") as found:
            assert found.mode == mode
            np.testing.assert_array_equal(np.asarray(found.convert("L")), picture)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"support": [[{"strokes": []}]] * 11}, "The board has 11 rows; choose 2 to 10"),
        ({"version": 2}, "it says that it is a maml-core board, version 2"),
        ({"query": {}}, "it lacks 'strokes'"),
        ({"query": {"strokes": [], "picture": "%%%"}}, "picture is not base64"),
    ],
)
def test_the_reason_is_said(board, entries, reason):
    with pytest.raises(PictureError, match=rf"or a damaged one \(.*{reason}\); choose the file"):
        board_from_json(changed(board, **entries), "mine.json")


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "NaN", "Infinity", "1e999"])
def test_coordinates_without_end_are_a_sentence(board, number):
    content = changed(board, query={"strokes": [[[0.5, 7]]]}).replace(
        b"7]]]", b"%b]]]" % number.encode()
    )
    with pytest.raises(PictureError, match=r"^mine\.json cannot be used: .*not a pair of numbers"):
        board_from_json(content, "mine.json")
