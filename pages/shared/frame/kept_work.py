"""A drawn board, kept learners and a zip outlive a reload: the server keeps them for the tab.

Streamlit makes a new session at each reload, and when a connection comes back late. The tab alone
holds the token, which nobody can guess; who brings it gets a copy, so that no two sessions share
anything, and the training of a session that has left.
"""

from __future__ import annotations

import copy
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.shared.component import component
from pages.shared.data_sources.zip_keeper import KEPT_MINUTES
from pages.shared.learners import training_session
from pages.shared.streamlit_internals import is_connected, session_id

KEYS = ("board_state", "own_learners", "own_files", "visitor_zip")  # in the session
PAGES = ("draw", "train")  # where such work begins
MAX_TABS = 200
MAX_BYTES = 300_000_000  # of weights files, of all tabs together
COOKIE = "maml_kept"
WAIT_SECONDS = 10.0  # for a tab's token; one whose browser blocks the component has none
GONE = (
    "Anything you had drawn or kept before this page was reloaded is gone: the server keeps it for "
    f"{KEPT_MINUTES} minutes, less if it was restarted or many others came. Save boards as files "
    "and download learners to have them for longer."
)
_mount = component("tab_token")


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
    """The work of all tabs by token, bounded in time, number and size."""

    def __init__(self) -> None:
        self._works: dict[str, _Work] = {}
        self._lock = threading.Lock()

    def keep(self, token: str, values: Mapping[str, Any], session: str) -> None:
        """Keep a session's work, in place of what the token stood for."""
        with self._lock:
            self._works.pop(token, None)  # the newest stands last
            self._works[token] = _Work(values, session)
            self._drop_old()

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

    def _drop_old(self) -> None:
        now = time.monotonic()
        for token, work in list(self._works.items()):
            if is_connected(work.session):
                work.seen = now
            elif now - work.seen > 60 * KEPT_MINUTES:
                del self._works[token]
        while self._works and (
            len(self._works) > MAX_TABS
            or sum(work.n_bytes for work in self._works.values()) > MAX_BYTES
        ):
            del self._works[next(iter(self._works))]


@st.cache_resource(show_spinner=False)
def work_store() -> WorkStore:
    """Return the server's store."""
    return WorkStore()


def restore_work(page: str) -> None:
    """Give a reloaded tab back what it had; a run that must wait for its token ends here.

    Args:
        page: The name of the page.
    """
    state = st.session_state
    reported = (state.get("tab_token_box") or {}).get("token")
    has_token = st.context.cookies.get(COOKIE) == "1"  # in some tab of this browser
    asks = has_token and reported is None and "work_token" not in state and not _waited()
    if reported and "work_token" not in state:
        restored = work_store().restored(reported)
        if restored is None:
            state.setdefault("link_notices", []).append(GONE)
        else:
            values, former = restored
            state.update(values)
            training_session.take_over(former)
        _make_token()
    elif not asks and (page in PAGES or _has_work()) and "work_token" not in state:
        _make_token()
    with st.sidebar:
        _mount(
            key="tab_token_box",
            data={
                "token": state.get("work_token"),
                "asks": asks,
                "cookie": f"{COOKIE}=1; path=/; max-age={60 * KEPT_MINUTES}; SameSite=Strict",
            },
            default={"token": None},
            on_token_change=lambda: None,
        )
    if asks:
        st.fragment(_look_at_the_clock, run_every=WAIT_SECONDS / 4)()
        st.stop()


def _has_work() -> bool:
    return any(st.session_state.get(name) for name in ("own_learners", "visitor_zip"))


def _make_token() -> None:
    """Give this session a token, and keep its work: the tab may leave before this run ends."""
    st.session_state["work_token"] = secrets.token_urlsafe(24)
    keep_work()


def _waited() -> bool:
    """Say whether this session has waited for its token long enough."""
    now = time.monotonic()
    return bool(now - st.session_state.setdefault("token_asked_at", now) > WAIT_SECONDS)


def _look_at_the_clock() -> None:
    """Draw the page once the wait is over."""
    if _waited():
        st.rerun()


def keep_work() -> None:
    """Let what this session has made by now outlive a reload."""
    state = st.session_state
    if "work_token" in state:
        values = {name: state[name] for name in KEYS if name in state}
        work_store().keep(state["work_token"], values, session_id())
