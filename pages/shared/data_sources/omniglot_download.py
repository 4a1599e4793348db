"""Downloading Omniglot in the background: one download for all sessions, while the app goes on."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

from maml_core.data.character_set import DataError
from maml_core.data.download.fetch import Progress, fetch_omniglot
from pages.shared.character_sets import look_again
from pages.shared.widgets import plain_text

REFRESH_SECONDS = 0.5


@dataclass
class _Download:
    """The state of the download, as its thread last reported it; read by every session."""

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


def omniglot_download() -> None:
    """Show the button that downloads Omniglot, or the progress while it runs."""
    download = _download()
    if download.running:
        _show_progress()
        return
    if download.error:
        st.warning(plain_text(download.error), icon=":material/cloud_off:")
    st.button(
        "Get Omniglot (14 MB)",
        key="get_omniglot",
        icon=":material/download:",
        on_click=download.start,
        width="stretch",
    )


@st.fragment(run_every=REFRESH_SECONDS)
def _show_progress() -> None:
    download = _download()
    if not download.running:
        look_again("omniglot")
        st.rerun()
    report = download.progress
    share = report.done_bytes / report.total_bytes if report and report.total_bytes else 0.0
    st.progress(min(share, 1.0), text=report.message if report else "Connecting")
    st.button("Stop", key="stop_download", on_click=download.stop.set)
