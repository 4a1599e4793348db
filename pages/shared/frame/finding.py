"""The sentence under a result: the same look on every page."""

from __future__ import annotations

import streamlit as st

STYLE = """
<style>
[class*="st-key-finding_"] {
  border-left: 4px solid #0072B2; padding: 0.1rem 0 0.1rem 0.9rem; max-width: 60rem;
}
[class*="st-key-finding_"] p { font-size: 1.1rem; }
</style>
"""


def show_finding(sentence: str, key: str) -> None:
    """Show what a result says; nothing where there is nothing to say.

    Args:
        sentence: Plain text, computed from the result.
        key: Of the box, `finding_<key>`.
    """
    if sentence:
        with st.container(key=f"finding_{key}"):
            st.html(STYLE)
            st.markdown(sentence)
