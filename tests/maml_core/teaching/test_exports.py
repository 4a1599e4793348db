"""What is taken away says the same as what is shown."""

from __future__ import annotations

import ast
import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maml_core.cli import commands as command_line
from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.confidence import Estimate
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.networks.functional import initial_params
from maml_core.paths import WEIGHTS
from maml_core.teaching.exports import (
    command,
    course_csv,
    errors_csv,
    estimates_csv,
    grids_csv,
    history_csv,
    script,
    training_csv,
    trajectories_csv,
)
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate
from maml_core.teaching.sinusoids.training import ValidationErrors
from maml_core.training.background.queue import Progress, TrainingJob, Validation

ROOT = Path(__file__).parents[3]


def parsed(text):
    assert text.endswith("\n")
    assert "\r" not in text
    return list(csv.DictReader(io.StringIO(text)))


def test_the_csv_of_recordings_parses_back_to_the_same_numbers():
    generator = np.random.default_rng(0)
    names = ("support_loss", "query_loss", "accuracy")
    trajectories = [
        AdaptationTrajectory(
            m, lr, *(generator.random(4) for _ in names), np.zeros((4, 6), dtype=np.int64)
        )
        for m, lr in (("maml", 0.4), ("random", 1 / 3))
    ]
    trajectories[1].query_loss[2:] = math.inf, math.nan
    rows = parsed(trajectories_csv(trajectories))
    assert len(rows) == 2 * 4
    for row, (trajectory, step) in zip(
        rows, ((r, k) for r in trajectories for k in range(4)), strict=True
    ):
        assert row.pop("method") == trajectory.method
        assert float(row.pop("inner_lr")) == trajectory.inner_lr
        assert row.pop("inner_step") == str(step)
        found = [float(row.pop(n)) for n in ("support_loss", "query_loss", "query_accuracy")]
        expected = [getattr(trajectory, name)[step] for name in names]
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
    inner_lrs = {trajectory.method: trajectory.inner_lr for trajectory in shown}
    text = script("omniglot", split, part, spec, 7, inner_lrs, 3)
    monkeypatch.setattr(registry, "load", lambda name: replace(characters, name=name))
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
    checkpoints.save_weights(
        tmp_path / "mine-1-anil.safetensors", checkpoints.Checkpoint(params, about)
    )
    spec, classes = EpisodeSpec(3, 1, 2), split_classes(characters, "alphabets", "test")
    episode = sample_episode(make_pool(characters, classes), spec, 7)
    learner = checkpoints.load_weights(tmp_path / "mine-1-anil.safetensors").learner()
    other = Learner("maml", model, initial_params(model, 0), {3: 0.1})
    shown = compare({"mine": learner, "maml": other}, episode, 2, 0.5)
    monkeypatch.setattr(registry, "load", lambda name: characters)
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


def test_a_visitor_zip_is_loaded_as_a_folder():
    text = script("zip-0123456789abcdef", "alphabets", "test", EpisodeSpec(), 0, {"maml": 0.1}, 1)
    assert "data = load('folder-28')  # Let PICTURES_DIR name" in text
    assert "zip-0" not in text


@pytest.mark.parametrize(
    "job",
    [
        TrainingJob(TrainConfig(), "omniglot", "alphabets", {"name": "conv4", "n_out": 1}),
        TrainingJob(
            TrainConfig(
                method="multi_task", n_ways=(5, 20), k_shots=(1, 5), inner_steps=0, inner_lr=0.05,
                transductive=False, augment=False, alternate_within_alphabet=True, seed=9,
                meta_lr=2e-3,
                meta_steps=7, meta_batch_size=3, q_query=2,
            ),
            "glyphs", "classes", {"name": "lstm", "n_out": 20},
            str(WEIGHTS / "alphabets" / "pretrained.safetensors"),
        ),
        TrainingJob(
            TrainConfig(multi_step=True, learn_inner_lr=True, scale_inner_lr=True, inner_steps=3),
            validate_on="train",
        ),
    ],
)  # fmt: skip
def test_the_command_trains_what_was_ordered(job, monkeypatch):
    asked = []
    monkeypatch.setattr(command_line.recipes, "train", lambda *told: asked.append(told))
    words = command(job, "runs/mine.safetensors").split()
    assert words[:4] == ["python", "-m", "maml_core", "train"]
    command_line.main(words[3:])
    ((run, config, model, start),) = asked
    assert config == job.config
    assert (run.dataset, run.split, str(run.out)) == (
        job.dataset, job.split, "runs/mine.safetensors"
    )  # fmt: skip
    assert (run.validate_every == 0) == (job.validate_on == "train")
    shape = {"name": "conv4"} | dict(job.model)
    assert {"name": "conv4"} | model == shape
    assert (ROOT / start if start else None) == (Path(job.start) if job.start else None)


def test_the_csvs_of_trainings_parse_back_to_the_same_numbers():
    progress = [Progress(1, 1.5, 0.25, 0.1), Progress(2, 0.1 + 0.2, 3.0, 0.5)]
    rows = parsed(training_csv(progress, [Validation(2, (0.2, 0.75), (0.0, 0.125), 20)]))
    assert [(int(r["update"]), r["what"], float(r["value"])) for r in rows] == [
        (1, "loss", 1.5), (1, "gradient_norm", 0.25), (1, "seconds", 0.1),
        (2, "loss", 0.1 + 0.2), (2, "gradient_norm", 3.0), (2, "seconds", 0.5),
        (2, "accuracy", 0.2), (2, "accuracy", 0.75),
    ]  # fmt: skip
    assert [(r["inner_step"], r["ci95"], r["n"]) for r in rows[-2:]] == [
        ("0", "0.0", "20"), ("1", "0.125", "20")
    ]  # fmt: skip
    rows = parsed(
        history_csv([ValidationErrors(25, {"maml": (3.0, 0.5), "multi_task": (2.5, 2.25)})])
    )
    assert [(r["update"], r["method"], float(r["error_after"])) for r in rows] == [
        ("25", "maml", 0.5), ("25", "multi_task", 2.25)
    ]  # fmt: skip


def test_the_csv_of_a_recorded_training_has_a_line_a_point_and_step(model, characters):
    classes = split_classes(characters, "alphabets", "test")
    episode = sample_episode(make_pool(characters, classes), EpisodeSpec(3, 1, 2), 7)
    learner = Learner("maml", model, initial_params(model, 0), {3: 0.1})
    (found,) = compare({"maml": learner}, episode, 2)
    rows = parsed(course_csv({0: found, 17: found}))
    assert [(r["meta_update"], r["inner_step"]) for r in rows] == [
        (update, step) for update in ("0", "17") for step in "012"
    ]
    assert [float(r["query_accuracy"]) for r in rows] == 2 * found.accuracy.tolist()
    assert [float(r["query_loss"]) for r in rows] == 2 * found.query_loss.tolist()


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
        "K = 5": {"maml": ErrorEstimate(600, (3.0, 0.5), (0.2, 0.1))},
        "K = 10": {"oracle": ErrorEstimate(600, (0.25,), (0.125,))},
    }
    rows = parsed(errors_csv(found))
    assert [
        (r["points"], r["method"], int(r["inner_step"]), float(r["squared_error"])) for r in rows
    ] == [("K = 5", "maml", 0, 3.0), ("K = 5", "maml", 1, 0.5), ("K = 10", "oracle", 0, 0.25)]
    assert [(float(r["ci95"]), int(r["tasks"])) for r in rows] == [
        (0.2, 600), (0.1, 600), (0.125, 600)
    ]  # fmt: skip
