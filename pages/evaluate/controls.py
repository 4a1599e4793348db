"""The Evaluate page's own controls: what is to be measured, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from maml_core.evaluation.ensembles import ENSEMBLE, FEWEST, voters
from maml_core.figures.style import STYLES
from maml_core.teaching.sentences.evaluation import describe_voters
from pages.evaluate import texts
from pages.shared import cached
from pages.shared.classroom.links import (
    EVALUATE_EPISODES,
    EVALUATE_METHODS,
    EVALUATE_STEPS,
    QUERIES,
    SPLITS,
)
from pages.shared.frame.page_header import explanation
from pages.shared.learners.method_list import by_label, choose_methods, why_no_steps
from pages.shared.link_settings import Check, one_of, some_of, whole_number
from pages.shared.widgets import segmented_choice

EPISODES = (100, 300, 600, 1000, 2000)
MAX_STEPS = 100  # enough to see whether more steps would save pretraining


@dataclass(frozen=True)
class EvaluationControls:
    """The values of the page's own controls.

    Attributes:
        methods: Names of the methods to measure.
        split: Whose test characters they are measured on, with weights for that split.
        transductive: Whether queries are normalised together.
        inner_steps: Gradient steps on each support set.
        episodes: Number of episodes.
        same_drawers: Whether all classes of an episode are by the same drawers.
        official: Whether to take the official runs instead of sampled episodes.
        rotation_tta: Whether to average the logits over four rotations.
        ink_crops: Whether to average them over the pictures and their ink crops.
        ensemble: Who also answer together; nobody unless it is wanted, or of fewer than two.
    """

    methods: tuple[str, ...]
    split: str
    transductive: bool
    inner_steps: int
    episodes: int
    same_drawers: bool
    official: bool
    rotation_tta: bool
    ink_crops: bool
    ensemble: tuple[str, ...]


def link_checks() -> Mapping[str, Check]:
    """Return the checks of the page's own values in the URL, by parameter."""
    switch = one_of("true", "false")
    return {
        "who": some_of(*_methods_in_link()),
        "split": one_of(*_splits_with_weights()),
        "queries": one_of(*QUERIES),
        "test_steps": whole_number(1, MAX_STEPS),
        "episodes": one_of(*map(str, EPISODES)),
        "same_drawers": switch,
        "official": switch,
        "four_turns": switch,
        "close_ups": switch,
        "ensemble": switch,
        "minus": one_of(*_methods_in_link(), STYLES[ENSEMBLE].short_label),
    }


def _methods_in_link() -> Mapping[str, str]:
    """Return the methods that a link may name, by label: those of the split it names.

    Once the page is drawn, the URL may still name methods of the split chosen before.
    """
    if "who" in st.session_state:
        return {k: v for split in SPLITS.values() for k, v in _methods_by_label(split).items()}
    splits, label = _splits_with_weights(), st.query_params.get("split", "")
    return _methods_by_label(SPLITS[label if label in splits else splits[0]])


def _splits_with_weights() -> list[str]:
    """Return the labels of the splits with more than the random initialisation to evaluate."""
    return [label for label, split in SPLITS.items() if len(cached.available_methods(split)) > 1]


def _methods_by_label(split: str) -> dict[str, str]:
    return by_label((*cached.available_methods(split), *cached.references(split)))


def evaluation_controls() -> EvaluationControls:
    """Draw the controls, with the explanations below them, and return their values."""
    left, right = st.columns(2)
    with left:
        split = SPLITS[
            segmented_choice("Split: trained and tested on", _splits_with_weights(), "split")
        ]
    with right:
        queries = segmented_choice("Queries are normalised", QUERIES, "queries")
    methods = _methods_by_label(split)
    chosen = choose_methods(methods, EVALUATE_METHODS, "who")
    steps_column, episodes_column, switches_column = st.columns(3, vertical_alignment="center")
    with switches_column:
        official, same_drawers, rotation_tta, ink_crops = _switches()
        ensemble = _ensemble(chosen)
    why_disabled = why_no_steps(chosen)
    inner_steps = steps_column.slider(
        "Inner steps",
        1,
        MAX_STEPS,
        EVALUATE_STEPS,
        key="test_steps",
        bind="query-params",
        disabled=why_disabled is not None,
        help=why_disabled,
    )
    episodes = episodes_column.select_slider(
        "Episodes",
        EPISODES,
        EVALUATE_EPISODES,
        key="episodes",
        bind="query-params",
        disabled=official,
    )
    _explanations()
    return EvaluationControls(
        methods=chosen,
        split=split,
        transductive=QUERIES[queries],
        inner_steps=inner_steps,
        episodes=episodes,
        same_drawers=same_drawers,
        official=official,
        rotation_tta=rotation_tta,
        ink_crops=ink_crops,
        ensemble=ensemble,
    )


def _switches() -> tuple[bool, ...]:
    """Draw the switches for official runs, same drawers, rotation TTA and ink crops."""
    official = st.toggle(
        "Official runs",
        key="official",
        bind="query-params",
        help="The 20 fixed runs of Omniglot's one-shot challenge instead of episodes sampled at "
        "random. They are 20-way 1-shot; people have an error rate of 4.5 % on them.",
    )
    same_drawers = st.toggle(
        "Same drawers",
        key="same_drawers",
        bind="query-params",
        disabled=official,
        help="The first example of every class is by one drawer, the second by another, and so "
        "on. With “All from one alphabet”, 20-way, 1-shot and 1 query per class, episodes are like "
        "those of Omniglot's one-shot challenge.",
    )
    # The keys name these two in links.
    rotation_tta = st.toggle(
        "Rotation TTA",
        key="four_turns",
        bind="query-params",
        help="Rotation test-time augmentation: average the logits over four rotations of the "
        "pictures. Takes four times as long.",
    )
    ink_crops = st.toggle(
        "Ink crops",
        key="close_ups",
        bind="query-params",
        help="Average the logits over the whole pictures and the squares around their ink. Takes "
        "twice as long.",
    )
    return official, same_drawers, rotation_tta, ink_crops


def _ensemble(methods: Sequence[str]) -> tuple[str, ...]:
    """Draw the switch of the ensemble, and who votes in it or why it cannot be; return them."""
    members = voters(methods)
    offered = len(members) >= FEWEST
    wanted = st.toggle(
        "Ensemble",
        key="ensemble",
        bind="query-params",
        disabled=not offered,
        help="One line more: all chosen methods answer together, by the mean of their logits, each "
        "adapted by itself. Takes twice as long.",
    )
    is_on = wanted and offered
    with st.container():
        if is_on or not offered:
            silent = [STYLES[name].short_label for name in methods if name not in members]
            st.caption(describe_voters([STYLES[name].short_label for name in members], silent))
    return members if is_on else ()


def _explanations() -> None:
    with st.container(horizontal=True):
        explanation("Which split?", texts.WHY_SPLIT)
        explanation("Together or each alone?", texts.WHY_QUERIES)
        explanation("What is 1-NN?", texts.WHY_NEAREST)
        explanation("What is rotation TTA?", texts.WHY_ROTATION_TTA)
        explanation("What are ink crops?", texts.WHY_INK_CROPS)
        explanation("What is an ensemble?", texts.WHY_ENSEMBLE)
        explanation("What are the official runs?", texts.WHY_RUNS)
        explanation("What is the band?", texts.WHY_INTERVAL)
