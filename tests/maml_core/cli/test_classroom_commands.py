"""`import-boards`: a folder of boards into the class of a code."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from benchmarks.running_app import free_port
from maml_core.classroom.boards import board_entries
from maml_core.classroom.membership import class_of_code, start_class
from maml_core.cli import commands
from maml_core.data.registry import drawings_root
from maml_core.images.board import Board, board_to_json, cell_from_strokes


def save_board(folder: Path, person: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [[(0.1, 0.1), (0.2 + 0.1 * person, height), (0.9, 0.5)] for height in (0.3, 0.6)]
    board = Board(tuple((cell_from_strokes([line]),) for line in lines))
    (folder / f"{person}.json").write_bytes(board_to_json(board))


@pytest.fixture
def code(engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """That of a class in the database that the command finds."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return start_class(engine)[0].code


def names_in(engine: Engine, code: str) -> list[str]:
    found = class_of_code(engine, code)
    assert found is not None
    return [one.name for one in board_entries(engine, found.id)]


def test_what_lies_in_the_folder_of_drawings_is_put_into_a_class_once(
    engine: Engine, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for person in range(3):
        save_board(drawings_root(), person)
    (drawings_root() / "z.json").write_text("{}")
    assert commands.main(["import-boards", f"{code[:4]} {code[4:]}".upper()]) == 0
    said = capsys.readouterr()
    first, *names = said.out.splitlines()
    assert first == "Imported 3 of 4 boards."
    assert names == names_in(engine, code)
    assert "z.json is not a board" in said.err
    assert commands.main(["import-boards", code]) == 0
    assert capsys.readouterr().out == "Imported 0 of 4 boards.\n"
    assert names_in(engine, code) == names


def test_another_folder_and_what_is_not_there(
    engine: Engine, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "boards"
    assert commands.main(["import-boards", code, "--folder", str(folder)]) == 1
    assert "There is no board, '*.json'" in capsys.readouterr().err
    save_board(folder, 1)
    assert commands.main(["import-boards", "0000 0000", "--folder", str(folder)]) == 1
    assert "No class has the code '0000 0000'" in capsys.readouterr().err
    assert commands.main(["import-boards", code, "--folder", str(folder)]) == 0
    assert len(names_in(engine, code)) == 1


def test_a_database_that_cannot_be_reached_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_board(drawings_root(), 1)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    assert commands.main(["import-boards", "0000 0000"]) == 1
    assert "The database of classes cannot be reached" in capsys.readouterr().err
