"""The sentence and the caption under a result: the same look on every page."""

from __future__ import annotations

import streamlit as st


def show_finding(sentence: str, key: str) -> None:
    """Show what a result says.

    The box is there even while there is nothing to say, so that what comes moves no chart or
    component below to another place, where it would be mounted anew.

    Args:
        sentence: Plain text, computed from the result; empty where nothing is to be said.
        key: Of the box, `finding_<key>`.
    """
    with st.container(key=f"finding_{key}"):
        if sentence:
            st.markdown(sentence)


def show_caption(text: str, key: str) -> None:
    """Show a figure's caption, which stays with it where it is embedded, see `embedding`.

    Args:
        text: In Markdown.
        key: Of the box, `caption_<key>`.
    """
    with st.container(key=f"caption_{key}"):
        st.caption(text)
