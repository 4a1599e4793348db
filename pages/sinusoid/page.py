"""Sinusoid: fitting a wave to a few points, and training for it while one watches."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from maml_core.figures.description import describe
from maml_core.figures.sinusoid import SHOWN_STEPS, fit_figure
from maml_core.figures.style import STYLES
from maml_core.teaching.sentences.sinusoid import describe_fits
from maml_core.teaching.sinusoids.regressors import FittedCurves, fit_curves
from maml_core.teaching.sinusoids.tasks import X_RANGE, Sinusoid, displayed_sinusoid
from maml_core.teaching.sinusoids.training import SinusoidCheckpoint
from pages.shared.charts.chart import chart_config
from pages.shared.charts.panels import Panel
from pages.shared.frame.finding import show_caption, show_finding
from pages.shared.frame.glossary import WITHOUT_PRETRAINING, introduce
from pages.shared.frame.page_header import explanation, page_top
from pages.shared.link_settings import MAX_SEED, one_of
from pages.shared.widgets import segmented_choice
from pages.sinusoid.clickable_charts import draw_clickable_charts
from pages.sinusoid.error_table import draw_error_table
from pages.sinusoid.support_points import (
    CHART,
    POINTS_CHECK,
    Points,
    SinusoidTask,
    are_edited,
    clear_points,
    drop_points_of_another_task,
    restore_points,
    revision,
    support_points,
    take_clicked_points,
)
from pages.sinusoid.training_panel import (
    REFRESH_SECONDS,
    UPDATES,
    SessionTraining,
    draw_training_panel,
    session_training,
)

SHOTS = (5, 10, 20)
MAX_SHOWN_ERROR = 1e3
CHARTED_METHODS = ("maml", "multi_task")
WHY_MULTI_TASK = """
A single network for all waves at once can do no better than their mean. As the phase is between 0
and π, the mean is itself a wave, −1.62 cos *x*, and that is what multi-task training draws before
it adapts. It has seen as many waves as MAML, but nothing in its training asked for a start from
which a few steps lead far. MAML begins with about the same curve, from weights that move well. For
its steps multi-task training gets the α that is best for it on validation waves; MAML keeps that of
its training.
"""
WHY_ORACLE = """
The oracle is given the amplitude and phase of each wave. There is nothing left to find out, so it
takes no step: its error is what a network of this size can reach after this much training, and a
method that has to guess can't be expected to do better.
"""
WHY_HALF = """
With points in the left half alone, a curve through them says nothing about the right half. A
network that draws a wave there as well has learned more than fitting points: that all tasks are
waves.
"""
CHECKS = {
    "wave_k": one_of(*map(str, SHOTS)),
    "half": one_of("true", "false"),
    "points": POINTS_CHECK,
    "updates": one_of(*map(str, UPDATES)),
}


def main() -> None:
    """Draw the page."""
    page_top("Sinusoid", CHECKS)
    st.markdown(
        "Every task is a wave *y = A sin(x − φ)* of its own, known by a few points. **Where are "
        "the curves after one step of descent?** Click or tap a chart to place a point, or a "
        "point to remove it."
    )
    introduce(
        WITHOUT_PRETRAINING,
        *("θ", "α", "β", "inner loop, inner step", "outer loop", "multi-task training"),
        *("N-way K-shot", "support set, query set", "confidence interval"),
    )
    task = _controls()
    drop_points_of_another_task(task)
    session = session_training()
    # While it trains, the fragment runs again and again, a piece of the training each time.
    every = REFRESH_SECONDS if session.running else None
    st.fragment(_charts_and_training, run_every=every)(session, task)
    draw_error_table(session)


def _controls() -> SinusoidTask:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "New sinusoid",
            key="new_wave",
            icon=":material/casino:",
            on_click=lambda: st.session_state.update(seed=random.randint(0, MAX_SEED)),
            shortcut="N",
            help="Another amplitude, phase and points: the seed in the sidebar says which.",
        )
        k_shot = segmented_choice("Points, K", SHOTS, "wave_k", default=10)
        in_left_half = st.toggle(
            "Only in the left half: which one extrapolates?", key="half", bind="query-params"
        )
    return SinusoidTask(int(st.session_state["seed"] or 0), int(k_shot), in_left_half)


def _charts_and_training(session: SessionTraining, task: SinusoidTask) -> None:
    """Draw what changes while a training runs, then train for a moment.

    In this order, because what is not drawn again fades while the run lasts.
    """
    _draw_fits(session.checkpoint, task)
    draw_training_panel(session)
    session.advance()


def _panel(method: str, figure: go.Figure, note: str) -> Panel:
    label, colour = STYLES[method].label, STYLES[method].colour
    numbers, config = describe(figure, note), chart_config(f"sinusoid {label}")
    return Panel(method, label, colour, figure, numbers, config, note)


def _draw_fits(checkpoint: SinusoidCheckpoint, task: SinusoidTask) -> None:
    """Draw the curves of both methods, with their errors."""
    sinusoid, points = displayed_sinusoid(task.seed), support_points(task)
    fits = fit_curves(checkpoint.regressors, sinusoid, points, max(SHOWN_STEPS))
    panels = [
        _panel(
            method,
            fit_figure(fits[method], fits["oracle"], sinusoid, points),
            _error_note(fits[method], sinusoid),
        )
        for method in CHARTED_METHODS
    ]
    draw_clickable_charts(
        panels,
        points,
        revision(task),
        key=CHART,
        on_points=partial(take_clicked_points, task),
    )
    errors = {
        STYLES[m].in_sentences: fits[m].squared_errors(sinusoid)[list(SHOWN_STEPS)].tolist()
        for m in CHARTED_METHODS
    }
    show_finding(describe_fits(errors, list(SHOWN_STEPS), len(points)), "sinusoid")
    show_caption(_caption(fits, sinusoid, points), "waves")
    with st.container(horizontal=True):
        _point_buttons(bool(points))
        explanation("Why does multi-task training draw that?", WHY_MULTI_TASK)
        explanation("What is the oracle?", WHY_ORACLE)
        explanation("Why half of the range?", WHY_HALF)


def _point_buttons(has_points: bool) -> None:
    st.button(
        "Back to the wave's own points",
        key="own_points",
        icon=":material/replay:",
        disabled=not are_edited(),
        on_click=restore_points,
    )
    st.button(
        "Clear",
        key="clear_points",
        icon=":material/clear_all:",
        disabled=not has_points,
        on_click=clear_points,
    )


def _error_note(fit: FittedCurves, sinusoid: Sinusoid) -> str:
    errors = fit.squared_errors(sinusoid)
    return "error " + " → ".join(_number(errors[step]) for step in SHOWN_STEPS)


def _number(error: float) -> str:
    if not math.isfinite(error) or error > MAX_SHOWN_ERROR:
        return "off the scale"
    return f"{error:.2f}" if error >= 0.1 else f"{error:.2g}"


def _caption(fits: Mapping[str, FittedCurves], sinusoid: Sinusoid, points: Points) -> str:
    """Say what is drawn and which method extrapolates."""
    steps = max(SHOWN_STEPS)
    inner_lrs = (f"{STYLES[m].label} α = {fits[m].inner_lr:g}" for m in CHARTED_METHODS)
    text = (
        f"One wave, A = {sinusoid.amplitude:.2f} and φ = {sinusoid.phase:.2f}, {len(points)} "
        "points. Error: mean squared distance from the wave on the whole range before, after one "
        "and after ten steps. The oracle's is "
        f"{_number(fits['oracle'].squared_errors(sinusoid)[0])}. {', '.join(inner_lrs)}."
    )
    middle = sum(X_RANGE) / 2
    if points and all(x < middle for x, _ in points):
        errors = {m: fits[m].squared_errors(sinusoid, middle)[steps] for m in CHARTED_METHODS}
        listed = ", ".join(f"{STYLES[m].label} {_number(error)}" for m, error in errors.items())
        text += f" In the right half, where there is no point, after ten steps: {listed}."
    return text


main()
