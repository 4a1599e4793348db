"""The same comparison on many episodes: a mean with its confidence band, as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from maml_core.config import EvaluationConfig
from maml_core.evaluation.comparison import evaluate_together, reference_of
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.figures.evaluation import confidence_figure
from maml_core.figures.style import STYLES, trained_method
from maml_core.learners.learner import Learner
from maml_core.teaching.exports.csv_exports import EvaluationRecord, Facts, estimates_csv
from maml_core.teaching.sentences.evaluation import MethodEstimate, describe_estimates
from maml_core.teaching.sentences.words import kind_of
from pages.shared import cached
from pages.shared.charts.chart import draw_chart, file_name
from pages.shared.charts.facts import episode_facts
from pages.shared.frame.finding import show_finding
from pages.shared.link_settings import PARTS, Settings
from pages.shared.progress import ProgressLine

REPEATS = 100
MAX_KEPT = 8  # evaluations of a visitor, the latest
CHART_TITLE = "Mean query accuracy by inner step"
REDRAW_SECONDS = 0.5  # seconds from one drawing of a growing chart to the next
Estimates = dict[str, Estimate]
Key = TypeVar("Key", bound=Hashable)


def repeat_on_many_episodes(
    settings: Settings, methods: tuple[str, ...], steps: int, factor: float
) -> None:
    """Offer the same comparison on many episodes: a mean that streams and can be stopped."""
    st.subheader("Was that luck?", anchor=False)
    these = "" if settings.number else ", starting with this one"  # else it is one of Play's
    st.markdown(
        f"One episode is an anecdote. Repeat it on {REPEATS} episodes of the same shape{these}."
    )
    settings = replace(settings, number=0)

    def begin() -> Iterator[Estimates]:
        return evaluate_together(
            {method: cached.learner(method) for method in methods},
            cached.pool(settings.dataset, settings.part),
            settings.spec,
            EvaluationConfig(
                inner_steps=steps, episodes=REPEATS, seed=settings.seed, lr_factor=factor
            ),
        )

    key = settings, methods, steps, factor
    estimates = streamed_evaluation(
        "repeat",
        f"Repeat on {REPEATS} episodes",
        key,
        begin,
        episodes=REPEATS,
        n_way=settings.spec.n_way,
    ).get(key)
    if estimates:
        learners = {method: cached.learner(method) for method in methods}
        facts = episode_facts(settings, queries_together=True)
        record = evaluation_record(estimates, settings, learners, facts, factor)
        draw_estimates(record, settings, "repeat", "")


def evaluation_record(
    estimates: Estimates,
    settings: Settings,
    learners: Mapping[str, Learner],
    facts: Facts,
    factor: float = 1.0,
) -> EvaluationRecord:
    """Return estimates with what they were measured with.

    Args:
        estimates: What was measured.
        settings: What the sidebar said.
        learners: What adapted, by name.
        facts: What names the episodes, and how they were evaluated.
        factor: On the α of each.
    """
    inner_lrs = own_inner_lrs(learners, settings.spec.n_way)
    own = {name: factor * inner_lr for name, inner_lr in inner_lrs.items()}
    return EvaluationRecord(estimates, own, facts, reference_of(estimates))


def own_inner_lrs(learners: Mapping[str, Learner], n_way: int) -> dict[str, float]:
    """Return the α of each learner that takes inner steps."""
    return {
        name: learner.inner_lr(n_way)
        for name, learner in learners.items()
        if learner.solve_head is None
    }


def streamed_evaluation(
    key: str,
    label: str,
    cache_key: Key,
    begin: Callable[[], Iterator[Estimates]],
    *,
    episodes: int,
    n_way: int,
    disabled: bool = False,
) -> dict[Key, Estimates]:
    """Draw a button that starts a long evaluation, and what there is of it so far.

    While it runs it shows the growing chart, how far it is, and a Stop, which keeps what was
    measured. Never call it in a fragment: a click in one waits for the end of the script that
    runs, and so does a Stop.

    Args:
        key: Of the button; `stop_<key>` is that of its Stop.
        label: The button's words.
        cache_key: All that the result depends on; each has a result of its own.
        begin: Starts the evaluation.
        episodes: How many it will be.
        n_way: For the line of chance.
        disabled: Whether it cannot be started.

    Returns:
        The latest `MAX_KEPT` estimates by what they depend on, the last measured last, each as
        far as it got.
    """
    kept: dict[Key, Estimates] = st.session_state.setdefault(f"{key}_kept", {})
    if st.button(label, key=key, type="primary", disabled=disabled):
        stop = st.empty()
        stop.button("Stop", key=f"stop_{key}", icon=":material/stop:")
        place, chart = st.empty(), st.empty()
        progress = ProgressLine(place, f"0 of {episodes} episodes")
        kept.pop(cache_key, None)
        last_drawn = 0.0
        with progress.in_turns():
            for number, estimates in enumerate(begin()):
                kept[cache_key] = estimates
                done = next(iter(estimates.values())).episodes
                progress.show(done / episodes, f"{done} of {episodes} episodes")
                if time.monotonic() - last_drawn > REDRAW_SECONDS:
                    with chart:
                        figure = confidence_figure(estimates, n_way)
                        draw_chart(figure, f"{key}_{number}", CHART_TITLE)
                    last_drawn = time.monotonic()
        for shown in (stop, place, chart):
            shown.empty()
    while len(kept) > MAX_KEPT:
        del kept[next(iter(kept))]
    return kept


def finding(estimates: Mapping[str, Estimate]) -> str:
    """Say who is ahead over many episodes, and whether they can tell."""
    return describe_estimates(list(in_words(estimates).values()))


def in_words(estimates: Mapping[str, Estimate]) -> dict[str, MethodEstimate]:
    """Return estimates with what a sentence calls each method, by its name."""
    return {
        name: MethodEstimate(STYLES[name].in_sentences, kind_of(trained_method(name)), estimate)
        for name, estimate in estimates.items()
    }


@st.fragment
def draw_estimates(record: EvaluationRecord, settings: Settings, key: str, how: str) -> None:
    """Draw what was measured over many episodes, with its numbers to take away.

    Args:
        record: What was measured.
        settings: What the sidebar said.
        key: Of the chart and the buttons under it begins so.
        how: What else is to be said of the measurement.
    """
    estimates = record.estimates
    close = st.toggle("Zoom in", key=f"{key}_close", help="Leave out what is far below.")
    n = next(iter(estimates.values())).episodes
    draw_chart(
        confidence_figure(estimates, settings.spec.n_way, close),
        f"{key}_chart",
        f"{CHART_TITLE}, {n} episodes",
        settings=settings,
    )
    show_finding(finding(estimates), key)
    st.caption(
        f"Mean over {n} episodes of characters {PARTS[settings.part]}{how}; the band is the mean's "
        "95 % confidence interval."
    )
    st.download_button(
        "These numbers as CSV",
        estimates_csv([record]),
        f"{file_name(f'{n} episodes', settings)}.csv",
        "text/csv",
        key=f"{key}_csv",
        on_click="ignore",
    )
