"""Drawing in a class: what pupils hand in, what the teacher sees of it, and what becomes of it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from maml_core.classroom.activities import open_activity, open_activity_of
from maml_core.classroom.boards import NO_ACTIVITY, board_entries
from maml_core.classroom.drawn_set import boards_of_set
from maml_core.classroom.hand_ins import hand_in
from maml_core.images.board import Board, Cell, board_from_json, board_to_json, cell_character
from maml_core.images.uploads import Upload
from pages.classroom.drawings import GAP, board_pixels
from pages.draw import class_collection
from pages.shared.frame.class_line import LEAD
from tests.pages.classroom.conftest import NAMES, StartedClass
from tests.support.class_boards import board_of, cell_of, give
from tests.support.opened_page import data_of, open_page, run, texts

CLASS, DRAW = "pages/classroom/page.py", "pages/draw/page.py"
LINK = "draw?n_way=3&seed=0"


def draw(at: AppTest, board: Board) -> AppTest:
    """Draw a board of one cell a row, and a query."""
    cells = {f"{'ABCDE'[label]}1": row[0] for label, row in enumerate(board.support)}
    for key, drawn in (("board_pads", cells), ("query_pad", {"query": cell_of(9, 0, 0)})):
        at.session_state[f"{key} ink"] = {
            name: {"version": 0, "strokes": cell.strokes, "keep": False}
            for name, cell in drawn.items()
        }
    return run(at)


def told(at: AppTest) -> list[dict]:
    """Return what the buttons for handing in were told; there is one or none."""
    protos = [one.proto for one in at.get("bidi_component")]
    return [data_of(one) for one in protos if one.component_name.endswith("maml_hand_in_board")]


def figures(at: AppTest) -> list[str]:
    """Return the boards that the projector shows."""
    every = [one.proto.body for one in at.get("html")]
    return [body for body in every if body.startswith('<figure class="class-board">')]


def test_a_pupil_hands_in_the_board_without_the_query(
    database: Engine, started: StartedClass
) -> None:
    started.become_pupil(0)
    at = open_page(DRAW, n_way="3")
    (before,) = told(at)
    assert before["content"] is None
    assert before["note"] == "Still empty: A, B, C. Each row needs a character."
    draw(at, board_of(4))
    (said,) = told(at)
    who = {"who": started.pupils[0].id, "kind": "board", "subject": NO_ACTIVITY}
    assert said["handIn"] == who
    assert said["note"] == ""
    assert said["handed"] is None
    for board, handed in ((board_of(5), "another"), (board_of(4), "this")):
        version = 1 + (handed == "this")
        give(database, started.pupils[0], board, version=version)
        run(at)
        assert told(at)[0]["handed"] == handed, "also after a reload"
    assert board_from_json(json.dumps(said["content"]).encode(), "it") == board_of(4)
    open_activity(database, started.record.id, "drawing", "draw?n_way=4&seed=0")
    run(at)
    (asked,) = told(at)
    assert asked["handIn"]["subject"] == "draw?n_way=4&seed=0"
    assert asked["note"] == "Your class draws boards of 4 rows; yours has 3."


def test_without_a_class_the_page_says_how_to_start_one_and_keeps_boards_to_oneself(
    started: StartedClass, data_dir: Path
) -> None:
    at = draw(open_page(DRAW, n_way="3"), board_of(1))
    assert not told(at)
    assert "takes a class, which pupils join with their phones" in texts(at, "markdown")
    assert [one for one in at.get("download_button") if "save_board" in one.proto.id]
    assert not list(data_dir.glob("drawings/*"))


def test_the_teachers_board_shows_the_class_what_to_draw(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    at = draw(open_page(DRAW, n_way="3"), Board((*board_of(1).support[:2], (Cell(),))))
    at.button(key=LEAD).click()
    run(at)
    activity = open_activity_of(database, started.record.id)
    assert activity
    assert activity.kind == "drawing"
    assert [bool(one) for one in activity.settings["examples"]] == [True, True, False]
    started.become_pupil(0)
    pupil = open_page(DRAW, n_way="3")
    assert "Your teacher asks for these" in texts(pupil, "caption")
    (strip,) = [o.proto.body for o in pupil.get("html") if "board-examples" in o.proto.body[:40]]
    for source in activity.settings["examples"][:2]:
        assert source in strip
    started.cookies.clear()
    assert "Your teacher asks" not in texts(open_page(DRAW, n_way="3"), "caption")


def test_boards_are_shown_taken_out_and_made_a_data_set(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    open_activity(database, started.record.id, "drawing", LINK)
    at = open_page(CLASS)
    assert "Nobody has handed in a board yet." in texts(at, "caption")
    assert at.button(key="make_drawn_set").disabled
    for person, pupil in enumerate(started.pupils):
        board = board_of(person)
        give(database, pupil, board if person else Board((*board.support[:2], (Cell(),))), LINK)
    run(at)
    for name, shown in zip(NAMES, figures(at), strict=True):
        assert f"<figcaption>{name}</figcaption><img" in shown
    assert "nothing is drawn in C" in figures(at)[0]
    ids = [one.id for one in board_entries(database, started.record.id)]
    at.button(key=f"take_out_{ids[2]}").click()
    run(at)
    assert len(figures(at)) == 2
    assert "mint cat" not in "".join(figures(at))
    at.button(key="make_drawn_set").click()
    run(at)
    assert "It takes 2 boards; 1 can be used." in texts(at, "warning")
    assert "board of red fox is left out: nothing is drawn in C" in texts(at, "warning")
    assert at.button(key=f"take_out_{ids[2]}").label == "Put back mint cat"
    at.button(key=f"take_out_{ids[2]}").click()
    run(at)
    at.button(key="make_drawn_set").click()
    run(at)
    assert list(boards_of_set(database, started.record.id)) == ["blue owl", "mint cat"]
    assert "Our class** holds 2 boards of 3 characters" in texts(at, "caption")
    assert at.session_state.dataset == "Our class"
    at.switch_page("pages/episodes/page.py")
    run(at)
    assert at.session_state.dataset == "Our class"
    at.sidebar.selectbox(key="dataset").set_value("Glyphs").run()
    at.switch_page(CLASS)
    run(at)
    at.button(key="choose_drawn_set").click()
    run(at)
    assert at.session_state.dataset == "Our class"


def test_the_drawings_can_be_looked_at_before_the_class_sees_them(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    open_activity(database, started.record.id, "drawing", LINK)
    give(database, started.pupils[0], board_of(0), LINK)
    at = open_page(CLASS)
    assert "<img" in figures(at)[0]
    at.toggle(key="show_drawings").set_value(False)
    run(at)
    assert "red fox" in figures(at)[0]
    assert "<img" not in figures(at)[0]
    again = open_page(CLASS)
    assert "<img" not in figures(again)[0], "and so it stays, whatever page was open in between"


def test_what_a_pupil_hands_in_that_is_no_board_does_no_harm(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    open_activity(database, started.record.id, "drawing", LINK)
    hand_in(database, started.pupils[0], "board", LINK, {"kind": "<script>"}, 1)
    hand_in(database, started.pupils[1], "board", LINK, None, 1)
    give(database, started.pupils[2], board_of(0, rows=2), LINK)
    shown = figures(open_page(CLASS))
    assert "is not a board" in shown[0]
    assert "is not a board" in shown[1]
    assert "it has 2 rows, not 3" in shown[2]
    assert not any("<script" in one for one in shown)


def test_a_board_is_shown_with_a_column_for_each_character() -> None:
    board = board_of(0, rows=2, cells=2)
    pixels = board_pixels(board)
    side = 105
    assert pixels.shape == (2 * side + GAP, 2 * side + GAP)
    lower_right = 255 - pixels[-side:, -side:]
    np.testing.assert_array_equal(lower_right, cell_character(board.support[1][1]))


def test_a_teacher_adds_files_and_a_zip_of_them(database: Engine, started: StartedClass) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("anna.json", board_to_json(board_of(1)))
        archive.writestr("../ben.json", board_to_json(board_of(2)))
        archive.writestr("d.json", b"{}")
    files = [Upload("one.json", board_to_json(board_of(0))), Upload("all.zip", packed.getvalue())]
    said = class_collection.add_boards(started.record, files)
    entries = board_entries(database, started.record.id)
    assert said[0] == f"Added to the class: {', '.join(one.name for one in entries)}."
    assert len(entries) == 2
    assert [one.split()[0] for one in said[1:]] == ["../ben.json", "d.json"]


def test_the_projector_shows_the_newest_drawing_and_nothing_that_nobody_asked_for(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    first, second = (f"draw?n_way=3&seed={seed}" for seed in (1, 2))
    for link in (first, second, first):
        open_activity(database, started.record.id, "drawing", link)
    for number, subject in enumerate((first, second, NO_ACTIVITY, "draw?n_way=2&seed=9")):
        give(database, started.pupils[number % 3], board_of(number), subject)
    at = open_page(CLASS)
    choice = at.selectbox(key="class_drawing")
    assert choice.options == ["1: at everybody's own pace", "2: 3 characters", "3: 3 characters"]
    assert choice.value == first, "opened last"
    assert "red fox" in "".join(figures(at))
