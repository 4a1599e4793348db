"""A drawn board, kept learners and a zip outlive a reload, and the server that the tab was on.

Streamlit makes a new session at each reload, when a connection comes back late, and on another
server. The tab alone holds the token, which nobody can guess; who brings it gets a copy, so that no
two sessions share anything, and the training of a session that has left.
"""

from __future__ import annotations

import secrets
import time

import streamlit as st

from maml_core.data.storage.disk_cache import default_data_dir
from pages.shared.component import component
from pages.shared.data_sources.zip_keeper import KEPT_MINUTES
from pages.shared.frame.kept_work.on_disk import WorkFolder
from pages.shared.frame.kept_work.parts import KEYS, ROUNDS, values_of
from pages.shared.frame.kept_work.server_end import at_server_end
from pages.shared.frame.kept_work.store import WorkStore
from pages.shared.learners import training_session
from pages.shared.streamlit_internals import knows_controls, session_id

PAGES = ("draw", "train")  # where such work begins
COOKIE = "maml_kept"
COOKIE_HOURS = 12  # a day at school: who comes back after work is gone is told so
CHANGED_COOKIE = "maml_server_changed"  # until the component removes it
# Of a page that this server has not drawn the browser may draw controls anew with other values.
RELOAD = (
    f"document.cookie = '{CHANGED_COOKIE}=1; path=/; max-age=60; SameSite=Strict'; "
    "location.reload()"
)
WAIT_SECONDS = 10.0  # for a tab's token; one whose browser blocks the component has none
GONE = (
    "Anything you had drawn or kept here is gone: the server keeps it for "
    f"{KEPT_MINUTES} minutes, less if its data were removed or many others came. Save boards as "
    "files and download learners to have them for longer."
)
CHANGED = (
    "Your server has ended or was away for too long, and another one goes on here. Measurements "
    "side by side on Evaluate, a training on Sinusoid and whatever was being computed are lost; "
    "the rest of what the pages show is computed anew."
)
_mount = component("tab_token")


@st.cache_resource(show_spinner=False)
def work_store() -> WorkStore:
    """Return the server's store, which is copied to the disk when the server ends."""
    store = WorkStore(WorkFolder(default_data_dir()))
    at_server_end(store.write)
    return store


def is_of_another_server() -> bool:
    """Say whether a session begins with a page that is there, drawn by a server that has ended."""
    begins = "has_begun" not in st.session_state
    st.session_state["has_begun"] = True
    return begins and knows_controls()


def restore_work(page: str) -> None:
    """Give a reloaded tab back what it had; a run that must wait for its token ends here.

    Args:
        page: The name of the page.
    """
    state = st.session_state
    if st.context.cookies.get(CHANGED_COOKIE) == "1" and "change_told" not in state:
        state["change_told"] = True
        _notice(CHANGED)
    reported = (state.get("tab_token_box") or {}).get("token")
    has_token = st.context.cookies.get(COOKIE) == "1"  # in some tab of this browser
    asks = has_token and reported is None and "work_token" not in state and not _waited()
    if reported and "work_token" not in state:
        _restore(reported)
        _make_token()
    elif not asks and (page in PAGES or _has_work()) and "work_token" not in state:
        _make_token()
    with st.sidebar:
        _mount(
            key="tab_token_box",
            data={
                "token": state.get("work_token"),
                "asks": asks,
                "readCookie": CHANGED_COOKIE,
                "cookie": f"{COOKIE}=1; path=/; max-age={3600 * COOKIE_HOURS}; SameSite=Strict",
            },
            default={"token": None},
            on_token_change=lambda: None,
        )
        _ask_for_runs_after_reconnecting()
    if asks:
        st.fragment(_look_at_the_clock, run_every=WAIT_SECONDS / 4)()
        st.stop()


@st.fragment(run_every=3600)  # seconds: hardly ever
def _ask_for_runs_after_reconnecting() -> None:
    """Have the browser ask for a run whenever its connection comes back.

    It does so only where something is due to redraw itself. Else it would take a server that has
    never heard of this tab for its own, and what is pressed there would do nothing.
    """


def _restore(token: str) -> None:
    """Give this session what a token stands for, here or on the disk, or say that it is gone."""
    state = st.session_state
    restored = work_store().restored(token)
    if restored is not None:
        values, former = restored
        state.update(values)
        training_session.take_over(former)
        return
    parts = work_store().on_disk(token)
    if not parts:
        _notice(GONE)
        return
    try:
        state.update(values_of(parts))
        _notice(training_session.take_over_parts(parts))
    except (ValueError, KeyError, TypeError):  # of another version of the app, or damaged
        _notice(GONE)


def _notice(sentence: str) -> None:
    if sentence:
        st.session_state.setdefault("link_notices", []).append(sentence)


def _has_work() -> bool:
    return any(st.session_state.get(name) for name in ("own_learners", "visitor_zip", ROUNDS))


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
