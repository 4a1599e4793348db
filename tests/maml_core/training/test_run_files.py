"""What a training does to the files there are: refused before it begins, never lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.training import meta_training, recipes, saved_state, training_run
from maml_core.training.recipes import train, train_baseline
from tests.support.small_runs import CONFIG, NARROW, PRETRAIN, interrupted_after

pytestmark = pytest.mark.usefixtures("few_characters")


def train_either(kind, run):
    """Train by one of the two recipes."""
    if kind == "train":
        return train(run, CONFIG, NARROW)
    return train_baseline(run, PRETRAIN, NARROW, inner_lr=0.1)


@pytest.fixture
def unfinished(run, monkeypatch):
    """A run that Ctrl-C ended after two updates."""
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(2, meta_training.task_stream))
        with pytest.raises(KeyboardInterrupt):
            train(run, CONFIG, NARROW)
    return run


@pytest.mark.parametrize("kind", ["train", "pretrain"])
@pytest.mark.parametrize("suffix", ["", ".state", ".recording.safetensors"])
def test_what_cannot_be_written_is_said_before_the_data_are_read(kind, suffix, run, monkeypatch):
    monkeypatch.setattr(training_run, "load", None)
    folder = run.out.with_name(run.out.name + suffix)
    folder.mkdir()
    with pytest.raises(ValueError, match=f"{folder} is a folder"):
        train_either(kind, replace(run, record=3))


@pytest.mark.parametrize("kind", ["train", "pretrain"])
def test_an_unfinished_training_is_not_overwritten_by_the_way(kind, unfinished):
    before = unfinished.state.read_bytes(), unfinished.out.read_bytes()
    with pytest.raises(CheckpointError, match=f"{unfinished.state} .* --resume, .* --overwrite"):
        train_either(kind, unfinished)
    assert (unfinished.state.read_bytes(), unfinished.out.read_bytes()) == before


def test_overwriting_begins_anew(unfinished, tmp_path, assert_same):
    whole = train(replace(unfinished, out=tmp_path / "whole"), CONFIG, NARROW)
    anew = train(replace(unfinished, overwrite=True), CONFIG, NARROW)
    assert_same(anew.params, whole.params)
    assert not unfinished.state.exists()


def test_one_cannot_both_resume_and_overwrite(run):
    with pytest.raises(ValueError, match="choose one of them"):
        replace(run, resume=True, overwrite=True)


@pytest.mark.parametrize("kind", ["train", "pretrain"])
def test_resuming_a_finished_training_says_that_it_is_finished(kind, run):
    train_either(kind, run)
    before = run.out.read_bytes()
    with pytest.raises(CheckpointError, match=f"The training is finished: {run.out} holds"):
        train_either(kind, replace(run, resume=True))
    assert run.out.read_bytes() == before


def test_weights_that_lost_their_state_are_not_called_finished(unfinished):
    unfinished.state.unlink()
    with pytest.raises(CheckpointError, match=f"no weights at {unfinished.state} to go on from"):
        train(replace(unfinished, resume=True), CONFIG, NARROW)


@pytest.mark.parametrize("changed", [{"method": "r2d2", "inner_steps": 0}, {"meta_steps": 90}])
def test_who_cannot_resume_is_not_sent_to_replace_finished_weights(changed, run):
    """They are another method's, or trained for fewer updates than are wanted now."""
    train(run, CONFIG, NARROW)
    with pytest.raises(CheckpointError) as caught:
        train(replace(run, resume=True), replace(CONFIG, **changed), NARROW)
    words = f"{run.out} holds weights of MAML after {CONFIG.meta_steps} updates"
    assert words in (told := str(caught.value))
    assert f"begin from them with --start {run.out} and another --out" in told
    assert "is finished" not in told


def changed(data, kind):
    """The data with one pixel, one drawer, one name or one class otherwise."""
    if kind == "pixel":
        inputs = data.inputs.copy()
        inputs[-1, -1, -1] ^= 1
        return replace(data, inputs=inputs)
    if kind == "drawer":
        drawers = data.drawers.copy()
        drawers[:2] = drawers[1::-1]
        return replace(data, drawers=drawers)
    if kind == "name":
        classes = (replace(data.classes[0], name="another"), *data.classes[1:])
        return replace(data, classes=classes)
    n = data.starts[-2]
    return replace(
        data,
        classes=data.classes[:-1],
        starts=data.starts[:-1],
        **{name: getattr(data, name)[:n] for name in ("drawers", "inputs", "bits")},
    )


@pytest.mark.parametrize("kind", ["pixel", "drawer", "name", "class"])
def test_an_unfinished_training_does_not_go_on_with_other_data(
    kind, unfinished, few_characters, monkeypatch
):
    other = changed(few_characters, kind)
    monkeypatch.setattr(training_run, "load", lambda name: replace(other, name=name))
    before = unfinished.state.read_bytes()
    with pytest.raises(CheckpointError, match=r"belongs to another run \(data: .*--overwrite"):
        train(replace(unfinished, resume=True), CONFIG, NARROW)
    assert unfinished.state.read_bytes() == before


def test_data_that_lie_elsewhere_are_the_same_data(few_characters):
    elsewhere = replace(few_characters, name="elsewhere", inputs=np.array(few_characters.inputs))
    assert saved_state.fingerprint(elsewhere) == saved_state.fingerprint(few_characters)


def test_the_weights_do_not_say_what_only_the_state_needs(unfinished):
    _, metadata = saved_state.load_update(unfinished.state)
    resumed = train(replace(unfinished, resume=True), CONFIG, NARROW)
    assert metadata.keys() - resumed.metadata.keys() == {"data_fingerprint"}
    assert checkpoints.load_weights(unfinished.out).metadata["updates"] == CONFIG.meta_steps
