"""The part of the Train page on sinusoids: a wave is guessed from few points, and how that came."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import partial

import streamlit as st

from maml_core import regression
from maml_core.config import SinusoidConfig
from maml_core.figures import CHART_CONFIG, STYLES
from maml_core.regression import RANGE, Errors, Fit, Stage, Wave
from maml_core.regression_figures import SHOWN_STEPS, error_figure, fit_figure, training_figure
from pages.shared import points
from pages.shared.frame import why
from pages.shared.points import Task
from pages.shared.settings import MAX_SEED, one_of
from pages.shared.sinusoid_training import Bench, Training, bench
from pages.shared.wave import Panel, waves

SHOTS = (5, 10, 20)
UPDATES = (500, 1_000, 2_000, 5_000)
REFRESH_SECONDS = 0.5
TASKS = 600
TABLE_STEPS = (0, 1, 2, 5, 10)
# K, and whether of the left half alone, by the words for it.
SHAPES = {
    "K = 10": (10, False),
    "K = 5": (5, False),
    "K = 10, left half only": (10, True),
}
PAPER = (
    "The paper's setting is 70,000 updates of 25 tasks with β = 0.001 and K = 10; its Figure 2 "
    "shows such fits, its Figure 3 the error by step."
)
WHY_JOINT = """
The mean of all these waves is nearly zero everywhere: for each wave there is another that cancels
it. A network trained on all of them at once, without adapting, learns that mean. It has seen as
many waves as MAML, but nothing in its training asked for a start from which a few steps lead far.
At test it takes the α that is best for it on validation waves; MAML keeps that of its training.
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
    _numbers(here)


def _controls() -> Task:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "New sinusoid",
            key="new_wave",
            icon=":material/casino:",
            on_click=lambda: st.session_state.update(seed=random.randint(0, MAX_SEED)),
            help="The same as “New episode” in the sidebar: its seed says which wave.",
        )
        k_shot = st.segmented_control(
            "Points, K",
            SHOTS,
            default=10,
            required=True,
            key="wave_k",
            bind="query-params",
            width="content",
        )
        half = st.toggle(
            "Only in the left half: who extrapolates?", key="half", bind="query-params"
        )
    return Task(int(st.session_state["seed"]), int(k_shot), half)


def _watched(here: Bench, task: Task) -> None:
    """Draw what changes while a training runs, after training for a moment."""
    if here.running:
        here.running.go_on()
        if here.running.is_done:
            _end(here)
    _fits(here.stage, task)
    _training(here)


def _end(here: Bench) -> None:
    with st.spinner("Choosing α for joint pretraining …"):
        here.end()
    st.rerun()


def _fits(stage: Stage, task: Task) -> None:
    """Draw the curves of both methods, with what their errors are."""
    wave, chosen = regression.shown_wave(task.seed), points.points(task)
    found = regression.fit(stage.learners, wave, chosen, max(SHOWN_STEPS))
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
        why("Why is joint pretraining flat?", WHY_JOINT)
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
        f"One wave, A = {wave.amplitude:.2f} and φ = {wave.phase:.2f}, {len(chosen)} points; "
        "error: mean squared distance from the wave on the whole range before, after one and "
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


def _training(here: Bench) -> None:
    """Draw the curves of the training that is shown, and what starts or stops one."""
    st.subheader("How they were trained", anchor=False)
    if here.running:
        _progress(here, here.running)
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            updates = st.segmented_control(
                "Updates",
                UPDATES,
                default=SinusoidConfig().meta_steps,
                required=True,
                key="updates",
                bind="query-params",
                width="content",
            )
            if st.button("Train anew", key="train", type="primary", icon=":material/play_arrow:"):
                here.begin(int(updates))
                st.rerun()
            if here.trained and st.button("The recorded weights again", key="recorded_again"):
                here.trained = None
                st.rerun()
    stage = here.stage
    st.plotly_chart(
        training_figure(stage.history, stage.config.meta_steps),
        key="training_chart",
        config=CHART_CONFIG,
    )
    config, is_recorded = stage.config, not (here.running or here.trained)
    whose = "Recorded beforehand with the same code" if is_recorded else "Trained here and now"
    st.caption(
        f"{whose}, seed {config.seed}: {stage.step:,} of {config.meta_steps:,} updates of "
        f"{config.meta_batch_size} waves, β = {config.meta_lr:g} falling to 0, α = "
        f"{config.inner_lr:g}, one inner step, K = {config.k_shot}. The error is the mean over "
        f"{regression.VALIDATION_TASKS} validation waves. {PAPER}"
    )


def _progress(here: Bench, running: Training) -> None:
    step, steps = running.stage.step, running.config.meta_steps
    left = f", about {running.seconds_left:.0f} s to go" if step else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Stop", key="stop_training", icon=":material/stop:"):
            _end(here)
        st.progress(step / steps, f"{step:,} of {steps:,} updates{left}")


def _numbers(here: Bench) -> None:
    """Draw the errors over many waves, once no training runs."""
    st.subheader(f"Over {TASKS} waves", anchor=False)
    if here.running:
        st.caption("Measured when the training has ended or is stopped.")
        return
    with st.spinner(f"Measuring on {TASKS} waves …"):
        found = _measured(here.number if here.trained else 0, here.stage)
    _draw_numbers(found)


def _measured(number: int, stage: Stage) -> dict[str, dict[str, Errors]]:
    """Return the errors of a stage by the words of its shape; kept for the session."""
    kept = st.session_state.setdefault("sinusoid_errors", {})
    if number not in kept:
        kept[number] = {
            words: regression.evaluate(
                stage.learners, k_shot, inner_steps=max(TABLE_STEPS), tasks=TASKS, half=half
            )
            for words, (k_shot, half) in SHAPES.items()
        }
    found: dict[str, dict[str, Errors]] = kept[number]
    return found


@st.fragment
def _draw_numbers(found: Mapping[str, Mapping[str, Errors]]) -> None:
    words = st.segmented_control(
        "Points given",
        list(SHAPES),
        default=next(iter(SHAPES)),
        required=True,
        key="error_shape",
        label_visibility="collapsed",
    )
    st.plotly_chart(error_figure(found[words]), key="error_chart", config=CHART_CONFIG)
    st.caption(
        f"Mean squared error over {TASKS} waves on which nothing was trained, with the mean's "
        "95 % confidence interval, on "
        + ("the right half of the range." if SHAPES[words][1] else "the whole range.")
    )
    st.dataframe(_table(found), hide_index=True, key="error_table")
    st.caption(PAPER)


def _table(found: Mapping[str, Mapping[str, Errors]]) -> list[dict[str, str]]:
    return [
        {"Points": words, "Method": STYLES[method].label}
        | {
            f"step {step}": f"{errors.mean[step]:.2f} ± {errors.ci95[step]:.2f}"
            for step in TABLE_STEPS
        }
        for words, by_method in found.items()
        for method, errors in by_method.items()
    ]
