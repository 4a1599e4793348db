"""Pictures that a visitor carries here in a zip: a data set of theirs, while the tab is open."""

from __future__ import annotations

import streamlit as st

from maml_core.config import MIN_WAY
from maml_core.data import visitor_zips
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.storage.disk_cache import default_data_dir
from pages.shared.settings import DEFAULTS, ZIP_WORDS
from pages.shared.widgets import show_until_read

HOW = f"""
A zip with a folder for each class, in it pictures (PNG, JPEG, WebP, GIF);
{visitor_zips.MAX_MEGABYTES} MB and {visitor_zips.MAX_PICTURES:,} pictures at most. All pages then
offer it under *Characters*, to you alone, until you close this tab; the server drops it when
{visitor_zips.MAX_KEPT} newer ones have come. The networks see the pictures as characters:
grey, 28 × 28 pixels.
"""


def choose_what_was_brought() -> None:
    """Put a zip that was just brought into the sidebar, before its controls are drawn.

    The episode becomes as small as it must be for the test classes there are and their pictures.
    """
    state = st.session_state
    found: CharacterSet | None = state.pop("just_brought", None)
    if found:
        classes = [c for group in found.evaluation_alphabets for c in found.alphabets[group]]
        pictures = min((len(found.images_of(c)) for c in classes), default=2)
        state.update(dataset=ZIP_WORDS, part=DEFAULTS["part"], within=DEFAULTS["within"])
        state["n_way"] = min(state["n_way"], max(MIN_WAY, len(classes)))
        state["k_shot"] = min(state["k_shot"], max(1, pictures - 1))
        state["q_query"] = min(state["q_query"], max(1, pictures - state["k_shot"]))


def offer_to_bring() -> None:
    """Draw the way to bring a zip, and what was wrong with the last."""
    state = st.session_state
    refused: list[str] = state.setdefault("zip_refused", [])
    number = state.setdefault("zips", 0)
    # Another one after each zip: it begins closed, its uploader empty.
    with st.popover(
        "Bring pictures", icon=":material/folder_zip:", width="stretch", key=f"bring_{number}"
    ):
        st.caption(HOW)
        file = st.file_uploader(
            "A zip of pictures", key=f"zip_{number}", max_upload_size=visitor_zips.MAX_MEGABYTES
        )
        if file is not None:
            with st.spinner("Reading the pictures …"):
                _bring(file.getvalue(), file.name[-80:], refused)
            state["zips"] += 1
            st.rerun()
    show_until_read(refused, "zip_refused_box", ":material/folder_off:")


def _bring(content: bytes, file: str, refused: list[str]) -> None:
    """Make a zip the visitor's data set, or note why it cannot be."""
    try:
        found = visitor_zips.add(content, file, default_data_dir())
        st.session_state.update(brought=found.name, just_brought=found)
        refused.clear()
    except DataError as error:
        refused[:] = [str(error)]
