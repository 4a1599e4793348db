"""Differences between methods, paired over the same episodes."""

from __future__ import annotations

import streamlit as st

from maml_core.evaluation.comparison import reference_of
from maml_core.evaluation.confidence_intervals import differences_by_step, in_points
from maml_core.figures.style import STYLES
from maml_core.teaching.sentences.evaluation import describe_pairs
from pages.evaluate.tables import draw_table, shown_steps
from pages.shared.charts.many_episodes import Estimates, in_words
from pages.shared.frame.finding import show_caption


def choose_reference(estimates: Estimates) -> str:
    """Draw the choice of what is subtracted from each method; return its name.

    Nothing is drawn where there is nothing to subtract, or no interval of a difference.
    """
    default = reference_of(estimates)
    if len(estimates) < 2:
        return default
    st.markdown("#### Paired differences")
    if not estimates[default].independent:
        return default
    by_label = {STYLES[name].short_label: name for name in estimates}
    label = st.selectbox(
        "Each method minus",
        list(by_label),
        list(by_label.values()).index(default),
        key="minus",
        bind="query-params",
        width=300,
    )
    return by_label[label]


def draw_differences(estimates: Estimates, minus: str) -> None:
    """Draw a row per method and a column per step: how far it is above `minus`, with its ci95."""
    others = {name: one for name, one in estimates.items() if name != minus}
    if not others:
        return
    pairs = {name: differences_by_step(one, estimates[minus]) for name, one in others.items()}
    known = {name: pair for name, pair in pairs.items() if pair}
    if known:
        steps = shown_steps(estimates)[1:] or [0]  # before the first step most are at chance
        rows = [
            {"Method": STYLES[name].short_label}
            | {
                f"step {step}": in_points(
                    means[min(step, len(means) - 1)], halves[min(step, len(halves) - 1)]
                )
                for step in steps
            }
            for name, (means, halves) in known.items()
        ]
        draw_table(rows, "differences_table")
    sentences = in_words(estimates)
    show_caption(
        describe_pairs([sentences[name] for name in others], sentences[minus]), "differences"
    )
