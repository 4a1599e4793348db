"""The maps computed so far: shared by all sessions, refined while the page stays usable."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from maml_core.landscape.loss_maps import RESOLUTIONS, Grid
from pages.shared.progress import ProgressLine

UNSAID_SECONDS = 2.0  # so little time left goes without saying
MAX_GRIDS = 256  # of at most 61 × 61 points, 60 kB each
K = TypeVar("K", bound=Hashable)
GridEvaluator = Callable[[int, Grid | None], Iterator[Grid]]  # resolution, what is known


class GridStore:
    """The maps used last, complete or not; safe to share between threads."""

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

    A click or Stop ends the work at the next report, because that calls Streamlit (a loop that
    does not call it would keep running alongside the next run).

    Args:
        evaluators: By key, what computes the map.
        resolution: Points along its side.
        place: Where the progress is drawn.
    """
    progress = ProgressLine(place)
    lacking = {
        key: evaluate_grid
        for key, evaluate_grid in evaluators.items()
        if next_resolution([key], resolution)
    }
    with progress.in_turns():
        for number, (key, evaluate_grid) in enumerate(lacking.items()):
            known = _store().get((key, resolution)) or finest_complete_grid(key, resolution)
            for grid in evaluate_grid(resolution, known):
                _store().put((key, resolution), grid)
                share = (number + grid.done) / len(lacking)
                words = f"{resolution} × {resolution} points: {share:.0%}"
                progress.show(share, words, least=UNSAID_SECONDS)
