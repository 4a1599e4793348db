"""Where MAML is ahead for good: its lead by how far test characters lie from training's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from maml_core.evaluation.training_distance import (
    SHAPES,
    Lead,
    ShiftedSet,
    leads_over,
    load_shifted_sets,
)
from maml_core.figures.evaluation import leads_figure
from maml_core.figures.style import STYLES
from maml_core.methods.catalogue import BY_NAME
from maml_core.teaching.sentences.training_distance import describe_leads, leads_in_words, points
from pages.shared.charts.chart import draw_chart
from pages.shared.frame.finding import show_caption, show_finding
from pages.shared.frame.page_header import explanation
from pages.shared.learners.method_list import why_no_steps
from pages.shared.link_settings import Check, one_of
from pages.shared.widgets import segmented_choice

DISTANCES = {"Ink": "ink", "Features": "features"}
FEWEST = 2  # sets of which a chart is drawn
WHY_DISTANCE = """
By *ink* no network is asked: of each picture the share that is ink, the width of its lines and
the longer side of the box around its ink. By *features* it is what the pretrained
network gives its head. Of either, the distance is the root mean square of the Mahalanobis distance
to the training characters' pictures, per dimension: 1 is how far these lie from their own mean. It
says nothing of a label, and was fixed before any lead was measured.

By features all these sets are near 1, the digits no farther than Omniglot's own test characters:
after each block, the last one too, the network normalises pictures by their own statistics, so that
features come out much alike in mean and spread. There, small differences decide the order.
"""
WHY_SETS = """
Omniglot's test characters as they are and drawn again: lines half, twice (*thick*) or three times
(*very thick*) as wide, the picture at half its size (*small*) or cut to the ink (*cropped*, which
widens the lines, too). The glyphs and MNIST's test digits likewise, and these once brought to
Omniglot's size and pen. No method was trained on any of these characters; all were trained on
Omniglot's, drawn with one pen.
"""
WHY_BEHIND = """
α was chosen on characters of Omniglot's pen. At 20-way its steps are too long for very thick lines:
accuracy rises and falls again from step to step, for MAML and for pretraining. With half of α MAML
wins most of that back, and loses next to nothing on Omniglot's own characters
(docs/experiments/distance-from-training.md).
"""
MANY_WAYS = 20  # from which thick lines need a smaller α than Omniglot's


def distance_checks() -> Mapping[str, Check]:
    """Return the checks of this part's values in the URL, by parameter."""
    sets = load_shifted_sets()
    return {
        "distance": one_of("true", "false"),
        "ahead_of": one_of(*_methods(sets)),
        "distance_by": one_of(*DISTANCES),
        "distance_way": one_of(*_ways(sets)),
    }


def _methods(sets: Sequence[ShiftedSet]) -> dict[str, str]:
    """Return the methods that MAML's lead was measured over, by label."""
    compared = [comparison.lead for one in sets for comparison in one.comparisons]
    return {
        BY_NAME[method].short_label: method
        for method in BY_NAME
        if sum(method in leads for leads in compared) >= FEWEST
    }


def _ways(sets: Sequence[ShiftedSet]) -> dict[str, int]:
    """Return N of the shapes that were measured, by what they are called."""
    measured = [comparison.n_way for one in sets for comparison in one.comparisons]
    return {
        f"{n_way}-way {k_shot}-shot": n_way
        for n_way, k_shot in SHAPES
        if measured.count(n_way) >= FEWEST
    }


def distance_section() -> None:
    """Offer MAML's leads by distance; they are drawn once somebody wants them."""
    sets = load_shifted_sets()
    st.subheader("Where is MAML ahead for good?", anchor=False)
    st.markdown(
        "On Omniglot's test characters pretraining nearly catches up within a few steps. What of "
        "characters that look less like those of training?"
    )
    is_wanted = st.toggle("Show MAML's lead by distance", key="distance", bind="query-params")
    with st.container(key="training_distance"):  # always there, see `show_finding`
        if is_wanted:
            _draw(sets)


def _draw(sets: Sequence[ShiftedSet]) -> None:
    """Draw the controls, the chart and what there is to say of it."""
    left, middle, right = st.columns(3)
    methods, ways = _methods(sets), _ways(sets)
    with left:
        label = st.selectbox("MAML against", list(methods), key="ahead_of", bind="query-params")
    with middle:
        kind = DISTANCES[segmented_choice("Distance by", DISTANCES, "distance_by")]
    with right:
        shape = segmented_choice("Episodes", ways, "distance_way")
    method, n_way = methods[label], ways[shape]
    leads = leads_over(method, kind, n_way, sets)
    if len(leads) < FEWEST:
        st.info(f"{label} was not measured at {shape}; choose another shape or method.")
        return
    draw_chart(
        leads_figure(leads, method),
        "leads_chart",
        f"MAML's lead over {label} after five steps, by distance from the training characters",
        numbers=leads_in_words(leads),
    )
    show_finding(describe_leads(leads, STYLES[method].in_sentences), "leads")
    _list_sets(leads)
    episodes = {c.episodes for one in sets for c in one.comparisons if c.n_way == n_way}
    show_caption(
        f"{shape}, {max(episodes)} episodes a set, the same for both, queries normalised together, "
        f"{_steps(method, label)}; the bars are 95 % confidence intervals of the paired difference "
        "(Student's t). Recorded by `python -m benchmarks.studies.distance_from_training`.",
        "leads",
    )
    with st.container(horizontal=True):
        explanation("How is the distance measured?", WHY_DISTANCE)
        explanation("What are these sets?", WHY_SETS)
        if n_way >= MANY_WAYS:
            explanation("Why do thick lines cost MAML so much at 20-way?", WHY_BEHIND)


def _steps(method: str, label: str) -> str:
    if why_no_steps([method]):
        return f"MAML after five inner steps, {label} without any"
    return "each method after five inner steps with its own α"


def _list_sets(leads: Sequence[Lead]) -> None:
    """Say which set each number in the chart is, with its lead."""
    half = (len(leads) + 1) // 2
    for column, start in zip(st.columns(2), (0, half), strict=True):
        part = leads[start : start + half]
        lines = [f"{n}. {one.name}: {points(one)}" for n, one in enumerate(part, start + 1)]
        column.markdown("\n".join(lines))
