"""N, K and the queries where a data set has too few characters or pictures for them."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from maml_core.config import EpisodeSpec
from pages.shared.character_sets import is_stopped, shown_edition
from pages.shared.link_settings import (
    DEFAULT_SPEC,
    DEFAULTS,
    LINK,
    PART_LABELS,
    dataset_labels,
    shape_values,
)
from pages.shared.streamlit_internals import rewrite_link

FIELDS = {"within": "within_alphabet"}  # of the spec, where a control's key is another
LARGE = ("omniglot", "glyphs")  # they can give every episode that the sidebar can name


def fit_episode_to_dataset(progress: DeltaGenerator) -> None:
    """Set N, K and the queries to what a data set that was just chosen can give, and say so.

    To be called after the control of the data set is drawn, and before those of the shape.

    Args:
        progress: The container in which it is shown how far the characters are read.
    """
    state = st.session_state
    dataset = dataset_labels()[state["dataset"]]
    if dataset in LARGE or is_stopped(dataset):
        state.pop("fitted_to", None)
        return
    # These import torch, for which the sidebar does not wait.
    from maml_core.episodes.pool import fit_spec
    from pages.shared import cached

    words = state.get("part") or st.query_params.get("part", "")
    part = PART_LABELS.get(words, PART_LABELS[str(DEFAULTS["part"])])
    with progress:
        cached.characters(dataset)
    try:
        pool = cached.pool(dataset, part)
    except ValueError:
        return  # the page says what is wrong
    chosen = (dataset, part, shown_edition(dataset))
    if state.get("fitted_to") != chosen:
        state["fitted_to"] = chosen
        values = {key: _value(key, default) for key, default in shape_values(DEFAULT_SPEC).items()}
        spec = EpisodeSpec(**{FIELDS.get(key, key): value for key, value in values.items()})
        for key, value in shape_values(fit_spec(pool, spec)).items():
            _set_value(key, value)
    n_classes, fewest = len(pool.classes), int(pool.counts.min())
    at_least = "at least " if fewest < pool.counts.max() else ""
    st.caption(
        f"{n_classes} characters, {at_least}{fewest} {'picture' if fewest == 1 else 'pictures'} of "
        f"each: N is at most {n_classes}, K and the queries together at most {fewest}."
    )


def _value(key: str, default: int) -> Any:
    """Return what a control says, or is about to say when the link is read."""
    if key in st.session_state:
        return st.session_state[key]
    text = st.query_params.get(key, "")
    fits, _ = LINK[key]
    return json.loads(text) if fits(text) else default


def _set_value(key: str, value: int) -> None:
    """Let a control that is not drawn yet have a value."""
    if key in st.session_state or key not in st.query_params:
        st.session_state[key] = value
    else:  # the link would overrule the session
        rewrite_link({key: [json.dumps(value)]})
