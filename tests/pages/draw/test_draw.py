"""The Draw page through Streamlit's own test runner: a component's value is set by its key."""

from __future__ import annotations

import io
import re
import zipfile
from functools import partial

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from maml_core.config import EpisodeSpec
from maml_core.data.splits import split_classes
from maml_core.evaluation import open_set, single_query
from maml_core.evaluation.single_query import adapt_each, probabilities
from maml_core.images import board as board_module
from maml_core.images.board import (
    Board,
    Cell,
    board_from_json,
    board_to_json,
    cell_character,
    cell_from_strokes,
)
from maml_core.images.handwriting import normalise_ink, to_character
from maml_core.images.uploads import Upload
from maml_core.learners import checkpoints
from pages.draw import upload_dialog
from pages.draw.board_state import QUERY, BoardState
from pages.shared import cached
from pages.shared.link_settings import DEFAULTS, Settings
from tests.support import opened_page

LINES = {
    "A1": [[[0.2, 0.8], [0.5, 0.2], [0.8, 0.8]], [[0.35, 0.55], [0.65, 0.55]]],
    "B1": [[[0.3, 0.2], [0.3, 0.8], [0.7, 0.65], [0.3, 0.5]]],
    "C1": [[[0.8, 0.25], [0.4, 0.2], [0.2, 0.5], [0.4, 0.8], [0.8, 0.75]]],
}
ANOTHER_C = [[[0.5, 0.15], [0.25, 0.1], [0.12, 0.3], [0.25, 0.5], [0.5, 0.45]]]
open_page = partial(opened_page.open_page, "pages/draw/page.py")


def edit(strokes: object, version: int = 0, keep: bool = False) -> dict[str, object]:
    return {"version": version, "strokes": strokes, "keep": keep}


def say(at: AppTest, key: str, **edits: object) -> AppTest:
    """Let the pads of a key say what was drawn."""
    at.session_state[f"{key} ink"] = edits
    at.run()
    assert not at.exception
    return at


def component(at: AppTest, name: str) -> dict:
    """Return what a component was told: 'maml_drawing_pads' of the board, of the query, or bars."""
    protos = [one.proto for one in at.get("bidi_component")]
    found = [opened_page.data_of(one) for one in protos if one.component_name.endswith(name)]
    return found[-1] if name == "maml_probability_bars" else found[0]


def png(picture: np.ndarray | Image.Image) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, "PNG")
    return buffer.getvalue()


def picture_of_lines(name: str) -> bytes:
    return png(255 - to_character(LINES[name]))


def drawn_board(at: AppTest) -> AppTest:
    return say(at, "board_pads", **{name: edit(lines) for name, lines in LINES.items()})


def test_the_bars_are_what_the_engine_answers_and_stay_from_page_to_page() -> None:
    at = drawn_board(open_page(n_way="3", draw_steps="4"))
    assert "draw a query" in component(at, "maml_probability_bars")["verdict"]
    say(at, "query_pad", query=edit(ANOTHER_C))
    support = [[to_character(lines)] for lines in LINES.values()]
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained")}
    query = to_character(ANOTHER_C)
    expected = probabilities(learners, adapt_each(learners, support, 4), support, query)
    for visit in range(2):
        told = component(at, "maml_probability_bars")
        for method, found in zip(told["methods"], expected.values(), strict=True):
            np.testing.assert_allclose(method["probabilities"], found, atol=1e-4)
            assert int(np.argmax(method["probabilities"][-1])) == 2
        similarity = open_set.max_cosine_similarity(learners["maml"], support, query)
        assert f"cosine similarity {similarity:.2f}" in told["verdict"]
        assert told["foreign"] == (similarity < open_set.thresholds()[3, 1].max_cosine_similarity)
        if not visit:
            at.switch_page("pages/episodes/page.py").run()
            at.switch_page("pages/draw/page.py").run()


def test_a_scribble_that_fits_nothing_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    at = drawn_board(open_page(n_way="3"))
    monkeypatch.setattr(open_set, "max_cosine_similarity", lambda *_: 0.1)
    say(at, "query_pad", query=edit(ANOTHER_C))
    told = component(at, "maml_probability_bars")
    assert told["foreign"] is True
    assert told["verdict"].startswith("None of these (cosine similarity 0.10,")


