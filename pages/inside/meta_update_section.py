"""The meta-update: its walkthrough, and the tasks' gradients as arrows."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.figures.meta_update import arrows_in_words, projected_update_figure
from maml_core.figures.style import STYLES
from maml_core.teaching.anatomy.gradient_plane import ProjectedGradient, project_meta_update
from maml_core.teaching.anatomy.meta_update import MetaUpdate
from maml_core.teaching.sentences.meta_update import describe_meta_update
from pages.inside import meta_batch
from pages.inside.algorithm_steps import arrows_by_step
from pages.inside.meta_batch import MetaBatch
from pages.inside.piecewise_work import work_in_pieces
from pages.inside.texts import WHY_BACK, WHY_PLANE, WHY_QUERY, WHY_STEPS, WHY_SUM
from pages.inside.walkthrough import draw_walkthrough
from pages.shared.charts.chart import draw_chart
from pages.shared.frame.finding import show_finding
from pages.shared.frame.page_header import explanation
from pages.shared.learners.recorded import recorded_params
from pages.shared.link_settings import PARTS

CHART = "arrows_chart"


def draw_meta_update(data: CharacterSet, batch: MetaBatch, meta_lr: float) -> None:
    """Draw the algorithm with the numbers of this batch, and the tasks' arrows."""
    tasks = work_in_pieces(
        "decompose_update",
        "Take this update apart",
        batch,
        lambda done: meta_batch.task_contributions(batch, done),
        pieces=batch.n_tasks,
        at_once=batch.is_quick,
    )
    if len(tasks) < batch.n_tasks:
        st.caption("With so many pictures this takes a while. You can stop it and resume it.")
        return
    update = meta_batch.meta_update(batch, meta_lr, tasks)
    arrows = project_meta_update(update)
    draw_walkthrough(
        data,
        meta_batch.batch_episodes(batch),
        update,
        {
            "theta": _theta_in_words(batch),
            "inner_steps": batch.inner_steps,
            "inner_lr": batch.inner_lr,
            "meta_lr": meta_lr,
        },
        chart=CHART if arrows else None,
        revision=str((batch, meta_lr)),
        key="algorithm",
    )
    _show_what_it_brings(update)
    _draw_arrows(batch, arrows)
    with st.container(horizontal=True):
        explanation("Is updating on the query set cheating?", WHY_QUERY)
        explanation("Why not simply minimise the summed loss at θ?", WHY_SUM)
        explanation("What does “back through the inner step” mean?", WHY_BACK)
        explanation("Must training and test take the same steps?", WHY_STEPS)


def _show_what_it_brings(update: MetaUpdate) -> None:
    others = (update.other_tasks_loss_before, update.other_tasks_loss_after)
    before = [task.query_loss for task in update.tasks]
    show_finding(describe_meta_update(before, update.query_losses, others), "meta_update")


def _draw_arrows(batch: MetaBatch, arrows: Sequence[ProjectedGradient]) -> None:
    """Draw the tasks' arrows, which the steps of the algorithm reveal."""
    if not arrows:
        st.info("There is no direction to draw: the arrows are zero or not finite.")
        return
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    figure = projected_update_figure(arrows, arrows_by_step(batch.n_tasks))
    with left:
        draw_chart(
            figure,
            CHART,
            "The tasks' gradients, their mean and the meta-update as arrows from θ",
            settings=batch.settings,
            numbers=arrows_in_words(arrows),
        )
    shares = ", ".join(
        f"{_arrow_name(arrow)} {100 * arrow.fraction_in_plane:.0f} %" for arrow in arrows
    )
    with right:
        st.markdown("**The tasks' arrows**: where each wants θ to go. θ follows their mean.")
        st.caption(
            f"Downhill from θ, one batch of {batch.n_tasks} tasks, characters "
            f"{PARTS[batch.settings.part]}; each is drawn in full from its step on. Of the arrows' "
            f"squared lengths this plane holds: {shares}. The update is {arrows[-1].length:.2g} "
            "long, but drawn as long as the mean."
        )
        explanation("What does a plane show of 100,000 directions?", WHY_PLANE)


def _arrow_name(arrow: ProjectedGradient) -> str:
    return f"task {arrow.name}" if arrow.name.isdigit() else f"the {arrow.name}"


def _theta_in_words(batch: MetaBatch) -> str:
    """Say what θ is."""
    update = batch.update
    if batch.method != "maml":
        return f"where {STYLES[batch.method].label} now stands"
    if update == 0:
        return "what pretraining left, where this meta-training began"
    if update == max(recorded_params()):
        return f"the shipped MAML, after {update:,} meta-updates"
    return f"what {update:,} meta-updates have made of the pretrained start"
