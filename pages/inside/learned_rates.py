"""What rates MAML++ and Meta-SGD, and a visitor's own learners, have learned for their layers."""

from __future__ import annotations

import streamlit as st

from maml_core.figures.meta_update import rates_figure
from maml_core.figures.style import STYLES, trained_method
from maml_core.methods.catalogue import moving_of
from maml_core.teaching.anatomy.learned_rates import Rates, learned_rates
from maml_core.teaching.sentences.meta_update import describe_rates
from pages.inside.texts import WHY_RATES
from pages.shared import cached
from pages.shared.charts.chart import draw_chart
from pages.shared.frame.finding import show_finding
from pages.shared.frame.page_header import explanation
from pages.shared.link_settings import Settings


def draw_learned_rates(settings: Settings) -> None:
    """Draw the rates by layer of all who learned some; nothing where nobody did."""
    rates = _rates(cached.available_methods(), settings.spec.n_way)
    if not rates:
        return
    st.subheader("Which rates were learned?", anchor=False)
    title = f"The learned rates of each layer, at {settings.spec.n_way}-way"
    draw_chart(rates_figure(rates), "rates_chart", title, settings=settings)
    in_sentences = {STYLES[method].in_sentences: steps for method, steps in rates.items()}
    show_finding(describe_rates(in_sentences), "rates")
    st.caption(
        "α times the learned factors of the filters and of the head's weights: they are the same "
        "for all episodes. Where each weight has its own, a bar reaches from the first to the "
        "third quartile; where none shows, it is shorter than the mark."
    )
    explanation("What is this about?", WHY_RATES)


@st.cache_data(show_spinner=False, max_entries=64, ttl=cached.RESULT_SECONDS)
def _rates(methods: tuple[str, ...], n_way: int) -> dict[str, list[dict[str, Rates]]]:
    """Return the rates of those that learned some: of a hundred thousand weights, once."""
    learners = {method: cached.learner(method) for method in methods}
    return {
        method: learned_rates(learner, n_way)
        for method, learner in learners.items()
        if learner.lr_multipliers and moving_of(trained_method(method)) == "network"
    }
