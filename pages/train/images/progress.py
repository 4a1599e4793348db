"""How a live training goes: its state, what can be done with it now, its curves."""

from __future__ import annotations

import streamlit as st

from maml_core.figures.style import CHART_CONFIG, STYLES
from maml_core.figures.training import points_mean, progress_figure, validation_figure
from maml_core.teaching.exports import anywhere, command, training_csv
from maml_core.training.background.queue import LiveTraining
from pages.shared import training_session
from pages.shared.learners import picker
from pages.shared.settings import dataset_in_words
from pages.train.images.controls import MODELS

REFRESH_SECONDS = 1.0
BUTTON_WIDTH = 130  # pixels
MODEL_WORDS = {name: words for words, name in MODELS.items()}
WHOSE = {
    "validation": "validation characters, which the training does not see",
    "train": "the characters that are trained on: there are too few others",
}
OUT = "runs/mine.safetensors"  # of the command


def watch(training: LiveTraining) -> None:
    """Draw how this visitor's training goes, anew each second while it does."""
    again = None if training.is_over else REFRESH_SECONDS
    st.fragment(_watch, run_every=again)(again is not None)


def _watch(was_running: bool) -> None:
    """Draw how the training goes."""
    training = training_session.mine()
    if training is None or (was_running and training.is_over):
        st.rerun()  # with the controls, which are no part of this fragment
    order, config = training.order, training.order.config
    label = STYLES[config.method].label
    words = dataset_in_words(order.dataset)
    st.subheader(
        f"{label} on {words}, {config.n_ways[0]}-way {config.k_shots[0]}-shot", anchor=False
    )
    _state(training)
    _buttons(training)
    _charts(training)
    st.caption(_what_is_drawn(training))
    _take_away(training)


def _state(training: LiveTraining) -> None:
    """Say how far it is, and what it waits for."""
    config = training.order.config
    if training.state == "failed":
        st.error(training.message, icon=":material/error:")
        return
    made = training.progress[-1].step if training.progress else 0
    text = training_session.where(training).capitalize()
    if training.state == "waiting":
        place = training_session.trainings().place(training.owner)
        text += f": number {place} in line, it starts by itself"
    elif training.state == "running" and not training.progress:
        text = "Reading the characters"
    elif training.state == "running":
        text += f", {training.updates_per_second:.1f} a second"
        text += f", about {_duration(training.seconds_left)} to go"
    st.progress(made / config.meta_steps, text)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _buttons(training: LiveTraining) -> None:
    """Draw what can be done with it now; no button moves while one reaches for it."""
    all_of_them, me = training_session.trainings(), training.owner
    with st.container(horizontal=True, vertical_alignment="center"):
        if not training.is_over:
            rests = training.state == "paused"
            st.button(  # one for both: of two, each would for a moment stand beside the other
                "Resume" if rests else "Pause",
                key="pause_training",
                icon=":material/play_arrow:" if rests else ":material/pause:",
                disabled=training.state not in ("running", "paused"),
                on_click=all_of_them.resume if rests else all_of_them.pause,
                args=(me,),
                width=BUTTON_WIDTH,
            )
            st.button(
                "Stop",
                key="stop_training",
                icon=":material/stop:",
                disabled=training.state == "stopping",
                on_click=all_of_them.stop,
                args=(me,),
                width=BUTTON_WIDTH,
            )
        if training.step and st.button(
            f"Keep what {picker.many(training.step, 'update')} made",
            key="keep_training",
            icon=":material/bookmark_add:",
            type="primary" if training.is_over else "secondary",
        ):
            picker.keep(training.weights, "this training")
            st.rerun()


def _charts(training: LiveTraining) -> None:
    config = training.order.config
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        validation_figure(training.validations, config.method, config.n_ways[0], config.meta_steps),
        key="validation_chart",
        config=CHART_CONFIG,
    )
    for name in ("loss", "gradient_norm"):
        right.plotly_chart(
            progress_figure(training.progress, name, config.method, config.meta_steps),
            key=f"training_{name}_chart",
            config=CHART_CONFIG,
        )


def _take_away(training: LiveTraining) -> None:
    """Offer the numbers so far, and the same training as a command."""
    with st.container(horizontal=True):
        st.download_button(
            "The charts' numbers (CSV)",
            lambda: training_csv(training.progress, training.validations),
            "training.csv",
            "text/csv",
            key="training_csv",
            on_click="ignore",
        )
        with st.popover("As a command", icon=":material/terminal:", key="as_command"):
            _, remark = anywhere(training.order.dataset)
            st.caption(f"The same training without this page, as long as one likes. {remark}")
            st.code(command(training.order, OUT), language=None, wrap_lines=True)


def _what_is_drawn(training: LiveTraining) -> str:
    config = training.order.config
    mean = points_mean(len(training.progress))
    text = (
        f"Accuracy: mean over 20 episodes of {WHOSE[training.order.validate_on]}, with its 95 % "
        "CI; queries are normalised together. "
        f"α = {config.inner_lr:g}, β = {config.meta_lr:g} falling to 0 along a cosine, "
        f"{picker.many(config.inner_steps, 'inner step')}, "
        f"{picker.many(config.meta_batch_size, 'task')} an update, "
        f"{MODEL_WORDS[training.order.model.get('name', 'conv4')]} from "
        f"{'the pretrained weights' if training.order.start else 'random weights'}, "
        f"seed {config.seed}."
    )
    if mean > 1:
        text += f" Each point of loss and gradient is a mean over {mean} updates."
    return text
