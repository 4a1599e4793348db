"""What is taken away says the same as what is shown."""

from __future__ import annotations

import ast
import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from maml_core import checkpoints, datasets
from maml_core.comparison import Recording, compare
from maml_core.config import EpisodeSpec
from maml_core.datasets.splits import split_classes
from maml_core.episodes import make_pool, sample_episode
from maml_core.evaluation import Estimate
from maml_core.exports import errors_csv, estimates_csv, grids_csv, recordings_csv, script
from maml_core.landscape import Grid, Window
from maml_core.learners import Learner
from maml_core.models import initial_params
from maml_core.regression_comparison import Errors


def parsed(text):
    assert text.endswith("\n")
    assert "\r" not in text
    return list(csv.DictReader(io.StringIO(text)))


def test_the_csv_of_recordings_parses_back_to_the_same_numbers():
    generator = np.random.default_rng(0)
    names = ("support_loss", "query_loss", "accuracy")
    recordings = [
        Recording(m, lr, *(generator.random(4) for _ in names), np.zeros((4, 6), dtype=np.int64))
        for m, lr in (("maml", 0.4), ("random", 1 / 3))
    ]
    recordings[1].query_loss[2:] = math.inf, math.nan
    rows = parsed(recordings_csv(recordings))
    assert len(rows) == 2 * 4
    for row, (recording, step) in zip(
        rows, ((r, k) for r in recordings for k in range(4)), strict=True
    ):
        assert row.pop("method") == recording.method
        assert float(row.pop("inner_lr")) == recording.inner_lr
        assert row.pop("inner_step") == str(step)
        found = [float(row.pop(n)) for n in ("support_loss", "query_loss", "query_accuracy")]
        expected = [getattr(recording, name)[step] for name in names]
        np.testing.assert_array_equal(found, expected)  # takes two NaN for the same
        assert not row


def test_the_csv_of_estimates_parses_back_to_the_same_numbers():
    estimates = {
        "maml": Estimate(30, (0.2, 2 / 3, 0.9), (0.0, 1e-17, 0.1 + 0.2)),
        "pretrained": Estimate(30, (0.2, 0.5, 0.7), (0.0, 0.01, 0.02)),
    }
    rows = parsed(estimates_csv(estimates))
    assert rows[0].keys() == {"method", "inner_step", "accuracy", "ci95", "episodes"}
    for method, estimate in estimates.items():
        mine = [row for row in rows if row["method"] == method]
        assert [row["inner_step"] for row in mine] == ["0", "1", "2"]
        assert {row["episodes"] for row in mine} == {"30"}
        assert tuple(float(row["accuracy"]) for row in mine) == estimate.accuracy
        assert tuple(float(row["ci95"]) for row in mine) == estimate.ci95
    assert len(rows) == 6


@pytest.fixture
def learners(model):
    rates = {5: 0.1, 2: 0.3}
    return {
        name: Learner(name, model, initial_params(model, seed), rates)
        for seed, name in enumerate(("maml", "pretrained", "random"))
    }


@pytest.mark.parametrize("spec", [EpisodeSpec(4, 1, 5), EpisodeSpec(3, 2, 4, within_alphabet=True)])
@pytest.mark.parametrize(("split", "part"), [("alphabets", "test"), ("paper", "train")])
@pytest.mark.parametrize("lr_factor", [1.0, 8.0])
def test_the_script_prints_the_accuracies_of_the_recordings(
    lr_factor, split, part, spec, learners, characters, monkeypatch, capsys
):
    pool = make_pool(characters, split_classes(characters, split, part))
    shown = compare(learners, sample_episode(pool, spec, seed=7), 3, lr_factor)
    inner_lrs = {recording.method: recording.inner_lr for recording in shown}
    text = script("omniglot", split, part, spec, 7, inner_lrs, 3)
    monkeypatch.setattr(datasets, "load", lambda name: replace(characters, name=name))
    monkeypatch.setattr(checkpoints, "shipped", learners.__getitem__)
    exec(compile(text, "experiment.py", "exec"), {"__name__": "__main__"})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [[r.method, *(f"{100 * share:.1f}" for share in r.accuracy)] for r in shown]
    assert len({tuple(line[1:]) for line in lines}) > 1


