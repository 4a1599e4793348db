"""What a visitor sees while a set is read, and after it has changed; how long their zip is kept."""

from __future__ import annotations

import inspect
import shutil
import threading
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.testing.v1 import AppTest

from maml_core.data import registry
from maml_core.data.character_set import DataError
from maml_core.data.own_pictures import visitor_zips
from pages.shared import character_sets, streamlit_internals
from pages.shared.data_sources import zip_keeper
from pages.shared.data_sources.zip_keeper import KEPT_MINUTES, ZipKeeper
from tests.support.opened_page import open_page, run
from tests.support.picture_files import save_pets, save_square

EPISODES = "pages/episodes/page.py"
FOLDER = {"dataset": "My folder", "n_way": "2", "q_query": "2"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by which the server looks at the disk."""
    now = [0.0]
    sets = character_sets.loaded_sets()
    monkeypatch.setattr(sets, "_clock", lambda: now[0])
    return now


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of three pictures."""
    root = save_pets(tmp_path / "pets")
    monkeypatch.setenv("PICTURES_DIR", str(root))
    return root


def limits(at: AppTest) -> str:
    """Return what the sidebar says of the set's size."""
    return next(one.value for one in at.sidebar.caption if "N is at most" in one.value)


def test_a_repaired_folder_and_an_added_picture_show_in_the_next_run(
    pictures: Path, clock: list[float]
) -> None:
    whole = (pictures / "cat" / "1.png").read_bytes()
    (pictures / "cat" / "1.png").write_bytes(b"no picture")
    at = open_page(EPISODES, **FOLDER)
    assert "These are the built-in glyphs." in at.warning[0].value
    (pictures / "cat" / "1.png").write_bytes(whole)
    clock[0] += 100
    at.run()
    assert not at.warning
    assert "2 characters, 3 pictures of each" in limits(at)
    for shade, name in enumerate(("cat", "dog"), 100):
        save_square(pictures / name / "3.png", shade)
    clock[0] += 100
    at.run()
    assert "2 characters, 4 pictures of each" in limits(at)


def test_the_set_stays_the_same_within_a_run_and_in_its_fragments(
    pictures: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    character_sets.begin_run()
    first = character_sets.loaded_set("folder-28")
    save_square(pictures / "cat" / "9.png", 100)
    clock[0] += 100
    assert character_sets.loaded_set("folder-28") is first
    assert character_sets.shown_edition("folder-28") == first.edition
    character_sets.begin_run()
    second = character_sets.loaded_set("folder-28")
    assert len(second.data.inputs) == len(first.data.inputs) + 1
    assert character_sets.shown_edition("folder-28") == second.edition != first.edition


def test_a_session_lets_go_of_what_it_no_longer_shows(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    monkeypatch.setattr(st, "session_state", {})
    refs = []
    for shade in range(character_sets.MAX_HELD + 2):
        save_square(pictures / "cat" / "0.png", shade)
        content = Path(shutil.make_archive(str(pictures), "zip", pictures)).read_bytes()
        name = visitor_zips.add(content, "pets.zip", data_dir).name
        character_sets.begin_run()
        refs.append(weakref.ref(character_sets.loaded_set(name).data.inputs))
    assert [ref() is not None for ref in refs] == 2 * [False] + character_sets.MAX_HELD * [True]


def test_a_long_reading_shows_how_far_it_is_and_can_be_stopped(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SHOW_AFTER", "BAR_AFTER", "STOP_AFTER", "REDRAW_SECONDS"):
        monkeypatch.setattr(character_sets, name, 0.01)
    go, load = threading.Event(), registry.load
    shown: list[str] = []

    def slow(name: str, data_dir: Path | None = None, progress=None):  # type: ignore[no-untyped-def]
        if name.startswith("folder"):
            progress(2, 6)
            assert go.wait(60)
        return load(name, data_dir, progress)

    class Stopped(BaseException):
        """What a click on Stop does to the run that draws it."""

    button = st.delta_generator.DeltaGenerator.button

    def click(self, label: str, *arguments, **named):  # type: ignore[no-untyped-def]
        if label != "Stop":
            return button(self, label, *arguments, **named)
        named["on_click"]()
        raise Stopped

    progress = st.delta_generator.DeltaGenerator.progress
    monkeypatch.setattr(
        st.delta_generator.DeltaGenerator,
        "progress",
        lambda self, value, text: shown.append(text) or progress(self, value, text),
    )
    monkeypatch.setattr(st.delta_generator.DeltaGenerator, "button", click)
    monkeypatch.setattr(registry, "load", slow)
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    with pytest.raises(Stopped):
        character_sets.loaded_set("folder-28")
    assert shown[0].startswith("Reading the characters: 2 of 6, about")
    assert state["stopped_reading"] == "folder-28"
    monkeypatch.undo()
    go.set()


def test_who_has_stopped_a_reading_is_asked_and_the_others_are_not(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page(EPISODES, dataset="Glyphs")
    at.session_state["stopped_reading"] = "folder-28"
    at.sidebar.selectbox(key="dataset").set_value("My folder")
    at.session_state["pictures"] = "as they are"
    run(at)
    assert "was stopped" in at.info[0].value
    assert at.sidebar.slider(key="n_way"), "other characters can be chosen"
    assert not open_page(EPISODES, **FOLDER, pictures="as they are").info
    at.button(key="read_on").click().run()
    assert not at.info
    assert "2 characters, 3 pictures" in limits(at)


def test_a_zip_is_kept_while_its_tab_is_open_and_for_a_time_after(
    pictures: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, connected = [0.0], {"one"}
    monkeypatch.setattr(zip_keeper, "is_connected", connected.__contains__)
    monkeypatch.setattr(visitor_zips.time, "time", lambda: now[0])
    monkeypatch.setattr(visitor_zips, "_last_seen", lambda folder: seen.get(folder.name, 0.0))
    seen: dict[str, float] = {}
    monkeypatch.setattr(
        visitor_zips,
        "mark_in_use",
        lambda name, root: seen.update({visitor_zips.kept_zip(name, root).parent.name: now[0]}),
    )
    content = Path(shutil.make_archive(str(pictures), "zip", pictures)).read_bytes()
    name = visitor_zips.add(content, "pets.zip", data_dir).name
    keeper = ZipKeeper(data_dir, watch_seconds=1e6)
    keeper.keep("one", name)
    for _ in range(3):
        now[0] += 60 * KEPT_MINUTES
        assert keeper.tidy() == 1, "the tab is open"
    connected.clear()
    now[0] += 60 * KEPT_MINUTES
    assert keeper.tidy() == 1
    now[0] += 1
    assert keeper.tidy() == 0
    assert not visitor_zips.kept_zip(name, data_dir).exists()


def test_the_zip_that_a_visitor_had_before_makes_room_unless_another_has_it(
    pictures: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor_zips, "MAX_KEPT", 2)
    keeper = ZipKeeper(data_dir, watch_seconds=1e6)

    def bring(shade: int) -> str:
        save_square(pictures / "cat" / "0.png", shade)
        content = Path(shutil.make_archive(str(pictures), "zip", pictures)).read_bytes()
        return visitor_zips.add(content, "pets.zip", data_dir).name

    for shade in range(4):
        mine = bring(shade)
        keeper.keep("one", mine)
    keeper.keep("two", mine)
    theirs = bring(9)
    keeper.keep("one", theirs)
    with pytest.raises(DataError, match="2 visitors at once"):
        bring(10)
    for name in (mine, theirs):
        assert registry.load(name).name == name


def test_sessions_that_cannot_come_back_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemorySessionStorage(ttl_seconds=0)
    manager = WebsocketSessionManager(storage, SimpleNamespace(), SimpleNamespace(), lambda: None)
    # Threads of earlier tests, which watch over their visitors' trainings and work, ask it, too.
    server = SimpleNamespace(_session_mgr=manager, is_active_session=lambda _: True)
    monkeypatch.setattr(streamlit_internals.runtime, "exists", lambda: True)
    monkeypatch.setattr(streamlit_internals.runtime, "get_instance", lambda: server)

    class Held:
        pass

    held = Held()
    gone = weakref.ref(held)
    session = SimpleNamespace(id="one", session_state={"held_sets": held})
    session._fragment_storage = {"fragment": held}
    del held
    storage.save(SessionInfo(client=None, session=session))
    assert gone() is not None
    assert streamlit_internals.forget_expired_sessions() == 1
    assert gone() is None, "though somebody holds the session"
    assert streamlit_internals.forget_expired_sessions() == 0
    for name in ("session_state", "_fragment_storage"):
        assert f"self.{name}" in inspect.getsource(AppSession) or hasattr(AppSession, name)
