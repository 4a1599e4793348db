"""A tab's work outlives its server: another one on the same data folder goes on with it."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from maml_core.config import TrainConfig
from maml_core.images.board import cell_from_strokes
from maml_core.learners import checkpoints
from maml_core.paths import WEIGHTS
from maml_core.training.background.job import (
    BackgroundTraining,
    Progress,
    TrainingJob,
    Validation,
)
from pages.draw.board_state import QUERY, BoardState, board_state
from pages.play.round_state import Round, picks_by_round
from pages.shared.frame.kept_work import store as stores
from pages.shared.frame.kept_work import tab
from pages.shared.frame.kept_work.on_disk import FOLDER, WorkFolder
from pages.shared.frame.kept_work.parts import ROUNDS, parts_of, values_of
from pages.shared.frame.kept_work.store import WorkStore
from pages.shared.learners import training_session
from pages.shared.learners.store import keep
from tests.support.opened_page import at_page, run

LINES = [[(0.1, 0.2), (0.31234, 0.9)], [(0.5, 0.5), (0.6, 0.7)]]
STEPS = 50


def drawn_board() -> BoardState:
    """Return a board with a cleared cell, ink over a picture and a query."""
    board = BoardState()
    picture = cell_from_strokes(LINES, b"png", "Greek: alpha")
    board.set_cells({"A1": picture, "J5": picture})
    board.set_cells({"A1": cell_from_strokes([])})
    ink = {"version": 1, "strokes": LINES, "keep": True}
    board.apply_pen_edits({"J5": ink, QUERY: {"version": 0, "strokes": LINES[:1]}})
    return board


def training(state: str, weights: bytes = b"", saved: bytes = b"") -> BackgroundTraining:
    config = TrainConfig(meta_steps=STEPS, n_ways=(2,), k_shots=(1,), q_query=1)
    made = BackgroundTraining("one", TrainingJob(config, "glyphs"), lambda: True, state)
    for step in (1, 2, 3):
        made._progress.append(Progress(step, 0.5 / step, 1.0, 0.1 * step))
    made._validations.append(Validation(2, (0.5, 0.75), (0.1, 0.05), 20))
    made.weights, made.step, made.saved = weights, 2 if weights else 0, saved
    return made


def another_server(parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Bring a token whose work a server that has ended left on the disk."""
    WorkFolder(Path(os.environ["MAML_DATA_DIR"])).write("before", parts, is_there=True)
    cookies = property(lambda _: {tab.COOKIE: "1"})
    monkeypatch.setattr(type(st.context), "cookies", cookies, raising=True)
    at = at_page("pages/toy/page.py")
    at.session_state["tab_token_box"] = {"token": "before"}
    return at


def notices(at: AppTest) -> str:
    return " ".join(warning.value for warning in at.warning)


def test_a_board_is_the_same_on_another_server() -> None:
    board = drawn_board()
    st.session_state.update(values_of(parts_of({"board_state": board}, None)))
    again = board_state()
    assert again.cells == board.cells
    assert again.backgrounds == board.backgrounds
    assert again.versions == board.versions == {"A1": 2, "J5": 1}
    board.undo()
    again.undo()
    assert again.cell("A1") == board.cell("A1") != drawn_board().cell("A1")
    assert again.to_json() == board.to_json()


def test_a_board_of_another_version_is_an_empty_one() -> None:
    for content in (b"{", b"[]", b'{"cells": {"A1": {}}}', b'{"cells": 3}'):
        st.session_state.clear()
        st.session_state["kept_board"] = content
        assert board_state() == BoardState()
    st.session_state.clear()
    st.session_state["kept_board"] = b'{"versions": {"A1": 3}, "new": 1}'
    assert board_state().versions == {"A1": 3}


def test_rounds_of_play_go_on_on_another_server() -> None:
    played = Round("glyphs", "test", "5-way", 3, True)
    before = {played: [1, None, 4], played._replace(seed=4): [0]}
    unread = values_of(parts_of({ROUNDS: before}, None))
    st.session_state.clear()
    st.session_state.update(values_of(parts_of(unread, None)))  # yet another server
    assert picks_by_round() == before
    for damaged in (b"{", b"[[1, 2]]", b"3", b'[[["glyphs"], []]]'):
        st.session_state.clear()
        st.session_state["kept_rounds"] = damaged
        assert picks_by_round() == {}


def test_learners_and_a_zip_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    content = (WEIGHTS / "paper" / "maml.safetensors").read_bytes()
    name = keep(content, "maml")
    values = {"own_files": {name: content}, "visitor_zip": "zip-0123456789abcdef"}
    st.session_state.clear()
    at = run(another_server(parts_of(values, None), monkeypatch))
    assert at.session_state["visitor_zip"] == values["visitor_zip"]
    assert at.session_state["own_files"] == {name: content}
    (learner,) = at.session_state["own_learners"].values()
    assert learner.method == name
    expected = checkpoints.from_bytes(content, "maml").learner()
    assert all((learner.params[key] == expected.params[key]).all() for key in expected.params)
    assert not notices(at)


