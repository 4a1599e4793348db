"""Getting Omniglot while the app goes on: one download for all sessions, in the background."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

from maml_core.data.character_set import DataError
from maml_core.data.download.fetch import Progress, fetch_omniglot

REFRESH_SECONDS = 0.5


@dataclass
class _Download:
    """What the downloading thread last said; read by every session."""

    progress: Progress | None = None
    error: str = ""
    thread: threading.Thread | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def start(self) -> None:
        if not self.running:
            self.progress, self.error = None, ""
            self.stop.clear()
            self.thread = threading.Thread(target=self._fetch, daemon=True)
            self.thread.start()

    def _fetch(self) -> None:
        try:
            for self.progress in fetch_omniglot():
                if self.stop.is_set():
                    return
        except DataError as error:
            self.error = str(error)


@st.cache_resource
def _download() -> _Download:
    return _Download()


def offer_omniglot() -> None:
    """Draw the offer to download Omniglot, and the download's progress while it runs."""
    download = _download()
    if download.running:
        _progress()
        return
    if download.error:
        st.warning(download.error, icon=":material/cloud_off:")
    st.button(
        "Get Omniglot (14 MB)",
        key="get_omniglot",
        icon=":material/download:",
        on_click=download.start,
        width="stretch",
    )


@st.fragment(run_every=REFRESH_SECONDS)
def _progress() -> None:
    download = _download()
    if not download.running:
        st.cache_data.clear()  # it said that Omniglot is not here
        st.rerun()
    found = download.progress
    share = found.done_bytes / found.total_bytes if found and found.total_bytes else 0.0
    st.progress(min(share, 1.0), text=found.message if found else "Connecting")
    st.button("Stop", key="stop_download", on_click=download.stop.set)
