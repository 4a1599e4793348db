"""Pages that have moved: links made before still lead to them, with their settings."""

from __future__ import annotations

import streamlit as st

from pages.shared.frame.navigation import PAGES_BY_NAME

# Sinusoids were a section of Train, and the one that a link without its name showed.
SINUSOID_PARAMETERS = {"wave_k", "half", "points", "updates"}


def follow_former_address(page: str) -> None:
    """Go where the content that the address names has moved to.

    Args:
        page: The name of the page that the address leads to.
    """
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    section = params.pop("what", None)
    if page == "train" and (
        section == ["Sinusoid"] or (section is None and SINUSOID_PARAMETERS & params.keys())
    ):
        st.switch_page(PAGES_BY_NAME["sinusoid"].path, query_params=params)