def test_rows_that_are_empty_are_named() -> None:
    at = say(open_page(n_way="3"), "board_pads", B1=edit(LINES["B1"]))
    told = component(at, "maml_probability_bars")
    assert "Still empty: A, C." in told["verdict"]
    assert [one["probabilities"] for one in told["methods"]] == [None, None]


def test_the_same_board_is_adapted_to_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = single_query.adapt_each
    monkeypatch.setattr(cached, "adapt_each", lambda *a: calls.append(a) or real(*a))
    at = drawn_board(open_page(n_way="3"))
    for end in (0.6, 0.7, 0.8):
        say(at, "query_pad", query=edit([[[0.2, 0.2], [end, 0.7]]]))
    assert len(calls) == 1
    say(at, "board_pads", **{n: edit(s) for n, s in LINES.items()} | {"A1": edit(LINES["B1"])})
    assert len(calls) == 2


def test_filling_takes_the_episode_and_leaves_what_is_drawn() -> None:
    at = say(open_page(n_way="3"), "board_pads", B1=edit(LINES["B1"]))
    at.button(key="fill_board").click().run()
    state: BoardState = at.session_state["board_state"]
    data = cached.characters("glyphs")
    episode = next(iter(_episodes(at)))
    for label, name in ((0, "A1"), (2, "C1")):
        expected = normalise_ink(data.picture(episode.support[label, 0]))
        np.testing.assert_array_equal(cell_character(state.cell(name)), expected)
    assert state.cell("B1") == cell_from_strokes(LINES["B1"])
    at.button(key="fill_board").click().run()  # there is nothing left to fill
    at.button(key="take_back").click().run()
    assert state.cell("A1").is_empty
    at.button(key="take_back").click().run()
    assert not state.cell("A1").is_empty
    at.button(key="clear_board").click().run()
    assert all(state.cell(name).is_empty for name in LINES)


def _episodes(at: AppTest):
    spec = EpisodeSpec(at.session_state.n_way, 1, DEFAULTS["q_query"])
    yield cached.episode(Settings("glyphs", spec, DEFAULTS["seed"], "test"))


def class_of(state: BoardState, name: str) -> str:
    """Return the class whose picture a cell shows, found by comparing it with all of them."""
    data = cached.characters("glyphs")
    shown = cell_character(state.cell(name))
    for number in split_classes(data, "alphabets", "test"):
        for picture in data.images_of(number):
            if np.array_equal(normalise_ink(data.picture(picture)), shown):
                return str(data.classes[number])
    raise AssertionError(f"{name} is no picture of the data set")


def test_filling_never_puts_two_characters_into_one_row() -> None:
    at = open_page(n_way="2", k_shot="1")
    state: BoardState = at.session_state["board_state"]
    at.button(key="fill_board").click().run()
    before = class_of(state, "A1")
    at.sidebar.number_input(key="seed").set_value(17).run()
    at.sidebar.slider(key="k_shot").set_value(2).run()
    assert "Of another episode: A, B." in " ".join(one.value for one in at.caption)
    at.button(key="fill_board").click().run()
    assert class_of(state, "A1") == class_of(state, "A2") != before
    assert state.cell("A1") != state.cell("A2")
    say(at, "board_pads", B1=edit(LINES["B1"], version=state.versions["B1"]))
    at.sidebar.number_input(key="seed").set_value(18).run()
    own = {name: state.cell(name) for name in ("B1", "B2")}
    at.button(key="fill_board").click().run()
    assert {name: state.cell(name) for name in own} == own, "the row is somebody's own"


def test_filling_a_full_board_says_why_nothing_changes() -> None:
    at = open_page(n_way="2")
    for words in ("", "already holds this episode's characters"):
        at.button(key="fill_board").click().run()
        assert words in " ".join(one.value for one in at.warning)
    at = say(open_page(n_way="2"), "board_pads", A1=edit(LINES["A1"]), B1=edit(LINES["B1"]))
    at.button(key="fill_board").click().run()
    assert "Every row holds a character of your own" in at.warning[0].value


