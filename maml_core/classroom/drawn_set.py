"""What a class drew as a data set: kept as it was when the teacher made it.

Whoever hands in another board later changes nobody's episode; what the teacher takes out is out of
the set at once.
"""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from maml_core.classroom.boards import KIND, board_entries, board_of_content, handed_in_board
from maml_core.classroom.database import writing
from maml_core.classroom.membership import ClassError
from maml_core.classroom.tables import drawn_sets, hand_ins, pupils
from maml_core.config import CLASS_SET_PREFIX, MAX_BOARDS, MIN_BOARDS
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.drawn_boards import empty_rows, from_boards, non_empty_rows
from maml_core.images.board import Board, board_to_json
from maml_core.images.decoding import PictureError

ALPHABET = "Our class"


def make_drawn_set(
    engine: Engine, class_id: int, subject: str, n_rows: int | None = None
) -> list[str]:
    """Make a class's data set of its boards on a subject that are not taken out.

    Of each board it takes the first drawing of each row: so support and query are always by
    different hands.

    Args:
        engine: The database.
        class_id: The class.
        subject: Which boards.
        n_rows: How many rows each has to have; as most have unless given.

    Returns:
        A sentence for each board that is left out.

    Raises:
        ClassError: Too few can be used.
    """
    boards, sentences = {}, []
    for entry in board_entries(engine, class_id):
        if entry.subject != subject or entry.is_taken_out:
            continue
        try:
            boards[entry.id, entry.name] = handed_in_board(engine, entry)
        except PictureError as error:
            sentences.append(str(error))
    if n_rows is None and boards:
        n_rows = Counter(board.n_way for board in boards.values()).most_common(1)[0][0]
    content: list[dict[str, Any]] = []
    for (number, name), board in boards.items():
        fault = fault_of(board, n_rows)
        if fault:
            sentences.append(f"The board of {name} is left out: {fault}.")
        elif len(content) < MAX_BOARDS:
            rows = tuple((row[0],) for row in non_empty_rows(board))
            drawn = json.loads(board_to_json(Board(rows)))
            content.append({"hand_in": number, "name": name, "board": drawn})
    if len(content) < MIN_BOARDS:
        raise ClassError(
            " ".join([f"It takes {MIN_BOARDS} boards; {len(content)} can be used.", *sentences])
        )
    _keep(engine, class_id, content)
    return sentences


def fault_of(board: Board, n_rows: int | None) -> str:
    """Say why a board cannot be in a set whose boards have so many rows; empty: it can."""
    if n_rows is not None and board.n_way != n_rows:
        return f"it has {board.n_way} rows, not {n_rows}"
    empty = empty_rows(board)
    return f"nothing is drawn in {', '.join(empty)}" if empty else ""


def _keep(engine: Engine, class_id: int, content: list[dict[str, Any]]) -> None:
    text = json.dumps(content, sort_keys=True)
    values = {
        "class_id": class_id,
        "made_at": time.time(),
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "boards": content,
    }
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    upsert = dialect.insert(drawn_sets).values(values)
    upsert = upsert.on_conflict_do_update(index_elements=["class_id"], set_=values)
    with writing(engine).begin() as connection:
        connection.execute(upsert)


def drawn_set_edition(engine: Engine, class_id: int) -> str | None:
    """Return what says which boards a class's set is of; None: there is no set."""
    made = select(drawn_sets.c.digest).where(drawn_sets.c.class_id == class_id)
    with engine.begin() as connection:
        digest = connection.execute(made).scalar()
        if digest is None:
            return None
        taken_out = sorted(connection.scalars(_taken_out(class_id)))
    return " ".join([digest, *map(str, taken_out)])


def boards_of_set(engine: Engine, class_id: int) -> dict[str, Board]:
    """Return the boards of a class's set by their drawers' names; empty: there is no set."""
    made = select(drawn_sets.c.boards).where(drawn_sets.c.class_id == class_id)
    with engine.begin() as connection:
        content = connection.execute(made).scalar() or []
        taken_out = set(connection.scalars(_taken_out(class_id)))
    return {
        one["name"]: board_of_content(one["board"], one["name"])
        for one in content
        if one["hand_in"] not in taken_out
    }


def load_drawn_set(engine: Engine, class_id: int) -> CharacterSet:
    """Return what a class drew as a data set.

    Raises:
        DataError: There is none, or the teacher has taken out too many of its boards.
    """
    boards = boards_of_set(engine, class_id)
    if len(boards) < MIN_BOARDS:
        raise DataError(
            f"The class's data set has fewer than {MIN_BOARDS} boards left: the teacher makes it "
            "anew on the page “Class”."
        )
    rows = [board.support for board in boards.values()]
    return from_boards(f"{CLASS_SET_PREFIX}{class_id}", ALPHABET, rows, list(boards))


def zip_boards(boards: Mapping[str, Board]) -> bytes:
    """Return boards by their drawers' names as a zip of files, in the same order.

    Unpacked into the folder of the data set "drawings" they make the same set there.
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, board) in enumerate(boards.items(), 1):
            archive.writestr(f"{number:03} {name}.json", board_to_json(board))
    return buffer.getvalue()


def _taken_out(class_id: int) -> Any:
    """Select the boards of a class that its teacher has taken out."""
    return (
        select(hand_ins.c.id)
        .join(pupils, pupils.c.id == hand_ins.c.pupil_id)
        .where(pupils.c.class_id == class_id, hand_ins.c.kind == KIND, hand_ins.c.is_taken_out)
    )
