"""Data sets in memory: read once for all, each by itself, and none is kept unused."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from maml_core.data import registry
from maml_core.data.character_set import DataError
from maml_core.data.loaded_sets import (
    LOOK_SECONDS,
    REFUSED_SECONDS,
    LoadedSet,
    LoadedSets,
    SetSource,
)
from maml_core.data.own_pictures import visitor_zips
from tests.support.picture_files import save_pets, save_square
from tests.support.tiny_set import tiny_set

SOON = 30  # seconds; nothing here takes them unless it fails


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def read(sets: LoadedSets, name: str):
    """Return a set as a visitor gets it."""
    edition = sets.edition(name)
    found = sets.find(name, edition)
    if found is None:
        work = sets.read(name, edition)
        assert work.wait(SOON)
        found = work.result()
    return found


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of three pictures."""
    root = save_pets(tmp_path / "pets")
    monkeypatch.setenv("PICTURES_DIR", str(root))
    return root


def zipped(root: Path) -> bytes:
    return Path(shutil.make_archive(str(root), "zip", root)).read_bytes()


def mapped() -> set[str]:
    """Return the files that this process has mapped into memory, as the system says."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}


def test_one_set_does_not_wait_for_another(monkeypatch):
    """Each of two is read only while the other is, too."""
    both = threading.Barrier(2, timeout=SOON)

    def load(name, data_dir=None, progress=None):
        both.wait()
        return tiny_set()

    monkeypatch.setattr(registry, "load", load)
    monkeypatch.setattr(registry, "edition", lambda name: "1")
    sets = LoadedSets()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda name: read(sets, name), ("omniglot", "glyphs"))
    assert one is not other


def test_a_set_is_read_once_for_all_and_stays(monkeypatch):
    calls, go = [], threading.Event()

    def load(name, data_dir=None, progress=None):
        calls.append(name)
        assert go.wait(SOON)
        return tiny_set()

    monkeypatch.setattr(registry, "load", load)
    sets = LoadedSets()
    works = [sets.read("glyphs", "1") for _ in range(4)]
    go.set()
    assert all(work.wait(SOON) for work in works)
    assert len({id(work.result()) for work in works}) == 1
    kept = weakref.ref(works[0].result())
    del works
    gc.collect()
    assert sets.find("glyphs", "1") is kept() is not None
    assert calls == ["glyphs"]


def test_a_repaired_folder_is_read_anew_and_so_is_one_with_another_picture(pictures):
    clock = Clock()
    sets = LoadedSets(clock=clock)
    whole = (pictures / "cat" / "1.png").read_bytes()
    (pictures / "cat" / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"cat/1\.png"):
        read(sets, "folder-28")
    (pictures / "cat" / "1.png").write_bytes(whole)
    clock.now += LOOK_SECONDS
    first = read(sets, "folder-28")
    assert len(first.data.inputs) == 6
    clock.now += LOOK_SECONDS
    assert read(sets, "folder-28") is first, "nothing has changed"
    save_square(pictures / "dog" / "9.png", 200)
    clock.now += LOOK_SECONDS
    second = read(sets, "folder-28")
    assert len(second.data.inputs) == 7
    assert second.edition != first.edition
    assert len(first.data.inputs) == 6, "who looks at it goes on with it"


def test_what_was_refused_is_tried_again_after_some_seconds_though_nothing_shows(
    pictures, monkeypatch
):
    clock, load = Clock(), registry.load
    sets = LoadedSets(clock=clock)

    def refuse(name, data_dir=None, progress=None):
        raise DataError("The disk has gone to sleep.")

    monkeypatch.setattr(registry, "load", refuse)
    for _ in range(2):
        with pytest.raises(DataError, match="gone to sleep"):
            read(sets, "folder-28")
        monkeypatch.setattr(registry, "load", load)
    clock.now += REFUSED_SECONDS
    assert len(read(sets, "folder-28").data.inputs) == 6


def test_the_longer_a_look_takes_the_less_often_it_is_done():
    clock, looks = Clock(), []

    def look():
        looks.append(clock.now)
        clock.now += 1.0
        return len(looks)

    sets = LoadedSets(clock=clock)
    assert [sets.look("folder", look) for _ in range(3)] == [1, 1, 1]
    clock.now += 49.0
    assert sets.look("folder", look) == 1
    clock.now += 1.0
    assert sets.look("folder", look) == 2
    sets.look_again("folder")
    assert sets.look("folder", look) == 3


def test_one_looks_for_all_who_ask_meanwhile():
    clock, meanwhile = Clock(), []
    sets = LoadedSets(clock=clock)
    began = sets.look("folder", clock)

    def look():
        meanwhile.append(sets.look("folder", look))
        return clock.now

    clock.now += 100.0
    assert sets.look("folder", look) == began + 100.0
    assert meanwhile == [began]


def test_a_changed_set_takes_no_other_with_it(pictures, monkeypatch):
    sets = LoadedSets()
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 1, "n_drawers": 2, "seed": 0})
    glyphs, folder = read(sets, "glyphs"), read(sets, "folder-28")
    save_square(pictures / "dog" / "9.png", 200)
    sets.look_again("folder")
    assert read(sets, "folder-28") is not folder
    assert read(sets, "glyphs") is glyphs


def test_a_visitors_zip_goes_from_memory_with_its_last_user(pictures, data_dir):
    sets = LoadedSets()
    name = visitor_zips.add(zipped(pictures), "pets.zip", data_dir).name
    name = visitor_zips.with_view(name, "as-they-are")  # of which the pictures lie on disk
    mine, theirs = read(sets, name), read(sets, name)
    assert mine is theirs
    mine.once("pool", partial(list, [mine.data]))  # what is made of it goes, too
    assert any(str(data_dir) in file for file in mapped())
    array = weakref.ref(mine.data.inputs)
    shutil.rmtree(visitor_zips.kept_zip(name, data_dir).parent)
    del mine
    assert array() is not None, "somebody else has it"
    del theirs
    assert array() is None
    assert not any(str(data_dir) in file for file in mapped())
    with pytest.raises(DataError, match="upload them again"):
        read(sets, name)


def test_the_former_edition_goes_with_its_last_user(pictures):
    clock = Clock()
    sets = LoadedSets(clock=clock)
    former = weakref.ref(read(sets, "folder-28"))
    assert former() is not None
    save_square(pictures / "dog" / "9.png", 200)
    clock.now += LOOK_SECONDS
    read(sets, "folder-28")
    assert former() is None


def test_a_set_that_nobody_asks_for_goes_after_a_while(pictures):
    clock = Clock()
    sets = LoadedSets(clock=clock)
    held, unused = read(sets, "folder-28"), weakref.ref(read(sets, "folder"))
    clock.now += LOOK_SECONDS
    sets.forget_unused(LOOK_SECONDS)
    assert unused() is not None, "a moment ago it was asked for"
    clock.now += 1.0
    read(sets, "folder-28")
    sets.forget_unused(LOOK_SECONDS)
    assert unused() is None
    clock.now += LOOK_SECONDS + 1.0
    sets.forget_unused(LOOK_SECONDS)
    assert read(sets, "folder-28") is held, "whoever holds it keeps it"


def test_what_is_made_of_a_set_is_made_once_and_each_by_itself():
    """Two things are made only while the other is, too; the same is made once."""
    loaded = LoadedSet(tiny_set(), "1")
    both, calls = threading.Barrier(2, timeout=SOON), []

    def make():
        calls.append(1)
        both.wait()
        return object()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda key: loaded.once(key, make), "abab"))
    assert made[0] is made[2] is not made[1]
    assert made[1] is made[3]
    assert len(calls) == 2


@pytest.mark.parametrize("name", ["omniglot", "mnist", "drawings", "folder", "glyphs"])
def test_each_sets_edition_says_what_lies_there(name, tmp_path, fake_omniglot, monkeypatch):
    """It changes with a file's content or with another file, and with nothing else."""
    files = {
        "omniglot": tmp_path / "omniglot" / "images_background" / "Runes" / "c" / "1_01.png",
        "mnist": tmp_path / "mnist" / "t10k-images-idx3-ubyte",
        "drawings": tmp_path / "drawings" / "anna.json",
        "folder": tmp_path / "pictures" / "cat" / "1.png",
    }
    if name == "glyphs":
        first = registry.edition(name, tmp_path)
        monkeypatch.setattr(registry, "GLYPHS", registry.GLYPHS | {"seed": 1})
        assert registry.edition(name, tmp_path) != first
        return
    path = files[name]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"one")
    if name == "omniglot":
        (tmp_path / "omniglot" / "images_evaluation").mkdir()
    if name == "mnist":
        (path.parent / "t10k-labels-idx1-ubyte").write_bytes(b"labels")
    first = registry.edition(name, tmp_path)
    assert registry.edition(name, tmp_path) == first
    path.write_bytes(b"other")
    second = registry.edition(name, tmp_path)
    assert second != first
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert registry.edition(name, tmp_path) != second


def test_sets_of_a_source_are_those_of_now_and_go_with_who_uses_them():
    """Two servers: what one makes, the other sees at once."""
    made = {"edition": "1"}
    one, other = LoadedSets(), LoadedSets()
    for sets in (one, other):
        source = SetSource(lambda name: made["edition"], lambda name: tiny_set())
        sets.add_source("class-", source)
    first = read(one, "class-7")
    assert read(other, "class-7").edition == "1"
    made["edition"] = "2"
    assert one.edition("class-7") == other.edition("class-7") == "2"
    assert read(other, "class-7").edition == "2"
    kept = weakref.ref(first)
    del first
    gc.collect()
    assert kept() is None
