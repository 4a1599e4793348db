"""Two drawn boards as a data set: every page takes an episode that they can give."""

from __future__ import annotations

from pathlib import Path

import pytest

from maml_core.data.registry import drawings_root
from maml_core.images.board import Board, board_to_json, cell_from_strokes
from tests.support.opened_page import open_page, texts

PAGES = ("adapt", "draw", "episodes", "evaluate", "inside", "landscape")
SHAPE = ("n_way", "k_shot", "q_query")


@pytest.fixture(autouse=True)
def two_boards(data_dir: Path) -> None:
    """Two people's boards of three characters."""
    drawings_root().mkdir(parents=True)
    for number in range(2):
        rows = [[[0.2, 0.2], [0.8, 0.3 * row + 0.1], [0.4, 0.6 + 0.1 * number]] for row in range(3)]
        board = Board(tuple((cell_from_strokes([strokes]),) for strokes in rows))
        (drawings_root() / f"{number}.json").write_bytes(board_to_json(board))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opened_on_two_boards_has_an_episode_of_theirs(page: str) -> None:
    at = open_page(f"pages/{page}/page.py", dataset="Drawings", n_way="5", k_shot="2", q_query="10")
    assert not at.error, at.error[0].value
    assert not at.warning
    assert [at.session_state[key] for key in SHAPE] == [3, 1, 1]


def test_choosing_the_boards_sets_the_shape_once_and_larger_values_can_be_tried() -> None:
    at = open_page("pages/episodes/page.py", k_shot="3")
    at.sidebar.selectbox(key="dataset").set_value("Drawings").run()
    assert [at.session_state[key] for key in SHAPE] == [3, 1, 1]
    assert "3 characters, 2 pictures of each" in texts(at.sidebar, "caption")
    at.sidebar.slider(key="n_way").set_value(4).run()
    assert at.session_state.n_way == 4
    assert "lower “N-way: classes”" in at.error[0].value
    at.sidebar.selectbox(key="dataset").set_value("Glyphs").run()
    assert not at.error, at.error[0].value
    assert at.session_state.n_way == 4


def test_play_says_what_a_round_takes_of_these_characters() -> None:
    at = open_page("pages/play/page.py", dataset="Drawings", mode="20-way")
    assert "“20-way” takes 20 characters, and here there are 3." in at.error[0].value
    at.segmented_control(key="mode").set_value("5-way").run()
    assert "“5-way” takes 5 characters, and here there are 3." in at.error[0].value
    at.sidebar.selectbox(key="dataset").set_value("Glyphs").run()
    assert not at.exception
    assert not at.error
