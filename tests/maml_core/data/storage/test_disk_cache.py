"""The cache of data sets: shared by threads, and never half written."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from maml_core.data import omniglot
from maml_core.data.storage import disk_cache
from tests.support.tiny_set import assert_same, tiny_set


def test_the_data_folder_is_the_environments_choice(monkeypatch, tmp_path):
    monkeypatch.setenv("MAML_DATA_DIR", "~/maml")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert disk_cache.default_data_dir() == tmp_path / "maml"
    monkeypatch.delenv("MAML_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert disk_cache.default_data_dir() == tmp_path / "xdg" / "maml-core"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert disk_cache.default_data_dir() == tmp_path / ".cache" / "maml-core"
    assert omniglot.omniglot_root() == tmp_path / ".cache" / "maml-core" / "omniglot"


def test_threads_that_want_the_same_set_build_it_once(data_dir):
    builds = []

    def build():
        builds.append(threading.get_ident())
        time.sleep(0.05)
        return tiny_set()

    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(disk_cache.load_or_build, "tiny", "one", data_dir, build) for _ in range(16)
        ]
        for job in jobs:
            assert_same(job.result(), tiny_set())
    assert len(builds) == 1


def test_a_set_that_is_being_built_holds_up_no_other(data_dir):
    """Each of two is built only while the other is, too."""
    both = threading.Barrier(2, timeout=30)

    def build():
        both.wait()
        return tiny_set()

    def rows():
        both.wait()
        return [np.zeros(3, np.uint8)]

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(disk_cache.load_or_build, "tiny", "one", data_dir, build)
        other = pool.submit(disk_cache.memory_mapped, "rows", "one", data_dir, (1, 3), rows)
        assert_same(one.result(), tiny_set())
        assert other.result().shape == (1, 3)


def test_another_source_or_format_outdates_the_file(data_dir, monkeypatch):
    disk_cache.load_or_build("tiny", "one", data_dir, tiny_set)
    assert_same(
        disk_cache.load_or_build("tiny", "two", data_dir, lambda: tiny_set(seed=2)),
        tiny_set(seed=2),
    )
    monkeypatch.setattr(disk_cache, "FORMAT", disk_cache.FORMAT + 1)
    assert_same(
        disk_cache.load_or_build("tiny", "two", data_dir, lambda: tiny_set(seed=3)),
        tiny_set(seed=3),
    )


def test_a_folder_that_cannot_be_written_to_only_costs_time(tmp_path):
    (tmp_path / "file").write_bytes(b"")  # Where a file is, no folder can be made.
    for _ in range(2):
        assert_same(
            disk_cache.load_or_build("tiny", "one", tmp_path / "file", tiny_set), tiny_set()
        )


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_nothing(failure, data_dir, monkeypatch):
    def write_half(file, **_):
        file.write(b"PK")
        raise failure

    monkeypatch.setattr(disk_cache.np, "savez", write_half)
    with suppress(KeyboardInterrupt):
        assert_same(disk_cache.load_or_build("tiny", "one", data_dir, tiny_set), tiny_set())
    assert list(data_dir.iterdir()) == []


def test_what_a_dead_writer_left_is_removed(data_dir):
    data_dir.mkdir()
    old, new = (disk_cache.unfinished_name(data_dir / "another.npz") for _ in range(2))
    others = data_dir / f".tiny-{'x' * 32}.tmp", data_dir / f"tiny-{'0' * 32}.tmp"
    for file in (old, new, *others):
        file.write_bytes(b"half")
    long_ago = time.time() - 2 * disk_cache.ABANDONED_AFTER
    for file in (old, *others):
        os.utime(file, (long_ago, long_ago))
    disk_cache.load_or_build("tiny", "one", data_dir, tiny_set)
    assert not old.exists()
    assert new.exists()  # Another process may be writing it.
    assert all(other.exists() for other in others), "they are somebody else's"


def test_a_short_digest_is_the_first_of_the_sha256():
    """The oracle: the test vector of FIPS 180-2."""
    assert disk_cache.short_digest(b"abc") == "ba7816bf8f01cfea"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(mode, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    with disk_cache.atomic_write(path) as file:
        file.write(b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


def test_what_a_symbolic_link_names_is_replaced_and_not_the_link(tmp_path):
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    for content in (b"first", b"second"):
        with disk_cache.atomic_write(link) as file:
            file.write(content)
        assert link.is_symlink()
        assert target.read_bytes() == content


def test_a_name_with_a_pattern_in_it_is_a_name(tmp_path):
    path = tmp_path / "[a-z]*?"
    with disk_cache.atomic_write(path) as file:
        file.write(b"content")
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_whether_a_file_can_be_written_is_said_before_and_leaves_nothing(tmp_path):
    disk_cache.check_writable(tmp_path / "new" / "folder" / "file")
    assert not list((tmp_path / "new" / "folder").iterdir())
    there = tmp_path / "there"
    there.write_bytes(b"content")
    disk_cache.check_writable(there)
    assert there.read_bytes() == b"content"
    for path, sentence in (
        (tmp_path, "is a folder"),
        (there / "file", "lies below a file"),
        (there / "folder" / "file", "lies below a file"),
        (Path(os.devnull), "is not a regular file"),
        (tmp_path / ("x" * 300), "File name too long"),
        (Path("/proc/nowhere/file"), "cannot be written"),
    ):
        with pytest.raises(ValueError, match=re.escape(str(path)) + ".*" + sentence):
            disk_cache.check_writable(path)
    assert {found.name for found in tmp_path.iterdir()} == {"new", "there"}


def test_a_folder_or_file_that_may_not_be_written_to_is_said_before(tmp_path, monkeypatch):
    """Here nothing may be written; a test cannot rely on modes, which do not bind root."""
    kept = tmp_path / "kept"
    kept.write_bytes(b"content")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ValueError, match=f"{kept} is there and may not be written; name another"):
        disk_cache.check_writable(kept)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(ValueError, match=r"new cannot be written \(Permission denied\); name"):
        disk_cache.check_writable(tmp_path / "new")
