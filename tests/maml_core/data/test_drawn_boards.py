"""Boards of several people as a data set."""

from __future__ import annotations

import numpy as np
import pytest

from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.character_set import DataError
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.images.board import Board, Cell, board_to_json, cell_character, cell_from_strokes
from maml_core.images.tensors import character_to_tensor


def board_of(person: int, rows: int = 3, cells: int = 2) -> Board:
    """A board that nobody else draws."""

    def drawing(label: int, shot: int) -> Cell:
        end = (0.2 + 0.1 * label, 0.3 + 0.1 * shot + 0.013 * person)
        return cell_from_strokes([[(0.1, 0.1), end, (0.9, 0.5)]])

    return Board(
        tuple(tuple(drawing(label, shot) for shot in range(cells)) for label in range(rows))
    )


@pytest.fixture
def root(data_dir):
    return registry.drawings_root(data_dir)


def save(root, *boards):
    root.mkdir(parents=True, exist_ok=True)
    for board in boards:
        number = len(list(root.glob("*.json")))
        (root / f"{number}.json").write_bytes(board_to_json(board))


def test_each_board_is_a_drawer_of_the_characters_that_all_have(root):
    boards = [board_of(0), board_of(1, rows=4), board_of(2, cells=3)]
    save(root, *boards)
    data = registry.load("drawings")
    assert [str(one) for one in data.classes] == ["Drawings · A", "Drawings · B", "Drawings · C"]
    assert data.drawers.tolist() == [1, 1, 2, 2, 3, 3] * 3
    for label in range(3):
        found = {data.picture(i).tobytes() for i in data.images_of(label)}
        expected = {
            cell_character(board.support[label][shot]).tobytes()
            for board in boards
            for shot in (0, 1)
        }
        assert found == expected
    for number in range(len(data.inputs)):
        seen = character_to_tensor(data.picture(number))[0].numpy()
        np.testing.assert_allclose(data.inputs[number] / 255, seen, atol=1e-6)


def test_episodes_are_drawn_from_it(root):
    save(root, *map(board_of, range(4)))
    data = registry.load("drawings")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(3, 2, 4), seed=0)
    assert sorted(episode.classes) == [0, 1, 2]
    assert not split_classes(data, "alphabets", "train")


def is_available():
    return {one.name: one.available for one in registry.status()}["drawings"]


def test_it_takes_two(root):
    save(root, board_of(0))
    with pytest.raises(DataError, match="holds 1 boards; 2 to 200 make a data set"):
        registry.load("drawings")
    assert not is_available()
    save(root, board_of(1))
    assert is_available()
    registry.load("drawings")


def test_a_board_with_an_empty_row_is_named(root):
    save(root, board_of(0), Board((board_of(0).support[0], (Cell(), Cell()))))
    with pytest.raises(DataError, match=r"1\.json cannot be used .*no character in B"):
        registry.load("drawings")


def test_a_file_that_is_no_board_is_named_and_glyphs_stand_in(root, monkeypatch):
    save(root, board_of(0), board_of(1))
    (root / "z.json").write_text("{}")
    with pytest.raises(DataError, match=r"z\.json cannot be used .*take it out of the folder"):
        registry.load("drawings")
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 1, "n_drawers": 1, "seed": 0})
    stand_in = registry.load_or_glyphs("drawings")
    assert stand_in.name == "glyphs"
    assert "z.json" in stand_in.notice
