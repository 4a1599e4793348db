"""`kill -9` in the middle: what was finished is there after it, and nothing half-written.

Each process is killed before each of its changes of a file in turn, or in a write, and then
started again. What is expected is what an undisturbed process makes.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import struct
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from maml_core.cli import commands
from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet, ClassName
from maml_core.data.download import fetch
from maml_core.data.download.torchvision_import import import_torchvision_datasets
from maml_core.data.omniglot import PARTS
from maml_core.data.own_pictures import visitor_zips
from maml_core.data.splits import split_classes
from maml_core.data.storage import disk_cache
from maml_core.episodes.pool import make_pool
from maml_core.evaluation import records, results_table
from maml_core.learners import checkpoints
from maml_core.training import loop, recipes, recording, saved_state, training_run
from maml_core.training.background import queue
from maml_core.training.background.job import TrainingJob
from maml_core.training.training_run import TrainingRun
from tests.support.file_server import file_server
from tests.support.killed_process import (
    FORKS,
    PATIENCE,
    kill,
    killed_at_each_change,
    killed_in_a_write,
    make_old,
    start,
    unfinished_files,
)
from tests.support.pictures import encoded, grey
from tests.support.small_runs import CONFIG, NARROW

STAND_IN = Path(__file__).parent / "support" / "stand_in_training.py"


# A visitor's zip


def pictures(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    path = Path(os.environ["MAML_DATA_DIR"]).with_name(f"pictures-{seed}.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4):
            png = encoded(grey(rng.integers(0, 256, (30, 30))))
            archive.writestr(zipfile.ZipInfo(f"pets/{'ab'[number % 2]}/{number}.png"), png)
    return path.read_bytes()


def add_zip(content: bytes, data_dir: Path) -> None:
    visitor_zips.add(content, "mine.zip", data_dir)


def add_zip_and_wait(content: bytes, data_dir: Path, halfway) -> None:
    def show(done: int, total: int) -> None:
        if 2 * done == total:
            halfway.set()
            time.sleep(PATIENCE)

    visitor_zips.add(content, "mine.zip", data_dir, show)


def test_a_zip_being_read(data_dir, tmp_path):
    finished, content = pictures(1), pictures(2)
    undisturbed = visitor_zips.add(content, "mine.zip", tmp_path / "undisturbed")
    first = visitor_zips.add(finished, "first.zip", data_dir)
    halfway = FORKS.Event()
    reading = FORKS.Process(target=add_zip_and_wait, args=(content, data_dir, halfway))
    start(reading)
    assert halfway.wait(PATIENCE)
    kill(reading)
    assert unfinished_files(data_dir)
    (folder,) = {path.parent for path in unfinished_files(data_dir)}
    n_kills = 0
    for killed in killed_at_each_change(add_zip, content, data_dir, every=2):
        n_kills += killed
        np.testing.assert_array_equal(visitor_zips.load(first.name, data_dir).inputs, first.inputs)
        again = visitor_zips.add(content, "mine.zip", data_dir)
        np.testing.assert_array_equal(again.inputs, undisturbed.inputs)
        shutil.rmtree(folder)
    assert n_kills > 3


# A training


def characters() -> CharacterSet:
    rng = np.random.default_rng(5)
    names = [ClassName(f"Alphabet {a}", f"character {c}") for a in range(4) for c in range(10)]
    inputs = rng.integers(0, 256, (20 * len(names), 28, 28), dtype=np.uint8)
    return CharacterSet(
        name="tiny",
        classes=tuple(names),
        starts=np.arange(len(names) + 1) * 20,
        drawers=np.tile(np.arange(1, 21), len(names)),
        inputs=inputs,
        bits=np.packbits(inputs > 127, axis=-1),
        side=28,
        evaluation_alphabets=("Alphabet 3",),
    )


def train_or_resume(out: Path) -> None:
    torch.set_num_threads(1)
    training_run.load = lambda name: replace(characters(), name=name)
    loop.SAVE_SECONDS = -1.0  # after each update
    run = TrainingRun(out, split="paper", record=4)
    recipes.train(replace(run, resume=run.state.exists()), CONFIG, NARROW)


def test_a_training_being_saved(tmp_path):
    run, undisturbed = (TrainingRun(tmp_path / name / "weights") for name in "ab")
    assert not killed_in_a_write(10**9, train_or_resume, undisturbed.out)
    expected = checkpoints.load_weights(undisturbed.out).params
    points = recording.load_recording(undisturbed.recording)[0]

    def is_whole() -> int:
        """Check each file that is there; return how many updates are saved."""
        if run.recording.exists():
            for step, params in recording.load_recording(run.recording)[0].items():
                assert_equal(params, points[step])
        if run.out.exists():
            assert_equal(checkpoints.load_weights(run.out).params, expected)
        return saved_state.load_update(run.state)[0].step if run.state.exists() else 0

    steps = []
    for _ in killed_at_each_change(train_or_resume, run.out, first=9, every=5):
        steps.append(is_whole())
        if 0 < steps[-1] < CONFIG.meta_steps:
            half = run.state.stat().st_size // 2
            assert killed_in_a_write(half, train_or_resume, run.out)
            assert is_whole() == steps[-1], "it died while saving the next"
    assert sorted(steps[:-1]) == steps[:-1]
    assert len(set(steps)) > 2, "otherwise it was never killed on its way"
    assert_equal(checkpoints.load_weights(run.out).params, expected)
    assert not run.state.exists()
    assert recording.load_recording(run.recording)[0].keys() == points.keys()
    is_whole()
    make_old(tmp_path)
    checkpoints.save_weights(tmp_path / "a" / "others", checkpoints.load_weights(run.out))
    assert unfinished_files(tmp_path) == []


def assert_equal(found, expected) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


# A server whose visitor trains


def train_in_the_background(started) -> None:
    queue.COMMAND = (sys.executable, str(STAND_IN))
    training = queue.TrainingQueue().start("me", TrainingJob(TrainConfig(meta_steps=1_000_000)))
    started.send(training.process.pid)
    time.sleep(PATIENCE)


def test_the_training_of_a_killed_server_ends():
    told, started = FORKS.Pipe(duplex=False)
    server = FORKS.Process(target=train_in_the_background, args=(started,))
    start(server)
    training = psutil.Process(told.recv())
    assert training.is_running()
    kill(server)
    end = time.monotonic() + PATIENCE
    while training.is_running() and training.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.05)


# An evaluation


def evaluate_and_record(path: Path) -> None:
    torch.set_num_threads(1)
    specs = [EpisodeSpec(n_way, 1, 2) for n_way in (2, 3, 4)]
    rows = [results_table.Row("nearest-pixels", "paper", spec) for spec in specs]
    data = characters()
    results_table.table_rows = lambda: rows
    results_table.omniglot_test_pool = lambda split, ink_crops: make_pool(
        data, split_classes(data, split, "test"), ink_crops=ink_crops
    )
    assert commands.main(["evaluate", "--all", "--episodes", "4", "--record", str(path)]) == 0


def test_an_evaluation_being_recorded(tmp_path):
    path, undisturbed = tmp_path / "results.jsonl", tmp_path / "undisturbed.jsonl"
    assert not killed_in_a_write(10**9, evaluate_and_record, undisturbed)
    expected = records.load_records(undisturbed)
    assert len(expected) == 3
    half = undisturbed.read_bytes().index(b"\n") + 50
    assert killed_in_a_write(half, evaluate_and_record, path)
    assert path.stat().st_size == half
    assert records.load_records(path) == expected[:1]
    counts = []
    for _ in killed_at_each_change(evaluate_and_record, path, first=2):
        found = records.load_records(path)
        assert found == expected[: len(found)]
        counts.append(len(found))
    assert counts == [1, 2, 3]
    assert path.read_bytes() == undisturbed.read_bytes()


# Downloads


def fetch_fake_omniglot(url: str, md5s: dict[str, str], data_dir: Path) -> None:
    os.environ["no_proxy"] = "*"
    official = import_torchvision_datasets().Omniglot
    official.download_url_prefix, official.zips_md5 = url, md5s
    list(fetch.fetch_omniglot(data_dir))


def fetch_fake_mnist(url: str, md5s: dict[str, str], data_dir: Path) -> None:
    os.environ["no_proxy"] = "*"
    official = import_torchvision_datasets().MNIST
    official.mirrors, official.resources = [f"{url}/"], list(md5s.items())
    fetch.fetch_mnist(data_dir)


def omniglot_archives(fake_omniglot, folder: Path) -> dict[str, bytes]:
    return {part: fake_omniglot.pack(part, folder).read_bytes() for part in PARTS}


def mnist_files() -> dict[str, bytes]:
    rng, files = np.random.default_rng(6), {}
    for part, labels in {"train": [3, 0, 3, 1], "t10k": [1, 0]}.items():
        pixels = rng.bytes(28 * 28 * len(labels))
        images = struct.pack(">4i", 2051, len(labels), 28, 28) + pixels
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(images)
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(
            struct.pack(">2i", 2049, len(labels)) + bytes(labels)
        )
    return files


@pytest.mark.parametrize("name", ["omniglot", "mnist"])
def test_a_download(name, fake_omniglot, data_dir, tmp_path):
    if name == "omniglot":
        archives = omniglot_archives(fake_omniglot, tmp_path)
        content = {f"/{part}.zip": archive for part, archive in archives.items()}
        md5s = {part: hashlib.md5(archive).hexdigest() for part, archive in archives.items()}
        download, n_pictures = fetch_fake_omniglot, len(fake_omniglot.ink)
    else:
        content = {f"/{file}": content for file, content in mnist_files().items()}
        md5s = {path[1:]: hashlib.md5(file).hexdigest() for path, file in content.items()}
        download, n_pictures = fetch_fake_mnist, 6

    def is_there() -> bool:
        """Say whether the app offers it; then it is whole."""
        available = {one.name: one.available for one in registry.status()}[name]
        assert not available or len(registry.load(name).inputs) == n_pictures
        return available

    with file_server(content) as (url, served):
        served.until.clear()
        downloading = FORKS.Process(target=download, args=(url, md5s, data_dir))
        start(downloading)
        assert served.is_halfway.wait(PATIENCE)
        kill(downloading)
        served.until.set()
        assert not is_there()
        outcomes = []
        for killed in killed_at_each_change(download, url, md5s, data_dir, every=3):
            outcomes.append(killed)
            assert is_there() or killed
        assert len(outcomes) > 3
    left = unfinished_files(data_dir)
    assert left, "otherwise nothing was killed in the middle"
    make_old(data_dir)
    disk_cache.load_or_build("another", "set", data_dir, characters)
    assert unfinished_files(data_dir) == []
    assert is_there()
