"""What the app uses of Streamlit beyond its public interface: nothing of it anywhere else."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar
from urllib.parse import parse_qs

import streamlit as st
from streamlit import runtime
from streamlit.runtime.caching import cache_resource_api
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import (
    ScriptRunner,
    add_script_run_ctx,
    get_script_run_ctx,
)
from streamlit.runtime.scriptrunner_utils.script_run_context import in_cached_function
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state_proxy import get_session_state
from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = [
    "UploadedFile",
    "answer_each_request",
    "browser_parameters",
    "correct_link",
    "end_if_unwanted",
    "expire_results",
    "forget_expired_sessions",
    "forget_upload",
    "in_this_run",
    "is_connected",
    "is_history_navigation",
    "is_in_cached_function",
    "is_run_of_a_page",
    "know_pages_by_navigation",
    "knows_controls",
    "rewrite_link",
    "sent_event",
    "session_id",
]


T = TypeVar("T")

_answering = ContextVar("_answering", default=False)  # a request's events are being told


@functools.cache
def answer_each_request() -> None:
    """Let each request for a run have its events told before the next one takes its place.

    Streamlit looks whether the next request has come before it hands a request's events to their
    callbacks, and whenever one of these reads or writes the session; if so it drops the first one
    with what was pressed, drawn or answered in it.
    """
    take_turns = ScriptRunner._maybe_handle_execution_control_request

    def take_turns_unless_answering(runner: ScriptRunner) -> None:
        if not _answering.get():
            take_turns(runner)

    def on_script_will_rerun(state: SafeSessionState, *states: Any, **how: Any) -> None:
        token = _answering.set(True)
        try:
            with state._lock:
                state._state.on_script_will_rerun(*states, **how)
        finally:
            _answering.reset(token)

    setattr(ScriptRunner, take_turns.__name__, take_turns_unless_answering)
    setattr(SafeSessionState, on_script_will_rerun.__name__, on_script_will_rerun)


def know_pages_by_navigation() -> None:
    """Have Streamlit ask `st.navigation` for the pages from the first run on.

    It takes any folder called `pages` for those of a multipage app of the old kind, one file a
    page, until it first meets `st.navigation`, and tells a new server's first visitors that the
    page of their link does not exist.
    """
    PagesManager.uses_pages_directory = False


def rewrite_link(parameters: Mapping[str, Sequence[str]]) -> None:
    """Set parameters of the link before any control has read it.

    Controls are filled from a copy of the URL that `st.query_params` does not reach.
    """
    with get_session_state().query_params() as params:
        for name, texts in parameters.items():
            params.set_with_no_forward_msg(name, list(texts))
        params.set_initial_query_params_from_current()


def correct_link(parameters: Mapping[str, Sequence[str]]) -> None:
    """Do as `rewrite_link`, and have the browser's address say the same.

    Args:
        parameters: What each is to say; one without texts is taken out.
    """
    with get_session_state().query_params() as params:
        for name in [name for name, texts in parameters.items() if not texts]:
            params.discard_param_no_forward_msg(name)
    rewrite_link({name: texts for name, texts in parameters.items() if texts})
    with get_session_state().query_params() as params:
        params._send_query_param_msg()


def is_history_navigation() -> bool:
    """Say whether this run is of an address that the visitor went back or forward to."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def browser_parameters() -> set[str]:
    """Return the names of the parameters in the browser's address when it asked for this run."""
    context = get_script_run_ctx()
    return set(parse_qs(context.query_string)) if context else set()


def sent_event(key: str, name: str) -> Any:
    """Return what a component has just sent by `setTriggerValue`, in the callback of that event.

    `st.session_state[key]` holds it, too, but not in a run of another page, for which the
    component's state has been dropped before its events are told.

    Args:
        key: Of the component.
        name: Of the event.
    """
    for widget in get_session_state().get_widget_states():
        if widget.id.endswith(f"-{key}__events"):
            events = json.loads(widget.json_trigger_value or "[]")
            while isinstance(events, str):  # read and written back by Streamlit in between
                events = json.loads(events)
            return {event["event"]: event["value"] for event in events or []}.get(name)
    return None


def knows_controls() -> bool:
    """Say whether the browser told this run of controls: in a session's first, of another one's."""
    return bool(get_session_state().get_widget_states())


def session_id() -> str:
    """Return what identifies this visitor's tab; empty outside a session."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


def in_this_run(make: Callable[[], T]) -> Callable[[], T]:
    """Return a function that makes something later, for the visitor of this run.

    Streamlit makes what is downloaded once somebody asks for it, where there is neither a session
    nor the page's address.
    """
    context = get_script_run_ctx()

    def enter() -> None:
        add_script_run_ctx(threading.current_thread(), context)

    def make_there() -> T:
        with ThreadPoolExecutor(1, initializer=enter) as thread:
            return thread.submit(make).result()

    return make_there if context else make


def is_run_of_a_page() -> bool:
    """Say whether this thread draws a page for a visitor; else the server itself reads a file."""
    return get_script_run_ctx(suppress_warning=True) is not None


def is_in_cached_function() -> bool:
    """Say whether a function with a cache of Streamlit's is being run in this thread."""
    return in_cached_function.get()


def end_if_unwanted() -> None:
    """End this run here if it was stopped, another one was asked for, or its tab was closed."""
    st.session_state.get("nothing")  # whoever looks into it gives way to such a request


def is_connected(session: str) -> bool:
    """Say whether a session's tab is still there; without a server, as in a test, it is.

    It does not go by a page's own sign of life: a page gives none during a long evaluation.
    """
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(session))


def is_deserted() -> bool:
    """Say whether no tab at all is connected to the server."""
    deserted = runtime.RuntimeState.NO_SESSIONS_CONNECTED
    return runtime.exists() and runtime.get_instance().state == deserted


def expire_results() -> None:
    """Drop what resource caches have held for longer than their `ttl`.

    Streamlit does so when something is added to the same cache, on a server that nobody visits
    never.
    """
    caches = cache_resource_api._resource_caches
    with caches._caches_lock:
        every = [cache for by_key in caches._function_caches.values() for cache in by_key.values()]
    for cache in every:
        with cache._mem_cache_lock:
            cache._mem_cache.expire()


def forget_expired_sessions() -> int:
    """Let go of the sessions that are too long away to come back; return how many there were.

    Streamlit does so when another session comes or goes, on a server that nobody visits never.
    """
    # None of this is public; where it is missing, Streamlit's own way remains.
    manager = getattr(runtime.get_instance(), "_session_mgr", None) if runtime.exists() else None
    stored = getattr(getattr(manager, "_session_storage", None), "_cache", None)
    lock = getattr(manager, "_storage_lock", None)
    if stored is None or lock is None:
        return 0
    with lock:
        expired = [info.session for _, info in stored.expire()]
    for session in expired:  # of which its loop holds the last until somebody else comes
        session.session_state.clear()
        session._fragment_storage.clear()
    return len(expired)


def forget_upload(file: UploadedFile) -> None:
    """Free the memory of a file that the visitor has uploaded, which no control holds any more."""
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if isinstance(manager, MemoryUploadedFileManager):
        manager.remove_file(session_id(), file.file_id)
