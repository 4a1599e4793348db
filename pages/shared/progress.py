"""The progress of a long computation: how far it is, what is left, and who else is at work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.delta_generator import DeltaGenerator

from maml_core.optimisation.fair_pool import while_waiting
from maml_core.optimisation.thread_pool import others_at_work
from pages.shared.streamlit_internals import end_if_unwanted, is_in_cached_function


class ProgressLine:
    """A progress bar with words.

    Drawing it is where a Stop, a newer run of the page or a closed tab ends the computation.

    Args:
        place: Where it is drawn.
        words: What it says before the first piece is done.
    """

    def __init__(self, place: DeltaGenerator, words: str = "") -> None:
        self._share, self._words = 0.0, words
        self._started = time.monotonic()
        self._bar = place.progress(0.0, words)

    def show(self, share: float, words: str, *, since: float = 0.0, least: float = 0.0) -> None:
        """Show how far the computation is, and how long the rest takes at its pace.

        Args:
            share: That is done, 0 to 1.
            words: Say the same.
            since: What was done when it was begun, or resumed.
            least: Seconds that go without saying.
        """
        done = share - since
        left = (time.monotonic() - self._started) * (1 - share) / done if done else 0.0
        self._share = share
        self._words = words + (f", about {duration(left)} left" if left >= least else "")
        self._draw(others_at_work())

    def _draw(self, others: int) -> None:
        if is_in_cached_function():  # what is drawn in one is drawn again when it is not run
            end_if_unwanted()
        else:
            self._bar.progress(self._share, self._words + turns(others))

    @contextmanager
    def in_turns(self) -> Iterator[None]:
        """Stay responsive while pieces of the computation wait for those of others."""
        with while_waiting(self._draw):
            yield


def turns(others: int) -> str:
    """Return what a line of progress says of other visitors' computations; empty without any."""
    if not others:
        return ""
    return f", taking turns with {others} other{'s' if others > 1 else ''}"


def duration(seconds: float) -> str:
    """Return a duration in words: whole seconds, from 100 on minutes, from 100 of them on hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"
