"""Driving a training to its end: Ctrl-C and --resume change nothing; states and recordings."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from maml_core.data.splits import split_classes
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.methods import pretraining
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.training import (
    inner_lr_search,
    loop,
    meta_training,
    recipes,
    recording,
    saved_state,
    training_run,
)
from maml_core.training.recipes import train, train_baseline
from tests.support.small_runs import CONFIG, NARROW, PRETRAIN, interrupted_after

pytestmark = pytest.mark.usefixtures("few_characters")


@pytest.mark.parametrize("updates", [1, 4])
@pytest.mark.parametrize("learn_inner_lr", [False, True])
def test_after_ctrl_c_and_resume_the_weights_are_those_of_an_uninterrupted_run(
    updates, learn_inner_lr, run, tmp_path, monkeypatch, assert_same, capsys
):
    config = replace(CONFIG, learn_inner_lr=learn_inner_lr)
    whole = train(replace(run, out=tmp_path / "whole"), config, NARROW)
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(updates, meta_training.task_stream))
        with pytest.raises(KeyboardInterrupt):
            train(run, config, NARROW)
    assert f"Stopped after {updates} updates" in capsys.readouterr().out
    half = checkpoints.load_weights(run.out)
    assert half.metadata["updates"] == updates
    state, _ = saved_state.load_update(run.state)
    assert state.step == updates
    assert_same(state.params, half.params)
    resumed = train(replace(run, resume=True), config, NARROW)
    assert_same(resumed.params, whole.params)
    assert_same(checkpoints.load_weights(run.out).params, whole.params)
    assert resumed.metadata["updates"] == config.meta_steps
    assert resumed.metadata["seconds"] >= half.metadata["seconds"]
    assert not run.state.exists()


def test_ctrl_c_before_the_first_update_writes_nothing(run, monkeypatch):
    monkeypatch.setattr(recipes, "task_stream", interrupted_after(0, meta_training.task_stream))
    with pytest.raises(KeyboardInterrupt):
        train(run, CONFIG, NARROW)
    assert not run.out.exists()
    assert not run.state.exists()


def test_the_state_is_saved_on_the_way(run, monkeypatch):
    """A machine that just stops loses at most what came after the last saved state."""
    monkeypatch.setattr(loop, "SAVE_SECONDS", -1.0)

    def crash(*arguments):
        yield from itertools.islice(stream(*arguments), 3)
        raise SystemError("power cut")

    stream = meta_training.task_stream
    monkeypatch.setattr(recipes, "task_stream", crash)
    with pytest.raises(SystemError):
        train(run, CONFIG, NARROW)
    assert saved_state.load_update(run.state)[0].step == 3
    assert not run.out.exists()


def test_resuming_with_other_settings_is_refused(run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(2, meta_training.task_stream))
        with pytest.raises(KeyboardInterrupt):
            train(run, CONFIG, NARROW)
    # So few characters have no split by alphabets; here the name alone matters.
    monkeypatch.setattr(
        training_run, "split_classes", lambda d, _, *rest: split_classes(d, "paper", *rest)
    )
    before = run.state.read_bytes()
    resumed = replace(run, resume=True)
    for other, config, model, named in (
        (resumed, replace(CONFIG, inner_lr=0.1), NARROW, "inner_lr 0.4, not 0.1"),
        (resumed, replace(CONFIG, n_ways=(2,)), NARROW, r"n_ways \[2, 3\], not \[2\]"),
        (resumed, replace(CONFIG, method="anil"), NARROW, "method maml, not anil"),
        (
            resumed,
            replace(CONFIG, scale_inner_lr=True),
            NARROW,
            "scale_inner_lr False, not True",
        ),
        (replace(resumed, dataset="glyphs"), CONFIG, NARROW, "dataset omniglot, not glyphs"),
        (replace(resumed, split="alphabets"), CONFIG, NARROW, "split paper, not alphabets"),
        (replace(resumed, split_seed=9), CONFIG, NARROW, "split_seed 0, not 9"),
        (resumed, CONFIG, NARROW | {"max_pool": True}, "max_pool False, not True"),
        (
            replace(resumed, split_seed=9, dataset="glyphs"),
            CONFIG,
            NARROW,
            "dataset omniglot, not glyphs; split_seed 0, not 9",
        ),
    ):
        sentence = rf"{run.state} belongs to another run \({named}\); repeat its command \(python"
        with pytest.raises(CheckpointError, match=sentence):
            train(other, config, model)
    shutil.copy(run.out, run.out.with_name("start"))
    with pytest.raises(CheckpointError, match="start random, not start"):
        train(resumed, CONFIG, NARROW, start=run.out.with_name("start"))
    assert run.state.read_bytes() == before


def test_a_pretraining_does_not_go_on_from_a_meta_training(run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(2, meta_training.task_stream))
        with pytest.raises(KeyboardInterrupt):
            train(run, CONFIG, NARROW)
    with pytest.raises(CheckpointError, match="method maml, not pretrained"):
        train_baseline(replace(run, resume=True), PRETRAIN, NARROW)


def test_resuming_without_a_state_is_told_in_a_sentence(run):
    with pytest.raises(CheckpointError, match=str(run.state)):
        train(replace(run, resume=True), CONFIG, NARROW)


def test_after_ctrl_c_and_resume_pretraining_ends_as_if_uninterrupted(
    run, tmp_path, monkeypatch, assert_same
):
    whole = train_baseline(replace(run, out=tmp_path / "whole"), PRETRAIN, NARROW)
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "pretrain", interrupted_after(7, pretraining.pretrain))
        with pytest.raises(KeyboardInterrupt):
            train_baseline(run, PRETRAIN, NARROW)
    assert checkpoints.load_weights(run.out).metadata["updates"] == 7
    resumed = train_baseline(replace(run, resume=True), PRETRAIN, NARROW)
    assert_same(resumed.params, whole.params)
    assert resumed.metadata["inner_lrs"] == whole.metadata["inner_lrs"]


def test_what_weights_began_with_is_not_worked_out_again_to_go_on(
    run, tmp_path, monkeypatch, assert_same
):
    start = tmp_path / "start"
    train_baseline(replace(run, out=start), PRETRAIN, NARROW, inner_lr=0.1)
    begun = {"start": start, "inner_lr": 0.1}
    whole = train_baseline(replace(run, out=tmp_path / "whole"), PRETRAIN, NARROW, **begun)
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "pretrain", interrupted_after(7, pretraining.pretrain))
        with pytest.raises(KeyboardInterrupt):
            train_baseline(run, PRETRAIN, NARROW, **begun)
    monkeypatch.delattr(recipes, "imprint_head")
    resumed = train_baseline(replace(run, resume=True), PRETRAIN, NARROW, **begun)
    assert_same(resumed.params, whole.params)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_stopped_while_it_chooses_its_rates_pretraining_goes_on_there(
    stop, run, tmp_path, monkeypatch, assert_same
):
    """No weights that look finished and are not: the state says that something is left to do."""
    whole = train_baseline(replace(run, out=tmp_path / "whole"), PRETRAIN, NARROW)

    def stopped(*_, **__):
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr(inner_lr_search, "choose_inner_lr", stopped)
        with pytest.raises(stop):
            train_baseline(run, PRETRAIN, NARROW)
    state, _ = saved_state.load_update(run.state)
    assert state.step == whole.metadata["updates"]
    assert run.out.exists() == (stop is KeyboardInterrupt)
    monkeypatch.setattr("maml_core.methods.pretraining.logits", stopped)  # not an update more
    resumed = train_baseline(replace(run, resume=True), PRETRAIN, NARROW)
    assert_same(resumed.params, whole.params)
    assert resumed.metadata["inner_lrs"] == whole.metadata["inner_lrs"]
    assert checkpoints.load_weights(run.out).metadata == resumed.metadata
    assert not run.state.exists()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"device": "tpu"}, "device is 'tpu'; choose one of cpu, cuda"),
        ({"device": "cuda"}, "device is 'cuda', but torch finds no such GPU here; choose cpu"),
        ({"validate_every": -1}, "validate_every is -1; choose 0"),
    ],
)
def test_a_run_checks_its_settings(settings, sentence, run, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=sentence):
        replace(run, **settings)


def test_a_recording_keeps_points_on_the_way(run, assert_same):
    recorded = replace(run, record=4)
    train(recorded, CONFIG, NARROW)
    points, metadata = recording.load_recording(recorded.recording)
    assert list(points) == [0, 1, 2, 6]  # the start, then in equal ratios to the last
    assert metadata["method"] == "maml"
    final = checkpoints.load_weights(run.out).params
    assert_same(points[6], {n: v.half().float() for n, v in final.items()})
    assert_same(
        points[0],
        {n: v.half().float() for n, v in initial_params(Conv4(**NARROW), CONFIG.seed).items()},
    )


def test_a_resumed_run_goes_on_with_its_recording(run, monkeypatch, assert_same):
    whole = replace(run, record=4)
    train(whole, CONFIG, NARROW)
    expected, _ = recording.load_recording(whole.recording)
    broken = replace(whole, out=run.out.with_name("broken"))
    with monkeypatch.context() as patched:
        patched.setattr(recipes, "meta_train", interrupted_after(3, meta_training.meta_train))
        with pytest.raises(KeyboardInterrupt):
            train(broken, CONFIG, NARROW)
    train(replace(broken, resume=True), CONFIG, NARROW)
    found, _ = recording.load_recording(broken.recording)
    assert list(found) == list(expected)
    for step, params in expected.items():
        assert_same(found[step], params)


@pytest.mark.parametrize("record", [-1, 1])
def test_a_recording_has_two_points_or_none(record, run):
    with pytest.raises(ValueError, match=f"record is {record}; choose 0"):
        replace(run, record=record)


def first_layout(run, kind):
    """A file of a run like `run` from before settings and methods had their present names."""
    path = Path(__file__).parent / "files" / f"first_layout.{kind}"
    return shutil.copy(path, run.out.with_name(f"{run.out.name}.{kind}"))


def moving(params):
    """Without biases before a normalisation: there the former files hold Adam's share of noise."""
    return {name: v for name, v in params.items() if not name.endswith("conv.bias")}