@pytest.mark.slow
def test_a_query_from_the_data_set_is_of_a_character_on_the_board() -> None:
    at = open_page(n_way="3")
    state: BoardState = at.session_state["board_state"]
    at.button(key="fill_board").click().run()
    at.sidebar.number_input(key="seed").set_value(17).run()
    classes = [class_of(state, name) for name in LINES]
    for _ in range(4):
        at.button(key="ask_from_data").click().run()
        truth = classes.index(class_of(state, QUERY))
        told = component(at, "maml_probability_bars")
        assert state.cell(QUERY) not in [state.cell(name) for name in LINES]
        assert f"It is {'ABC'[truth]}: " in told["verdict"]
    at.button(key="fill_board").click().run()
    assert state.cell(QUERY).is_empty, "its character is no longer on the board"


def test_no_query_is_taken_from_the_data_set_where_all_rows_are_ones_own() -> None:
    at = drawn_board(open_page(n_way="3"))
    at.button(key="ask_from_data").click().run()
    assert "No row of the board is a character of Glyphs" in at.warning[0].value
    assert at.session_state["board_state"].cell(QUERY).is_empty


def test_what_was_taken_from_the_data_set_is_known_again_after_loading() -> None:
    at = open_page(n_way="2")
    at.button(key="fill_board").click().run()
    saved = board_to_json(at.session_state["board_state"].board(2, 1))
    other = open_page()
    other.file_uploader[0].upload("mine.json", saved).run()
    other.button(key="ask_from_data").click().run()
    assert not other.warning
    assert not other.session_state["board_state"].cell(QUERY).is_empty


def test_a_query_from_the_data_set_is_another_one_each_time() -> None:
    at = open_page(n_way="2")
    state: BoardState = at.session_state["board_state"]
    found = []
    for _ in range(3):
        at.button(key="ask_from_data").click().run()
        found.append(state.cell(QUERY))
    assert len(set(found)) == 3
    assert not any(one.is_empty for one in found)


def test_a_board_of_more_than_ten_rows_is_cut_and_said() -> None:
    at = open_page(n_way="20", k_shot="10")
    assert [len(row["cells"]) for row in component(at, "maml_drawing_pads")["rows"]] == [5] * 10
    assert "a board has at most 10 rows of 5" in " ".join(one.value for one in at.caption)


@pytest.mark.parametrize(
    "bad",
    [
        {"A1": edit([[["x", 1]]])},
        {"A1": edit(7)},
        {"A1": edit([[[0.5, 0.5]] * 50_001])},
    ],
)
def test_ink_that_is_none_has_a_sentence_and_the_rest_stays(bad: dict[str, object]) -> None:
    at = drawn_board(open_page(n_way="3"))
    good = {name: edit(LINES[name]) for name in ("B1", "C1")}
    say(at, "board_pads", **good, **bad)
    rows = component(at, "maml_drawing_pads")["rows"]
    assert (
        "clear it" in rows[0]["cells"][0]["note"] or "draw it again" in rows[0]["cells"][0]["note"]
    )
    assert rows[1]["cells"][0]["note"] == ""
    assert "Still empty: A." in component(at, "maml_probability_bars")["verdict"]


@pytest.mark.parametrize(
    "ink", [5, [], {"Z9": edit(LINES["A1"])}, {"A1": 5}, {"A1": {}}, {"A1": edit(LINES["B1"], 7)}]
)
def test_what_no_pad_would_say_changes_nothing(ink: object) -> None:
    at = drawn_board(open_page(n_way="3"))
    before = dict(at.session_state["board_state"].cells)
    at.session_state["board_pads ink"] = ink
    at.run()
    assert not at.exception
    assert at.session_state["board_state"].cells == before


def test_uploads_fill_the_rows_and_what_is_bad_is_named() -> None:
    state = BoardState()
    state.apply_pen_edits({name: edit(lines) for name, lines in LINES.items()})
    good = picture_of_lines("C1")
    files = [Upload("a.png", good), Upload("b.txt", b"no picture"), Upload("c.png", b"")]
    said = upload_dialog.place_uploads(state, files, None, 3, 1)
    np.testing.assert_array_equal(cell_character(state.cell("A1")), to_character(good))
    assert [state.cell(name) for name in ("B1", "C1")] == [
        cell_from_strokes(LINES[name]) for name in ("B1", "C1")
    ]
    assert "b.txt (10 bytes) is not a PNG, JPEG, WebP or GIF picture" in said[0]
    assert "c.png is empty (0 bytes)" in said[1]
    assert len(said) == 2


