"""Training on sinusoids while one watches: a piece of it in each rerun of a fragment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import streamlit as st

from maml_core.config import SinusoidConfig
from maml_core.figures.sinusoid import training_figure
from maml_core.optimisation.outer_loop import DivergenceError
from maml_core.optimisation.thread_pool import others_at_work
from maml_core.teaching.exports.csv_exports import sinusoid_history_csv
from maml_core.teaching.exports.facts import sinusoid_facts
from maml_core.teaching.sinusoids.evaluation import VALIDATION_TASKS
from maml_core.teaching.sinusoids.training import (
    SinusoidCheckpoint,
    train_side_by_side,
    tune_baseline,
)
from maml_core.teaching.sinusoids.weights import load_checkpoint
from pages.shared.charts.chart import draw_chart
from pages.shared.frame.finding import show_caption
from pages.shared.progress import duration, turns
from pages.shared.widgets import segmented_choice

UPDATES = (500, 1_000, 2_000, 5_000)
REFRESH_SECONDS = 0.5  # between two reruns
VALIDATE_EVERY = 10  # updates between two checkpoints
PIECE_SECONDS = 0.4  # of training in a rerun: how long a click waits
PAUSE_SECONDS = 3.0  # without a rerun: the page was left, and nothing was trained in between


@dataclass
class RunningTraining:
    """A training of this session. It goes on while its page is open.

    Attributes:
        config: Its settings.
        checkpoint: How far it has come.
        seconds: How long it has taken, without pauses.
    """

    config: SinusoidConfig
    checkpoint: SinusoidCheckpoint = field(init=False)
    seconds: float = 0.0
    _checkpoints: Iterator[SinusoidCheckpoint] = field(init=False)
    _last_rerun: float = field(init=False)
    _has_ended: bool = False

    def __post_init__(self) -> None:
        self._checkpoints = train_side_by_side(self.config, VALIDATE_EVERY)
        self._last_rerun = time.monotonic()
        self.checkpoint = next(self._checkpoints)

    def advance(self) -> None:
        """Train for a moment, at least to the next checkpoint.

        Nothing ends it in between: what trains goes on in the next rerun.
        """
        until = time.monotonic() + PIECE_SECONDS
        while True:
            try:
                self.checkpoint = next(self._checkpoints)
            except (StopIteration, DivergenceError):
                self._has_ended = True
            if self.is_done or time.monotonic() >= until:
                break
        now = time.monotonic()
        self.seconds += min(now - self._last_rerun, PAUSE_SECONDS)
        self._last_rerun = now

    @property
    def is_done(self) -> bool:
        """Whether all updates have been made, or as many as it took to diverge."""
        return self._has_ended or self.checkpoint.step >= self.config.meta_steps

    @property
    def seconds_left(self) -> float:
        """An estimate of how long it will take."""
        step = self.checkpoint.step
        return self.seconds * (self.config.meta_steps - step) / step if step else 0.0


@dataclass
class SessionTraining:
    """What this session is training and has trained.

    Attributes:
        running: The training that is going on.
        trained: The end of the last one; None: the shipped one is shown.
        number: How many have been started; each has a seed of its own.
    """

    running: RunningTraining | None = None
    trained: SinusoidCheckpoint | None = None
    number: int = 0

    def start(self, updates: int) -> None:
        """Start a training from scratch, in place of one that may be running."""
        self.number += 1
        self.running = RunningTraining(SinusoidConfig(meta_steps=updates, seed=self.number))

    def advance(self) -> None:
        """Train for a moment if a training is running; at its end draw the page again."""
        if self.running:
            self.running.advance()
            if self.running.is_done:
                self.finish()

    def finish(self) -> None:
        """Keep what the running training has reached, and draw the page again."""
        if self.running:
            with st.spinner("Choosing α for multi-task training …"):
                self.trained, self.running = tune_baseline(self.running.checkpoint), None
        st.rerun()

    @property
    def checkpoint(self) -> SinusoidCheckpoint:
        """What is shown."""
        if self.running:
            return self.running.checkpoint
        return self.trained or shipped_checkpoint()


def session_training() -> SessionTraining:
    """Return this session's training."""
    session: SessionTraining = st.session_state.setdefault("sinusoid_bench", SessionTraining())
    return session


@st.cache_resource(show_spinner=False)
def shipped_checkpoint() -> SinusoidCheckpoint:
    """Return the training that comes with the app."""
    return load_checkpoint()


def draw_training_panel(session: SessionTraining) -> None:
    """Draw the curves of the training that is shown, and the buttons that start or stop one."""
    st.subheader("How they were trained", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _buttons(session)
    checkpoint = session.checkpoint
    if session.running:
        step, steps = checkpoint.step, session.running.config.meta_steps
        left = f", about {duration(session.running.seconds_left)} left" if step else ""
        st.progress(step / steps, f"{step:,} of {steps:,} updates{left}{turns(others_at_work())}")
    draw_chart(
        training_figure(checkpoint.history, checkpoint.config.meta_steps),
        "training_chart",
        "Error on validation sinusoids during meta-training",
    )
    show_caption(_caption(session), "training")
    st.download_button(
        "The training's numbers (CSV)",
        lambda: sinusoid_history_csv(
            session.checkpoint.history, sinusoid_facts(session.checkpoint.config)
        ),
        "sinusoid-training.csv",
        "text/csv",
        key="history_csv",
        on_click="ignore",
    )


def _buttons(session: SessionTraining) -> None:
    updates = segmented_choice(
        "Updates of a new training",
        UPDATES,
        "updates",
        default=SinusoidConfig().meta_steps,
        disabled=session.running is not None,
    )
    if session.running:
        if st.button("Stop", key="stop_training", icon=":material/stop:"):
            session.finish()
        return
    if st.button("Train from scratch", key="train", type="primary", icon=":material/play_arrow:"):
        session.start(int(updates))
        st.rerun()
    if session.trained and st.button("Back to the recorded weights", key="recorded_again"):
        session.trained = None
        st.rerun()


def _caption(session: SessionTraining) -> str:
    """Say how what is shown was trained, and how the paper does it."""
    checkpoint, config = session.checkpoint, session.checkpoint.config
    is_live = session.running or session.trained
    where = "Trained here and now" if is_live else "Recorded in advance with the same code"
    total = f" of {config.meta_steps:,}" if checkpoint.step < config.meta_steps else ""
    return (
        f"{where}, seed {config.seed}: {checkpoint.step:,}{total} updates of "
        f"{config.meta_batch_size} waves, β = {config.meta_lr:g} decaying to 0, α = "
        f"{config.inner_lr:g}, one inner step, K = {config.k_shot}. The error is the mean over "
        f"{VALIDATION_TASKS} validation waves. Finn et al. (2017) make 70,000 updates "
        "of 25 waves, with β = 0.001."
    )