def test_a_state_from_before_names_changed_is_resumed(run, tmp_path, assert_same):
    """It was written after three updates; its config says `learn_rates` and `one_alphabet`."""
    config = replace(CONFIG, learn_inner_lr=True)
    whole = train(replace(run, out=tmp_path / "whole"), config, NARROW)
    first_layout(run, "state")
    resumed = train(replace(run, resume=True), config, NARROW)
    assert resumed.metadata["config"] == json.loads(json.dumps(asdict(config)))
    found, expected = map(moving, (resumed.params, whole.params))
    assert_same(found, expected, rtol=1e-4, atol=1e-6)  # another machine's rounding


def test_former_names_of_methods_and_settings_are_read_as_the_present_ones():
    former = {"method": "joint", "composed_per_class": 2, "close_ups": True, "one_alphabet": True}
    current = saved_state._with_current_names({"method": "joint", "config": former})
    assert current == {
        "method": "multi_task",
        "config": {
            "method": "multi_task",
            "spliced_per_class": 2,
            "ink_crops": True,
            "alternate_within_alphabet": True,
        },
    }


def test_a_recording_from_before_names_changed_is_read(run, assert_same):
    whole = replace(run, record=4)
    train(whole, replace(CONFIG, learn_inner_lr=True), NARROW)
    expected, _ = recording.load_recording(whole.recording)
    points, metadata = recording.load_recording(
        Path(first_layout(replace(run, out=run.out.with_name("old")), "recording.safetensors"))
    )
    assert list(points) == [0, 1, 2]
    assert metadata["method"] == "maml"
    for step, params in points.items():
        assert_same(moving(params), moving(expected[step]), rtol=1e-2, atol=1e-3)  # half precision