def test_the_script_loads_a_weights_file_by_its_name(
    characters, monkeypatch, capsys, tmp_path, model
):
    monkeypatch.chdir(tmp_path)
    params = initial_params(model, 1)
    about = {"method": "anil", "model": {"channels": 4}, "inner_lrs": {"3": 0.2}}
    checkpoints.save(tmp_path / "mine-1-anil.safetensors", checkpoints.Checkpoint(params, about))
    spec, classes = EpisodeSpec(3, 1, 2), split_classes(characters, "alphabets", "test")
    episode = sample_episode(make_pool(characters, classes), spec, 7)
    learner = checkpoints.load(tmp_path / "mine-1-anil.safetensors").learner()
    other = Learner("maml", model, initial_params(model, 0), {3: 0.1})
    shown = compare({"mine": learner, "maml": other}, episode, 2, 0.5)
    monkeypatch.setattr(datasets, "load", lambda name: characters)
    monkeypatch.setattr(checkpoints, "shipped", lambda method: other)
    inner_lrs = {"mine-1-anil.safetensors": 0.1, "maml": 0.05}
    text = script("omniglot", "alphabets", "test", spec, 7, inner_lrs, 2)
    exec(compile(text, "experiment.py", "exec"), {"__name__": "__main__"})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        [name, *(f"{100 * share:.1f}" for share in one.accuracy)]
        for name, one in zip(inner_lrs, shown, strict=True)
    ]


def test_the_script_stands_alone_and_asks_for_what_it_is_told(monkeypatch):
    """It imports nothing but the core, and whole numbers of α survive to the last digit."""
    spec, inner_lrs = EpisodeSpec(20, 5, 10), {"maml": 0.1 + 0.2, "random": 1e-17}
    tree = ast.parse(script("glyphs", "paper", "validation", spec, 123, inner_lrs, 17))
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert all(isinstance(n, ast.ImportFrom) and n.module.startswith("maml_core") for n in imports)
    constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert {"glyphs", "paper", "validation", 123, 17, 20, 0.1 + 0.2, 1e-17} <= constants
    assert ast.get_docstring(tree)


def test_the_csv_of_maps_parses_back_to_the_same_numbers():
    loss = np.array([[0.1 + 0.2, 1e-17], [np.inf, 3.0]])
    grids = {
        "maml": Grid(Window(1.0, 2.0, 0.5), loss, loss / 10),
        "pretrained": Grid(Window(0.0, 0.0, 1.0), loss.T, loss.T),
    }
    rows = parsed(grids_csv(grids))
    assert len(rows) == 8
    assert rows[0].keys() == {"map", "x", "y", "distance", "loss", "accuracy"}
    first = {name: [float(row[name]) for row in rows[:4]] for name in rows[0] if name != "map"}
    assert first["x"] == [0.5, 1.5, 0.5, 1.5]
    assert first["y"] == [1.5, 1.5, 2.5, 2.5]
    pairs = zip(first["x"], first["y"], strict=True)
    assert first["distance"] == [math.hypot(x, y) for x, y in pairs]
    assert first["loss"] == loss.ravel().tolist()
    assert first["accuracy"] == (loss / 10).ravel().tolist()
    assert [row["map"] for row in rows] == ["maml"] * 4 + ["pretrained"] * 4


def test_errors_have_a_line_a_shape_method_and_step():
    found = {
        "K = 5": {"maml": Errors(600, (3.0, 0.5), (0.2, 0.1))},
        "K = 10": {"oracle": Errors(600, (0.25,), (0.125,))},
    }
    rows = parsed(errors_csv(found))
    assert [
        (r["points"], r["method"], int(r["inner_step"]), float(r["squared_error"])) for r in rows
    ] == [("K = 5", "maml", 0, 3.0), ("K = 5", "maml", 1, 0.5), ("K = 10", "oracle", 0, 0.25)]
    assert [(float(r["ci95"]), int(r["tasks"])) for r in rows] == [
        (0.2, 600), (0.1, 600), (0.125, 600)
    ]  # fmt: skip
