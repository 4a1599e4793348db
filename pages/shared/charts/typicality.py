"""Beside a result: how typical this episode or round is of the many that were measured."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from maml_core.config import EpisodeSpec
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.teaching.openings import Kind, load_openings, typicality
from pages.shared import cached
from pages.shared.link_settings import Settings

FIRST_STEP = 1  # where the methods differ most


def show_episode_typicality(
    settings: Settings, trajectories: Iterable[AdaptationTrajectory]
) -> None:
    """Say how typical MAML's and the baseline's first steps are, if both took their own α."""
    n_way = settings.spec.n_way
    accuracies = {
        trajectory.method: float(trajectory.accuracy[FIRST_STEP])
        for trajectory in trajectories
        if trajectory.inner_lr == cached.learner(trajectory.method).inner_lr(n_way)
    }
    if {"maml", cached.BASELINE} <= accuracies.keys():
        pair = accuracies["maml"], accuracies[cached.BASELINE]
        show_typicality(settings.dataset, settings.part, "episode", settings.spec, pair)


def show_typicality(
    dataset: str,
    part: str,
    kind: Kind,
    spec: EpisodeSpec,
    accuracies: tuple[float, float],
    step: int = FIRST_STEP,
) -> None:
    """Say how typical two accuracies are; nothing where no such episodes were measured.

    Args:
        dataset: Of the episode or round, by name.
        part: 'test' or 'train'.
        kind: What is compared, see `Contrast`.
        spec: Of the episode or round.
        accuracies: Of the one that should be ahead and of the other, 0 to 1.
        step: After how many inner steps.
    """
    dataset = cached.characters(dataset).name  # the glyphs, where that one cannot be read
    openings = load_openings()
    opening = openings.get(dataset)
    contrast = opening.contrast(kind, spec, step) if opening and part == "test" else None
    if contrast is None:
        return
    other = openings["omniglot"].contrast(kind, spec, step) if dataset != "omniglot" else None
    st.caption(typicality(contrast, *accuracies, on_omniglot=other))
