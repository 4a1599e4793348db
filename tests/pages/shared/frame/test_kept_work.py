"""What the server keeps of a tab's work: for how long, how much, and for whom."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from pages.shared.frame import sidebar
from pages.shared.frame.kept_work import store as stores
from pages.shared.frame.kept_work import tab
from pages.shared.frame.kept_work.on_disk import WorkFolder
from pages.shared.frame.kept_work.store import KEPT_MINUTES, WorkStore
from tests.support.opened_page import at_page, open_page, run


class Board(list[str]):
    """What has been drawn."""

    def to_json(self) -> bytes:
        return " ".join(self).encode()


FILE = {"own_files": {"mine-1": b"x" * 100}, "board_state": Board(["A1"])}


@pytest.fixture
def store(data_dir: Path) -> WorkStore:
    return WorkStore(WorkFolder(data_dir))


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The sessions whose tabs are open."""
    sessions: set[str] = set()
    monkeypatch.setattr(stores, "is_connected", sessions.__contains__)
    return sessions


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(stores.time, "monotonic", lambda: now[0])
    return now


def test_a_copy_comes_back_to_who_brings_the_token(connected: set[str], store: WorkStore) -> None:
    values = {"own_files": dict(FILE["own_files"]), "board_state": Board(FILE["board_state"])}
    store.keep("token", values, "one")
    restored, session = store.restored("token")
    assert (restored, session) == (FILE, "one")
    restored["board_state"].append("B1")
    restored["own_files"].clear()
    assert store.restored("token") == (FILE, "one"), "two sessions share nothing"
    assert store.restored("tokem") is None


def test_it_is_kept_for_minutes_after_the_tab_was_closed(
    connected: set[str], clock: list[float], store: WorkStore
) -> None:
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
    connected: set[str], monkeypatch: pytest.MonkeyPatch, store: WorkStore
) -> None:
    monkeypatch.setattr(stores, "MAX_TABS", 3)
    for number in range(4):
        store.keep(str(number), FILE, "one")
    assert [store.restored(str(number)) is None for number in range(4)] == [True] + 3 * [False]
    monkeypatch.setattr(stores, "MAX_BYTES", 250)
    assert [store.restored(str(number)) is None for number in range(4)] == 2 * [True] + 2 * [False]


def test_a_browser_that_never_brings_its_token_gets_the_page_all_the_same(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(st.context), "cookies", property(lambda _: {tab.COOKIE: "1"}), raising=True
    )
    at = open_page("pages/toy/page.py")
    assert not at.title, "the tab's own work may still come"
    clock[0] += tab.WAIT_SECONDS
    assert not run(at).title
    clock[0] += 0.1
    assert run(at).title[0].value == "Toy world"
    assert "link_notices" not in at.session_state or not at.session_state["link_notices"]


def test_who_leaves_while_a_restored_page_is_still_computed_loses_nothing(
    connected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"own_files": {"mine-1": b"x"}}
    tab.work_store().keep("before", files, "one")
    monkeypatch.setattr(
        type(st.context), "cookies", property(lambda _: {tab.COOKIE: "1"}), raising=True
    )
    monkeypatch.setattr(sidebar, "sidebar", lambda name: st.stop())  # the run ends here
    at = at_page("pages/toy/page.py")
    at.session_state["tab_token_box"] = {"token": "before"}
    run(at)
    token = at.session_state["work_token"]
    assert token != "before"
    assert tab.work_store().restored(token)[0] == files
