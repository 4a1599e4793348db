"""Live meta-training of image models: what to train, how it goes, and what becomes of it."""

from __future__ import annotations

import streamlit as st

from pages.shared import training_session
from pages.shared.learners import picker
from pages.shared.page_header import why
from pages.train.images import controls, progress

CHECKS = controls.CHECKS
WHY_PROCESS = """
The training runs beside the app, at low priority: whoever clicks comes first. It goes on while you
look at other pages and ends within a minute when you close or reload this tab. Two run at a time on
this server; a third waits its turn, and a paused one gives its turn to the next.
"""
WHY_LOSS = """
The **meta-loss** is the tasks' mean query loss *after* the inner steps: how well θ has learned to
learn. It is measured on the tasks of each update, before that update moves θ, so it jumps about.
The **accuracy** is measured on characters that the training never sees, {n} episodes each time, the
same ones every time. Before adaptation it must be chance: nobody has said which character is which.
"""


def draw() -> None:
    """Draw the section."""
    st.markdown(
        "Meta-train a network here and now, and watch it learn to learn. **What it becomes can be "
        "kept: it then stands beside the others on the other pages.**"
    )
    training = training_session.mine()
    if training is not None:
        progress.watch(training)
    if training is None or training.is_over:
        if training is not None:
            st.subheader("Another training", anchor=False)
        order = controls.order()
        st.button(
            "Start training",
            key="start_training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=order is None,
            on_click=training_session.start,
            args=(order,),
        )
    picker.own_learners()
    with st.container(horizontal=True):
        why("What is drawn?", WHY_LOSS.format(n=20))
        why("Where does it run?", WHY_PROCESS)
