"""Where the features put the pictures of the episode, before and after each inner step."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from maml_core.figures.adaptation import feature_map_figure, separation_figure
from maml_core.figures.style import STYLES, takes_no_step, trained_method
from maml_core.teaching.anatomy.feature_map import (
    HEAD_INPUT,
    PLACES,
    FeatureMap,
    chance_separation,
)
from maml_core.teaching.sentences.features import (
    ONE_QUERY,
    MethodSeparation,
    describe_separation,
    separations_in_words,
)
from maml_core.teaching.sentences.words import kind_of
from pages.shared import cached
from pages.shared.charts.chart import draw_chart
from pages.shared.component import component
from pages.shared.frame.finding import show_finding
from pages.shared.frame.page_header import explanation
from pages.shared.link_settings import Settings, one_of
from pages.shared.widgets import segmented_choice

WHY_STILL = """
Where the head is zero before the first step, as MAML's and pretraining's is, no gradient reaches
the layers below: that step changes the head alone, and no picture moves. Later steps change the
layers, too, but MAML's and pretraining's so little that it can hardly be seen (Raghu et al. 2020,
arXiv:1909.09157, call it *feature reuse*). What the inner loop learns of a new character is above
all the head. The random initialisation has no features to reuse: what its head is given moves.
"""
EXPLAINED = {"maml", "pretrained"}  # of which the answer says that they hardly move
STILL = 0.25  # of the pictures' spread: who moves less hardly moves
MAX_MAPS = 3
MAPS = tuple(f"feature_map_{number}" for number in range(1, MAX_MAPS + 1))
SEPARATION = "separation_chart"
FEATURE_CHARTS = (*MAPS, SEPARATION)
FEATURE_CHECKS = {"features": one_of("true", "false"), "place": one_of(*PLACES)}

_mount_steps = component("linked_steps")


def feature_section(
    settings: Settings, methods: tuple[str, ...], steps: int, factor: float
) -> None:
    """Offer the maps of the episode's pictures; they are computed once somebody wants them.

    Args:
        settings: What the sidebar says.
        methods: Those that adapt; the first `MAX_MAPS` have maps.
        steps: Inner steps.
        factor: On the α of each.
    """
    st.subheader("Where do the pictures lie?", anchor=False)
    st.markdown("What a method makes of the support and query pictures, in two dimensions.")
    is_wanted = st.toggle("Show the pictures' features", key="features", bind="query-params")
    with st.container(key="feature_maps"):  # always there, see `show_finding`
        if is_wanted:
            with st.spinner("Computing features …"):
                maps = cached.feature_maps(settings, methods[:MAX_MAPS], steps, factor)
            _draw(settings, maps, len(methods))


def _draw(
    settings: Settings, by_method: Mapping[str, Mapping[str, FeatureMap]], n_methods: int
) -> None:
    """Draw the maps of one place of the network, and what there is to say about them."""
    place = segmented_choice(
        "In which place of the network",
        PLACES,
        "place",
        help="After a block the mean over positions, as it is for the head.",
    )
    spec = settings.spec
    is_measured = spec.q_query > 1  # else each class is its own mean
    maps = {name: of.get(place, of[HEAD_INPUT]) for name, of in by_method.items()}
    _mount_steps(key="linked_steps")
    for key, column, (name, found) in zip(
        MAPS, st.columns(len(maps), gap="small"), maps.items(), strict=False
    ):
        with column:
            label = STYLES[name].label
            st.markdown(f"**{label}**")
            draw_chart(
                feature_map_figure(found, spec.n_way),
                key,
                f"{label}: support and query pictures on two principal components, {place.lower()}",
                settings=settings,
                numbers=separations_in_words(found.separation.tolist())
                if is_measured
                else ONE_QUERY,
            )
            if place not in by_method[name]:
                st.caption(f"{label}'s network has no such block: this is its head's input.")
    left, right = st.columns(2, gap="large")
    with left:
        if is_measured:
            draw_chart(
                separation_figure(maps, chance_separation(spec.n_way, spec.n_way * spec.q_query)),
                SEPARATION,
                f"Variance of the query pictures between classes by inner step, {place.lower()}",
                settings=settings,
            )
    with right if is_measured else left:
        finding = describe_separation(_separations(maps)) if is_measured else ONE_QUERY
        show_finding(finding, "features")
        _explain(maps, n_methods)


def _explain(maps: Mapping[str, FeatureMap], n_methods: int) -> None:
    """Say how the maps are made, what is measured, and why so little moves where so little does."""
    more = f" The first {MAX_MAPS} of the chosen methods." if n_methods > MAX_MAPS else ""
    takes_steps = not all(map(takes_no_step, maps))
    fitted = "are fitted to all inner steps at once, and " if takes_steps else ""
    st.caption(
        "Squares: support; circles: query pictures, normalised together; a class has one "
        f"colour and letter. The two axes of a map {fitted}differ from method to method. "
        "*Classes explain*: the share of the query features' variance, in all dimensions, that "
        f"lies between the means of the classes.{more}"
    )
    explained = [found for name, found in maps.items() if trained_method(name) in EXPLAINED]
    if explained and all(found.movement < STILL for found in explained):
        explanation("Why do they hardly move?", WHY_STILL)


def _separations(maps: Mapping[str, FeatureMap]) -> list[MethodSeparation]:
    return [
        MethodSeparation(
            STYLES[name].in_sentences,
            kind_of(trained_method(name)),
            tuple(found.separation.tolist()),
        )
        for name, found in maps.items()
    ]
