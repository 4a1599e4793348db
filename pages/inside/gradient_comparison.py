"""MAML's gradient beside those of other methods, on the same batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import streamlit as st

from maml_core.figures.meta_update import angles_figure, arrows_in_words, method_gradients_figure
from maml_core.figures.style import STYLES
from maml_core.networks.params import Params
from maml_core.teaching.anatomy.gradient_comparison import COMPARED_METHODS, angle_degrees
from maml_core.teaching.anatomy.gradient_plane import project_method_gradients
from maml_core.teaching.anatomy.layer_changes import layer_norms
from maml_core.teaching.sentences.meta_update import describe_angles
from maml_core.teaching.sentences.words import count
from pages.inside import meta_batch
from pages.inside.meta_batch import MetaBatch
from pages.inside.piecewise_work import work_in_pieces
from pages.inside.texts import WHY_FIRST_ORDER
from pages.shared.charts.chart import draw_chart
from pages.shared.frame.finding import show_finding
from pages.shared.frame.page_header import explanation

ANGLE_METHODS = ("fomaml", "reptile")  # whose angle to MAML is followed


def draw_gradient_comparison(batch: MetaBatch, inner_lrs: Sequence[float], max_steps: int) -> None:
    """Draw the methods' gradients on a batch, and how α and the number of steps turn them.

    Args:
        batch: The tasks.
        inner_lrs: α that can be compared.
        max_steps: Inner steps likewise, from 1 on.
    """
    st.subheader("The same batch by other methods", anchor=False)
    pieces = work_in_pieces(
        "compare_gradients",
        "Compare the methods' gradients",
        batch,
        lambda done: meta_batch.gradients(batch, COMPARED_METHODS[done:]),
        pieces=len(COMPARED_METHODS),
        at_once=batch.is_quick,
    )
    if len(pieces) < len(COMPARED_METHODS):
        return
    gradients = {method: gradient for piece in pieces for method, gradient in piece.items()}
    left, right = st.columns(2, gap="large")
    with left:
        st.dataframe(_table(gradients), hide_index=True, key="gradients_table")
        show_finding(_finding(gradients), "gradients")
        st.caption(_in_words(batch))
        explanation("Why do they differ?", WHY_FIRST_ORDER)
    with right:
        _draw_plane(gradients)
    _draw_angles(batch, inner_lrs, max_steps)


def _finding(gradients: Mapping[str, Params]) -> str:
    """Say which methods' gradients point MAML's way."""
    return describe_angles(
        {
            STYLES[method].in_sentences: angle_degrees(gradients["maml"], gradient)
            for method, gradient in gradients.items()
            if method != "maml"
        }
    )


def _draw_plane(gradients: Mapping[str, Params]) -> None:
    arrows = project_method_gradients(gradients)
    if not arrows:
        return
    draw_chart(
        method_gradients_figure(arrows),
        "gradients_chart",
        "The methods' gradients as arrows from θ",
        numbers=arrows_in_words(arrows),
    )
    shares = ", ".join(
        f"{100 * a.fraction_in_plane:.0f} % of {STYLES[a.name].label}'s" for a in arrows
    )
    st.caption(
        "Downhill, each scaled to length 1 before it is projected on the plane through MAML's and "
        f"first-order MAML's. The plane holds {shares} (squared lengths)."
    )


def _table(gradients: Mapping[str, Params]) -> list[dict[str, str]]:
    """Return one row a method: how long its gradient is, and where it points."""
    rows = []
    for method, gradient in gradients.items():
        degrees = angle_degrees(gradients["maml"], gradient)
        rows.append(
            {
                "Method": STYLES[method].label,
                "Length": f"{math.hypot(*layer_norms(gradient).values()):.3g}",
                "Angle to MAML's": "no direction" if math.isnan(degrees) else f"{degrees:.0f}°",
            }
        )
    return rows


def _in_words(batch: MetaBatch) -> str:
    steps = "one inner step" if batch.inner_steps == 1 else f"{batch.inner_steps} inner steps"
    text = f"One batch of {batch.n_tasks} tasks, {steps} of α = {batch.inner_lr:g}."
    if batch.inner_steps == 1:
        text += (
            " After one step from a head of zeros only the head has moved, so Reptile, θ − θ′, "
            "has nothing to tell θ: take two steps or more."
        )
    return text + (
        " Reptile is a variant here: plain gradient descent inside, from a head of zeros. "
        "Multi-task training takes no inner step. A head of zeros is the best that a single θ can "
        "do on tasks that contradict each other, so its gradient is zero."
    )


def _draw_angles(batch: MetaBatch, inner_lrs: Sequence[float], max_steps: int) -> None:
    """Draw the angles over the number of inner steps and over α, measured on demand."""
    by_steps = [replace(batch, inner_steps=steps) for steps in range(1, max_steps + 1)]
    by_inner_lr = [replace(batch, inner_lr=inner_lr) for inner_lr in inner_lrs]
    batches = [*by_steps, *by_inner_lr]

    def resume(done: int) -> Iterator[dict[str, float]]:
        return meta_batch.angles_to_maml(batches[done:], ANGLE_METHODS)

    st.markdown("**How does a single setting turn them?** One to five inner steps, and α.")
    angles = work_in_pieces(
        "measure_angles",
        "Measure the angles",
        tuple(batches),
        resume,
        pieces=len(batches),
        at_once=False,
    )
    left, right = st.columns(2, gap="large")
    with left:
        xs = [float(one.inner_steps) for one in by_steps]
        title = f"inner steps, at α = {batch.inner_lr:g}"
        _angles_chart(xs, angles[: len(xs)], title, "steps_angles", log=False)
    with right:
        title = f"α, at {count(batch.inner_steps, 'inner step')}"
        _angles_chart(inner_lrs, angles[len(by_steps) :], title, "rates_angles", log=True)
    if angles:
        st.caption(
            f"The same {batch.n_tasks} tasks at every point. Above 90° a small step by the method "
            "makes MAML's objective worse on this batch."
        )


def _angles_chart(
    xs: Sequence[float], angles: Sequence[Mapping[str, float]], title: str, key: str, *, log: bool
) -> None:
    """Draw as many of the angles over a setting as have been measured."""
    if angles:
        by_method = {method: [angle[method] for angle in angles] for method in ANGLE_METHODS}
        figure = angles_figure(xs[: len(angles)], by_method, title, log=log)
        draw_chart(figure, key, f"Angle to MAML's gradient by {title}")
