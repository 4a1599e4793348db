"""The progress of a live training: its state, the buttons that control it, its charts."""

from __future__ import annotations

import streamlit as st

from maml_core.figures.style import STYLES, takes_no_step
from maml_core.figures.training import points_mean, progress_figure, validation_figure
from maml_core.methods.catalogue import BY_NAME
from maml_core.teaching.exports.csv_exports import training_csv
from maml_core.teaching.exports.experiment import portable_dataset
from maml_core.teaching.exports.facts import training_facts
from maml_core.teaching.exports.script_exports import training_command
from maml_core.teaching.sentences.training import describe_training
from maml_core.training.background.job import BackgroundTraining
from maml_core.training.background.queue import VALIDATION_EPISODES
from pages.shared.charts.chart import draw_chart
from pages.shared.frame.finding import show_finding
from pages.shared.learners import picker, training_session
from pages.shared.link_settings import dataset_label
from pages.shared.messages import show_error_text
from pages.shared.progress import duration
from pages.train.images.controls import MODELS

REFRESH_SECONDS = 1.0
BUTTON_WIDTH = 130  # pixels
MODEL_WORDS = {name: words for words, name in MODELS.items()}
VALIDATION_WORDS = {
    "validation": "validation characters, which are never trained on",
    "train": "the characters that are trained on, because there are too few others",
}
COMMAND_OUT = "runs/mine.safetensors"


def show_progress(training: BackgroundTraining) -> None:
    """Draw this visitor's training, every second until it is finished."""
    refresh = None if training.is_finished else REFRESH_SECONDS
    st.fragment(_draw, run_every=refresh)(was_running=refresh is not None)


def _draw(was_running: bool) -> None:
    training = training_session.own_training()
    if training is None or (was_running and training.is_finished):
        st.rerun()  # the whole page, as the controls are not part of this fragment
    config = training.job.config
    st.subheader(
        f"{STYLES[config.method].label} on {dataset_label(training.job.dataset)}, "
        f"{config.n_ways[0]}-way {config.k_shots[0]}-shot",
        anchor=False,
    )
    _draw_state(training)
    _draw_buttons(training)
    _draw_charts(training)
    shown = training.validations
    show_finding(
        describe_training(
            [one.step for one in shown],
            [one.accuracy for one in shown],
            [one.ci95 for one in shown],
            config.n_ways[0],
        ),
        "training",
    )
    st.caption(_chart_caption(training))
    _draw_downloads(training)


def _draw_state(training: BackgroundTraining) -> None:
    """Show how far the training is, its position in the queue, or why it failed."""
    config = training.job.config
    if training.state == "failed":
        show_error_text(training.message)
        return
    text = training_session.progress_text(training).capitalize()
    if training.state == "waiting":
        position = training_session.training_queue().position(training.owner)
        text += f": number {position} in the queue, starts automatically"
    elif training.was_left:
        text += (
            ": nobody was here for a while, or the connection was lost; Resume goes on from there"
        )
    elif training.state == "running":
        left = training.seconds_left
        rate = f", {training.updates_per_second:.1f} per second"
        text = (
            "Reading the characters"
            if left is None
            else f"{text}{rate}, about {duration(left)} left"
        )
    st.progress(training.updates_made / config.meta_steps, text)


def _draw_buttons(training: BackgroundTraining) -> None:
    """Draw the buttons that apply now; none moves while one reaches for it."""
    queue, owner = training_session.training_queue(), training.owner
    with st.container(horizontal=True, vertical_alignment="center"):
        if not training.is_finished:
            paused = training.state == "paused"
            st.button(  # one for both: with two, both would be visible for a moment
                "Resume" if paused else "Pause",
                key="pause_training",
                icon=":material/play_arrow:" if paused else ":material/pause:",
                disabled=training.state not in ("running", "paused"),
                on_click=queue.resume if paused else queue.pause,
                args=(owner,),
                width=BUTTON_WIDTH,
            )
            st.button(
                "Stop",
                key="stop_training",
                icon=":material/stop:",
                disabled=training.state == "stopping",
                on_click=queue.stop,
                args=(owner,),
                width=BUTTON_WIDTH,
            )
        if training.step and st.button(
            f"Keep the weights after {picker.count(training.step, 'update')}",
            key="keep_training",
            icon=":material/bookmark_add:",
            type="primary" if training.is_finished else "secondary",
        ):
            picker.keep(training.weights, "this training")
            st.rerun()


def _draw_charts(training: BackgroundTraining) -> None:
    config = training.job.config
    left, right = st.columns([3, 2], gap="large")
    method = STYLES[config.method].label
    with left:
        draw_chart(
            validation_figure(
                training.validations, config.method, config.n_ways[0], config.meta_steps
            ),
            "validation_chart",
            f"Validation accuracy while {method} trains",
        )
    with right:
        for name, words in (("loss", "Meta-loss"), ("gradient_norm", "Length of the gradient")):
            draw_chart(
                progress_figure(training.progress, name, config.method, config.meta_steps),
                f"training_{name}_chart",
                f"{words} while {method} trains",
            )


def _draw_downloads(training: BackgroundTraining) -> None:
    """Offer the charts' numbers, and the command that runs the same training."""
    with st.container(horizontal=True):
        st.download_button(
            "The charts' numbers (CSV)",
            lambda: training_csv(
                training.progress, training.validations, training_facts(training.job)
            ),
            "training.csv",
            "text/csv",
            key="training_csv",
            on_click="ignore",
        )
        with st.popover("As a command", icon=":material/terminal:", key="as_command"):
            _, remark = portable_dataset(training.job.dataset)
            st.caption(f"The same training without this page, for as long as you like. {remark}")
            st.code(training_command(training.job, COMMAND_OUT), language=None, wrap_lines=True)


def _chart_caption(training: BackgroundTraining) -> str:
    config = training.job.config
    updates_per_point = points_mean(len(training.progress))
    inner_loop = f"α = {config.inner_lr:g}, {picker.count(config.inner_steps, 'inner step')}"
    if BY_NAME[config.method].is_proximal:
        inner_loop += f", λ = {config.proximal:g}"
    if takes_no_step(config.method):
        inner_loop = "No inner step"
    text = (
        f"Accuracy: mean over {VALIDATION_EPISODES} episodes of "
        f"{VALIDATION_WORDS[training.job.validate_on]}, with its 95 % CI; queries are normalised "
        f"together. {inner_loop}, β = {config.meta_lr:g}, which falls to 0 along a cosine, "
        f"{picker.count(config.meta_batch_size, 'task')} per update, "
        f"{MODEL_WORDS[training.job.model.get('name', 'conv4')]} from "
        f"{'the pretrained weights' if training.job.start else 'random weights'}, "
        f"seed {config.seed}."
    )
    if updates_per_point > 1:
        text += f" Each point of the loss and gradient is a mean over {updates_per_point} updates."
    return text
