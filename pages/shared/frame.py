"""How every page begins: characters, episode, and a sentence when one is missing."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from maml_core.datasets.base import CharacterSet
from maml_core.episodes import Episode
from pages.shared import loaders
from pages.shared.settings import Check, Settings, check_link, settings, show_notices

THROUGH_APP = "through_app"  # the mark of a session in which app.py has run
# Streamlit leaves 6rem above the title; at 390 px and on a projector that is a third of the view.
COMPACT = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 2.5rem; padding-bottom: 3rem; }
</style>
"""


def begin(
    title: str, checks: Mapping[str, Check] | None = None
) -> tuple[Settings, CharacterSet, Episode] | None:
    """Draw the title and return what the sidebar names; None after saying what is wrong.

    Args:
        title: The page's.
        checks: Of the page's own values in the URL, by name.
    """
    chosen, data = head(title, checks)
    try:
        return chosen, data, loaders.episode(chosen)
    except ValueError as error:
        st.error(f"{error}", icon=":material/error:")
        return None


def head(title: str, checks: Mapping[str, Check] | None = None) -> tuple[Settings, CharacterSet]:
    """Do as `begin` does, for a page that draws no episode of the sidebar's shape."""
    top(title, checks)
    chosen = settings()
    data = loaders.characters(chosen.dataset)
    if data.notice:
        st.warning(data.notice, icon=":material/info:")
    return chosen, data


def top(title: str, checks: Mapping[str, Check] | None = None) -> None:
    """Do as `begin` does, for a page that has no characters."""
    _through_app()
    st.html(COMPACT)
    st.title(title, anchor=False)
    check_link(checks or {})
    show_notices()


def _through_app() -> None:
    """Run the page by way of app.py.

    Because of its name Streamlit takes the folder `pages` for a multipage app of its old kind
    until app.py calls `st.navigation`. When a new server's first visitors open links to pages,
    it therefore runs those pages alone, without sidebar and settings, and would go on doing so.
    Streamlit's mark is the server's and may be gone while a visitor's page still runs alone, so
    app.py leaves one in each session.
    """
    if THROUGH_APP not in st.session_state:
        PagesManager.uses_pages_directory = False
        st.rerun()


def why(question: str, answer: str) -> None:
    """Offer the deeper answer to a question, folded away."""
    with st.popover(question, icon=":material/help:", type="tertiary"):
        st.markdown(answer)
