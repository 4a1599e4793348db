"""A map that several visitors want is computed once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from maml_core.landscape.loss_maps import Grid, Window
from pages.landscape.grid_cache import finest_complete_grid, refine_grids

SOON = 30  # seconds; nothing here takes them unless it fails
WINDOW = Window(0.0, 0.0, 1.0)


def grid(done: bool) -> Grid:
    values = np.zeros((7, 7)) if done else np.full((7, 7), np.nan)
    return Grid(WINDOW, values, values)


class Place:
    """Where progress is drawn; remembers that it was, and ends the run if it is to."""

    def __init__(self, leave: bool = False) -> None:
        self.drawn, self.leave = threading.Event(), leave

    def progress(self, share: float, words: str) -> SimpleNamespace:
        return SimpleNamespace(progress=self.draw)

    def draw(self, share: float, words: str) -> None:
        self.drawn.set()
        if self.leave:
            raise InterruptedError


def test_who_wants_a_map_that_somebody_computes_waits_for_it() -> None:
    calls, begun, go = [], threading.Event(), threading.Event()

    def evaluate(resolution: int, known: Grid | None) -> Iterator[Grid]:
        calls.append(resolution)
        begun.set()
        yield grid(done=False)
        assert go.wait(SOON)
        yield grid(done=True)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(refine_grids, {"map": evaluate}, 7, Place())
        assert begun.wait(SOON)
        place = Place()
        second = pool.submit(refine_grids, {"map": evaluate}, 7, place)
        assert place.drawn.wait(SOON)
        assert not second.done()
        go.set()
        first.result(SOON)
        second.result(SOON)
    assert calls == [7]
    found = finest_complete_grid("map", 7)
    assert found is not None
    assert found.done == 1


def test_another_goes_on_where_somebody_has_left() -> None:
    known_by: list[Grid | None] = []

    def evaluate(resolution: int, known: Grid | None) -> Iterator[Grid]:
        known_by.append(known)
        yield grid(done=False)
        yield grid(done=True)

    with pytest.raises(InterruptedError):
        refine_grids({"left": evaluate}, 7, Place(leave=True))
    assert finest_complete_grid("left", 7) is None
    refine_grids({"left": evaluate}, 7, Place())
    assert finest_complete_grid("left", 7) is not None
    assert known_by[0] is None
    assert known_by[1] is not None, "what the first has computed"
