"""Which round is played, and what has been chosen and answered in each round of this session."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from maml_core.teaching.play_round import MODES, SECONDS_PER_QUESTION
from pages.shared import cached
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

    @property
    def title(self) -> str:
        """What tells two results apart; Omniglot's unseen characters go without saying."""
        extras = [dataset_label(self.dataset)] if self.dataset != "omniglot" else []
        extras += [PARTS[self.part]] if self.part != "test" else []
        extras += [f"{SECONDS_PER_QUESTION} s a question"] if self.timed else []
        return ", ".join([f"Seed {self.seed}", self.mode, *extras])


def picks_by_round() -> dict[Round, list[int | None]]:
    """Return what the person has chosen in each round of this session; None: nothing in time."""
    picks: dict[Round, list[int | None]] = st.session_state.setdefault("rounds_played", {})
    return picks


def known_answers(played: Round, methods: tuple[str, ...]) -> dict[str, list[int]] | None:
    """Return the machines' answers if this session has already waited for them."""
    if (played.source, methods) in _answered():
        return cached.machine_answers(*played.source, methods)
    return None


def compute_answers(played: Round, methods: tuple[str, ...]) -> None:
    """Wait for the machines' answers, so that `known_answers` has them from now on."""
    cached.machine_answers(*played.source, methods)
    _answered().add((played.source, methods))


def go_to_next_seed() -> None:
    """Choose the following seed in the sidebar."""
    st.session_state["seed"] = (st.session_state["seed"] + 1) % (MAX_SEED + 1)


def choose_episode_of(played: Round, number: int) -> None:
    """Let the sidebar name the episode of a question of a round, numbered from 1."""
    shape = shape_values(MODES[played.mode])
    st.session_state.update(shape, question=number, question_to_learn=number)


def _answered() -> set[tuple[QuestionSource, tuple[str, ...]]]:
    answered: set[tuple[QuestionSource, tuple[str, ...]]] = st.session_state.setdefault(
        "rounds_answered", set()
    )
    return answered
