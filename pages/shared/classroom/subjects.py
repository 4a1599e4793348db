"""What is handed in is about something, and a short text says what."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs

from maml_core.config import CLASS_SET_PREFIX
from maml_core.images.board import MAX_ROWS, MIN_ROWS
from maml_core.teaching.play_round import MODES
from pages.shared.link_settings import DATASET_NAMES, MAX_SEED, PARTS

_PLAY = "play"
MAX_CLASS = 2**31 - 1  # number of a class
MAX_LESSON = 999


class PlaySubject(NamedTuple):
    """A round of Play: what its questions depend on."""

    dataset: str
    part: str
    mode: str
    seed: int

    def __str__(self) -> str:
        return "|".join((_PLAY, *map(str, self)))


def play_subject(text: str) -> PlaySubject | None:
    """Return the round that a text names, as `PlaySubject` writes it; None if it names none.

    The text is a pupil's, and the round's title stands on the projector: so each part has to be
    one that the app itself offers. A zip is one visitor's and nobody else's to be shown.
    """
    kind, *parts = text.split("|")
    if kind != _PLAY or len(parts) != len(PlaySubject._fields):
        return None
    dataset, part, mode, seed = parts
    if mode not in MODES or part not in PARTS or not _is_number(seed, MAX_SEED):
        return None
    class_set = dataset.removeprefix(CLASS_SET_PREFIX)
    is_class_set = class_set != dataset and _is_number(class_set, MAX_CLASS)
    if dataset not in DATASET_NAMES and not is_class_set:
        return None
    return PlaySubject(dataset, part, mode, int(seed))


def _is_number(text: str, largest: int) -> bool:
    """Say whether a text is a number from 0 on as it is written without more digits than needed."""
    is_digits = text.isascii() and text.isdigit() and len(text) <= len(str(largest))
    return is_digits and text == str(int(text)) and int(text) <= largest


LESSON = "lessons?lesson="
AFTER = "#after"


def lesson_subject(number: int, *, after: bool = False) -> str:
    """Return what names a lesson: its link.

    Args:
        number: Which, from 1.
        after: Whether it is about what one thinks at the end.
    """
    return f"{LESSON}{number}{AFTER if after else ''}"


def lesson_number(subject: str) -> int | None:
    """Return which lesson a text names, as `lesson_subject` writes it; None if it names none.

    Written in another way it would be one more answer of the same pupil, and one that a reveal of
    the lesson does not end.
    """
    number = subject.removesuffix(AFTER).removeprefix(LESSON)
    is_lesson = subject.startswith(LESSON) and _is_number(number, MAX_LESSON)
    return int(number) if is_lesson else None


def labels_of(content: object) -> list[int | None]:
    """Return what a pupil chose in a round, as far as it is what a board sends."""
    given = content if isinstance(content, list) else []
    return [label if type(label) is int else None for label in given]


def rows_asked_for(subject: str, default: int) -> int | None:
    """Return how many rows the boards on a subject are to have; None: nobody has said it.

    Args:
        subject: The link of the drawing that a teacher has opened, 'draw?n_way=3', or another.
        default: What a link means that does not say N.
    """
    page, mark, query = subject.partition("?")
    if page != "draw" or not mark:
        return None
    said = parse_qs(query).get("n_way", [str(default)])[0]
    fits = said.isascii() and said.isdigit() and len(said) < 3
    return min(max(int(said), MIN_ROWS), MAX_ROWS) if fits else default
