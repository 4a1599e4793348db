"""Inside MAML: one meta-update line by line, its relatives, and what adaptation changes where."""

from __future__ import annotations

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.figures.meta_update import arrows_figure
from maml_core.figures.style import CHART_CONFIG, STYLES
from maml_core.teaching.meta_update import Arrow, lay_arrows
from pages.inside import meta_batch
from pages.inside.algorithm_steps import frames
from pages.inside.gradient_comparison import relatives
from pages.inside.layer_changes import layers
from pages.inside.meta_batch import Batch
from pages.inside.texts import WHY_BACK, WHY_PLANE, WHY_QUERY, WHY_STEPS, WHY_SUM
from pages.inside.walkthrough import algorithm
from pages.shared.learners.picker import in_place_of_maml
from pages.shared.learners.recorded import recorded_params
from pages.shared.page_header import begin, why
from pages.shared.settings import PARTS, Settings, one_of, whole

MIN_TASKS, MAX_TASKS = 2, 4
MAX_STEPS = 5
INNER_LRS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
META_LRS = (0.0001, 0.0003, 0.001, 0.003, 0.01)
CHART = "arrows_chart"


def main() -> None:
    """Draw the page."""
    checks = {
        "meta_theta": one_of(*map(str, recorded_params())),
        "meta_tasks": whole(MIN_TASKS, MAX_TASKS),
        "meta_inner": whole(1, MAX_STEPS),
        "meta_alpha": one_of(*map(str, INNER_LRS)),
        "meta_beta": one_of(*map(str, META_LRS)),
    }
    ready = begin("Inside MAML", checks)
    st.markdown(
        "One meta-update, line by line, computed now on a few tasks. **What does it mean to learn "
        "a start?** Step with the arrows, forwards and back."
    )
    if ready is None:
        return
    settings, data, _ = ready
    batch, meta_lr = _controls(settings)
    try:
        meta_batch.episodes(batch)
        _walk(data, batch, meta_lr)
    except ValueError as error:
        st.error(f"{error}", icon=":material/error:")
        return
    relatives(batch, INNER_LRS, MAX_STEPS)
    layers(settings, batch.n_tasks, batch.method)


def _controls(settings: Settings) -> tuple[Batch, float]:
    """Draw the page's own controls; return the batch they name, and β."""
    updates = list(recorded_params())
    method = in_place_of_maml(zero_head=True)
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
    return Batch(settings, n_tasks, update, inner_steps, inner_lr, method), meta_lr


def _walk(data: CharacterSet, batch: Batch, meta_lr: float) -> None:
    """Draw the algorithm with the numbers of this batch, and the tasks' arrows."""
    tasks = meta_batch.in_pieces(
        "take_apart",
        "Take this update apart",
        batch,
        lambda done: meta_batch.task_steps(batch, done),
        pieces=batch.n_tasks,
        at_once=batch.work <= meta_batch.AT_ONCE,
    )
    if len(tasks) < batch.n_tasks:
        st.caption("With so many pictures this takes a while. It can be stopped, and gone on with.")
        return
    found = meta_batch.update(batch, meta_lr, tasks)
    arrows = lay_arrows(found)
    algorithm(
        data,
        meta_batch.episodes(batch),
        found,
        {
            "theta": _theta(batch),
            "inner_steps": batch.inner_steps,
            "inner_lr": batch.inner_lr,
            "meta_lr": meta_lr,
        },
        chart=CHART if arrows else None,
        revision=str((batch, meta_lr)),
        key="algorithm",
    )
    _arrows(batch, arrows)
    with st.container(horizontal=True):
        why("Is updating on the query set cheating?", WHY_QUERY)
        why("Why not simply minimise the summed loss at θ?", WHY_SUM)
        why("What does “back through the inner step” mean?", WHY_BACK)
        why("Must training and test take the same steps?", WHY_STEPS)


def _arrows(batch: Batch, arrows: list[Arrow]) -> None:
    """Draw the tasks' arrows, which the steps of the algorithm reveal."""
    if not arrows:
        st.info("There is no direction to draw: the arrows are zero, or no finite numbers.")
        return
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    left.plotly_chart(arrows_figure(arrows, frames(batch.n_tasks)), key=CHART, config=CHART_CONFIG)
    held = ", ".join(
        f"{'task ' + arrow.name if arrow.name.isdigit() else 'the ' + arrow.name} {arrow.held:.0%}"
        for arrow in arrows
    )
    with right:
        st.markdown("**The tasks' arrows**: where each wants θ to go. θ follows their mean.")
        st.caption(
            f"Downhill from θ, one batch of {batch.n_tasks} tasks, characters "
            f"{PARTS[batch.settings.part]}; each is strong from its step on. Of the arrows' "
            f"squared lengths this plane holds: {held}. The update is {arrows[-1].length:.2g} "
            "long, and drawn as if it were as long as the mean."
        )
        why("What does a plane show of 100,000 directions?", WHY_PLANE)


def _theta(batch: Batch) -> str:
    """Say what θ is."""
    update = batch.update
    if batch.method != "maml":
        return f"where {STYLES[batch.method].label} now stands"
    if update == 0:
        return "what pretraining left, from where this meta-training began"
    if update == max(recorded_params()):
        return f"the shipped MAML, after {update:,} meta-updates"
    return f"what {update:,} meta-updates have made of the pretrained start"


main()
