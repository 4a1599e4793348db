"""What adaptation changes in each layer, and whether adapting the head alone is enough."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from maml_core.config import EvaluationConfig
from maml_core.evaluation.comparison import evaluate_together
from maml_core.evaluation.confidence_intervals import percent
from maml_core.figures.meta_update import layers_figure
from maml_core.figures.style import STYLES
from maml_core.learners.learner import head_only
from maml_core.teaching.sentences.meta_update import describe_layers
from pages.inside import meta_batch
from pages.inside.texts import WHY_HEAD
from pages.shared import cached
from pages.shared.charts.chart import draw_chart
from pages.shared.charts.facts import episode_facts
from pages.shared.charts.many_episodes import (
    Estimates,
    draw_estimates,
    evaluation_record,
    streamed_evaluation,
)
from pages.shared.frame.finding import show_finding
from pages.shared.frame.page_header import explanation
from pages.shared.link_settings import PARTS, Settings

STEPS = 5
EPISODES = 600


def draw_layer_changes(settings: Settings, n_tasks: int, method: str) -> None:
    """Draw how far the layers move, and head against whole network over many episodes.

    Args:
        settings: What the sidebar says.
        n_tasks: Of the batch above, on which the layers are measured.
        method: Who is compared with the baseline.
    """
    st.subheader("What changes in each layer?", anchor=False)
    methods = (method, cached.BASELINE)
    changes = meta_batch.layer_changes(settings, methods, n_tasks, STEPS)
    left, right = st.columns(2, gap="large")
    with left:
        title = f"How far each layer moves in {STEPS} inner steps"
        draw_chart(layers_figure(changes), "layers_chart", title, settings=settings)
        by_name = {STYLES[m].in_sentences: change for m, change in changes.items()}
        show_finding(describe_layers(by_name, STEPS), "layers")
        inner_lrs = ", ".join(
            f"{STYLES[m].label} α = {cached.learner(m).inner_lr(settings.spec.n_way):.3g}"
            for m in methods
        )
        st.caption(
            f"Distance from θ to θ′ after {STEPS} inner steps, mean over the {n_tasks} tasks above "
            f"({inner_lrs}; fully trained). The head starts at zero: all of it comes from "
            "adaptation."
        )
    with right:
        st.markdown("**Would the head alone do?** The same starts, with and without the rest.")
        _draw_head_comparison(settings, methods)
        explanation("What is this about?", WHY_HEAD)


def _draw_head_comparison(settings: Settings, methods: tuple[str, ...]) -> None:
    """Offer to measure the accuracy of both over many episodes."""

    whole = {method: cached.learner(method) for method in methods}
    learners = whole | {f"{method}-head": head_only(one) for method, one in whole.items()}

    def start() -> Iterator[Estimates]:
        return evaluate_together(
            learners,
            cached.pool(settings.dataset, settings.part),
            settings.spec,
            EvaluationConfig(inner_steps=STEPS, episodes=EPISODES, seed=settings.seed),
        )

    estimates = streamed_evaluation(
        "head_only",
        f"Measure on {EPISODES} episodes",
        (settings, methods),
        start,
        episodes=EPISODES,
        n_way=settings.spec.n_way,
    ).get((settings, methods))
    if estimates:
        facts = episode_facts(settings, queries_together=True)
        record = evaluation_record(estimates, settings, learners, facts)
        draw_estimates(record, settings, "head_only", ", queries normalised together")
        st.markdown(_in_words(estimates, methods))
    else:
        st.caption(f"{STEPS} inner steps, characters {PARTS[settings.part]}.")


def _in_words(estimates: Estimates, methods: tuple[str, ...]) -> str:
    """Say what accuracy the head alone reaches, and the whole network."""
    lines = []
    for method in methods:
        whole, head = estimates[method], estimates[f"{method}-head"]
        lines.append(
            f"* {STYLES[method].label} after {STEPS} steps: whole network "
            f"**{percent(whole.accuracy[-1], whole.ci95[-1])} %**, head alone "
            f"**{percent(head.accuracy[-1], head.ci95[-1])} %** "
            f"(n = {whole.episodes})."
        )
    return "\n".join(lines)
