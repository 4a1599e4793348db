"""Toy world: tasks that are parabolas, θ in one's own hand, and where each method ends."""

from __future__ import annotations

import streamlit as st

from maml_core.config import AdaptConfig
from maml_core.teaching.quadratic_tasks import LAYOUTS, N_PARAMS, N_TASKS
from pages.shared.page_header import top, why
from pages.shared.settings import one_of, whole
from pages.shared.widgets import choice
from pages.toy import world_view
from pages.toy.closed_form import WHY_FIRST_ORDER, WHY_NETWORKS, WHY_REPTILE, WHY_TWO, explain
from pages.toy.world_view import Asked

LRS = tuple(f"{i / 20:g}" for i in range(1, 13))  # α; at 0.6 the steepest tasks overshoot
MAX_STEPS = 5


def main() -> None:
    """Draw the page."""
    checks = {
        "layout": one_of(*LAYOUTS),
        "n_tasks": one_of(*map(str, N_TASKS)),
        "n_params": one_of(*map(str, N_PARAMS)),
        "toy_lr": one_of(*LRS),
        "toy_steps": whole(1, MAX_STEPS),
        "by_hand": one_of("true", "false"),
        "theta": world_view.CHECK,
    }
    top("Toy world", checks)
    st.markdown(
        "Each task's loss is a parabola. **Where would you start, if a few steps of descent on "
        "each task were to follow?** Then see where four methods would."
    )
    asked, by_hand = _controls()
    world_view.board(asked, by_hand=by_hand, key="toy")
    st.caption(
        "Exact on these tasks, each counting alike; nothing here is a network, and nothing of the "
        "sidebar counts. Every update of a method takes its meta-gradient over all tasks, with a "
        "β of its own, so that all come down at a like pace; β changes no end."
    )
    with st.expander("Where must each method end, and why?"):
        explain(asked)
    with st.container(horizontal=True):
        why("Why two curves?", WHY_TWO)
        why("What does first-order MAML leave out?", WHY_FIRST_ORDER)
        why("What does Reptile do?", WHY_REPTILE)
        why("And real networks?", WHY_NETWORKS)


def _controls() -> tuple[Asked, bool]:
    """Draw the page's own controls and return what they say."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layout = choice("Tasks that are", LAYOUTS, "layout")
        n_tasks = choice("How many", tuple(map(str, N_TASKS)), "n_tasks")
        n_params = choice("Parameters", tuple(map(str, N_PARAMS)), "n_params")
        inner_lr = st.select_slider(
            "Inner rate α", LRS, "0.2", key="toy_lr", bind="query-params", width=140
        )
        steps = st.slider(
            "Inner steps k", 1, MAX_STEPS, 2, key="toy_steps", bind="query-params", width=110
        )
        by_hand = st.toggle(
            "By hand first",
            True,
            key="by_hand",
            bind="query-params",
            help="The curves show only where you have been, until the methods are let go.",
        )
    config = AdaptConfig(float(inner_lr), steps)
    return Asked(layout, int(n_tasks), int(n_params), config), by_hand


main()
