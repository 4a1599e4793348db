"""The one episode a person chose: sidebar controls, kept in the URL from page to page.

Streamlit ties each control to the URL parameter of its key (`bind="query-params"`), so a link
carries the whole state. Defaults are left out of the URL.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from maml_core.config import DATASETS, MAX_SHOT, MAX_WAY, MIN_SHOT, MIN_WAY, EpisodeSpec

PARTS = {"test": "never seen in training", "train": "seen in training"}
DATASET_NAMES = {"omniglot": "Omniglot", "glyphs": "Built-in glyphs"}
MAX_QUERY = 10  # with K = 10 all 20 drawers are used
MAX_SEED = 999_999
DEFAULTS = {
    "dataset": "omniglot",
    "n_way": 5,
    "k_shot": 1,
    "q_query": 10,
    "seed": 0,
    "within": False,
    "part": "test",
}


@dataclass(frozen=True)
class Settings:
    """What the sidebar says.

    Attributes:
        dataset: 'omniglot' or 'glyphs'.
        spec: The shape of the episode.
        seed: Which episode, 0 to 999,999.
        part: 'test' or 'train': whether the characters were seen in training.
    """

    dataset: str
    spec: EpisodeSpec
    seed: int
    part: str


def whole(low: int, high: int) -> tuple[Callable[[str], bool], str]:
    """Return the check of a whole number in a range, and the words for it."""

    def fits(text: str) -> bool:
        return text.isascii() and text.isdigit() and low <= int(text) <= high

    return fits, f"a whole number from {low} to {high}"


def one_of(*choices: str) -> tuple[Callable[[str], bool], str]:
    """Return the check of a choice, and the words for it."""
    return choices.__contains__, "one of " + ", ".join(choices)


LINK = {
    "dataset": one_of(*DATASETS),
    "n_way": whole(MIN_WAY, MAX_WAY),
    "k_shot": whole(MIN_SHOT, MAX_SHOT),
    "q_query": whole(1, MAX_QUERY),
    "seed": whole(0, MAX_SEED),
    "within": one_of("true", "false"),
    "part": one_of(*PARTS),
}


def check_link(checks: dict[str, tuple[Callable[[str], bool], str]]) -> None:
    """Say which values of the URL cannot be used; their controls keep the default."""
    notices: list[str] = st.session_state.setdefault("link_notices", [])
    for name, (fits, words) in checks.items():
        odd = [text for text in st.query_params.get_all(name) if not fits(text)]
        if odd:
            notices.append(
                f"The link asks for {name} = {odd[0][:40]!r}, which is not {words}; "
                f"the page shows its default instead."
            )
            del st.query_params[name]
    if notices:
        with st.container(key="link_notices", horizontal=True, vertical_alignment="center"):
            st.warning("  \n".join(notices), icon=":material/link_off:")
            st.button("OK", on_click=notices.clear)


def sidebar() -> Settings:
    """Draw the controls that all pages share and return what they say."""
    check_link(LINK)
    state = st.session_state
    with st.sidebar:
        st.button(
            "New episode",
            key="new_episode",
            icon=":material/casino:",
            on_click=lambda: state.update(seed=random.randint(0, MAX_SEED)),
            shortcut="N",
            width="stretch",
            type="primary",
        )
        dataset = st.selectbox(
            "Characters",
            list(DATASETS),
            key="dataset",
            bind="query-params",
            format_func=lambda name: DATASET_NAMES[name],
        )
        n_way = st.slider(
            "N-way: classes",
            MIN_WAY,
            MAX_WAY,
            DEFAULTS["n_way"],
            key="n_way",
            bind="query-params",
            help="How many characters must be told apart.",
        )
        k_shot = st.slider(
            "K-shot: examples of each",
            MIN_SHOT,
            MAX_SHOT,
            DEFAULTS["k_shot"],
            key="k_shot",
            bind="query-params",
            help="How many pictures of each character are shown, with their labels.",
        )
        q_query = st.slider(
            "Queries of each",
            1,
            MAX_QUERY,
            DEFAULTS["q_query"],
            key="q_query",
            bind="query-params",
            help="How many further pictures of each character are asked about.",
        )
        within = st.toggle(
            "All from one alphabet",
            key="within",
            bind="query-params",
            help="Characters of one alphabet look alike: much harder.",
        )
        part = st.selectbox(
            "Which characters",
            list(PARTS),
            key="part",
            bind="query-params",
            format_func=lambda name: PARTS[name].capitalize(),
        )
        seed = st.number_input(
            "Seed: which episode",
            0,
            MAX_SEED,
            DEFAULTS["seed"],
            key="seed",
            bind="query-params",
            help="The same settings and seed give the same episode on every machine.",
        )
    return Settings(dataset, EpisodeSpec(n_way, k_shot, q_query, within), int(seed), part)
