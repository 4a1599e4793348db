"""Evaluate: mean accuracy over hundreds of episodes, next to published results."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import streamlit as st

from maml_core.config import OFFICIAL_RUNS, EpisodeSpec, EvaluationConfig
from maml_core.episodes.sampling import count_available_episodes
from maml_core.evaluation.comparison import evaluate_together, pictures_compared
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.figures.style import STYLES
from maml_core.learners.learner import Learner
from maml_core.methods.catalogue import NEAREST
from maml_core.teaching.sentences.words import count, listed
from pages.evaluate.controls import EvaluationControls, evaluation_controls, link_checks
from pages.evaluate.differences import choose_reference, draw_differences
from pages.evaluate.side_by_side import Measurement, draw_side_by_side, record_of
from pages.evaluate.tables import draw_accuracies, published_results
from pages.evaluate.training_distance import distance_checks, distance_section
from pages.shared import cached
from pages.shared.charts.class_predictions import ask_for_accuracies
from pages.shared.charts.many_episodes import (
    Estimates,
    draw_estimates,
    own_inner_lrs,
    streamed_evaluation,
)
from pages.shared.classroom.links import EVALUATE, link_here
from pages.shared.classroom.predictions import MEAN_EPISODES, prediction_task
from pages.shared.classroom.visitor import current_pupil
from pages.shared.frame.glossary import IN_SYMBOLS, introduce
from pages.shared.frame.page_header import page_with_episode
from pages.shared.link_settings import Settings
from pages.shared.messages import show_error

MAX_PICTURES = 100_000_000  # through networks, in one evaluation


def main() -> None:
    """Draw the page."""
    checks = {**link_checks(), **distance_checks()}
    ready = page_with_episode("Which method is better?", checks)
    st.markdown(
        "One episode is an anecdote; hundreds are a measurement. **All methods on the same "
        "episodes: mean accuracy after each inner step, with its 95 % confidence interval.**"
    )
    introduce(
        IN_SYMBOLS,
        *("θ", "inner loop, inner step", "N-way K-shot", "support set, query set", "pretrained"),
        *("confidence interval", "splits", "normalised together, each alone"),
        *("transductive, inductive", "1-nearest neighbour (cosine) on … features"),
        *("official runs", "rotation TTA", "ink crop"),
    )
    if ready is None:
        return
    settings, _, _ = ready
    with st.container():
        _evaluation_section(settings)
    distance_section()
    published_results()


def _evaluation_section(settings: Settings) -> None:
    """Draw the controls, the button that starts the evaluation, and its result."""
    controls = evaluation_controls()
    if not controls.methods:
        st.info("Choose at least one method.")
        return
    sampled = replace(settings.spec, same_drawers=controls.same_drawers)
    # From the seed's first episode on, whichever question of Play the other pages show.
    settings = replace(settings, spec=OFFICIAL_RUNS if controls.official else sampled, number=0)
    episodes = count_available_episodes(settings.spec, controls.episodes)
    controls = replace(controls, episodes=episodes)
    try:
        cached.episode(settings, controls.split)
    except ValueError as error:  # the other split's alphabets can be smaller
        show_error(error)
        return
    st.markdown(_episode_shape(settings.spec, controls.transductive))
    learners = _adapting_learners(controls)
    inner_lrs = own_inner_lrs(learners, settings.spec.n_way)
    measurement = Measurement(settings, controls, tuple(inner_lrs.items()))
    too_much = _too_much(settings.spec, controls, learners)
    with st.container():
        if too_much:
            st.info(too_much)
    with st.container(key="predictions"):  # always there, see `show_until_dismissed`
        _ask_class(measurement in st.session_state.get("evaluate_kept", {}))
    kept = streamed_evaluation(
        "evaluate",
        f"Evaluate on {episodes:,} {'runs' if controls.official else 'episodes'}",
        measurement,
        partial(_evaluate, settings, controls),
        episodes=episodes,
        n_way=settings.spec.n_way,
        disabled=bool(too_much),
    )
    with st.container():
        if measurement in kept:
            _draw(measurement, kept[measurement])
    if kept.keys() - {measurement}:
        draw_side_by_side(kept)


def _draw(measurement: Measurement, estimates: Estimates) -> None:
    """Draw what was measured: the chart, the accuracies, and their paired differences."""
    settings, controls = measurement.settings, measurement.controls
    above, below = st.container(), st.container()
    with below:
        minus = choose_reference(estimates)
        draw_differences(estimates, minus)
    with above:
        record = record_of(measurement, estimates, minus)
        draw_estimates(record, settings, "evaluate", _description(controls))
        draw_accuracies(estimates)


def _ask_class(is_seen: bool) -> None:
    """Ask a pupil of a class what mean accuracies they expect."""
    pupil = current_pupil()
    link = link_here(EVALUATE)
    if pupil and (task := prediction_task(link)):
        ask_for_accuracies(
            pupil,
            link,
            task,
            f"**What mean query accuracy do you expect**, over {MEAN_EPISODES} episodes? Hand it "
            "in before you evaluate.",
            is_seen=is_seen,
        )


def _too_much(
    spec: EpisodeSpec, controls: EvaluationControls, learners: Mapping[str, Learner]
) -> str:
    """Say that an evaluation would keep the server busy for hours; empty where it would not."""
    work = pictures_compared(
        learners,
        spec,
        _config(controls, seed=0),
        references=_references(controls),
        ensemble=bool(controls.ensemble),
        ink_crops=controls.ink_crops,
    )
    if work <= MAX_PICTURES:
        return ""
    views = (4 if controls.rotation_tta else 1) * (2 if controls.ink_crops else 1)
    factors = f"{count(controls.episodes, 'episode')} × {count(len(controls.methods), 'method')}"
    if any(learner.solve_head is None for learner in learners.values()):
        factors += f" × {count(controls.inner_steps, 'inner step')}"
    factors += f" × {views} views" if views > 1 else ""
    return (
        f"{factors}, {spec.n_way}-way {spec.k_shot}-shot: that is {work / MAX_PICTURES:.1f} times "
        "what one evaluation may take here, which is over an hour on two cores. Choose fewer of "
        "them, or run `python -m maml_core evaluate` on a machine of your own."
    )


def _episode_shape(spec: EpisodeSpec, transductive: bool) -> str:
    """Return the shape of the episodes in words, and where it was chosen."""
    shape = f"**{spec.n_way}-way {spec.k_shot}-shot**, "
    shape += f"{spec.q_query} queries per class" if spec.q_query > 1 else "1 query per class"
    shape += ", all from one alphabet" if spec.within_alphabet else ""
    if spec.official:
        hint = " To compare with people, normalise queries *each alone*." if transductive else ""
        return f"{shape}, support and queries by different drawers: Omniglot's official runs.{hint}"
    return f"{shape}: as set in the sidebar."


def _description(controls: EvaluationControls) -> str:
    """Return how the methods were evaluated, to be appended to a caption."""
    normalised = "together" if controls.transductive else "each alone"
    description = f", split “{controls.split}”, queries normalised {normalised}"
    description += ", official runs" if controls.official else ""
    description += ", rotation TTA" if controls.rotation_tta else ""
    description += ", ink crops" if controls.ink_crops else ""
    members = listed([STYLES[name].short_label for name in controls.ensemble])
    description += f", ensemble of {members}" if members else ""
    return description


def _adapting_learners(controls: EvaluationControls) -> dict[str, Learner]:
    names = (name for name in controls.methods if name not in NEAREST)
    return {name: cached.learner(name, controls.split) for name in names}


def _evaluate(settings: Settings, controls: EvaluationControls) -> Iterator[dict[str, Estimate]]:
    """Start the evaluation; yields the estimates as they grow."""
    split = controls.split
    return evaluate_together(
        _adapting_learners(controls),
        cached.pool(settings.dataset, settings.part, split, controls.ink_crops),
        settings.spec,
        _config(controls, settings.seed),
        references=_references(controls),
        ensemble=bool(controls.ensemble),
    )


def _config(controls: EvaluationControls, seed: int) -> EvaluationConfig:
    return EvaluationConfig(
        inner_steps=controls.inner_steps,
        episodes=controls.episodes,
        seed=seed,
        transductive=controls.transductive,
        rotation_tta=controls.rotation_tta,
    )


def _references(controls: EvaluationControls) -> dict[str, Learner | None]:
    """Return by nearest neighbour the learner whose features it compares, None for pixels."""
    weights = {name: NEAREST[name] for name in controls.methods if name in NEAREST}
    return {n: cached.learner(of, controls.split) if of else None for n, of in weights.items()}


main()
