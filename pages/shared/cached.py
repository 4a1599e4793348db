"""Cached ways to data, weights and results. What they return is shared: nobody writes to it."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import streamlit as st

from maml_core.config import PARTS
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import Episode, sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.single_query import adapt_each
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import (
    TrainingSplit,
    seen_in_training,
    splits_trained_on,
)
from maml_core.methods.catalogue import METHODS, NEAREST
from maml_core.optimisation.freed_memory import keep_freed_memory, release_freed_memory
from maml_core.optimisation.thread_pool import end_unused_processes, use_processes
from maml_core.teaching import play_round
from maml_core.teaching.anatomy.feature_map import FeatureMap, compare_feature_maps
from maml_core.teaching.sentences.words import AvailableClasses
from pages.shared.character_sets import loaded_set, loaded_sets, shown_edition
from pages.shared.learners import store
from pages.shared.link_settings import Settings, dataset_labels
from pages.shared.streamlit_internals import expire_results, forget_expired_sessions, is_deserted

BASELINE = "pretrained"  # what stands beside MAML
SPLIT = "alphabets"  # the one that the shipped weights are trained on
RESULT_SECONDS = 480.0  # that a result is kept for whoever asks for the same
TIDY_SECONDS = 30.0

_log = logging.getLogger(__name__)


def characters(dataset: str) -> CharacterSet:
    """Return a data set, or the built-in glyphs with a notice that says why."""
    return loaded_set(dataset).data


def pool(dataset: str, part: str, split: str = SPLIT, ink_crops: bool = False) -> TaskPool:
    """Return the classes of one part of a data set."""
    loaded = loaded_set(dataset)
    data = loaded.data

    def make() -> TaskPool:
        return make_pool(data, split_classes(data, split, part), ink_crops=ink_crops)

    return loaded.once(("pool", part, split, ink_crops), make)


def alphabets_by_part(dataset: str) -> dict[str, dict[str, int]]:
    """Return how many characters each alphabet has, by part of the split."""
    loaded = loaded_set(dataset)
    data = loaded.data

    def count() -> dict[str, dict[str, int]]:
        return {
            part: dict(Counter(data.classes[c].alphabet for c in split_classes(data, SPLIT, part)))
            for part in PARTS
        }

    return loaded.once("alphabets", count)


def available_classes(dataset: str, part: str) -> AvailableClasses:
    """Return what the episodes of one part of a data set are sampled from."""
    alphabets = alphabets_by_part(dataset)[part].values()
    has_alphabets = characters(dataset).has_drawers
    return AvailableClasses(sum(alphabets), max(alphabets, default=0) if has_alphabets else 0)


def learner(method: str, split: str = SPLIT) -> Learner:
    """Return the shipped learner of a method, or one of the visitor's own by its name."""
    mine = store.learners()
    return mine[method] if method in mine else _shipped(method, split)


@st.cache_resource(show_spinner=False)
def _shipped(method: str, split: str) -> Learner:
    return checkpoints.shipped(method, split)


def available_methods(split: str = SPLIT) -> tuple[str, ...]:
    """Return the methods whose weights are here, and the visitor's own learners for a split."""
    return _shipped_methods(split) + unseen_own_learners(split)


def unseen_own_learners(split: str) -> tuple[str, ...]:
    """Return the visitor's own learners that have trained on none of the sidebar's test classes."""
    learners = store.learners()
    dataset = dataset_labels().get(st.session_state.get("dataset", ""))
    if dataset is None or not learners:
        return tuple(learners)
    data = characters(dataset)
    edition = shown_edition(dataset)
    return tuple(
        name
        for name, learner in learners.items()
        if not _n_seen(dataset, edition, split, tuple(splits_trained_on(learner.provenance)), data)
    )


@st.cache_data(show_spinner=False, max_entries=256)
def _n_seen(
    dataset: str,
    edition: str,
    split: str,
    trained_on: tuple[TrainingSplit, ...],
    _data: CharacterSet,
) -> int:
    """Return how many test classes of a split weights were trained on."""
    return len(seen_in_training(trained_on, _data, split_classes(_data, split, "test")))


@st.cache_data(show_spinner=False)
def references(split: str = SPLIT) -> tuple[str, ...]:
    """Return the references that adapt nothing and whose features' weights are here."""
    return tuple(name for name in NEAREST if checkpoints.can_answer(name, split))


@st.cache_data(show_spinner=False)
def _shipped_methods(split: str) -> tuple[str, ...]:
    return tuple(name for name in METHODS if checkpoints.can_answer(name, split))


