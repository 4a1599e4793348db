"""A zip of pictures that a visitor uploads: a data set for them alone."""

from __future__ import annotations

from functools import partial

import streamlit as st

from maml_core.config import AS_THEY_ARE
from maml_core.data.character_set import CharacterSet, DataError, ReportProgress
from maml_core.data.own_pictures import visitor_zips
from maml_core.data.storage.disk_cache import default_data_dir
from maml_core.data.storage.shared_work import Work
from pages.shared.character_sets import loaded_sets, wait_for
from pages.shared.data_sources.zip_keeper import KEPT_MINUTES, zip_keeper
from pages.shared.link_settings import DEFAULTS, PART_LABELS, VIEW_KEYS, ZIP_LABEL
from pages.shared.streamlit_internals import UploadedFile, forget_upload, session_id
from pages.shared.widgets import show_until_dismissed

INSTRUCTIONS = f"""
A zip with one folder per class, each with pictures (PNG, JPEG, WebP, GIF); at most
{visitor_zips.MAX_MEGABYTES} MB and {visitor_zips.MAX_PICTURES:,} pictures. All pages then offer it
under *Characters*, to you alone; the server deletes it {KEPT_MINUTES} minutes after you have closed
this tab. The networks see the pictures as characters, grey, 28 × 28 pixels: as handwriting or as
they are, which you choose.
"""


def select_new_zip() -> None:
    """Select a zip that was just uploaded in the sidebar, before its controls are drawn."""
    if part := st.session_state.pop("new_zip_part", None):
        (words,) = (words for words, name in PART_LABELS.items() if name == part)
        st.session_state.update(dataset=ZIP_LABEL, part=words, within=DEFAULTS["within"])
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
        progress = st.container()  # at the top, where it is seen on a low screen, too
        st.caption(INSTRUCTIONS)
        file = st.file_uploader(
            "A zip of pictures", key=f"zip_{number}", max_upload_size=visitor_zips.MAX_MEGABYTES
        )
        if file is not None:
            with progress:
                _add_zip(file, messages)
            forget_upload(file)
            state["zips"] += 1
            st.rerun()
    show_until_dismissed(messages, "zip_refused_box", ":material/folder_off:")
    if "visitor_zip" in state:
        zip_keeper().keep(session_id(), state["visitor_zip"])


def _add_zip(file: UploadedFile, messages: list[str]) -> None:
    """Make a zip the visitor's data set, or say why it cannot be."""
    name = file.name[-80:]

    def add(progress: ReportProgress) -> CharacterSet:
        return visitor_zips.add(file.getvalue(), name, default_data_dir(), progress)

    # Of one upload, so that a stranger's file is never called by this one's name.
    work = loaded_sets().work.start_or_join(("zip", file.file_id), add)
    try:
        data = wait_for(work, "Reading the pictures", partial(_stop, file, work, messages))
        st.session_state.update(
            visitor_zip=visitor_zips.with_view(data.name, AS_THEY_ARE),
            new_zip_part="test" if data.evaluation_alphabets else "train",
        )
        messages.clear()
    except DataError as error:
        messages[:] = [str(error)]


def _stop(file: UploadedFile, work: Work[CharacterSet], messages: list[str]) -> None:
    """Go on without a zip that is being read: the next run draws another uploader."""
    work.give_up()
    forget_upload(file)
    st.session_state["zips"] += 1
    messages[:] = [f"The reading of {file.name[-80:]} was stopped; nothing of it is kept."]
