"""What the app changes and reads of Streamlit beyond its public interface."""

from __future__ import annotations

import gc
import time
import weakref

import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunException, ScriptRunner, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.state import session_state_proxy
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState

from pages.shared import streamlit_internals
from pages.shared.streamlit_internals import (
    answer_each_request,
    end_if_unwanted,
    expire_results,
    sent_event,
)


class Told(SessionState):
    """A session with a callback that writes to it, as all do, through what Streamlit guards."""

    def on_script_will_rerun(self, *states: object) -> None:
        self.guarded["told"] = states


def test_a_request_is_answered_when_the_next_one_has_come_already() -> None:
    answer_each_request()
    runner = ScriptRunner.__new__(ScriptRunner)
    runner._is_in_script_thread = lambda: True
    runner._execing = True
    runner._requests = ScriptRequests()
    runner._requests.request_rerun(RerunData())
    state = Told()
    guarded = SafeSessionState(state, runner._maybe_handle_execution_control_request)
    Told.guarded = guarded
    guarded.on_script_will_rerun("states")
    assert state["told"] == ("states",)
    with pytest.raises(RerunException):
        guarded["told"]


def test_a_long_work_ends_where_it_asks_whether_it_is_still_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = True

    def give_way() -> None:
        if not wanted:
            raise StopException

    state = SafeSessionState(SessionState(), give_way)
    monkeypatch.setattr(session_state_proxy, "get_session_state", lambda: state)
    end_if_unwanted()
    wanted = False
    with pytest.raises(StopException):
        end_if_unwanted()


def test_of_events_of_a_name_the_last_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    events = WidgetStates()
    told = """[{"event": "ink", "value": {"A1": [1]}}, {"event": "other", "value": 1},
      {"event": "ink", "value": {"A1": [2]}}]"""
    events.widgets.add(id="$$INTERNAL_$$ID-0-pad__events", json_trigger_value=told)
    events.widgets.add(id="$$INTERNAL_$$ID-1-bare__events", json_trigger_value="")

    class Stub:
        def get_widget_states(self) -> list[object]:
            return list(events.widgets)

    monkeypatch.setattr(streamlit_internals, "get_session_state", Stub)
    assert sent_event("pad", "ink") == {"A1": [2]}
    assert sent_event("pad", "again") is None
    assert sent_event("bare", "ink") is None
    assert sent_event("ad", "ink") is None


class Result:
    """What a cache keeps, and a weak reference follows."""


def test_old_results_are_let_go_though_nobody_asks_for_them() -> None:
    @st.cache_resource(ttl=0.2)
    def old(number: int) -> Result:
        return Result()

    @st.cache_resource(ttl=60)
    def young(number: int) -> Result:
        return Result()

    followed = [weakref.ref(kept(1)) for kept in (old, young)]
    expire_results()
    assert all(one() for one in followed)
    time.sleep(0.25)
    gc.collect()
    assert all(one() for one in followed), "Streamlit itself lets none of them go"
    expire_results()
    gc.collect()
    assert followed[0]() is None
    assert followed[1]() is young(1)
