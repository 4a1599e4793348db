"""Predict first: what one expects of an episode, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.style import STYLES, takes_no_step
from maml_core.teaching.sentences.words import capitalised
from pages.shared.charts.class_predictions import ask_for_accuracies
from pages.shared.classroom.links import ADAPT, link_here
from pages.shared.classroom.predictions import prediction_task
from pages.shared.classroom.visitor import current_pupil

TIE = "A tie"
QUESTION = "**What query accuracy do you expect?** Hand it in, then play the steps."


def draw_predictions(
    trajectories: Sequence[AdaptationTrajectory], revealed: bool, *, is_seen: bool
) -> None:
    """Ask for a prediction; give the outcome once the last step has been seen.

    In a class the predicted accuracies are handed in; without one it is asked who will be ahead.

    Args:
        trajectories: One a method.
        revealed: Whether the last step has been seen.
        is_seen: Whether it was seen at any time before, as without *Predict first*.
    """
    pupil = current_pupil()
    link = link_here(ADAPT)
    if pupil and (task := prediction_task(link)):
        ask_for_accuracies(pupil, link, task, QUESTION, is_seen=is_seen)
    else:
        _ask_who_is_ahead(trajectories, revealed)


def _ask_who_is_ahead(trajectories: Sequence[AdaptationTrajectory], revealed: bool) -> None:
    """Ask which method will be ahead; give the outcome once the last step has been seen."""
    labels = [STYLES[trajectory.method].label for trajectory in trajectories]
    if len(labels) == 1:
        st.caption("Choose a second method to predict which of them is ahead.")
        return
    for step, key, when in _moments(trajectories):
        guess = st.segmented_control(f"Ahead {when}?", [*labels, TIE], key=key, wrap=True)
        if guess and revealed:
            best = max(trajectory.accuracy[step] for trajectory in trajectories)
            ahead = [
                label
                for label, trajectory in zip(labels, trajectories, strict=True)
                if trajectory.accuracy[step] == best
            ]
            verdict = _verdict(guess, ahead, f"{100 * best:.0f} %")
            st.markdown(f"{capitalised(when)}: {verdict}")


def _moments(trajectories: Sequence[AdaptationTrajectory]) -> list[tuple[int, str, str]]:
    """Return when it is asked who is ahead: the steps, their controls' keys, and their words."""
    last = len(trajectories[0].accuracy) - 1
    if all(takes_no_step(trajectory.method) for trajectory in trajectories):
        return [(last, "guess_last", "without a step")]
    keys = {1: "guess_first", last: "guess_last"}
    return [(step, key, f"after step {step}") for step, key in keys.items()]


def _verdict(guess: str, ahead: list[str], best: str) -> str:
    """Return what became of a prediction, once it is known who is ahead and with how much."""
    names = f"**{' and '.join(ahead)}**"
    if len(ahead) == 1:
        verdict = "you saw it coming" if guess in ahead else "not what you expected"
        return f"{verdict}. {names} is ahead with {best}."
    verdict = "you saw it coming" if guess == TIE else "nobody is ahead"
    return f"{verdict}. It is a tie: {names} have {best}."
