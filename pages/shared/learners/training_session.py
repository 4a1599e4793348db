"""This visitor's background training: it continues while they move from page to page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from maml_core.training.background.job import BackgroundTraining, TrainingJob
from maml_core.training.background.queue import TrainingQueue
from pages.shared.streamlit_internals import is_connected, session_id

REFRESH_SECONDS = 2.0  # of the sidebar's link


# Drawn before the page: like the sidebar, it imports no torch.
@st.cache_resource(show_spinner=False)
def training_queue() -> TrainingQueue:
    """Return the server's queue, which holds the trainings of all visitors."""
    return TrainingQueue()


def own_training() -> BackgroundTraining | None:
    """Return this visitor's training, finished or not; None if they have started none."""
    return training_queue().training_of(session_id())


def take_over(former: str) -> None:
    """Give this session the training of one that has left, as which the visitor has come back."""
    owner = session_id()
    training_queue().hand_over(former, owner, lambda: is_connected(owner))


def take_over_parts(parts: Mapping[str, bytes]) -> str:
    """Give this session the training that it had on another server; say what it has lost.

    Args:
        parts: What `BackgroundTraining.to_parts` gave there.

    Returns:
        A sentence; empty where nothing is lost.
    """
    owner = session_id()
    training = BackgroundTraining.from_parts(parts, owner, lambda: is_connected(owner))
    if training is None:
        return ""
    training_queue().adopt(training)
    if not training.was_interrupted:
        return ""
    remedy = {
        "paused": "Resume on Train goes on from the last pause.",
        "stopped": f"The weights after {training.step:,} updates can be kept on Train.",
    }.get(training.state, "Start it again on Train.")
    return f"Your training was interrupted: its server has ended. {remedy}"


def start(job: TrainingJob) -> None:
    """Queue a training for this visitor; it is paused soon after their tab is closed."""
    owner = session_id()
    training_queue().start(owner, job, lambda: is_connected(owner))


def progress_text(training: BackgroundTraining) -> str:
    """Return a training's state and how many of its updates are made."""
    steps = training.job.config.meta_steps
    return f"{training.state}, update {training.updates_made:,} of {steps:,}"


def _link_text(training: BackgroundTraining) -> str:
    if training.state in ("running", "stopping"):
        return f"Training: {training.updates_made:,} of {training.job.config.meta_steps:,}"
    return f"Training {training.state}"


def show_in_sidebar() -> None:
    """Show this visitor's training in the sidebar, with a link to its page."""
    training = own_training()
    if training is not None:
        refresh = None if training.is_finished else REFRESH_SECONDS
        with st.sidebar:
            st.fragment(_sidebar_link, run_every=refresh)()


def _sidebar_link() -> None:
    training = own_training()
    if training is not None:
        with st.container(key="training_line"):
            st.page_link(
                "pages/train/page.py",
                label=_link_text(training),
                icon=":material/model_training:",
                query_params={"what": "Images"},
            )