def test_a_zip_with_a_folder_a_class_fills_the_rows() -> None:
    state = BoardState()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for folder, name in (("a", "C1"), ("b", "A1"), ("b", "B1")):
            archive.writestr(f"set/{folder}/{name}.png", picture_of_lines(name))
    said = upload_dialog.place_uploads(state, [Upload("set.zip", packed.getvalue())], None, 2, 2)
    assert said == []
    shown = {"A1": "C1", "B1": "A1", "B2": "B1"}
    for cell, name in shown.items():
        expected = to_character(picture_of_lines(name))
        np.testing.assert_array_equal(cell_character(state.cell(cell)), expected)
    assert state.cell("A2").is_empty


def test_a_folder_fills_the_rows_whatever_a_system_left_in_it() -> None:
    state = BoardState()
    files = [
        Upload("set/.DS_Store", b"x"),
        *(Upload(f"set/{folder}/0.png", picture_of_lines(name)) for folder, name in
          (("a", "C1"), ("b", "A1"))),
        *(Upload(f"set/a/._{i}.png", b"x") for i in range(60)),
    ]  # fmt: skip
    assert upload_dialog.place_uploads(state, files, None, 2, 1) == []
    assert [name for name, one in state.cells.items() if not one.is_empty] == ["A1", "B1"]
    (said,) = upload_dialog.place_uploads(state, files[:1], None, 2, 1)
    assert "There is no picture in the folder" in said


def test_too_many_classes_do_not_hide_what_was_wrong_with_a_zip() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("../up.png", "a.png", "b.png", "c.png"):
            archive.writestr(name, picture_of_lines("A1"))
    files = [Upload("set.zip", packed.getvalue())]
    said = upload_dialog.place_uploads(BoardState(), files, None, 2, 1)
    assert "../up.png in set.zip leads out of the zip" in said[0]
    assert "There are 3 classes" in said[1]


def test_the_corner_tells_the_first_sentence_as_plain_text_and_how_many_more_there_are() -> None:
    def page() -> None:
        from pages.shared.widgets import toast

        toast([])
        toast(["[Log in](https://evil.example).png is empty.", "b", "c"])

    (corner,) = AppTest.from_function(page).run().toast
    assert corner.value.endswith(".png is empty. 2 more are said on the page.")
    assert not re.search(r"(?<!\\)[][]", corner.value), "it is no link"


def test_a_photograph_of_twelve_megabytes_is_taken() -> None:
    """A phone's JPEG is as large for what it shows, a cell's line here."""
    state = BoardState()
    content = picture_of_lines("A1") + bytes(12_000_000)
    assert upload_dialog.place_uploads(state, [Upload("photo.png", content)], "A1", 2, 1) == []
    np.testing.assert_array_equal(
        cell_character(state.cell("A1")), to_character(picture_of_lines("A1"))
    )


def test_an_upload_goes_into_the_cell_it_is_for() -> None:
    state = BoardState()
    good = Upload("q.png", picture_of_lines("B1"))
    assert upload_dialog.place_uploads(state, [good], "B2", 2, 2) == []
    assert [name for name, one in state.cells.items() if not one.is_empty] == ["B2"]
    (said,) = upload_dialog.place_uploads(state, [good, good], "A1", 2, 2)
    assert "2 files for one cell" in said
    assert state.cell("A1").is_empty


