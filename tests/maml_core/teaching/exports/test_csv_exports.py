"""The CSV files say the same as what is shown."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
import scipy.stats
import torch

from maml_core.config import EpisodeSpec
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.confidence_intervals import Estimate, estimate
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.learners.learner import Learner
from maml_core.networks.functional import initial_params
from maml_core.teaching.exports import csv_exports
from maml_core.teaching.exports.csv_exports import (
    EvaluationRecord,
    estimates_csv,
    grids_csv,
    replay_csv,
    sinusoid_errors_csv,
    sinusoid_history_csv,
    training_csv,
    trajectories_csv,
)
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate
from maml_core.teaching.sinusoids.training import ValidationErrors
from maml_core.training.background.job import Progress, Validation

FACTS = {"dataset": "omniglot", "n_way": 5, "transductive": True}


@pytest.fixture(autouse=True)
def version(monkeypatch):
    monkeypatch.setattr(csv_exports, "code_version", lambda: "1.2 (abc)")


def parsed(text):
    """The rows of a CSV, without the columns that all of them share, which are looked at here."""
    assert text.endswith("\n")
    assert "\r" not in text
    assert len(set(text.splitlines()[0].split(","))) == len(text.splitlines()[0].split(","))
    rows = list(csv.DictReader(io.StringIO(text)))
    shared = {"dataset": "omniglot", "n_way": "5", "transductive": "True", "version": "1.2 (abc)"}
    for row in rows:
        assert {name: row.pop(name) for name in shared} == shared
    return rows


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
    rows = parsed(trajectories_csv(trajectories, FACTS))
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
    rows = parsed(estimates_csv([EvaluationRecord(estimates, {"maml": 0.4}, FACTS, "maml")]))
    assert rows[0].keys() == {
        "method", "members", "inner_lr", "inner_step", "accuracy", "ci95", "episodes",
        "minus", "difference", "difference_ci95",
    }  # fmt: skip
    unknown = {row[name] for row in rows for name in ("minus", "difference", "difference_ci95")}
    assert unknown == {""}, "of these the episodes were not kept"
    for method, kept in estimates.items():
        mine = [row for row in rows if row["method"] == method]
        assert [row["inner_step"] for row in mine] == ["0", "1", "2"]
        assert {row["episodes"] for row in mine} == {"30"}
        assert {row["inner_lr"] for row in mine} == {{"maml": "0.4"}.get(method, "")}
        assert tuple(float(row["accuracy"]) for row in mine) == kept.accuracy
        assert tuple(float(row["ci95"]) for row in mine) == kept.ci95
    assert len(rows) == 6


def test_the_csv_of_estimates_says_who_answers_together_and_the_paired_differences():
    generator = torch.Generator().manual_seed(0)
    shares = {
        name: torch.randint(0, 11, (30, n), generator=generator) / 10
        for name, n in (("maml", 3), ("protonet", 1), ("ensemble", 3))
    }
    estimates = {name: estimate(one, 10) for name, one in shares.items()}
    record = EvaluationRecord(estimates, {"maml": 0.4}, FACTS, "maml", ("maml", "protonet"))
    rows = parsed(estimates_csv([record]))
    assert {row["members"] for row in rows if row["method"] == "ensemble"} == {"maml protonet"}
    assert {row["members"] for row in rows if row["method"] != "ensemble"} == {""}
    for method, share in shares.items():
        mine = [row for row in rows if row["method"] == method]
        assert [row["inner_step"] for row in mine] == ["0", "1", "2"]
        if method == "maml":
            assert {(row["minus"], row["difference"]) for row in mine} == {("", "")}
            continue
        assert {row["minus"] for row in mine} == {"maml"}
        gaps = (share - shares["maml"]).double().numpy()
        low, high = scipy.stats.ttest_1samp(gaps, 0).confidence_interval(0.95)
        found = [[float(row["difference"]), float(row["difference_ci95"])] for row in mine]
        np.testing.assert_allclose(found, np.stack([high + low, high - low], 1) / 2, atol=1e-6)


def test_the_csvs_of_trainings_parse_back_to_the_same_numbers():
    progress = [Progress(1, 1.5, 0.25, 0.1), Progress(2, 0.1 + 0.2, 3.0, 0.5)]
    rows = parsed(training_csv(progress, [Validation(2, (0.2, 0.75), (0.0, 0.125), 20)], FACTS))
    assert [(int(r["update"]), r["what"], float(r["value"])) for r in rows] == [
        (1, "loss", 1.5), (1, "gradient_norm", 0.25), (1, "seconds", 0.1),
        (2, "loss", 0.1 + 0.2), (2, "gradient_norm", 3.0), (2, "seconds", 0.5),
        (2, "accuracy", 0.2), (2, "accuracy", 0.75),
    ]  # fmt: skip
    assert [(r["inner_step"], r["ci95"], r["n"]) for r in rows[-2:]] == [
        ("0", "0.0", "20"), ("1", "0.125", "20")
    ]  # fmt: skip
    rows = parsed(
        sinusoid_history_csv(
            [ValidationErrors(25, {"maml": (3.0, 0.5), "multi_task": (2.5, 2.25)})], FACTS
        )
    )
    assert [(r["update"], r["method"], float(r["error_after"])) for r in rows] == [
        ("25", "maml", 0.5), ("25", "multi_task", 2.25)
    ]  # fmt: skip


def test_the_csv_of_a_recorded_training_has_a_line_a_point_and_step(model, characters):
    classes = split_classes(characters, "alphabets", "test")
    episode = sample_episode(make_pool(characters, classes), EpisodeSpec(3, 1, 2), 7)
    learner = Learner("maml", model, initial_params(model, 0), {3: 0.1})
    (found,) = compare({"maml": learner}, episode, 2)
    rows = parsed(replay_csv({0: found, 17: found}, FACTS))
    assert [(r["meta_update"], r["inner_step"]) for r in rows] == [
        (update, step) for update in ("0", "17") for step in "012"
    ]
    assert [float(r["query_accuracy"]) for r in rows] == 2 * found.accuracy.tolist()
    # A loss is measured in float32: that is what comes back, to the last bit.
    losses = np.array([r["query_loss"] for r in rows]).astype(np.float32)
    assert losses.tolist() == 2 * found.query_loss.tolist()
    assert {r["inner_lr"] for r in rows} == {"0.1"}


def test_the_csv_of_maps_parses_back_to_the_same_numbers():
    loss = np.array([[0.1 + 0.2, 1e-17], [np.inf, 3.0]])
    grids = {
        "maml": Grid(Window(1.0, 2.0, 0.5), loss, loss / 10),
        "pretrained": Grid(Window(0.0, 0.0, 1.0), loss.T, loss.T),
    }
    rows = parsed(grids_csv(grids, FACTS))
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
    rows = parsed(sinusoid_errors_csv(found, {"maml": 0.01}, FACTS))
    assert [
        (r["points"], r["method"], int(r["inner_step"]), float(r["squared_error"])) for r in rows
    ] == [("K = 5", "maml", 0, 3.0), ("K = 5", "maml", 1, 0.5), ("K = 10", "oracle", 0, 0.25)]
    assert [r["inner_lr"] for r in rows] == ["0.01", "0.01", ""]
    assert [(float(r["ci95"]), int(r["tasks"])) for r in rows] == [
        (0.2, 600), (0.1, 600), (0.125, 600)
    ]  # fmt: skip


def test_evaluations_that_stand_side_by_side_are_one_table():
    records = [
        EvaluationRecord(
            {"maml": Estimate(600, (0.2,), (0.1,))}, {"maml": 0.4}, {"n_way": n}, "maml"
        )
        for n in (5, 20)
    ]
    rows = list(csv.DictReader(io.StringIO(estimates_csv(records))))
    assert [(row["n_way"], row["accuracy"]) for row in rows] == [("5", "0.2"), ("20", "0.2")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float(np.float32(0.2)), "0.2"),  # 0.20000000298023224
        (float(np.float32(1.6094379)), "1.609438"),
        (np.float32(1 / 3), "0.33333334"),
        (0.2, "0.2"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1 / 3, "0.3333333333333333"),
        (1e30, "1e+30"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (49, "49"),
        (True, "True"),
    ],
)
def test_a_number_has_as_many_digits_as_were_measured(value, expected):
    text = csv_exports._text(value)
    assert text == expected
    # Whatever was measured in float32 comes back in float32, all else as it is.
    measured = np.float32 if float(np.float32(value)) == float(value) else np.float64
    if expected != "True":
        np.testing.assert_array_equal(measured(text), measured(value))


def test_the_accuracies_of_an_episode_are_counts_without_noise(model, characters):
    pool = make_pool(characters, split_classes(characters, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(3, 1, 5), 7)
    learner = Learner("maml", model, initial_params(model, 0), {3: 0.1})
    (found,) = compare({"maml": learner}, episode, 3)
    truth = np.repeat(np.arange(3), 5)
    for row, predicted in zip(
        parsed(trajectories_csv([found], FACTS)), found.predictions, strict=True
    ):
        assert row["query_accuracy"] == str(int((predicted == truth).sum()) / 15)
