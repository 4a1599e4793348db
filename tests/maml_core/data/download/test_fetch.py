"""Downloading Omniglot: whole or not at all."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from maml_core.data import omniglot, registry
from maml_core.data.character_set import DataError
from maml_core.data.download import fetch
from maml_core.data.download.torchvision_import import import_torchvision_datasets
from maml_core.data.omniglot import PARTS
from maml_core.data.storage import disk_cache
from tests.support.file_server import file_server


def test_importing_data_sets_and_the_download_imports_no_torch():
    code = "import sys, maml_core.data.download.fetch; print('torch' in sys.modules)"
    root = Path(registry.__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


@pytest.fixture
def server(fake_omniglot, tmp_path, monkeypatch):
    """Serve the fake archives to torchvision in the place of the official ones."""
    content = {}
    for part in PARTS:
        with zipfile.ZipFile(fake_omniglot.pack(part, tmp_path), "a") as archive:
            # Makes it so long that it arrives in several pieces.
            archive.writestr("noise", np.random.default_rng(4).bytes(200_000))
        content[f"/{part}.zip"] = (tmp_path / f"{part}.zip").read_bytes()
    monkeypatch.setenv("no_proxy", "*")
    with file_server(content) as (url, handler):
        official = import_torchvision_datasets().Omniglot
        monkeypatch.setattr(official, "download_url_prefix", url)
        for part in PARTS:
            md5 = hashlib.md5(content[f"/{part}.zip"]).hexdigest()
            monkeypatch.setitem(official.zips_md5, part, md5)
        yield handler
    gc.collect()  # A connection that was left open warns here, in the test that opened it.


def assert_nothing_left(data_dir):
    """Neither archives nor temporary folders."""
    assert not (data_dir / "omniglot").exists()
    assert list(data_dir.glob(".*")) == []


def refusal(data_dir):
    with pytest.raises(DataError) as caught:
        list(fetch.fetch_omniglot(data_dir))
    sentence = str(caught.value)
    assert sentence.startswith("Omniglot could not be downloaded (")
    assert sentence.endswith(
        "): check the connection, or put images_background.zip and images_evaluation.zip in "
        f"{data_dir / 'omniglot'}."
    )
    return sentence


def test_a_download_arrives_whole(server, fake_omniglot, data_dir, capfd):
    steps = list(fetch.fetch_omniglot())
    total = sum(map(len, server.content.values()))
    assert [step.done_bytes for step in steps] == sorted(step.done_bytes for step in steps)
    assert steps[0].total_bytes is None
    assert {step.total_bytes for step in steps[1:]} == {total}
    assert (steps[-1].done_bytes, steps[-1].total_bytes) == (total, total)
    assert {"Downloading images_background.zip", "Downloading images_evaluation.zip"} < {
        step.message for step in steps
    }
    assert steps[-1].message == f"Omniglot is in {data_dir / 'omniglot'}"
    assert len(registry.load("omniglot").inputs) == len(fake_omniglot.ink)
    assert {path.name for path in data_dir.iterdir()} == {"omniglot", "omniglot.npz"}
    assert capfd.readouterr() == ("", "")


def test_what_was_read_for_the_check_is_not_decoded_again(server, monkeypatch):
    list(fetch.fetch_omniglot())
    monkeypatch.setattr(omniglot, "_decode", None)
    registry.load("omniglot")


def test_omniglot_that_is_there_is_left_alone(server, fake_omniglot, data_dir):
    for part in PARTS:
        fake_omniglot.unpack(part, data_dir / "omniglot")
    server.content.clear()
    (step,) = fetch.fetch_omniglot()
    assert step.message == f"Omniglot is already in {data_dir / 'omniglot'}"


def test_damaged_files_are_replaced_and_others_stay(server, fake_omniglot, data_dir):
    folder = data_dir / "omniglot"
    folder.mkdir(parents=True)
    (folder / "images_background.zip").write_bytes(b"half")
    (folder / "notes.txt").write_bytes(b"mine")
    list(fetch.fetch_omniglot())
    assert len(registry.load("omniglot").inputs) == len(fake_omniglot.ink)
    assert (folder / "notes.txt").read_bytes() == b"mine"


def test_without_a_network(server, data_dir, monkeypatch):
    nobody = "http://127.0.0.1:9"  # The discard port: nothing answers there.
    monkeypatch.setattr(import_torchvision_datasets().Omniglot, "download_url_prefix", nobody)
    assert "refused" in refusal(data_dir)
    assert_nothing_left(data_dir)


def test_without_the_archives_on_the_server(server, data_dir):
    del server.content["/images_evaluation.zip"]
    assert "404" in refusal(data_dir)
    assert_nothing_left(data_dir)


def test_a_download_that_breaks_off(server, data_dir):
    server.served_share = 0.9
    assert "images_background.zip arrived damaged" in refusal(data_dir)
    assert_nothing_left(data_dir)


def test_archives_other_than_the_official_ones(server, data_dir):
    server.content["/images_evaluation.zip"] += b"more"
    assert "images_evaluation.zip arrived damaged: its md5" in refusal(data_dir)
    assert_nothing_left(data_dir)


def test_official_archives_that_hold_no_omniglot(server, data_dir, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("other.txt", "other")
    content = (tmp_path / "other.zip").read_bytes()
    server.content["/images_evaluation.zip"] = content
    md5s = import_torchvision_datasets().Omniglot.zips_md5
    monkeypatch.setitem(md5s, "images_evaluation", hashlib.md5(content).hexdigest())
    assert "holds no images_evaluation/" in refusal(data_dir)
    assert_nothing_left(data_dir)


def test_a_connection_that_stalls(server, data_dir, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(fetch, "JOIN_SECONDS", 0.1)
    server.until.clear()
    assert "nothing arrived for" in refusal(data_dir)
    assert_nothing_left(data_dir)


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    refusal(tmp_path / "file")


def test_torchvision_that_does_not_work(server, data_dir, monkeypatch):
    def fail():
        raise ImportError("No module named 'torchvision'")

    monkeypatch.setattr(fetch, "import_torchvision_datasets", fail)
    assert "torchvision does not work here: No module named" in refusal(data_dir)
    assert_nothing_left(data_dir)


def test_a_closed_download_leaves_nothing_behind(server, data_dir, monkeypatch):
    monkeypatch.setattr(fetch, "JOIN_SECONDS", 0.1)
    server.until.clear()
    before = set(threading.enumerate())
    steps = fetch.fetch_omniglot()
    assert next(steps).message == "Connecting"
    assert next(steps).done_bytes > 0
    (worker,) = (
        thread
        for thread in set(threading.enumerate()) - before
        if "_download_in_thread" in thread.name
    )
    steps.close()
    assert_nothing_left(data_dir)
    server.until.set()  # Late bytes reach the worker, which ends and writes nothing more.
    worker.join(10)
    assert not worker.is_alive()
    assert_nothing_left(data_dir)


def test_what_a_crashed_download_left_is_removed(server, data_dir):
    old, new = (disk_cache.unfinished_name(data_dir / "omniglot") for _ in range(2))
    long_ago = time.time() - 2 * disk_cache.ABANDONED_AFTER
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "images_background.zip").write_bytes(b"half")
    for path in (old / "images_background.zip", old):
        os.utime(path, (long_ago, long_ago))
    list(fetch.fetch_omniglot())
    assert not old.exists()
    assert new.exists()  # Another process may be downloading into it.


def test_two_downloads_at_once_do_not_disturb_each_other(server, fake_omniglot, data_dir):
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(list, fetch.fetch_omniglot()) for _ in range(2)]
        for job in jobs:
            assert "Omniglot is" in job.result()[-1].message
    assert len(registry.load("omniglot").inputs) == len(fake_omniglot.ink)


def test_a_download_that_ends_while_another_is_put_in_place_spoils_neither(
    server, fake_omniglot, data_dir, monkeypatch
):
    replace, ends = os.replace, []

    def replace_after_the_other(source, target):
        if Path(target) == data_dir / "omniglot" and not ends:
            ends.append("begun")
            ends.append(list(fetch.fetch_omniglot())[-1].message)
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_after_the_other)
    ends.append(list(fetch.fetch_omniglot())[-1].message)
    assert len(ends) == 3
    assert all("Omniglot is in" in end for end in ends[1:])
    assert list(data_dir.glob(disk_cache.UNFINISHED)) == []
    assert len(registry.load("omniglot").inputs) == len(fake_omniglot.ink)
