"""This visitor's live training: it goes on while they walk from page to page."""

from __future__ import annotations

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from maml_core.training.background.queue import LiveTraining, Order, Trainings

LINE_SECONDS = 2.0  # between two looks of the sidebar's line
STATES = {
    "waiting": "waiting its turn",
    "running": "under way",
    "paused": "paused",
    "stopping": "stopping",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
}


# Drawn before the page: like the sidebar, it imports no torch.
@st.cache_resource(show_spinner=False)
def trainings() -> Trainings:
    """Return the server's trainings, those of all visitors."""
    return Trainings()


def visitor() -> str:
    """Return what names this visitor's tab."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


def mine() -> LiveTraining | None:
    """Return this visitor's training, over or not."""
    return trainings().of(visitor())


def start(order: Order) -> None:
    """Put a training of this visitor's in line; it ends soon after their tab is closed."""
    me = visitor()
    trainings().start(me, order, lambda: _is_there(me))


def _is_there(session: str) -> bool:
    # Not by a page's own sign of life: while a long evaluation is drawn no page gives one.
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(session))


def where(training: LiveTraining) -> str:
    """Say how far a training is."""
    steps = training.order.config.meta_steps
    made = training.progress[-1].step if training.progress else 0
    return f"{STATES[training.state]}, update {made:,} of {steps:,}"


def _briefly(training: LiveTraining) -> str:
    made = training.progress[-1].step if training.progress else 0
    if training.state in ("running", "stopping"):
        return f"Training: {made:,} of {training.order.config.meta_steps:,}"
    return f"Training {STATES[training.state]}"


def line() -> None:
    """Say in the sidebar how this visitor's training goes, with the way to its page."""
    training = mine()
    if training is not None:
        again = None if training.is_over else LINE_SECONDS
        with st.sidebar:
            st.fragment(_line, run_every=again)()


def _line() -> None:
    training = mine()
    if training is not None:
        with st.container(key="training_line"):
            st.page_link(
                "pages/train/page.py",
                label=_briefly(training),
                icon=":material/model_training:",
                query_params={"what": "Images"},
            )
