"""Live meta-training of image models: what to train, how it goes, and what becomes of it."""

from __future__ import annotations

import streamlit as st

from maml_core.training.background.queue import VALIDATION_EPISODES
from pages.shared.frame.page_header import explanation
from pages.shared.learners import picker, training_session
from pages.train.images import controls, progress

CHECKS = controls.CHECKS
WHY_PROCESS = """
Training runs next to the app at low priority, so clicks come first. It continues while you visit
other pages, and pauses a minute after you close this tab or lose the connection. As many trainings
run at a time as this server has cores for; the next one waits, and a paused one lets it run.
"""
WHY_LOSS = """
The **meta-loss** is the mean query loss over tasks *after* the inner steps: how well θ has learned
to learn. It is measured on the tasks of each update, before that update moves θ, so it fluctuates.
The **accuracy** is measured on {n} episodes of characters that are never trained on, the same
episodes each time. Before adaptation it must be at chance: nothing has said which character is
which. ProtoNet and R2D2 take no inner step: their accuracy is that of the head they solve for.
"""


def draw() -> None:
    """Draw the section."""
    st.markdown(
        "Meta-train a network here and now, and watch it learn to learn. **You can keep the "
        "result: it then appears next to the other methods on the other pages.**"
    )
    training = training_session.own_training()
    if training is not None:
        progress.show_progress(training)
    if training is None or training.is_finished:
        if training is not None:
            st.subheader("Another training", anchor=False)
        job = controls.choose_job()
        st.button(
            "Start training",
            key="start_training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=job is None,
            on_click=training_session.start,
            args=(job,),
        )
    picker.own_learners()
    with st.container(horizontal=True):
        explanation("What do the charts show?", WHY_LOSS.format(n=VALIDATION_EPISODES))
        explanation("Where does it run?", WHY_PROCESS)
