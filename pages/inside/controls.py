"""The Inside page's own controls: which meta-batch, and the learning rates α and β."""

from __future__ import annotations

import streamlit as st

from pages.inside.meta_batch import MetaBatch
from pages.shared.learners.picker import in_place_of_maml
from pages.shared.learners.recorded import recorded_params
from pages.shared.link_settings import Check, Settings, one_of, whole_number

MIN_TASKS, MAX_TASKS = 2, 4
MAX_STEPS = 5
INNER_LRS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
META_LRS = (0.0001, 0.0003, 0.001, 0.003, 0.01)


def url_checks() -> dict[str, Check]:
    """Return the checks of the controls' values in a link."""
    return {
        "meta_theta": one_of(*map(str, recorded_params())),
        "meta_tasks": whole_number(MIN_TASKS, MAX_TASKS),
        "meta_inner": whole_number(1, MAX_STEPS),
        "meta_alpha": one_of(*map(str, INNER_LRS)),
        "meta_beta": one_of(*map(str, META_LRS)),
    }


def draw_controls(settings: Settings) -> tuple[MetaBatch, float]:
    """Draw the controls; return the batch that they choose, and β."""
    updates = list(recorded_params())
    method = in_place_of_maml(descends=True)
    row = st.columns([3, 2, 2, 3, 3])
    update = row[0].select_slider(
        "θ after so many meta-updates",
        updates,
        key="meta_theta",
        bind="query-params",
        disabled=method != "maml",
        help="Points of a recorded training: 0 is the pretrained start, the last the shipped MAML.",
    )
    n_tasks = row[1].slider("Tasks", MIN_TASKS, MAX_TASKS, 3, key="meta_tasks", bind="query-params")
    inner_steps = row[2].slider(
        "Inner steps", 1, MAX_STEPS, 1, key="meta_inner", bind="query-params"
    )
    inner_lr = row[3].select_slider(
        "Inner learning rate α",
        INNER_LRS,
        0.05,
        key="meta_alpha",
        bind="query-params",
        help="The shipped weights were trained with 0.4; at 5-way the app adapts them with 0.01.",
    )
    meta_lr = row[4].select_slider(
        "Meta learning rate β", META_LRS, 0.001, key="meta_beta", bind="query-params"
    )
    update = update if method == "maml" else updates[-1]
    return MetaBatch(settings, n_tasks, update, inner_steps, inner_lr, method), meta_lr
