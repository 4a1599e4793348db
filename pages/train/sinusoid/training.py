"""Training on sinusoids while one watches: a piece of it in each rerun of a fragment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import streamlit as st

from maml_core.config import SinusoidConfig
from maml_core.figures.sinusoid import training_figure
from maml_core.figures.style import CHART_CONFIG
from maml_core.teaching import sinusoid_comparison as comparison
from maml_core.teaching.exports import history_csv
from maml_core.teaching.sinusoid_comparison import Stage
from pages.shared.widgets import choice

UPDATES = (500, 1_000, 2_000, 5_000)
REFRESH_SECONDS = 0.5  # between two reruns
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
        self._stages = comparison.train_together(self.config, EVERY)
        self._seen = time.monotonic()
        self.stage = next(self._stages)

    def go_on(self) -> None:
        """Train for a moment, to the next stage at least."""
        until = time.monotonic() + PIECE_SECONDS
        for stage in self._stages:
            self.stage = stage
            if time.monotonic() >= until:
                break
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

    def go_on(self) -> None:
        """Train for a moment if a training runs; at its end draw the page anew."""
        if self.running:
            self.running.go_on()
            if self.running.is_done:
                self.end()

    def end(self) -> None:
        """Keep what the running training has reached, and draw the page anew."""
        if self.running:
            with st.spinner("Choosing α for joint pretraining …"):
                self.trained, self.running = comparison.tuned(self.running.stage), None
        st.rerun()

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
    return comparison.load()


def training(here: Bench) -> None:
    """Draw the curves of the training that is shown, and what starts or stops one."""
    st.subheader("How they were trained", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _buttons(here)
    if here.running:
        step, steps = here.stage.step, here.running.config.meta_steps
        left = f", about {here.running.seconds_left:.0f} s to go" if step else ""
        st.progress(step / steps, f"{step:,} of {steps:,} updates{left}")
    stage = here.stage
    st.plotly_chart(
        training_figure(stage.history, stage.config.meta_steps),
        key="training_chart",
        config=CHART_CONFIG,
    )
    st.caption(_said(here))
    st.download_button(
        "The training's numbers (CSV)",
        lambda: history_csv(here.stage.history),
        "sinusoid-training.csv",
        "text/csv",
        key="history_csv",
        on_click="ignore",
    )


def _buttons(here: Bench) -> None:
    updates = choice(
        "Updates",
        UPDATES,
        "updates",
        default=SinusoidConfig().meta_steps,
        disabled=here.running is not None,
    )
    if here.running:
        if st.button("Stop", key="stop_training", icon=":material/stop:"):
            here.end()
        return
    if st.button("Train anew", key="train", type="primary", icon=":material/play_arrow:"):
        here.begin(int(updates))
        st.rerun()
    if here.trained and st.button("The recorded weights again", key="recorded_again"):
        here.trained = None
        st.rerun()


def _said(here: Bench) -> str:
    """Say how what is shown was trained, beside the paper's way."""
    stage, config = here.stage, here.stage.config
    is_live = here.running or here.trained
    whose = "Trained here and now" if is_live else "Recorded beforehand with the same code"
    of_all = f" of {config.meta_steps:,}" if stage.step < config.meta_steps else ""
    return (
        f"{whose}, seed {config.seed}: {stage.step:,}{of_all} updates of "
        f"{config.meta_batch_size} waves, β = {config.meta_lr:g} falling to 0, α = "
        f"{config.inner_lr:g}, one inner step, K = {config.k_shot}. The error is the mean over "
        f"{comparison.VALIDATION_TASKS} validation waves. Finn et al. (2017) make 70,000 updates "
        "of 25 waves, with β = 0.001."
    )
