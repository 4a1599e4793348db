"""How every page begins: sidebar, characters, episode, and a sentence when one is missing."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from maml_core.datasets.base import CharacterSet
from maml_core.episodes import Episode
from pages.shared import loaders
from pages.shared.fetching import offer_omniglot
from pages.shared.settings import Settings, sidebar

# Streamlit leaves 6rem above the title; at 390 px and on a projector that is a third of the view.
COMPACT = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 2.5rem; padding-bottom: 3rem; }
</style>
"""


def begin() -> tuple[Settings, CharacterSet, Episode] | None:
    """Draw the sidebar and return what it chose; None after saying why there is no episode."""
    st.html(COMPACT)
    available = loaders.available_datasets()
    if not available["omniglot"] and st.session_state.get("dataset", "omniglot") == "omniglot":
        st.session_state["dataset"] = "glyphs"  # before its control is drawn, so the URL says so
    settings = sidebar()
    data = loaders.characters(settings.dataset)
    with st.sidebar:
        if data.notice:
            st.warning(data.notice, icon=":material/info:")
        elif not available["omniglot"]:
            st.caption(
                "Omniglot is not on this machine, so these are characters drawn by a program."
            )
        if not available["omniglot"]:
            offer_omniglot()
        link_to_here()
    try:
        return settings, data, loaders.episode(settings)
    except ValueError as error:
        st.error(f"{error}", icon=":material/error:")
        return None


def link_to_here() -> None:
    """Offer the page's address, which carries all that was chosen."""
    with st.popover("Copy link", icon=":material/link:", width="stretch"):
        st.caption("Opens this page with this episode and these settings.")
        query = [(name, one) for name in st.query_params for one in st.query_params.get_all(name)]
        address = st.context.url or ""  # none in a test without a browser
        st.code(f"{address}?{urlencode(query)}".removesuffix("?"), language=None, wrap_lines=True)