def bad_files() -> dict[str, tuple[list[Upload], str]]:
    frames = [Image.new("L", (9, 9), shade) for shade in (0, 99)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(15):
            archive.writestr(f"{number}.png", bytes(4_000_000))
    climbing = io.BytesIO()
    with zipfile.ZipFile(climbing, "w") as archive:
        archive.writestr("../../climb.png", picture_of_lines("A1"))
    bomb = png(Image.new("1", (30_000, 30_000)))
    good = picture_of_lines("A1")
    return {
        "0 bytes": ([Upload("a.png", b"")], "a.png is empty (0 bytes)"),
        "no image": ([Upload("a.png", b"text")], "a.png (4 bytes) is not a PNG"),
        "a bomb": ([Upload("a.png", bomb)], "a.png has more than"),
        "animated": ([Upload("a.gif", buffer.getvalue())], "a.gif is animated (2 frames)"),
        "black": ([Upload("a.png", png(np.zeros((90, 90), np.uint8)))], "a.png shows no ink"),
        "200 files": ([Upload(f"{i}.png", good) for i in range(200)], "These are 200 files"),
        "a zip bomb": ([Upload("a.zip", packed.getvalue())], "a.zip would unpack to 60,000,000"),
        "a climbing zip": ([Upload("a.zip", climbing.getvalue())], "climb.png in a.zip leads out"),
    }


BAD_FILES = bad_files()


@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("target", [None, "A1"])
def test_bad_files_have_a_sentence_and_touch_nothing(kind: str, target: str | None) -> None:
    state = BoardState()
    state.set_cells({"A1": cell_from_strokes(LINES["A1"]), "B1": cell_from_strokes(LINES["B1"])})
    before, versions = dict(state.cells), dict(state.versions)
    files, words = BAD_FILES[kind]
    said = upload_dialog.place_uploads(state, files, target, 2, 1)
    assert len(said) == 1
    assert files[0].name in said[0] or "200 files" in said[0]
    if target is None or not files[0].is_zip:
        assert words in said[0]
    assert (state.cells, state.versions) == (before, versions)


def test_what_the_page_saves_it_loads_again() -> None:
    at = drawn_board(open_page(n_way="3"))
    say(at, "query_pad", query=edit(ANOTHER_C))
    saved = board_to_json(at.session_state["board_state"].board(3, 1))

    other = open_page()
    other.file_uploader[0].upload("mine.json", saved).run()
    assert not other.exception
    assert (other.session_state.n_way, other.session_state.k_shot) == (3, 1)
    assert board_to_json(other.session_state["board_state"].board(3, 1)) == saved
    assert component(other, "maml_probability_bars") == component(at, "maml_probability_bars")


def test_a_file_that_is_no_board_is_a_sentence_and_the_board_stays() -> None:
    at = drawn_board(open_page(n_way="3"))
    before = dict(at.session_state["board_state"].cells)
    at.file_uploader[0].upload("mine.json", b'{"kind": "maml-core board"}').run()
    assert not at.exception
    assert "mine.json is not a board" in " ".join(one.value for one in at.warning)
    assert at.session_state["board_state"].cells == before


def test_pen_edits_from_before_a_change_are_ignored() -> None:
    state = BoardState()
    state.apply_pen_edits({"A1": edit(LINES["A1"])})
    state.set_cells({"A1": cell_from_strokes(LINES["B1"])})
    state.apply_pen_edits({"A1": edit(LINES["A1"]), "B1": edit(LINES["B1"])})
    assert state.cell("A1") == cell_from_strokes(LINES["B1"])
    assert state.cell("B1") == cell_from_strokes(LINES["B1"])
    state.apply_pen_edits({"A1": edit(LINES["C1"], version=1)})
    assert state.cell("A1") == cell_from_strokes(LINES["C1"])


def test_clearing_twice_can_be_undone_all_the_same() -> None:
    state = BoardState()
    state.apply_pen_edits({"A1": edit(LINES["A1"])})
    for _ in range(2):
        state.set_cells({"A1": Cell(), "B1": Cell()})
    state.undo()
    assert state.cell("A1") == cell_from_strokes(LINES["A1"])


def test_a_picture_comes_back_when_clearing_it_is_undone() -> None:
    state = BoardState()
    shown = board_module.cell_from_character(to_character(LINES["A1"]))
    state.set_cells({"A1": shown})
    state.apply_pen_edits({"A1": edit([], version=1)})
    assert state.cell("A1") == Cell()
    state.apply_pen_edits({"A1": edit([], version=1, keep=True)})
    assert state.cell("A1") == shown


def test_a_board_has_the_cells_that_are_shown() -> None:
    state = BoardState()
    state.apply_pen_edits({name: edit(lines) for name, lines in LINES.items()})
    board = state.board(2, 1)
    assert board_from_json(board_to_json(board), "board.json") == board
    assert board == Board(((cell_from_strokes(LINES["A1"]),), (cell_from_strokes(LINES["B1"]),)))
