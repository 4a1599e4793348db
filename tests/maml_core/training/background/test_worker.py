"""What the process of a live training says, run here without a process."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from maml_core.config import META_METHODS, EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.evaluation.accuracy import evaluate
from maml_core.learners import checkpoints
from maml_core.optimisation.outer_loop import DivergenceError
from maml_core.training import recipes, training_run
from maml_core.training.background import worker
from maml_core.training.background.job import TrainingJob
from maml_core.training.background.worker import Control, train
from maml_core.training.training_run import TrainingRun
from tests.support.meta_configs import FEWEST_STEPS

CONFIG = TrainConfig(n_ways=(2,), q_query=2, meta_batch_size=2, meta_steps=4, seed=3)
JOB = TrainingJob(CONFIG, "tiny", model={"n_out": 1, "channels": 4})


@pytest.fixture(autouse=True)
def characters(make_characters, monkeypatch):
    data = make_characters((10,) * 13, likeness=0.5)
    monkeypatch.setattr(training_run, "load", lambda name: replace(data, name=name))
    monkeypatch.setattr(worker, "VALIDATION_EPISODES", 10)


def told_to(*words: str) -> Control:
    return Control(paused="pause" in words, stopped="stop" in words)


def said(capsys, kind: str) -> list[dict]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in lines if line["kind"] == kind]


def weights(line: dict) -> checkpoints.Checkpoint:
    return checkpoints.from_bytes(base64.b64decode(line["content"]), "what was sent")


@pytest.mark.parametrize("method", META_METHODS)
def test_every_method_says_how_it_goes_and_sends_weights_that_adapt(method, capsys):
    steps = FEWEST_STEPS[method]
    config = replace(CONFIG, method=method, inner_steps=steps)
    rows = 20 if method == "multi_task" else 1
    train(replace(JOB, config=config, model={"n_out": rows, "channels": 4}), told_to())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    progress = [line for line in lines if line["kind"] == "progress"]
    assert [line["step"] for line in progress] == [1, 2, 3, 4]
    assert all(line["gradient_norm"] > 0 for line in progress)
    assert [line["seconds"] for line in progress] == sorted(line["seconds"] for line in progress)
    looks = [line for line in lines if line["kind"] == "validation"]
    assert (looks[0]["step"], looks[-1]["step"]) == (0, 4)
    assert lines[-1] == {"kind": "finished", "step": 4}
    sent = weights([line for line in lines if line["kind"] == "weights"][-1])
    assert (sent.metadata["method"], sent.metadata["updates"]) == (method, 4)

    learner = sent.learner()
    run = TrainingRun(None, "tiny")
    *_, expected = evaluate(
        learner,
        run.pool("validation"),
        EpisodeSpec(2, 1, 2),
        EvaluationConfig(inner_steps=5 if method == "multi_task" else steps, episodes=10, seed=3),
    )
    assert tuple(looks[-1]["accuracy"]) == expected.accuracy
    assert tuple(looks[-1]["ci95"]) == expected.ci95


def test_where_too_few_classes_are_held_out_it_looks_at_those_it_trains_on(capsys):
    train(replace(JOB, validate_on="train"), told_to())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    *_, look = [line for line in lines if line["kind"] == "validation"]
    sent = weights([line for line in lines if line["kind"] == "weights"][-1])
    pool = TrainingRun(None, "tiny").pool("train")  # as they are, in no other rotation
    shape = EpisodeSpec(2, 1, 2)
    *_, expected = evaluate(
        sent.learner(), pool, shape, EvaluationConfig(inner_steps=1, episodes=10, seed=3)
    )
    assert tuple(look["accuracy"]) == expected.accuracy


def test_it_begins_from_the_weights_it_is_given(tmp_path, capsys, assert_same):
    run = TrainingRun(tmp_path / "start.safetensors", "tiny")
    start = recipes.train(run, CONFIG, dict(JOB.model))
    train(replace(JOB, start=str(run.out)), told_to("stop"))
    first, *_ = said(capsys, "weights")
    assert first["step"] == 0
    assert_same(weights(first).params, start.params)


def test_a_stop_ends_it_after_an_update_with_its_weights(capsys):
    train(JOB, told_to("stop"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == {"kind": "finished", "step": 1}
    assert (lines[-2]["kind"], lines[-2]["step"]) == ("weights", 1)


def test_a_pause_does_not_count_as_time(capsys, monkeypatch):
    train(JOB, told_to("pause"))
    *_, paused = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert paused["kind"] == "paused"
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 1e6)  # resumed after days
    monkeypatch.setattr(worker, "time", later)
    train(JOB, told_to(), base64.b64decode(paused["content"]))
    lines = said(capsys, "progress")
    assert [line["step"] for line in lines] == [2, 3, 4]
    assert all(line["seconds"] < 1e5 for line in lines)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"config": replace(CONFIG, meta_lr=1e30)}, "The meta-loss or its gradient is not finite"),
        ({"config": replace(CONFIG, n_ways=(20,), k_shots=(10,), q_query=19)}, "more than the 20"),
        ({"config": replace(CONFIG, method="multi_task", inner_steps=0)}, "The head has 1 row"),
        ({"start": "nowhere.safetensors"}, "There are no weights at nowhere.safetensors"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(change, sentence, capsys, monkeypatch):
    job = replace(JOB, **change)
    monkeypatch.setattr(worker.sys, "stdin", iter_lines(job.to_json()))
    monkeypatch.setattr(worker, "_limit_resources", lambda: None)
    monkeypatch.setattr(Control, "read_commands", lambda self: None)
    worker.main()
    (failed,) = said(capsys, "failed")
    assert sentence in failed["message"]


def test_weights_from_before_a_divergence_are_sent(capsys, monkeypatch):
    """Those with which the loss was last finite, though no validation had sent them yet."""
    monkeypatch.setattr(worker, "VALIDATION_SHARE", 0.0)
    prepare, states = recipes.prepare_training, []

    def prepare_one_that_diverges(*args):
        training = prepare(*args)

        def updates(first):
            for state in training.updates(first):
                states.append(state)
                yield state
                if state.step == 3:
                    raise DivergenceError("It diverged.", states[1])

        return replace(training, updates=updates)

    monkeypatch.setattr(recipes, "prepare_training", prepare_one_that_diverges)
    with pytest.raises(DivergenceError, match="It diverged"):
        train(JOB, told_to())
    last = [json.loads(line) for line in capsys.readouterr().out.splitlines()][-1]
    assert (last["kind"], last["step"]) == ("weights", 2)
    for name, value in weights(last).params.items():
        torch.testing.assert_close(value, states[1].params[name], rtol=0, atol=0)


def test_an_update_that_does_not_fit_is_told_in_a_sentence(capsys, monkeypatch):
    def too_large(*_):
        return torch.empty(2**60)  # as large as an address space is not

    monkeypatch.setattr(worker, "train", too_large)
    monkeypatch.setattr(worker.sys, "stdin", iter_lines(JOB.to_json()))
    monkeypatch.setattr(worker, "_limit_resources", lambda: None)
    monkeypatch.setattr(Control, "read_commands", lambda self: None)
    worker.main()
    (failed,) = said(capsys, "failed")
    assert "fewer tasks an update" in failed["message"]


def iter_lines(*lines: str):
    """Return a stand-in for the standard input."""

    remaining = iter([*(line + "\n" for line in lines), "\n"])

    class Lines:
        def readline(self) -> str:
            return next(remaining)

    return Lines()
