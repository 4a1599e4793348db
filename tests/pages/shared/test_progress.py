"""The line that says how far a long computation is; Stop and others are heard meanwhile."""

from threading import Event

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import StopException

from maml_core.optimisation import fair_pool
from maml_core.optimisation.fair_pool import FairPool
from pages.shared import progress
from pages.shared.progress import ProgressLine, duration, turns

PATIENCE = 30.0  # seconds, before a test that hangs fails


class Line:
    """Stands in for the place of a progress line."""

    def __init__(self) -> None:
        self.drawn: list[tuple[float, str]] = []
        self.stopped = False

    def progress(self, share: float, words: str) -> "Line":
        self.drawn.append((share, words))
        if self.stopped:
            raise StopException  # what a call does in a run that was stopped
        return self


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5_000, "83 min"), (518_400, "144 h")],
)
def test_durations_are_in_the_unit_that_one_can_picture(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_time_left_goes_by_the_pace_since_it_was_resumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([0.0, 10.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(progress, "others_at_work", lambda: 2)
    place = Line()
    ProgressLine(place, "Computing").show(0.75, "3 of 4", since=0.5)
    assert place.drawn == [
        (0.0, "Computing"),
        (0.75, "3 of 4, about 10 s left, taking turns with 2 others"),
    ]
    assert turns(1) == ", taking turns with 1 other"
    assert turns(0) == ""


def test_a_stop_is_heard_while_a_piece_waits_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    caller, begun, end = "other", Event(), Event()
    monkeypatch.setattr(fair_pool, "_name_caller", lambda: caller)
    monkeypatch.setattr(progress, "others_at_work", lambda: 0)
    pool, place, run = FairPool(1), Line(), list[str]()

    def hold(name: str) -> None:
        begun.set()
        assert end.wait(PATIENCE)

    line = ProgressLine(place, "0 of 2")
    with line.in_turns():
        held = pool.map(hold, ["other"])
    assert begun.wait(PATIENCE)
    caller = "stopped"
    place.stopped = True
    with pytest.raises(StopException), line.in_turns():
        list(pool.map(run.append, ["1", "2"]))
    end.set()
    list(held)
    caller = "next"
    assert list(pool.map(str, [3])) == ["3"]
    assert not run, "what was stopped did not begin"
    assert place.drawn[-1] == (0.0, "0 of 2, taking turns with 1 other")


def test_a_line_draws_nothing_into_a_cached_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "others_at_work", lambda: 0)
    place = Line()
    line = ProgressLine(place, "0 of 2")

    @st.cache_data
    def cached() -> int:
        line.show(0.5, "1 of 2")
        return 1

    assert cached() == 1
    assert place.drawn == [(0.0, "0 of 2")]
