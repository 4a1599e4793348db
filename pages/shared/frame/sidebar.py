"""The sidebar that all pages share: which episode."""

from __future__ import annotations

import random
from collections.abc import Iterable

import streamlit as st

from maml_core.config import MAX_SHOT, MAX_WAY, MIN_SHOT, MIN_WAY
from pages.shared.character_sets import available_datasets, begin_run
from pages.shared.classroom.class_set import find_class_set
from pages.shared.data_sources.episode_shape import fit_episode_to_dataset
from pages.shared.data_sources.omniglot_download import omniglot_download
from pages.shared.data_sources.picture_view import choose_view, decide_views
from pages.shared.data_sources.zip_upload import select_new_zip, zip_upload
from pages.shared.frame.links.embedding import draw_embed_code
from pages.shared.frame.links.share import draw_share_buttons
from pages.shared.frame.navigation import EPISODE, PAGES_BY_NAME
from pages.shared.frame.opening import complete_link
from pages.shared.link_settings import (
    CONTROL_LABELS,
    DEFAULT_SPEC,
    DEFAULTS,
    LINK,
    MAX_QUERY,
    MAX_SEED,
    PART_LABELS,
    PRESETS,
    VIEW_LINK,
    check_link,
    dataset_labels,
    one_of,
    shape_values,
)

ALWAYS = ("Omniglot", "Glyphs")  # these can be had; the others are offered where there are some
ALL_CONTROLS = {*EPISODE, "question"}
# What Play has chosen for Adapt, chosen again there: with the click on the link the browser may
# still send the controls' former values.
ON_ADAPT = "episode_on_adapt"
# Letters everywhere, in the components too, are measured by the root's.
# Three presets have to fit beside each other, and *Glossary* beside its line.
LARGER_LETTERS = """
@media (min-width: 769px) {
  html { font-size: 22px !important; }
  .st-key-presets button[role="radio"] { padding-inline: 0.1rem; flex: 1 1 0; min-width: 0; }
  .st-key-presets button[role="radio"] p { font-size: 0.78rem; }
  .st-key-introduction [data-testid="stColumn"]:last-child { flex: none; width: 10rem; }
}
"""
NO_OMNIGLOT = "Omniglot is not on this machine: these characters are drawn by a program."


def usable_datasets() -> dict[str, str]:
    """Return the data sets that this visitor can use, by the words that stand for them."""
    here = available_datasets()  # it does not speak of a zip: who has brought one, has it
    return {words: name for words, name in dataset_labels().items() if here.get(name, True)}


def sidebar(page: str) -> None:
    """Draw the controls that all pages share; `current_settings` returns what they say.

    Args:
        page: The name of the page, whose controls are to be seen. The others are drawn too, but
            hidden: Streamlit keeps the values, in the session and in the URL, of what it draws.
    """
    st.session_state["current_page"] = page
    if page != "play" and (chosen := st.session_state.pop(ON_ADAPT, None)) and page == "adapt":
        st.session_state.update(chosen)
    begin_run()
    find_class_set()
    available = available_datasets()
    select_new_zip()
    decide_views(usable_datasets())
    here = usable_datasets()
    offered = [words for words in dataset_labels() if words in here or words in ALWAYS]
    if st.session_state.get("dataset") not in (None, *offered):
        del st.session_state["dataset"]
    usual = "Omniglot" if available["omniglot"] else "Glyphs"
    if not available["omniglot"] and st.session_state.get("dataset", "Omniglot") == "Omniglot":
        st.session_state["dataset"] = usual  # before its control is drawn
    with st.container(key="address"):  # always there, see `show_until_dismissed`
        complete_link(page, usual)
    if st.session_state.get("seed", 0) is None:  # the field was emptied
        st.session_state["seed"] = DEFAULTS["seed"]
    check_link({**LINK, **VIEW_LINK, "dataset": one_of(*offered)})
    used = used_controls(page)
    _hide(ALL_CONTROLS - used)
    reading = st.container(key="reading")  # not in the sidebar, which is closed on a phone
    with st.sidebar:
        with st.container(key="seed_button"):
            new_episode_button("new_episode", shortcut="N" if "seed_button" in used else None)
        st.selectbox(CONTROL_LABELS["dataset"], offered, key="dataset", bind="query-params")
        with st.container(key="about_dataset"):
            choose_view(st.session_state["dataset"])
            fit_episode_to_dataset(reading)
        with st.container(key="zip_upload"):
            zip_upload()
        presets = st.container(key="presets")
        _shape_of_the_episode()
        with presets:
            _presets()
        _which_episode()
        if not available["omniglot"]:
            with st.container(key="omniglot"):
                st.caption(NO_OMNIGLOT)
                omniglot_download()
        _projector()
        draw_share_buttons(page)
        draw_embed_code(page)


def _projector() -> None:
    larger = st.toggle(
        CONTROL_LABELS["projector"],
        key="projector",
        bind="query-params",
        help="Larger letters and thicker lines on all pages. In a link: `projector=1`.",
    )
    st.html(f"<style>{LARGER_LETTERS if larger else ''}</style>")


def _hide(keys: Iterable[str]) -> None:
    """Hide controls. They must stay where they are: one that moves loses its place in the URL."""
    selectors = ", ".join(f".st-key-{key}" for key in sorted(keys))
    st.html(f"<style>:is({selectors}) {{ display: none; }}</style>")


def current_page() -> str:
    """Return the name of the page that is drawn."""
    page: str = st.session_state["current_page"]
    return page


def used_controls(page: str) -> set[str]:
    """Return the keys of what the sidebar offers that has an effect on a page as it stands."""
    state = st.session_state
    by_section = PAGES_BY_NAME[page].controls_by_section
    section = state.get("what", st.query_params.get("what", ""))
    used = {*by_section.get(section, PAGES_BY_NAME[page].controls)}
    # It is there only for those who came from a question of Play.
    at_question = str(state.get("question", st.query_params.get("question", "0"))) != "0"
    return used | {"question"} if "n_way" in used and at_question else used


def new_episode_button(key: str, shortcut: str | None = None) -> None:
    """Draw a button that chooses another seed."""
    st.button(
        "New episode",
        key=key,
        icon=":material/casino:",
        on_click=lambda: st.session_state.update(seed=random.randint(0, MAX_SEED)),
        type="primary",
        width="stretch",
        shortcut=shortcut,
    )


def _presets() -> None:
    """Offer shapes of episodes in one tap, and show which of them the controls say."""
    state = st.session_state
    chosen = {name: state[name] for name in shape_values(DEFAULT_SPEC)}
    names = [name for name, spec in PRESETS.items() if shape_values(spec) == chosen]
    state["preset"] = names[0] if names else None

    def choose() -> None:
        if state["preset"]:
            state.update(shape_values(PRESETS[state["preset"]]))

    st.segmented_control(
        "How hard",
        list(PRESETS),
        key="preset",
        on_change=choose,
        width="stretch",
        help="Sets N, K, the queries and the alphabets in one tap.",
    )


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


def _which_episode() -> None:
    st.selectbox(CONTROL_LABELS["part"], list(PART_LABELS), key="part", bind="query-params")
    st.number_input(
        CONTROL_LABELS["seed"],
        0,
        MAX_SEED,
        None,  # no default, so that the address always says it
        key="seed",
        bind="query-params",
        help="The same settings and seed give the same episode on every machine.",
    )
    st.number_input(
        CONTROL_LABELS["question"],
        0,
        key="question",
        bind="query-params",
        help="Each question of Play is an episode of its own. 0 is the seed's usual episode.",
    )