@st.cache_resource(show_spinner=False, max_entries=64, ttl=RESULT_SECONDS)
def episode(settings: Settings, split: str = SPLIT) -> Episode:
    """Return the episode that the sidebar names.

    Raises:
        ValueError: It cannot be sampled; the message says what to change.
    """
    classes = pool(settings.dataset, settings.part, split)
    return sample_episode(classes, settings.spec, settings.seed, settings.number)


@st.cache_resource(show_spinner=False, max_entries=64, ttl=RESULT_SECONDS)
def trajectories(
    settings: Settings, methods: tuple[str, ...], inner_steps: int, lr_factor: float
) -> list[AdaptationTrajectory]:
    """Return how each method adapts to the sidebar's episode."""
    chosen = {method: learner(method) for method in methods}
    return compare(chosen, episode(settings), inner_steps, lr_factor)


@st.cache_resource(show_spinner=False, max_entries=64, ttl=RESULT_SECONDS)
def feature_maps(
    settings: Settings, methods: tuple[str, ...], inner_steps: int, lr_factor: float
) -> dict[str, dict[str, FeatureMap]]:
    """Return where each method's features put the episode's pictures, by method and place."""
    chosen = {method: learner(method) for method in methods}
    return compare_feature_maps(chosen, episode(settings), inner_steps, lr_factor)


@st.cache_resource(show_spinner=False, max_entries=64, ttl=RESULT_SECONDS)
def adapted(
    content: str,
    methods: tuple[str, ...],
    inner_steps: int,
    _support: Sequence[Sequence[np.ndarray]],
) -> dict[str, AdaptationTrajectory]:
    """Return how each method adapts to somebody's characters.

    Args:
        content: A digest of them: the same for the same characters in the same rows only.
        methods: Which.
        inner_steps: Gradient steps.
        _support: Of each class its characters.
    """
    return adapt_each({method: learner(method) for method in methods}, _support, inner_steps)


def questions(dataset: str, part: str, mode: str, seed: int) -> list[play_round.PlayQuestion]:
    """Return the round of ten questions that belongs to a seed.

    Raises:
        ValueError: There are too few characters for the mode.
    """
    return _questions(dataset, loaded_set(dataset).edition, part, mode, seed)


@st.cache_resource(show_spinner=False, max_entries=32, ttl=RESULT_SECONDS)
def _questions(
    dataset: str, edition: str, part: str, mode: str, seed: int
) -> list[play_round.PlayQuestion]:
    return play_round.sample_questions(pool(dataset, part), mode, seed)


def machine_answers(
    dataset: str, part: str, mode: str, seed: int, methods: tuple[str, ...], inner_steps: int
) -> dict[str, list[int]]:
    """Return the label that each method gives to each question of a round."""
    edition = loaded_set(dataset).edition
    return _machine_answers(dataset, edition, part, mode, seed, methods, inner_steps)


@st.cache_resource(show_spinner=False, max_entries=1024, ttl=RESULT_SECONDS)
def _machine_answers(
    dataset: str,
    edition: str,
    part: str,
    mode: str,
    seed: int,
    methods: tuple[str, ...],
    inner_steps: int,
) -> dict[str, list[int]]:
    asked = _questions(dataset, edition, part, mode, seed)
    learners = {method: learner(method) for method in methods}
    return play_round.answer_questions(learners, asked, inner_steps)


@cache
def keep_tidy(also: Callable[[], None]) -> threading.Thread:
    """Have old results dropped from now on, and freed memory given back to the system.

    Args:
        also: What else to do each time, every `TIDY_SECONDS`.
    """
    keep_freed_memory()
    use_processes()
    tidying = threading.Thread(target=_tidy_regularly, args=(also,), daemon=True)
    tidying.start()
    return tidying


def _tidy_regularly(also: Callable[[], None]) -> None:
    while True:
        time.sleep(TIDY_SECONDS)
        try:
            _tidy(also)
        except Exception:  # what fails once is not left undone for as long as the server runs
            _log.exception("Old results could not be dropped; the next time is soon")


def _tidy(also: Callable[[], None]) -> None:
    expire_results()
    loaded_sets().forget_unused(RESULT_SECONDS)
    end_unused_processes(RESULT_SECONDS)
    also()
    if forget_expired_sessions() and is_deserted():
        gc.collect()  # sessions refer to themselves, and an idle server collects nothing
    release_freed_memory()
