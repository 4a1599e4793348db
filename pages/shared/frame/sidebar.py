"""The sidebar that all pages share: which episode."""

from __future__ import annotations

import random
from urllib.parse import urlencode

import streamlit as st

from maml_core.config import MAX_SHOT, MAX_WAY, MIN_SHOT, MIN_WAY
from maml_core.data import registry
from pages.shared.data_sources.episode_shape import fit_episode_to_dataset
from pages.shared.data_sources.omniglot_download import omniglot_download
from pages.shared.data_sources.zip_upload import select_new_zip, zip_upload
from pages.shared.link_settings import (
    CONTROL_LABELS,
    DEFAULT_SPEC,
    LINK,
    MAX_QUERY,
    MAX_SEED,
    PART_LABELS,
    ZIP_LABEL,
    check_link,
    dataset_labels,
    one_of,
)

IN_COLOUR = ("My folder", ZIP_LABEL)
ALWAYS = ("Omniglot", "Glyphs")  # these can be had; the others are offered where there are some


# This module is drawn before the page and imports no torch, so that it shows at once.
@st.cache_data(show_spinner=False, ttl=30)
def available_datasets() -> dict[str, bool]:
    """Say which data sets can be used here and now."""
    found = {one.name: one.available for one in registry.status()}
    return {**found, "folder-28": found["folder"]}


def usable_datasets() -> dict[str, str]:
    """Return the data sets that this visitor can use, by the words that stand for them."""
    here = available_datasets()  # it does not speak of a zip: who has brought one, has it
    return {words: name for words, name in dataset_labels().items() if here.get(name, True)}


def sidebar() -> None:
    """Draw the controls that all pages share; `current_settings` returns what they say."""
    available = available_datasets()
    select_new_zip()
    here = usable_datasets()
    offered = [words for words in dataset_labels() if words in here or words in ALWAYS]
    if st.session_state.get("dataset") not in (None, *offered):
        del st.session_state["dataset"]
    if not available["omniglot"] and st.session_state.get("dataset", "Omniglot") == "Omniglot":
        st.session_state["dataset"] = "Glyphs"  # before its control is drawn, so the URL says so
    check_link({**LINK, "dataset": one_of(*offered)})
    with st.sidebar:
        st.button(
            "New episode",
            key="new_episode",
            icon=":material/casino:",
            on_click=lambda: st.session_state.update(seed=random.randint(0, MAX_SEED)),
            shortcut="N",
            width="stretch",
            type="primary",
        )
        st.selectbox(
            CONTROL_LABELS["dataset"],
            offered,
            key="dataset",
            bind="query-params",
        )
        if st.session_state["dataset"] in IN_COLOUR:
            st.caption("The networks see these pictures as characters: grey, 28 × 28 pixels.")
        fit_episode_to_dataset()
        zip_upload()
        _shape_of_the_episode()
        st.selectbox(
            CONTROL_LABELS["part"],
            list(PART_LABELS),
            key="part",
            bind="query-params",
        )
        st.number_input(
            CONTROL_LABELS["seed"],
            0,
            MAX_SEED,
            key="seed",
            bind="query-params",
            help="The same settings and seed give the same episode on every machine.",
        )
        if not available["omniglot"]:
            st.caption("Omniglot is not on this machine: these characters are drawn by a program.")
            omniglot_download()
        _link_to_here()


def _shape_of_the_episode() -> None:
    st.slider(
        CONTROL_LABELS["n_way"],
        MIN_WAY,
        MAX_WAY,
        DEFAULT_SPEC.n_way,
        key="n_way",
        bind="query-params",
        help="How many characters must be told apart.",
    )
    st.slider(
        CONTROL_LABELS["k_shot"],
        MIN_SHOT,
        MAX_SHOT,
        DEFAULT_SPEC.k_shot,
        key="k_shot",
        bind="query-params",
        help="How many pictures of each character are shown, with their labels.",
    )
    st.slider(
        CONTROL_LABELS["q_query"],
        1,
        MAX_QUERY,
        DEFAULT_SPEC.q_query,
        key="q_query",
        bind="query-params",
        help="How many further pictures of each character are asked about.",
    )
    st.toggle(
        CONTROL_LABELS["within"],
        key="within",
        bind="query-params",
        help="Characters of one alphabet look alike: much harder.",
    )


def _link_to_here() -> None:
    """Offer the page's address, which carries all that was chosen."""
    with st.popover("Copy link", icon=":material/link:", width="stretch"):
        st.caption("Opens this page with this episode and these settings.")
        query = [(name, one) for name in st.query_params for one in st.query_params.get_all(name)]
        address = st.context.url or ""  # none in a test without a browser
        st.code(f"{address}?{urlencode(query)}".removesuffix("?"), language=None, wrap_lines=True)
