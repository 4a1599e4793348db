"""The maps computed so far: shared by all sessions, refined while the page stays usable."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from maml_core.landscape.loss_maps import RESOLUTIONS, Grid
from pages.shared.progress import ProgressLine

LOOK_SECONDS = 0.1  # at what somebody else computes
UNSAID_SECONDS = 2.0  # so little time left goes without saying
MAX_GRIDS = 256  # of at most 61 × 61 points, 60 kB each
K = TypeVar("K", bound=Hashable)
GridEvaluator = Callable[[int, Grid | None], Iterator[Grid]]  # resolution, what is known


class GridStore:
    """The maps used last, complete or not; safe to share between threads."""

    def __init__(self, most: int = MAX_GRIDS) -> None:
        self._grids: OrderedDict[Hashable, Grid] = OrderedDict()
        self._most = most
        self._begun: set[Hashable] = set()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Grid | None:
        """Return a map, or None."""
        with self._lock:
            if key in self._grids:
                self._grids.move_to_end(key)
            return self._grids.get(key)

    @contextmanager
    def alone(self, key: Hashable, while_waiting: Callable[[], None]) -> Iterator[None]:
        """Compute a map that nobody else computes meanwhile.

        Args:
            key: The map's.
            while_waiting: Called now and then while somebody else does; what it raises ends the
                wait.
        """
        while not self._begin(key):
            time.sleep(LOOK_SECONDS)
            while_waiting()
        try:
            yield
        finally:
            with self._lock:
                self._begun.discard(key)

    def _begin(self, key: Hashable) -> bool:
        with self._lock:
            is_free = key not in self._begun
            self._begun.add(key)
            return is_free

    def put(self, key: Hashable, grid: Grid) -> None:
        """Keep a map; the least recently used one is dropped."""
        with self._lock:
            self._grids[key] = grid
            self._grids.move_to_end(key)
            if len(self._grids) > self._most:
                self._grids.popitem(last=False)


@st.cache_resource(show_spinner=False)
def _store() -> GridStore:
    return GridStore()


def finest_complete_grid(key: Hashable, most: int = RESOLUTIONS[-1]) -> Grid | None:
    """Return the finest complete map of a key, at most at a given resolution."""
    for resolution in RESOLUTIONS[::-1]:
        found = _store().get((key, resolution)) if resolution <= most else None
        if found and found.done == 1:
            return found
    return None


def next_resolution(keys: Iterable[Hashable], most: int) -> int | None:
    """Return the lowest resolution that a map still lacks, or None when all are complete."""
    keys = list(keys)
    for resolution in (resolution for resolution in RESOLUTIONS if resolution <= most):
        if any(
            (found := _store().get((key, resolution))) is None or found.done < 1 for key in keys
        ):
            return resolution
    return None


def refine_grids(
    evaluators: Mapping[K, GridEvaluator], resolution: int, place: DeltaGenerator
) -> None:
    """Compute the maps at one resolution, with progress; every point is kept at once.

    Who wants a map that somebody else computes waits for it.

    A click or Stop ends the work at the next report, because that calls Streamlit (a loop that
    does not call it would keep running alongside the next run).

    Args:
        evaluators: By key, what computes the map.
        resolution: Points along its side.
        place: Where the progress is drawn.
    """
    lacking = {
        key: evaluate_grid
        for key, evaluate_grid in evaluators.items()
        if next_resolution([key], resolution)
    }
    if not lacking:
        return
    progress = ProgressLine(place)
    # The coarsest map is what a click asked for: it waits for nobody's finer one.
    with nullcontext() if resolution == RESOLUTIONS[0] else progress.in_turns():
        for number, (key, evaluate_grid) in enumerate(lacking.items()):
            show = partial(_show, progress, (key, resolution), number, len(lacking))
            with _store().alone((key, resolution), show):
                if next_resolution([key], resolution):
                    known = _store().get((key, resolution))
                    known = known or finest_complete_grid(key, resolution)
                    for grid in evaluate_grid(resolution, known):
                        _store().put((key, resolution), grid)
                        show()


def _show(progress: ProgressLine, which: tuple[Hashable, int], number: int, of: int) -> None:
    """Say how far the maps are, of which so many are complete."""
    grid = _store().get(which)
    share = (number + (grid.done if grid else 0.0)) / of
    words = f"{which[1]} × {which[1]} points: {100 * share:.0f} %"
    progress.show(share, words, least=UNSAID_SECONDS)