@pytest.mark.parametrize(
    ("state", "weights", "saved", "restored", "sentence"),
    [
        ("done", b"w", b"", "done", ""),
        ("stopped", b"w", b"", "stopped", ""),
        ("failed", b"", b"", "failed", ""),
        ("paused", b"w", b"s", "paused", ""),
        ("running", b"w", b"", "stopped", "The weights after 2 updates can be kept"),
        ("pausing", b"w", b"s", "paused", "Resume on Train goes on from the last pause"),
        ("waiting", b"", b"", "failed", "Start it again on Train"),
    ],
)
def test_a_training_is_what_is_left_of_it(
    state: str,
    weights: bytes,
    saved: bytes,
    restored: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = training(state, weights, saved)
    at = run(another_server(parts_of({}, before), monkeypatch))
    said = notices(at)
    assert ("Your training was interrupted" in said) == bool(sentence)
    assert sentence in said
    (after,) = training_session.training_queue()._by_owner.values()
    assert (after.state, after.weights, after.saved) == (restored, weights, saved)
    assert (after.job, after.step) == (before.job, before.step)
    assert list(map(asdict, after.progress)) == list(map(asdict, before.progress))
    assert after.validations == before.validations
    assert bool(after.message) == (restored != state)


def test_what_nobody_kept_is_told_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tab.GONE in notices(run(another_server({}, monkeypatch)))
    damaged = {"training.json": b"{", "board.json": b"{}"}
    assert tab.GONE in notices(run(another_server(damaged, monkeypatch)))


def test_a_page_of_another_server_is_loaded_again_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = run(at_page("pages/toy/page.py"))
    assert at.title, "whoever opens a page has lost nothing"
    assert run(at).title, "nor on the first click"
    del at.session_state["has_begun"]  # as of a server that has never heard of it
    assert not run(at).title
    assert "location.reload()" in "".join(one.proto.body for one in at.get("html"))
    cookies = property(lambda _: {tab.CHANGED_COOKIE: "1"})
    monkeypatch.setattr(type(st.context), "cookies", cookies, raising=True)
    at = run(at_page("pages/toy/page.py"))
    assert tab.CHANGED in notices(at)
    assert notices(run(at)).count(tab.CHANGED) == 1


def test_what_is_kept_is_on_the_disk_a_moment_later(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "is_connected", lambda _: True)
    monkeypatch.setattr(stores, "runtime", SimpleNamespace(exists=lambda: True))
    store, board = WorkStore(WorkFolder(data_dir), write_seconds=0.01), drawn_board()
    store.keep("token", {"board_state": board}, "one")
    board.set_cells({"B1": cell_from_strokes(LINES)})  # no run of the page's after it
    other, end = WorkStore(WorkFolder(data_dir)), time.monotonic() + 60
    while other.on_disk("token").get("board.json") != board.to_json():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert other.restored("token") is None
    assert other.on_disk("tokem") == {}
    store._works.clear()  # its writer ends


def test_a_tab_whose_work_cannot_be_read_costs_no_other_tab_its_copy(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stores, "is_connected", lambda _: True)
    store = WorkStore(WorkFolder(data_dir))
    store.keep("bad", {"board_state": "no board"}, "one")
    store.keep("good", {"board_state": drawn_board()}, "two")
    assert store.write() == 2
    assert list(store.on_disk("good")) == ["board.json"]
    assert store.on_disk("bad") == {}
    assert "could not be copied" in caplog.text


def test_what_is_on_the_disk_goes_with_its_tab(data_dir: Path) -> None:
    folder, root = WorkFolder(data_dir), data_dir / FOLDER
    for token in ("left", "there"):
        folder.write(token, {"a": b"1", "b": b"2"}, is_there=True)
    folder.write("there", {"a": b"3"}, is_there=True)
    assert folder.read("there") == {"a": b"3"}
    assert oct(min(path.stat().st_mode for path in root.iterdir()))[-3:] == "700"
    assert not [path for path in root.rglob("*") if "there" in path.name], "nobody reads a token"
    for path in root.iterdir():
        os.utime(path, (0, time.time() - 100))
    folder.write("there", {"a": b"3"}, is_there=True)
    folder.write("left", {"a": b"1", "b": b"2"}, is_there=False)
    WorkFolder(data_dir).forget_left(50)
    assert folder.read("left") == {}
    assert folder.read("there") == {"a": b"3"}
    folder.forget("there")
    assert list(root.iterdir()) == []


def test_without_room_nothing_is_kept_and_nothing_fails(data_dir: Path) -> None:
    data_dir.write_text("a file")
    folder = WorkFolder(data_dir)
    folder.write("token", {"a": b"1"}, is_there=True)
    folder.forget_left(0)
    assert folder.read("token") == {}
