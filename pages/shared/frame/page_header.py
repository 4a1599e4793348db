"""How every page begins: characters, episode, and a sentence when one is missing."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from pages.shared import cached
from pages.shared.classroom.store import delete_unused_classes
from pages.shared.frame.sidebar import current_page, new_episode_button, used_controls
from pages.shared.link_settings import (
    Check,
    Settings,
    check_link,
    current_settings,
    dataset_labels,
    show_notices,
)
from pages.shared.messages import show_error
from pages.shared.widgets import plain_text


def page_with_episode(
    title: str, checks: Mapping[str, Check] | None = None
) -> tuple[Settings, CharacterSet, Episode] | None:
    """Draw the title and return what the sidebar names; None after saying what is wrong.

    Args:
        title: The page's.
        checks: Of the page's own values in the URL, by name.
    """
    chosen, data = page_with_characters(title, checks)
    try:
        return chosen, data, cached.episode(chosen)
    except ValueError as error:
        show_error(error)
        return None


def page_with_characters(
    title: str, checks: Mapping[str, Check] | None = None
) -> tuple[Settings, CharacterSet]:
    """Do as `page_with_episode` does, for a page that draws no episode of the sidebar's shape."""
    page_top(title, checks)
    with st.container(key="about_characters"):  # always there, see `show_until_dismissed`
        data = cached.characters(dataset_labels()[st.session_state["dataset"]])
        if data.notice:
            st.warning(plain_text(data.notice), icon=":material/info:")
    return current_settings(), data


def page_top(title: str, checks: Mapping[str, Check] | None = None) -> None:
    """Do as `page_with_episode` does, for a page that has no characters."""
    st.title(title, anchor=False)
    if "seed_button" in used_controls(current_page()):
        with st.container(key="episode_on_phone"):  # where the sidebar is folded away
            new_episode_button("new_episode_on_phone")
    check_link(checks or {})
    show_notices()
    cached.keep_tidy(delete_unused_classes)


def explanation(question: str, answer: str) -> None:
    """Offer the deeper answer to a question, folded away."""
    with st.popover(question, icon=":material/help:", type="tertiary"):
        st.markdown(answer)
