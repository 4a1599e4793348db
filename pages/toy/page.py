"""Toy world: tasks with quadratic losses, θ in one's own hand, and where each method ends."""

from __future__ import annotations

import streamlit as st

from maml_core.config import AdaptConfig
from maml_core.teaching.quadratic_tasks import LAYOUTS, N_PARAMS, N_TASKS
from pages.shared.frame.glossary import WITHOUT_PRETRAINING, introduce
from pages.shared.frame.page_header import explanation, page_top
from pages.shared.link_settings import one_of, whole_number
from pages.shared.widgets import segmented_choice
from pages.toy.closed_form import draw_closed_form
from pages.toy.texts import WHY_FIRST_ORDER, WHY_IMPLICIT, WHY_NETWORKS, WHY_REPTILE, WHY_TWO
from pages.toy.world_view import THETA_CHECK, ToySettings, draw_toy_world

INNER_LRS = tuple(f"{i / 20:g}" for i in range(1, 13))  # α; at 0.6 the steepest tasks overshoot
MAX_STEPS = 5


def main() -> None:
    """Draw the page."""
    checks = {
        "layout": one_of(*LAYOUTS),
        "n_tasks": one_of(*map(str, N_TASKS)),
        "n_params": one_of(*map(str, N_PARAMS)),
        "toy_lr": one_of(*INNER_LRS),
        "toy_steps": whole_number(1, MAX_STEPS),
        "by_hand": one_of("true", "false"),
        "theta": THETA_CHECK,
    }
    page_top("Toy world", checks)
    st.markdown(
        "Each task's loss is a parabola. **Where would you start, if a few steps of descent on "
        "each task were to follow?** Then see where five methods would."
    )
    introduce(
        WITHOUT_PRETRAINING,
        *("θ", "θ′", "α", "β", "inner loop, inner step", "meta-gradient", "multi-task training"),
        *("first-order MAML", "Reptile"),
    )
    settings, by_hand = _controls()
    draw_toy_world(settings, by_hand=by_hand, key="toy")
    st.caption(
        "Exact for these tasks, each counted equally. There is no network here. Every update of a "
        "method uses its meta-gradient over all tasks, with a β of its own so that all of them "
        "converge at a similar pace; β does not change where they end."
    )
    with st.expander("Where must each method end, and why?"):
        draw_closed_form(settings)
    with st.container(horizontal=True):
        explanation("Why two curves?", WHY_TWO)
        explanation("What does first-order MAML leave out?", WHY_FIRST_ORDER)
        explanation("What does Reptile do?", WHY_REPTILE)
        explanation("What does iMAML do?", WHY_IMPLICIT)
        explanation("And real networks?", WHY_NETWORKS)


def _controls() -> tuple[ToySettings, bool]:
    """Draw the page's own controls; return the settings, and whether θ is moved by hand first."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layout = segmented_choice("Tasks that are", LAYOUTS, "layout")
        n_tasks = segmented_choice("How many", tuple(map(str, N_TASKS)), "n_tasks")
        n_params = segmented_choice("Parameters", tuple(map(str, N_PARAMS)), "n_params")
        inner_lr = st.select_slider(
            "Inner rate α", INNER_LRS, "0.2", key="toy_lr", bind="query-params", width=140
        )
        inner_steps = st.slider(
            "Inner steps k", 1, MAX_STEPS, 2, key="toy_steps", bind="query-params", width=110
        )
        by_hand = st.toggle(
            "By hand first",
            True,
            key="by_hand",
            bind="query-params",
            help="The curves show only where you have been, until you let the methods go.",
        )
    config = AdaptConfig(float(inner_lr), inner_steps)
    return ToySettings(layout, int(n_tasks), int(n_params), config), by_hand


main()
