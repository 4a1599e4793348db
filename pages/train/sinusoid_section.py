"""The part of the Train page on sinusoids: a wave is guessed from few points, and how that came."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import partial

import streamlit as st

from maml_core.figures.sinusoid import SHOWN_STEPS, fit_figure
from maml_core.figures.style import STYLES
from maml_core.teaching import sinusoid_comparison as comparison
from maml_core.teaching.sinusoid_comparison import Fit, Stage, Wave
from maml_core.teaching.sinusoid_tasks import RANGE
from pages.shared.page_header import why
from pages.shared.settings import MAX_SEED, one_of
from pages.shared.widgets import choice
from pages.train.sinusoid import points
from pages.train.sinusoid.error_table import numbers
from pages.train.sinusoid.points import Task
from pages.train.sinusoid.training import REFRESH_SECONDS, UPDATES, Bench, bench, training
from pages.train.sinusoid.wave_chart import Panel, waves

SHOTS = (5, 10, 20)
WHY_JOINT = """
One network for all waves at once can do no better than their mean. As the phase is between 0 and π,
the mean is itself a wave, −1.62 cos *x*, and that is what joint pretraining draws before it adapts.
It has seen as many waves as MAML, but nothing in its training asked for a start from which a few
steps lead far. MAML begins with about the same curve, from weights that move well. For its steps
joint pretraining takes the α that is best for it on validation waves; MAML keeps that of its
training.
"""
WHY_ORACLE = """
The oracle is told amplitude and phase of each wave. Nothing is left to find out, so it takes no
step: its error is what a network of this size can reach after this much training, and no method
that has to guess can be expected to do better.
"""
WHY_HALF = """
With points in the left half alone, a curve through them says nothing about the right half. Who
draws a wave there as well has learned more than to fit points: that all tasks are waves.
"""
CHECKS = {
    "wave_k": one_of(*map(str, SHOTS)),
    "half": one_of("true", "false"),
    "points": points.CHECK,
    "updates": one_of(*map(str, UPDATES)),
}


def draw() -> None:
    """Draw the section."""
    st.markdown(
        "Every task is a wave *y = A sin(x − φ)* of its own, known by a few points. **Where are "
        "the curves after one step of descent?** Click or tap a chart to place a point; on a "
        "point, to take it away."
    )
    task = _controls()
    points.forget_those_of_another(task)
    here = bench()
    # While it trains, the fragment runs again and again, a piece of the training each time.
    every = REFRESH_SECONDS if here.running else None
    st.fragment(_watched, run_every=every)(here, task)
    numbers(here)


def _controls() -> Task:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "New sinusoid",
            key="new_wave",
            icon=":material/casino:",
            on_click=lambda: st.session_state.update(seed=random.randint(0, MAX_SEED)),
            help="The same as “New episode” in the sidebar: its seed says which wave.",
        )
        k_shot = choice("Points, K", SHOTS, "wave_k", default=10)
        half = st.toggle(
            "Only in the left half: who extrapolates?", key="half", bind="query-params"
        )
    return Task(int(st.session_state["seed"]), int(k_shot), half)


def _watched(here: Bench, task: Task) -> None:
    """Draw what changes while a training runs, then train for a moment.

    In this order, for what is not drawn anew fades as long as the run lasts.
    """
    _fits(here.stage, task)
    training(here)
    here.go_on()


def _fits(stage: Stage, task: Task) -> None:
    """Draw the curves of both methods, with what their errors are."""
    wave, chosen = comparison.shown_wave(task.seed), points.points(task)
    found = comparison.fit(stage.learners, wave, chosen, max(SHOWN_STEPS))
    panels = [
        Panel(
            method,
            STYLES[method].label,
            STYLES[method].colour,
            _note(found[method], wave),
            fit_figure(found[method], found["oracle"], wave, chosen),
        )
        for method in ("maml", "joint")
    ]
    waves(
        panels,
        chosen,
        points.revision(task),
        key=points.CHART,
        on_points=partial(points.on_points, task),
    )
    st.caption(_said(found, wave, chosen))
    with st.container(horizontal=True):
        st.button(
            "The wave's own points again",
            key="own_points",
            icon=":material/replay:",
            disabled=not points.is_edited(),
            on_click=points.restore,
        )
        st.button(
            "Clear",
            key="clear_points",
            icon=":material/clear_all:",
            disabled=not chosen,
            on_click=points.clear,
        )
        why("Why does joint pretraining draw that?", WHY_JOINT)
        why("What is the oracle?", WHY_ORACLE)
        why("Why half of the range?", WHY_HALF)


def _note(fit: Fit, wave: Wave) -> str:
    errors = fit.errors(wave)
    return "error " + " → ".join(_number(errors[step]) for step in SHOWN_STEPS)


def _number(error: float) -> str:
    if not math.isfinite(error) or error > 1e3:
        return "beyond all bounds"
    return f"{error:.2f}" if error >= 0.1 else f"{error:.2g}"


def _said(found: Mapping[str, Fit], wave: Wave, chosen: points.Points) -> str:
    """Say what is drawn and who extrapolates."""
    steps = max(SHOWN_STEPS)
    text = (
        f"One wave, A = {wave.amplitude:.2f} and φ = {wave.phase:.2f}, {len(chosen)} points; of "
        "the sidebar the seed alone counts here. Error: mean squared distance from the wave on the "
        "whole range before, after one and "
        f"after ten steps. The oracle's is {_number(found['oracle'].errors(wave)[0])}. "
        + ", ".join(f"{STYLES[m].label} α = {found[m].inner_lr:g}" for m in ("maml", "joint"))
        + "."
    )
    if not chosen:
        return text + " Without a point there is nothing to adapt to: place some."
    middle = sum(RANGE) / 2
    if all(x < middle for x, _ in chosen):
        right = {m: _number(found[m].errors(wave, middle)[steps]) for m in ("maml", "joint")}
        told = ", ".join(f"{STYLES[m].label} {error}" for m, error in right.items())
        text += f" In the right half, where no point is, after ten steps: {told}."
    return text
