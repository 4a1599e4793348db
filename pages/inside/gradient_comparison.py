"""MAML's gradient beside those of its relatives, on the same batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import streamlit as st

from maml_core.figures.meta_update import angles_figure, relatives_figure
from maml_core.figures.style import CHART_CONFIG, STYLES
from maml_core.networks.params import Params
from maml_core.teaching.meta_update import RELATIVES, angle, lay_relatives, layer_norms
from pages.inside import meta_batch
from pages.inside.meta_batch import Batch
from pages.shared.page_header import why

TURNING = ("fomaml", "reptile")  # whose angle to MAML is followed
WHY_FIRST_ORDER = """
First-order MAML takes the query gradient at θ′ as if θ′ did not depend on θ except by its first
term. **After one step from a head of zeros** that is a strange thing to do: all that the step
moved is the head, and how the head's new rows depend on the features, that is on θ, is just what
first-order MAML leaves out. It keeps what the weights below do for a *given* head. That is why it
turns farther away as α grows, and why training with it broke down at α = 0.4 in one step; the
first-order weights are trained with three steps at α = 0.05.

**Reptile** uses no query set: θ − θ′, here divided by α, is the sum of the gradients of the inner
steps. In one step that is the head's alone, and a new task's head begins at zero again: nothing is
left for θ, its length is 0. From the second step on the weights below move as well.
"""


def relatives(batch: Batch, inner_lrs: Sequence[float], max_steps: int) -> None:
    """Draw the methods' gradients of a batch, and how α and the number of steps turn them.

    Args:
        batch: The tasks.
        inner_lrs: α that can be compared.
        max_steps: Inner steps likewise, from 1 on.
    """
    st.subheader("The same batch by other methods", anchor=False)
    found = meta_batch.in_pieces(
        "compare_gradients",
        "Compare the methods' gradients",
        batch,
        lambda done: meta_batch.gradients(batch, RELATIVES[done:]),
        pieces=len(RELATIVES),
        at_once=batch.work <= meta_batch.AT_ONCE,
    )
    if len(found) < len(RELATIVES):
        return
    gradients = {method: one for piece in found for method, one in piece.items()}
    left, right = st.columns(2, gap="large")
    with left:
        st.dataframe(_table(gradients), hide_index=True, key="relatives_table")
        st.caption(_in_words(batch, gradients))
        why("Why do they differ?", WHY_FIRST_ORDER)
    with right:
        arrows = lay_relatives(gradients)
        if arrows:
            st.plotly_chart(relatives_figure(arrows), key="relatives_chart", config=CHART_CONFIG)
            st.caption(
                "Downhill, each of length 1 before it is laid on the plane through MAML's and "
                "first-order MAML's. It holds "
                + ", ".join(f"{a.held:.0%} of {STYLES[a.name].label}'s" for a in arrows)
                + " (squared lengths)."
            )
    _turning(batch, inner_lrs, max_steps)


def _table(gradients: Mapping[str, Params]) -> list[dict[str, str]]:
    """Return a row a method: how long its gradient is, and where it points."""
    rows = []
    for method, gradient in gradients.items():
        degrees = angle(gradients["maml"], gradient)
        rows.append(
            {
                "Method": STYLES[method].label,
                "Length": f"{math.hypot(*layer_norms(gradient).values()):.3g}",
                "Angle to MAML's": "no direction" if math.isnan(degrees) else f"{degrees:.0f}°",
            }
        )
    return rows


def _in_words(batch: Batch, gradients: Mapping[str, Params]) -> str:
    steps = "one inner step" if batch.inner_steps == 1 else f"{batch.inner_steps} inner steps"
    text = f"One batch of {batch.n_tasks} tasks, {steps} of α = {batch.inner_lr:g}."
    if batch.inner_steps == 1:
        text += (
            " After one step from a head of zeros only the head has moved, so Reptile, θ − θ′, "
            "has nothing to say to θ: take two steps or more."
        )
    return text + (
        " Joint pretraining takes no inner step. With a head of zeros, the best that one θ can do "
        "on tasks that contradict each other, its gradient is zero."
    )


def _turning(batch: Batch, inner_lrs: Sequence[float], max_steps: int) -> None:
    """Draw the angles over the number of inner steps and over α, measured on demand."""
    by_steps = [replace(batch, inner_steps=steps) for steps in range(1, max_steps + 1)]
    by_rate = [replace(batch, inner_lr=rate) for rate in inner_lrs]
    every = [*by_steps, *by_rate]

    def begin(done: int) -> Iterator[dict[str, float]]:
        return meta_batch.angles(every[done:])

    st.markdown("**What does one switch do to them?** One to five inner steps, and α.")
    found = meta_batch.in_pieces(
        "turn_gradients",
        "Measure how they turn",
        tuple(every),
        begin,
        pieces=len(every),
        at_once=False,
    )
    left, right = st.columns(2, gap="large")
    for place, batches, title, key in (
        (left, by_steps, f"inner steps, at α = {batch.inner_lr:g}", "steps_angles"),
        (right, by_rate, f"α, at {batch.inner_steps} inner steps", "rates_angles"),
    ):
        first = 0 if batches is by_steps else len(by_steps)
        points = found[first : first + len(batches)]
        if points:
            xs = [one.inner_steps if batches is by_steps else one.inner_lr for one in batches]
            place.plotly_chart(
                angles_figure(
                    xs[: len(points)],
                    {method: [one[method] for one in points] for method in TURNING},
                    title,
                    log=batches is by_rate,
                ),
                key=key,
                config=CHART_CONFIG,
            )
    if found:
        st.caption(
            f"The same {batch.n_tasks} tasks at every point. Above 90° a small step by the method "
            "makes MAML's objective worse on this batch."
        )
