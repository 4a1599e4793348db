"""The work of the tabs of one server: in memory, and copied to the disk every few seconds."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streamlit import runtime

from pages.shared.data_sources.zip_keeper import KEPT_MINUTES
from pages.shared.frame.kept_work.on_disk import WorkFolder
from pages.shared.frame.kept_work.parts import parts_of
from pages.shared.learners import training_session
from pages.shared.streamlit_internals import is_connected

MAX_TABS = 200
MAX_BYTES = 300_000_000  # of weights files, of all tabs together
WRITE_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass
class _Work:
    """What a session has made: its own objects, so that they are always up to date."""

    values: Mapping[str, Any]
    session: str
    seen: float = field(default_factory=time.monotonic)

    @property
    def n_bytes(self) -> int:
        return sum(map(len, list(self.values.get("own_files", {}).values())))


class WorkStore:
    """The work of all tabs by token, bounded in time, number and size, and copied to the disk.

    Args:
        folder: Where it is copied to.
        write_seconds: Between two copies: what a server that is killed may lose.
    """

    def __init__(self, folder: WorkFolder, write_seconds: float = WRITE_SECONDS) -> None:
        self._works: dict[str, _Work] = {}
        self._folder = folder
        self._write_seconds = write_seconds
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._writer: threading.Thread | None = None

    def keep(self, token: str, values: Mapping[str, Any], session: str) -> None:
        """Keep a session's work, in place of what the token stood for."""
        with self._lock:
            self._works.pop(token, None)  # the newest stands last
            self._works[token] = _Work(values, session)
            self._drop_old()
            if runtime.exists() and not (self._writer and self._writer.is_alive()):
                self._writer = threading.Thread(target=self._write_again, daemon=True)
                self._writer.start()

    def restored(self, token: str) -> tuple[dict[str, Any], str] | None:
        """Return a copy of what a token stands for and the session that made it.

        None if it is gone.
        """
        with self._lock:
            self._drop_old()
            work = self._works.get(token)
            if work is None:
                return None
            # Learners and files are never written to: a copy of their list is enough.
            values = {
                name: copy.deepcopy(value) if name == "board_state" else copy.copy(value)
                for name, value in work.values.items()
            }
            return values, work.session

    def on_disk(self, token: str) -> dict[str, bytes]:
        """Return the files of what a token stands for, as another server may have left it."""
        return self._folder.read(token)

    def write(self) -> int:
        """Copy all to the disk, remove what nobody came back for; return how many are here."""
        with self._lock:
            self._drop_old()
            works = dict(self._works)
        with self._writing:
            for token, work in works.items():
                try:
                    training = training_session.training_queue().training_of(work.session)
                    parts = parts_of(work.values, training)
                    self._folder.write(token, parts, is_there=is_connected(work.session))
                except RuntimeError:
                    pass  # a page is changing it: the next time
                except Exception:  # one tab's fault costs no other tab its copy
                    _log.exception("A tab's work could not be copied to the disk")
            self._folder.forget_left(60 * KEPT_MINUTES)
        return len(works)

    def _write_again(self) -> None:
        while self.write():
            time.sleep(self._write_seconds)

    def _drop_old(self) -> None:
        now = time.monotonic()
        for token, work in list(self._works.items()):
            if is_connected(work.session):
                work.seen = now
            elif now - work.seen > 60 * KEPT_MINUTES:
                self._drop(token)
        while self._works and (
            len(self._works) > MAX_TABS
            or sum(work.n_bytes for work in self._works.values()) > MAX_BYTES
        ):
            self._drop(next(iter(self._works)))

    def _drop(self, token: str) -> None:
        del self._works[token]
        self._folder.forget(token)
