"""A zip of pictures that a visitor uploads: a data set for them alone, while the tab is open."""

from __future__ import annotations

import time

import streamlit as st

from maml_core.config import AS_THEY_ARE
from maml_core.data.character_set import DataError
from maml_core.data.own_pictures import visitor_zips
from maml_core.data.storage.disk_cache import default_data_dir
from pages.shared.link_settings import DEFAULTS, VIEW_KEYS, ZIP_LABEL
from pages.shared.widgets import show_until_dismissed

REDRAW_SECONDS = 0.3
INSTRUCTIONS = f"""
A zip with one folder per class, each with pictures (PNG, JPEG, WebP, GIF); at most
{visitor_zips.MAX_MEGABYTES} MB and {visitor_zips.MAX_PICTURES:,} pictures. All pages then offer it
under *Characters*, to you alone, until you close this tab; the server deletes it after
{visitor_zips.MAX_KEPT} newer uploads. The networks see the pictures as characters,
grey, 28 × 28 pixels: as handwriting or as they are, which you choose.
"""


def select_new_zip() -> None:
    """Select a zip that was just uploaded in the sidebar, before its controls are drawn."""
    if st.session_state.pop("new_zip", False):
        words = {name: DEFAULTS[name] for name in ("part", "within")}
        st.session_state.update(dataset=ZIP_LABEL, **words)
        st.session_state.pop(VIEW_KEYS[ZIP_LABEL], None)  # what was chosen for the last one


def zip_upload() -> None:
    """Show the uploader for a zip, and what was wrong with the last one."""
    state = st.session_state
    messages: list[str] = state.setdefault("zip_messages", [])
    number = state.setdefault("zips", 0)
    # A new key after each zip: the next popover starts closed, its uploader empty.
    with st.popover(
        "Upload your own pictures",
        icon=":material/folder_zip:",
        width="stretch",
        key=f"zip_popover_{number}",
    ):
        st.caption(INSTRUCTIONS)
        file = st.file_uploader(
            "A zip of pictures", key=f"zip_{number}", max_upload_size=visitor_zips.MAX_MEGABYTES
        )
        if file is not None:
            _add_zip(file.getvalue(), file.name[-80:], messages)
            state["zips"] += 1
            st.rerun()
    show_until_dismissed(messages, "zip_refused_box", ":material/folder_off:")


def _add_zip(content: bytes, file: str, messages: list[str]) -> None:
    """Make a zip the visitor's data set, or say why it cannot be."""
    bar = st.progress(0.0, "Reading the pictures …")
    shown_at = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at > REDRAW_SECONDS:
            shown_at = time.monotonic()
            bar.progress(done / total, f"Reading the pictures: {done:,} of {total:,}")

    try:
        data = visitor_zips.add(content, file, default_data_dir(), show)
        st.session_state.update(
            visitor_zip=visitor_zips.with_view(data.name, AS_THEY_ARE), new_zip=True
        )
        messages.clear()
    except DataError as error:
        messages[:] = [str(error)]
