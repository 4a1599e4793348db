"""Adapt: the methods learn from the same support set, live, inner step by inner step."""

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.adaptation import accuracy_figure, loss_figure
from maml_core.figures.style import STYLES, inner_lr_in_words, takes_no_step, trained_method
from maml_core.teaching.exports.csv_exports import trajectories_csv
from maml_core.teaching.exports.experiment import Experiment
from maml_core.teaching.exports.notebook_exports import comparison_notebook
from maml_core.teaching.exports.script_exports import comparison_script
from maml_core.teaching.sentences.adaptation import describe_adaptation, method_counts
from pages.adapt.confusion import confusion_section
from pages.adapt.features import FEATURE_CHARTS, FEATURE_CHECKS, feature_section
from pages.adapt.predictions import draw_predictions
from pages.shared import cached
from pages.shared.charts.chart import draw_chart, file_name
from pages.shared.charts.facts import episode_facts
from pages.shared.charts.many_episodes import repeat_on_many_episodes
from pages.shared.charts.step_player import player, player_layout_css
from pages.shared.charts.typicality import show_episode_typicality
from pages.shared.classroom.links import ADAPT_METHODS, ADAPT_STEPS, factor_label
from pages.shared.classroom.predictions import FACTORS, MAX_STEPS
from pages.shared.frame.finding import show_caption, show_finding
from pages.shared.frame.glossary import IN_SYMBOLS, introduce
from pages.shared.frame.page_header import explanation, page_with_episode
from pages.shared.learners import store
from pages.shared.learners.method_list import by_label, choose_methods, why_no_steps
from pages.shared.link_settings import PARTS, Settings, one_of, some_of, whole_number

WHY_CHANCE = """
Before the first step, nothing says which character is class A and which is class B: the labels are
shuffled anew for each episode. Every initialisation θ must therefore start at chance. What it can
have learned is to be *close* to good solutions: a few gradient steps on the support set lead from θ
to θ′. The query set is for testing only; it never changes a parameter here. In meta-training its
loss updates θ, much as exam results change how one studies for the next exam.

ProtoNet and R2D2 take no step at all: they work out their head from the support set and its labels.
So their lines are level, and above chance from the left on.
"""
WHY_TOGETHER = """
Each layer normalises by the mean and the variance of the current pictures, as in MAML's published
Omniglot results (*transductive*). Queries classified together share some information about the
episode, so accuracy is higher than for a single query. All methods here are measured in the same
way.
"""
WHY_ENOUGH = """
Nearly. After one step pretraining is behind, the further the more classes there are; a few steps
later it comes close and sometimes draws level. So what meta-training buys is above all the *first*
step, and with it speed. After that, more steps change little: move the slider to 20 and see where
both curves end. One episode says little: repeat it below, or use the Evaluate page.
"""
CHARTS = ("accuracy_chart", "loss_chart")
FINDING = "adapt"


def main() -> None:
    """Draw the page."""
    checks = {
        "methods": some_of(*by_label(cached.available_methods())),
        "steps": whole_number(1, MAX_STEPS),
        "alpha": one_of(*FACTORS),
        "predict": one_of("true", "false"),
        **FEATURE_CHECKS,
    }
    ready = page_with_episode("Adapt", checks)
    st.markdown(
        "Same support set, same queries, different methods. "
        "**Which of them can tell the characters apart, and after how many inner steps?**"
    )
    introduce(
        IN_SYMBOLS,
        *("θ", "θ′", "α", "inner loop, inner step", "support set, query set", "N-way K-shot"),
        *("chance", "nats", "normalised together, each alone", "pretrained"),
        *("random initialisation", "first-order MAML", "ANIL", "Reptile", "multi-task training"),
        *("iMAML", "BOIL", "Meta-SGD", "MAML++", "ProtoNet", "R2D2"),
    )
    if ready is None:
        return
    settings, data, episode = ready
    methods, steps, factor, predict = _controls()
    if not methods:
        st.info("Choose at least one method.")
        return
    with st.spinner("Adapting …"):
        trajectories = cached.trajectories(settings, methods, steps, factor)
    if _adaptation_section(settings, data, episode, trajectories, predict):
        confusion_section(data, episode, trajectories)
        feature_section(settings, methods, steps, factor)
        repeat_on_many_episodes(settings, methods, steps, factor)
        _downloads(settings, trajectories, steps)


def _controls() -> tuple[tuple[str, ...], int, float, bool]:
    """Draw the page's own controls.

    Returns:
        The methods, the inner steps, the factor on α, and whether one predicts first. Where no
        method takes a step there is none; to predict first, one before there is an answer.
    """
    methods = choose_methods(by_label(cached.available_methods()), ADAPT_METHODS, "methods")
    why_disabled = why_no_steps(methods)
    steps_column, rate_column, predict_column = st.columns(3, vertical_alignment="bottom")
    steps = steps_column.slider(
        "Inner steps",
        1,
        MAX_STEPS,
        ADAPT_STEPS,
        key="steps",
        bind="query-params",
        disabled=why_disabled is not None,
        help=why_disabled,
    )
    factor = rate_column.select_slider(
        "Inner learning rate α",
        list(FACTORS),
        factor_label(1.0),
        key="alpha",
        bind="query-params",
        disabled=why_disabled is not None,
        help=why_disabled
        or "× 1 is the best α of each method, chosen on validation characters. "
        "Multiply it to see how large a step each method bears.",
    )
    predict = predict_column.toggle(
        "Predict first",
        key="predict",
        bind="query-params",
        help="Hide the curves until you have made a prediction and played all steps.",
    )
    return methods, int(predict) if why_disabled else steps, FACTORS[factor], predict


