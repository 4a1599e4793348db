"""The boards of a class: handed in by its pupils, or imported from files."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select

from maml_core.classroom.activities import open_activity_of
from maml_core.classroom.hand_ins import hand_in, hand_ins_of
from maml_core.classroom.membership import ClassError, ClassRecord, join, leave, offered_names
from maml_core.classroom.tables import hand_ins, pupils
from maml_core.images.board import Board, board_from_json, board_to_json
from maml_core.images.decoding import PictureError

KIND = "board"  # of what is handed in
NO_ACTIVITY = "board"  # the subject of boards that no activity asks for


@dataclass(frozen=True)
class BoardEntry:
    """A board that was handed in, without its drawings.

    Attributes:
        id: The hand-in's number.
        name: The drawer's in the class.
        subject: The link of the activity that asked for it, or `NO_ACTIVITY`.
        version: Grows when the drawer hands in another one.
        is_taken_out: Whether the teacher does not want it shown.
    """

    id: int
    name: str
    subject: str
    version: int
    is_taken_out: bool


def board_entries(engine: Engine, class_id: int) -> list[BoardEntry]:
    """Return what boards a class has handed in, in the order in which they first came."""
    wanted = (
        select(
            hand_ins.c.id,
            pupils.c.name,
            hand_ins.c.subject,
            hand_ins.c.version,
            hand_ins.c.is_taken_out,
        )
        .join(pupils, pupils.c.id == hand_ins.c.pupil_id)
        .where(pupils.c.class_id == class_id, hand_ins.c.kind == KIND)
        .order_by(hand_ins.c.id)
    )
    with engine.begin() as connection:
        return [BoardEntry(*row) for row in connection.execute(wanted)]


def handed_in_board(engine: Engine, entry: BoardEntry) -> Board:
    """Return the board of an entry.

    Raises:
        PictureError: What was handed in is not a board, or there is none any more.
    """
    wanted = select(hand_ins.c.content).where(hand_ins.c.id == entry.id)
    with engine.begin() as connection:
        return board_of_content(connection.execute(wanted).scalar(), entry.name)


def board_of_content(content: Any, name: str) -> Board:
    """Return the board that somebody has handed in.

    Raises:
        PictureError: It is not one.
    """
    return board_from_json(json.dumps(content).encode(), f"The board of {name}")


def board_subject(engine: Engine, class_id: int) -> str:
    """Return what a board that is handed in now is about."""
    activity = open_activity_of(engine, class_id)
    return activity.link if activity and activity.kind == "drawing" else NO_ACTIVITY


def import_boards(
    engine: Engine, found: ClassRecord, files: Iterable[tuple[str, bytes]]
) -> tuple[list[str], list[str]]:
    """Put boards from files into a class, each under a free name of the list.

    They are about what the class draws now. A board that the class has on that already is passed
    over.

    Args:
        engine: The database.
        found: The class.
        files: Name and content of each, of unknown origin.

    Returns:
        The names that they got, and a sentence for each file that was not taken.
    """
    subject = board_subject(engine, found.id)
    there = set()
    for one in hand_ins_of(engine, found.id, KIND, subject):
        try:
            there.add(board_to_json(board_of_content(one.content, one.name)))
        except PictureError:
            continue
    names, sentences = [], []
    for file, content in files:
        try:
            board = board_to_json(Board(board_from_json(content, file).support))
            if board in there:
                sentences.append(f"The class has {file} already.")
                continue
            names.append(_import(engine, found, subject, json.loads(board)))
            there.add(board)
        except (PictureError, ClassError) as error:
            sentences.append(f"{file}: {error}" if isinstance(error, ClassError) else str(error))
    return names, sentences


def _import(engine: Engine, found: ClassRecord, subject: str, content: Any) -> str:
    """Hand in a board for somebody who is not there; return their name."""
    offered = offered_names(engine, found.id, random.Random())
    if not offered:
        raise ClassError("No name of the list is free in this class.")
    pupil, _ = join(engine, found.code, offered[0])
    try:
        hand_in(engine, pupil, KIND, subject, content, int(1000 * time.time()))
    finally:
        leave(engine, pupil)
    return pupil.name
