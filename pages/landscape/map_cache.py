"""What is computed of maps: kept for all sessions, refined while the page stays usable."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from maml_core.landscape.loss_maps import SIDES, Grid

MAX_GRIDS = 256  # of at most 61 × 61 points, 60 kB each
Survey = Callable[[int, Grid | None], Iterator[Grid]]  # side, what is known


class GridStore:
    """The maps computed last, whole and begun ones; safe to share between threads."""

    def __init__(self, most: int = MAX_GRIDS) -> None:
        self._grids: OrderedDict[Hashable, Grid] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Grid | None:
        """Return a map, or None."""
        with self._lock:
            if key in self._grids:
                self._grids.move_to_end(key)
            return self._grids.get(key)

    def put(self, key: Hashable, grid: Grid) -> None:
        """Keep a map; the one that was asked for the longest ago is forgotten."""
        with self._lock:
            self._grids[key] = grid
            self._grids.move_to_end(key)
            if len(self._grids) > self._most:
                self._grids.popitem(last=False)


@st.cache_resource(show_spinner=False)
def _store() -> GridStore:
    return GridStore()


def whole(key: Hashable, most: int = SIDES[-1]) -> Grid | None:
    """Return the finest whole map of a key with at most so many points along its side."""
    for side in SIDES[::-1]:
        found = _store().get((key, side)) if side <= most else None
        if found and found.done == 1:
            return found
    return None


def next_side(keys: Iterable[Hashable], most: int) -> int | None:
    """Return the coarsest side that one of the maps still lacks, or None when all are there."""
    keys = list(keys)
    for side in (side for side in SIDES if side <= most):
        if any((found := _store().get((key, side))) is None or found.done < 1 for key in keys):
            return side
    return None


def refine(surveys: Mapping[Hashable, Survey], side: int, place: DeltaGenerator) -> None:
    """Compute the maps of one fineness, with progress; every point is kept as it comes.

    A click or Stop ends the work at the next report: it calls Streamlit each time (a loop that
    does not would go on beside the next run).

    Args:
        surveys: By key, what computes the map.
        side: Points along its side.
        place: Where the progress is drawn.
    """
    started, bar = time.monotonic(), place.progress(0.0)
    lacking = {key: survey for key, survey in surveys.items() if next_side([key], side)}
    for number, (key, survey) in enumerate(lacking.items()):
        known = _store().get((key, side)) or whole(key, side)
        for grid in survey(side, known):
            _store().put((key, side), grid)
            share = (number + grid.done) / len(lacking)
            left = (time.monotonic() - started) * (1 - share) / share if share else 0.0
            bar.progress(
                share,
                f"{side} × {side} points: {share:.0%}" + f", about {left:.0f} s to go" * (left > 2),
            )
