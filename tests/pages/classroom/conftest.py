"""A class with a teacher and pupils in a database of its own; the browser is one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from maml_core.classroom.database import open_database
from maml_core.classroom.hand_ins import hand_in
from maml_core.classroom.membership import ClassRecord, Pupil, join, start_class
from pages.shared import cached
from pages.shared.classroom import store, visitor
from pages.shared.classroom.routes import PUPIL_COOKIE, TEACHER_COOKIE
from pages.shared.classroom.subjects import PlaySubject

ROUND = PlaySubject("glyphs", "test", "5-way", 3)
NAMES = ("red fox", "blue owl", "mint cat")


@dataclass(frozen=True)
class StartedClass:
    """A class, and what its members' browsers hold."""

    record: ClassRecord
    secret: str
    pupils: list[Pupil]
    tokens: list[str]
    cookies: dict[str, str]  # of the browser

    def become_teacher(self) -> None:
        self.cookies.clear()
        self.cookies[TEACHER_COOKIE] = self.secret

    def become_pupil(self, number: int) -> None:
        self.cookies.clear()
        self.cookies[PUPIL_COOKIE] = self.tokens[number]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'classes.sqlite'}")
    monkeypatch.setattr(store, "_open", lambda: opened)
    yield opened
    opened.dispose()


@pytest.fixture
def started(database: Engine, monkeypatch: pytest.MonkeyPatch) -> StartedClass:
    """The browser is nobody's as yet."""
    cookies: dict[str, str] = {}
    monkeypatch.setattr(visitor, "cookie", cookies.get)
    record, secret = start_class(database)
    joined = [join(database, record.code, name) for name in NAMES]
    return StartedClass(
        record, secret, [one for one, _ in joined], [token for _, token in joined], cookies
    )


def play_round(database: Engine, started: StartedClass) -> list[int]:
    """Hand in a round, right by the first pupil and wrong by the second; return the truths."""
    truths = [question.truth for question in cached.questions(*ROUND)]
    hand_in(database, started.pupils[0], "play", str(ROUND), truths, 1)
    hand_in(database, started.pupils[1], "play", str(ROUND), [(t + 1) % 5 for t in truths], 1)
    return truths
