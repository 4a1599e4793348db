"""Which round is played, and what has been chosen and answered in each round of this session."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import NamedTuple

import streamlit as st

from maml_core.teaching.play_round import INNER_STEPS, MODES, SECONDS_PER_QUESTION
from pages.shared import cached
from pages.shared.frame.kept_work.parts import KEPT_ROUNDS, ROUNDS
from pages.shared.frame.sidebar import ON_ADAPT
from pages.shared.link_settings import MAX_SEED, PARTS, dataset_label, shape_values

QuestionSource = tuple[str, str, str, int]


class Round(NamedTuple):
    """Ten questions, and whether the time for each is limited."""

    dataset: str
    part: str
    mode: str
    seed: int
    timed: bool

    @property
    def source(self) -> QuestionSource:
        """What the questions and the machines' answers depend on: all but the time."""
        return self.dataset, self.part, self.mode, self.seed

    def title(self, inner_steps: int) -> str:
        """Return what tells two results apart.

        Omniglot's unseen characters go without saying, and the steps that the machines have always
        taken.
        """
        extras = [dataset_label(self.dataset)] if self.dataset != "omniglot" else []
        extras += [PARTS[self.part]] if self.part != "test" else []
        extras += [count_steps(inner_steps)] if inner_steps != INNER_STEPS else []
        extras += [f"{SECONDS_PER_QUESTION} s a question"] if self.timed else []
        return ", ".join([f"Seed {self.seed}", self.mode, *extras])


class Machines(NamedTuple):
    """Who plays against the person, and how long they learn from the examples."""

    methods: tuple[str, ...]
    inner_steps: int


def count_steps(inner_steps: int) -> str:
    """Return so many inner steps in words."""
    return "1 inner step" if inner_steps == 1 else f"{inner_steps} inner steps"


def picks_by_round() -> dict[Round, list[int | None]]:
    """Return what the person has chosen in each round of this session; None: nothing in time.

    They may have begun on another server.
    """
    state = st.session_state
    if ROUNDS not in state:
        state[ROUNDS] = {}
        with suppress(ValueError, TypeError):  # of another version
            kept = json.loads(state.pop(KEPT_ROUNDS, b"[]"))
            state[ROUNDS] = {Round(*played): list(picks) for played, picks in kept}
    picks: dict[Round, list[int | None]] = state[ROUNDS]
    return picks


def known_answers(played: Round, machines: Machines) -> dict[str, list[int]] | None:
    """Return the machines' answers if this session has already waited for them."""
    if (played.source, machines) in _answered():
        return cached.machine_answers(*played.source, *machines)
    return None


def compute_answers(played: Round, machines: Machines) -> None:
    """Wait for the machines' answers, so that `known_answers` has them from now on."""
    cached.machine_answers(*played.source, *machines)
    _answered().add((played.source, machines))


def go_to_next_seed() -> None:
    """Choose the following seed in the sidebar."""
    st.session_state["seed"] = (st.session_state["seed"] + 1) % (MAX_SEED + 1)


def choose_episode_of(played: Round, number: int) -> None:
    """Let the sidebar name the episode of a question of a round, numbered from 1."""
    chosen = {**shape_values(MODES[played.mode]), "question": number}
    st.session_state.update(chosen, question_to_learn=number, **{ON_ADAPT: chosen})


def _answered() -> set[tuple[QuestionSource, Machines]]:
    answered: set[tuple[QuestionSource, Machines]] = st.session_state.setdefault(
        "rounds_answered", set()
    )
    return answered
