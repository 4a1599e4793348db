"""Training on sinusoids while one watches: a piece of it in each rerun of a fragment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import streamlit as st

from maml_core import regression
from maml_core.config import SinusoidConfig
from maml_core.regression import Stage

EVERY = 10  # updates between two stages
PIECE_SECONDS = 0.4  # of training in a rerun: so long a click waits
PAUSE_SECONDS = 3.0  # without a rerun: the page was left, and nothing was trained meanwhile


@dataclass
class Training:
    """A training of this session. It goes on while its page is open.

    Attributes:
        config: Its settings.
        stage: Where it is.
        seconds: How long it has taken, pauses left out.
    """

    config: SinusoidConfig
    stage: Stage = field(init=False)
    seconds: float = 0.0
    _stages: Iterator[Stage] = field(init=False)
    _seen: float = field(init=False)

    def __post_init__(self) -> None:
        self._stages = regression.train_together(self.config, EVERY)
        self._seen = time.monotonic()
        self.stage = next(self._stages)

    def go_on(self) -> None:
        """Train for a moment."""
        until = time.monotonic() + PIECE_SECONDS
        while not self.is_done and time.monotonic() < until:
            self.stage = next(self._stages)
        now = time.monotonic()
        self.seconds += min(now - self._seen, PAUSE_SECONDS)
        self._seen = now

    @property
    def is_done(self) -> bool:
        """Whether all updates are made."""
        return self.stage.step >= self.config.meta_steps

    @property
    def seconds_left(self) -> float:
        """How long it will probably take."""
        step = self.stage.step
        return self.seconds * (self.config.meta_steps - step) / step if step else 0.0


@dataclass
class Bench:
    """What this session trains and has trained.

    Attributes:
        running: The training that goes on.
        trained: The end of the last one; None: what was recorded is shown.
        number: How many were begun; each has a seed of its own.
    """

    running: Training | None = None
    trained: Stage | None = None
    number: int = 0

    def begin(self, updates: int) -> None:
        """Start a training from nothing, in place of one that may be running."""
        self.number += 1
        self.running = Training(SinusoidConfig(meta_steps=updates, seed=self.number))

    def end(self) -> None:
        """Keep what the running training has reached."""
        if self.running:
            self.trained, self.running = regression.tuned(self.running.stage), None

    @property
    def stage(self) -> Stage:
        """What is shown."""
        return self.running.stage if self.running else self.trained or recorded()


def bench() -> Bench:
    """Return this session's bench."""
    found: Bench = st.session_state.setdefault("sinusoid_bench", Bench())
    return found


@st.cache_resource(show_spinner=False)
def recorded() -> Stage:
    """Return the training that comes with the app."""
    return regression.load()
