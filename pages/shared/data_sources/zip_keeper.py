"""How long visitors' zips are kept: while their tabs are open, and for some time after."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import streamlit as st

from maml_core.data.own_pictures import visitor_zips
from maml_core.data.storage.disk_cache import default_data_dir
from pages.shared.streamlit_internals import is_connected

KEPT_MINUTES = 30  # after the tab was closed or reloaded, as other work of a visitor
WATCH_SECONDS = 30.0


class ZipKeeper:
    """Notes which zips are in use, and removes what nobody has come back for.

    Args:
        data_dir: Where the zips are kept.
        watch_seconds: Between two looks at who is there.
    """

    def __init__(self, data_dir: Path, watch_seconds: float = WATCH_SECONDS) -> None:
        self._data_dir = data_dir
        self._watch_seconds = watch_seconds
        self._zips: dict[str, str] = {}  # by session
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._start_watching()  # an earlier process may have left some

    def keep(self, session: str, name: str) -> None:
        """Keep a session's zip, in place of the one that it had, while its tab is open."""
        with self._lock:
            former = self._zips.get(session)
            self._zips[session] = name
            is_left = former and former not in self._zips.values()
        visitor_zips.mark_in_use(name, self._data_dir)
        if former and is_left:
            visitor_zips.mark_left(former, self._data_dir)
        self._start_watching()

    def tidy(self) -> int:
        """Note who is there, remove what is left; return how many zips stay."""
        with self._lock:
            zips = dict(self._zips)
        for session, name in zips.items():
            if is_connected(session):
                visitor_zips.mark_in_use(name, self._data_dir)
            elif not visitor_zips.kept_zip(name, self._data_dir).exists():
                with self._lock:
                    self._zips.pop(session, None)
        return visitor_zips.remove_left(self._data_dir, 60 * KEPT_MINUTES)

    def _start_watching(self) -> None:
        with self._lock:
            if not (self._watcher and self._watcher.is_alive()):
                self._watcher = threading.Thread(target=self._watch, daemon=True)
                self._watcher.start()

    def _watch(self) -> None:
        while self.tidy():
            time.sleep(self._watch_seconds)


@st.cache_resource(show_spinner=False)
def zip_keeper() -> ZipKeeper:
    """Return the server's keeper."""
    return ZipKeeper(default_data_dir())