def _adaptation_section(
    settings: Settings,
    data: CharacterSet,
    episode: Episode,
    trajectories: list[AdaptationTrajectory],
    predict: bool,
) -> bool:
    """Draw the charts and the player; return whether the outcome may be shown by now."""
    shown = [(t.method, t.inner_lr, len(t.accuracy)) for t in trajectories]
    revision = str((settings, shown, predict))
    revealed = not predict or st.session_state.get("player", {}).get("finished") == revision
    seen: set[str] = st.session_state.setdefault("outcomes_seen", set())
    outcome = str((settings, shown))  # whoever has seen it once predicts it no more
    if revealed:
        seen.add(outcome)
    # Always there: what comes and goes in it moves nothing below it, see `show_until_dismissed`.
    with st.container(key="predictions"):
        if predict:
            draw_predictions(trajectories, revealed, is_seen=outcome in seen)
    st.html(player_layout_css("race", CHARTS[0], f"finding_{FINDING}", "player"))
    player_column, charts_column = st.container(key="race").columns([5, 4], gap="large")
    with charts_column:
        _charts(settings, episode, trajectories, predict, revealed)
    with player_column:
        player(
            data,
            episode,
            trajectories,
            charts=(*CHARTS, *FEATURE_CHARTS),
            revision=revision,
            predict=predict,
            key="player",
        )
        show_caption(
            "Framed, beside its letter: a class's support pictures. Below each query picture: the "
            "class that each method predicts at this step. Filled: correct; struck through: wrong.",
            "player",
        )
    return revealed


def _charts(
    settings: Settings,
    episode: Episode,
    trajectories: list[AdaptationTrajectory],
    predict: bool,
    revealed: bool,
) -> None:
    """Draw accuracy and loss by inner step, with what there is to say about them."""
    draw_chart(
        accuracy_figure(trajectories, settings.spec.n_way, predict),
        CHARTS[0],
        "Query accuracy by inner step",
        settings=settings,
    )
    show_finding(_finding(settings, episode, trajectories) if revealed else "", FINDING)
    with st.container(key="typicality"):  # always there, see `show_finding`
        if revealed:
            show_episode_typicality(settings, trajectories)
    draw_chart(
        loss_figure(trajectories, predict),
        CHARTS[1],
        "Query and support loss by inner step",
        settings=settings,
    )
    inner_lrs = ", ".join(inner_lr_in_words(t.method, t.inner_lr) for t in trajectories)
    show_caption(
        f"One episode, {episode.query.size} query pictures of characters "
        f"{PARTS[settings.part]}; queries are normalised together, as in the paper. {inner_lrs}.",
        "adaptation",
    )
    with st.container(horizontal=True):
        explanation("Why chance at step 0?", WHY_CHANCE)
        explanation("Why are queries normalised together?", WHY_TOGETHER)
        explanation("Would more steps save pretraining?", WHY_ENOUGH)
    for trajectory in trajectories:
        if revealed and trajectory.diverged_at is not None:
            st.warning(
                f"{STYLES[trajectory.method].label}: the loss is not finite from step "
                f"{trajectory.diverged_at} on; α = {trajectory.inner_lr:.3g} is too large."
            )


def _finding(settings: Settings, episode: Episode, trajectories: list[AdaptationTrajectory]) -> str:
    """Say who is ahead, when and by how much."""
    spec = episode.spec
    counts = [
        method_counts(t, spec.n_way, STYLES[t.method].in_sentences, trained_method(t.method))
        for t in trajectories
    ]
    available = cached.available_classes(settings.dataset, settings.part)
    return describe_adaptation(counts, episode.query.size, spec, available)


def _downloads(settings: Settings, trajectories: list[AdaptationTrajectory], steps: int) -> None:
    st.subheader("Downloads", anchor=False)
    name = file_name("Adapt", settings)
    experiment = Experiment(
        settings.dataset,
        cached.SPLIT,
        settings.part,
        settings.spec,
        settings.seed,
        {
            store.name_in_script(t.method): None if takes_no_step(t.method) else t.inner_lr
            for t in trajectories
        },
        steps,
        settings.number,
    )
    with st.container(horizontal=True):
        for label, content, ending, kind in (
            (
                "The charts' numbers (CSV)",
                trajectories_csv(trajectories, episode_facts(settings)),
                "csv",
                "text/csv",
            ),
            ("The experiment (Python)", comparison_script(experiment), "py", "text/x-python"),
            (
                "The experiment (notebook)",
                comparison_notebook(experiment),
                "ipynb",
                "application/x-ipynb+json",
            ),
        ):
            st.download_button(label, content, f"{name}.{ending}", kind, on_click="ignore")


main()
