"""What the server keeps of a tab's work: for how long, how much, and for whom."""

from __future__ import annotations

import pytest
import streamlit as st

from pages.shared.frame import kept_work, sidebar
from pages.shared.frame.kept_work import KEPT_MINUTES, WorkStore
from tests.support.opened_page import at_page, open_page, run

FILE = {"own_files": {"mine-1": b"x" * 100}, "board_state": ["A1"]}


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The sessions whose tabs are open."""
    sessions: set[str] = set()
    monkeypatch.setattr(kept_work, "is_connected", sessions.__contains__)
    return sessions


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(kept_work.time, "monotonic", lambda: now[0])
    return now


def test_a_copy_comes_back_to_who_brings_the_token(connected: set[str]) -> None:
    store, values = WorkStore(), {name: value.copy() for name, value in FILE.items()}
    store.keep("token", values, "one")
    restored, session = store.restored("token")
    assert (restored, session) == (FILE, "one")
    restored["board_state"].append("B1")
    restored["own_files"].clear()
    assert store.restored("token") == (FILE, "one"), "two sessions share nothing"
    assert store.restored("tokem") is None


def test_it_is_kept_for_minutes_after_the_tab_was_closed(
    connected: set[str], clock: list[float]
) -> None:
    store = WorkStore()
    connected.add("one")
    store.keep("token", FILE, "one")
    clock[0] = 10_000.0
    assert store.restored("token") == (FILE, "one"), "the tab is open"
    connected.clear()
    clock[0] += 60 * KEPT_MINUTES
    assert store.restored("token") is not None
    clock[0] += 1
    assert store.restored("token") is None


def test_it_is_bounded_in_number_and_size(
    connected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_work, "MAX_TABS", 3)
    store = WorkStore()
    for number in range(4):
        store.keep(str(number), FILE, "one")
    assert [store.restored(str(number)) is None for number in range(4)] == [True] + 3 * [False]
    monkeypatch.setattr(kept_work, "MAX_BYTES", 250)
    assert [store.restored(str(number)) is None for number in range(4)] == 2 * [True] + 2 * [False]


def test_a_browser_that_never_brings_its_token_gets_the_page_all_the_same(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(st.context), "cookies", property(lambda _: {kept_work.COOKIE: "1"}), raising=True
    )
    at = open_page("pages/toy/page.py")
    assert not at.title, "the tab's own work may still come"
    clock[0] += kept_work.WAIT_SECONDS
    assert not run(at).title
    clock[0] += 0.1
    assert run(at).title[0].value == "Toy world"
    assert "link_notices" not in at.session_state or not at.session_state["link_notices"]


def test_who_leaves_while_a_restored_page_is_still_computed_loses_nothing(
    connected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"own_files": {"mine-1": b"x"}}
    kept_work.work_store().keep("before", files, "one")
    monkeypatch.setattr(
        type(st.context), "cookies", property(lambda _: {kept_work.COOKIE: "1"}), raising=True
    )
    monkeypatch.setattr(sidebar, "sidebar", lambda name: st.stop())  # the run ends here
    at = at_page("pages/toy/page.py")
    at.session_state["tab_token_box"] = {"token": "before"}
    run(at)
    token = at.session_state["work_token"]
    assert token != "before"
    assert kept_work.work_store().restored(token)[0] == files
