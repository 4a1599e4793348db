"""A report has what most took part in, however much one pupil hands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from maml_core.classroom.hand_ins import hand_in
from pages.classroom import report
from pages.shared.classroom.subjects import PlaySubject

if TYPE_CHECKING:
    from tests.pages.classroom.conftest import StartedClass


def test_the_rounds_that_most_played_are_reported_and_the_others_counted(
    database: Engine, started: StartedClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST", 2)
    fox, owl, _ = started.pupils
    for seed in range(4):
        subject = str(PlaySubject("glyphs", "test", "5-way", seed))
        for pupil in (fox, owl) if seed in (1, 3) else (fox,):
            hand_in(database, pupil, "play", subject, [0], 1)
    found = report.class_report(started.record)
    assert [f"Seed {seed}" in found for seed in range(4)] == [False, True, False, True]
    assert "2 more were handed in" in found
    assert report.own_report(owl).count("Play:") == 2
    assert "more were handed in" not in report.own_report(owl)
    assert "2 more were handed in" in report.own_report(fox)
