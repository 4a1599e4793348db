"""What a class drew as a data set: whose drawings are in it, and what changes it."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from maml_core.classroom.activities import open_activity
from maml_core.classroom.boards import NO_ACTIVITY, board_entries, board_subject, import_boards
from maml_core.classroom.drawn_set import (
    boards_of_set,
    drawn_set_edition,
    load_drawn_set,
    make_drawn_set,
    zip_boards,
)
from maml_core.classroom.hand_ins import hand_in, hand_ins_of, take_out
from maml_core.classroom.membership import (
    ClassError,
    ClassRecord,
    Pupil,
    delete_class,
    join,
    pupils_of,
    start_class,
)
from maml_core.classroom.names import NAMES
from maml_core.config import EpisodeSpec
from maml_core.data import drawn_boards
from maml_core.data.character_set import DataError
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.images.board import Board, Cell, board_to_json, cell_character
from tests.support.class_boards import board_of, cell_of, give

PEOPLE = ("red fox", "blue owl", "mint cat")


@pytest.fixture
def found(engine: Engine) -> ClassRecord:
    return start_class(engine)[0]


@pytest.fixture
def pupils(engine: Engine, found: ClassRecord) -> list[Pupil]:
    return [join(engine, found.code, name)[0] for name in PEOPLE]


def pictures(engine: Engine, found: ClassRecord, label: int) -> set[bytes]:
    data = load_drawn_set(engine, found.id)
    return {data.picture(int(number)).tobytes() for number in data.images_of(label)}


def test_each_pupil_is_a_named_drawer_of_one_picture_of_each_character(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    boards = [board_of(person, cells=1 + person) for person in range(3)]
    for pupil, board in zip(pupils, boards, strict=True):
        give(engine, pupil, board)
    assert drawn_set_edition(engine, found.id) is None
    assert make_drawn_set(engine, found.id, NO_ACTIVITY) == []
    data = load_drawn_set(engine, found.id)
    assert [str(name) for name in data.classes] == [f"Our class · {letter}" for letter in "ABC"]
    assert [data.drawer_of(number) for number in range(9)] == [*PEOPLE] * 3
    for number, pixels in enumerate(data.inputs):
        label, person = divmod(number, 3)
        drawn = cell_character(boards[person].support[label][0])
        np.testing.assert_array_equal(data.picture(number), drawn)
        assert pixels.any()


def test_support_and_query_are_by_different_hands(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    for person, pupil in enumerate(pupils):
        give(engine, pupil, board_of(person, cells=3))
    make_drawn_set(engine, found.id, NO_ACTIVITY)
    data = load_drawn_set(engine, found.id)
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    for seed in range(5):
        episode = sample_episode(pool, EpisodeSpec(3, 2, 1), seed)
        for support, query in zip(episode.support, episode.query, strict=True):
            hands = [{data.drawer_of(int(n)) for n in numbers} for numbers in (support, query)]
            assert not hands[0] & hands[1]


def test_boards_that_do_not_fit_are_left_out_with_a_sentence(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    others = [join(engine, found.code, name)[0] for name in ("pink bee", "white bat")]
    give(engine, pupils[0], board_of(0))
    give(engine, pupils[1], board_of(1))
    give(engine, pupils[2], board_of(2, rows=4))
    give(engine, others[0], Board((*board_of(3).support[:2], (Cell(),))))
    hand_in(engine, others[1], "board", NO_ACTIVITY, {"kind": "nonsense"}, 1)
    said = make_drawn_set(engine, found.id, NO_ACTIVITY)
    assert sorted(said) == [
        "The board of mint cat is left out: it has 4 rows, not 3.",
        "The board of pink bee is left out: nothing is drawn in C.",
        "The board of white bat is not a board, or a damaged one (it lacks 'version'); choose the "
        "file that “Save the board” wrote.",
    ]
    assert list(boards_of_set(engine, found.id)) == ["red fox", "blue owl"]
    with pytest.raises(ClassError, match=r"It takes 2 boards; 1 can be used\. .*not 4"):
        make_drawn_set(engine, found.id, NO_ACTIVITY, n_rows=4)
    assert list(boards_of_set(engine, found.id)) == ["red fox", "blue owl"], "as it was"


def test_a_later_board_changes_the_set_when_the_teacher_makes_it_anew(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    for person in (0, 1):
        give(engine, pupils[person], board_of(person))
    make_drawn_set(engine, found.id, NO_ACTIVITY)
    before = drawn_set_edition(engine, found.id), pictures(engine, found, 0)
    give(engine, pupils[0], board_of(5), version=2)
    give(engine, pupils[2], board_of(2))
    assert (drawn_set_edition(engine, found.id), pictures(engine, found, 0)) == before
    make_drawn_set(engine, found.id, NO_ACTIVITY)
    assert drawn_set_edition(engine, found.id) != before[0]
    assert pictures(engine, found, 0) == {
        cell_character(cell_of(person, 0, 0)).tobytes() for person in (5, 1, 2)
    }


def test_what_is_taken_out_is_out_of_the_set_at_once(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    for person, pupil in enumerate(pupils):
        give(engine, pupil, board_of(person))
    make_drawn_set(engine, found.id, NO_ACTIVITY)
    edition = drawn_set_edition(engine, found.id)
    fox, owl, _ = board_entries(engine, found.id)
    take_out(engine, found.id, fox.id)
    assert drawn_set_edition(engine, found.id) != edition
    assert load_drawn_set(engine, found.id).drawer_names == ("blue owl", "mint cat")
    take_out(engine, found.id, owl.id)
    with pytest.raises(DataError, match="has fewer than 2 boards left"):
        load_drawn_set(engine, found.id)
    for one in (fox, owl):
        take_out(engine, found.id, one.id, taken_out=False)
    assert drawn_set_edition(engine, found.id) == edition
    assert load_drawn_set(engine, found.id).drawer_names == PEOPLE


def test_each_activity_has_boards_of_its_own(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    assert board_subject(engine, found.id) == NO_ACTIVITY
    link = "draw?n_way=3&seed=1"
    open_activity(engine, found.id, "drawing", link)
    assert board_subject(engine, found.id) == link
    for person in (0, 1):
        give(engine, pupils[person], board_of(person))
        give(engine, pupils[person], board_of(person + 5), link)
    assert [one.subject for one in board_entries(engine, found.id)] == [NO_ACTIVITY, link] * 2
    make_drawn_set(engine, found.id, link)
    assert boards_of_set(engine, found.id)["red fox"] == board_of(5)
    open_activity(engine, found.id, "play", "?seed=1")
    assert board_subject(engine, found.id) == NO_ACTIVITY


def test_the_set_goes_with_its_class_and_belongs_to_no_other(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    other, _ = start_class(engine)
    for person in (0, 1):
        give(engine, pupils[person], board_of(person))
    with pytest.raises(ClassError, match="0 can be used"):
        make_drawn_set(engine, other.id, NO_ACTIVITY)
    make_drawn_set(engine, found.id, NO_ACTIVITY)
    assert drawn_set_edition(engine, other.id) is None
    assert not boards_of_set(engine, other.id)
    delete_class(engine, found.id)
    assert drawn_set_edition(engine, found.id) is None


def test_the_zip_makes_the_same_set_in_the_folder_of_drawings(
    engine: Engine, found: ClassRecord, pupils: list[Pupil], tmp_path: Path
) -> None:
    for person in (2, 0, 1):
        give(engine, pupils[person], board_of(person, cells=2))
    make_drawn_set(engine, found.id, NO_ACTIVITY)
    packed = zip_boards(boards_of_set(engine, found.id))
    zipfile.ZipFile(BytesIO(packed)).extractall(tmp_path)
    ours, theirs = load_drawn_set(engine, found.id), drawn_boards.load(tmp_path)
    np.testing.assert_array_equal(ours.inputs, theirs.inputs)
    np.testing.assert_array_equal(ours.drawers, theirs.drawers)


def test_imported_boards_have_names_of_the_list_and_nobody_is_there_for_them(
    engine: Engine, found: ClassRecord, pupils: list[Pupil]
) -> None:
    give(engine, pupils[0], board_of(0))
    files = [
        ("old.json", board_to_json(board_of(1))),
        ("again.json", board_to_json(board_of(1))),
        ("fox.json", board_to_json(board_of(0))),
        ("no board.json", b"[]"),
        ("with a query.json", board_to_json(Board(board_of(2).support, cell_of(9, 0, 0)))),
    ]
    names, refused = import_boards(engine, found, files)
    assert len(set(names)) == 2
    assert set(names) <= set(NAMES) - set(PEOPLE)
    assert [one.partition(" is")[0] for one in refused] == [
        "The class has again.json already.",
        "The class has fox.json already.",
        "no board.json",
    ]
    assert {pupil.name for pupil in pupils_of(engine, found.id)} == set(PEOPLE)
    assert not hand_ins_of(engine, found.id)[-1].content["query"]["strokes"]
    make_drawn_set(engine, found.id, NO_ACTIVITY)
    assert load_drawn_set(engine, found.id).drawer_names == ("red fox", *names)
