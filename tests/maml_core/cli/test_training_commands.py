"""`train` and `pretrain`: the weights they write and what these say of themselves."""

from __future__ import annotations

import errno
import json
import os
import re
import sys

import pytest

from maml_core.cli.commands import main
from maml_core.config import META_METHODS
from maml_core.learners import checkpoints
from maml_core.training import inner_lr_search, meta_training, recipes, training_run
from tests.support.command_line import EVALUATE, PRETRAIN, TRAIN, call
from tests.support.small_runs import interrupted_after


@pytest.mark.parametrize("from_shell", [True, False])
def test_train_writes_weights_that_say_how_they_were_made(
    from_shell, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "folder" / "weights"
    typed = [*TRAIN.split(), "--seed", "5", "--out", str(out), "--head-rows", "2", "--max-pool"]
    monkeypatch.setattr(
        sys, "argv", ["…/maml_core/__main__.py", *(typed if from_shell else ["-x"])]
    )
    assert main(None if from_shell else typed) == 0
    assert str(out) in capsys.readouterr().out
    about = checkpoints.load_weights(out).metadata
    assert about["command"] == f"python -m maml_core {' '.join(typed)}"
    assert about["model"] == {"name": "conv4", "n_out": 2, "max_pool": True}
    assert about["config"]["seed"] == 5
    assert (about["method"], about["dataset"], about["split"]) == ("maml", "omniglot", "paper")
    assert about["updates"] == 3
    assert {"commit", "seconds", "split_seed", "device", "torch"} <= about.keys()


def test_a_method_may_be_called_by_its_former_name(tmp_path, capsys):
    out = tmp_path / "weights"
    settings = "--inner-steps 0 --head-rows 3"
    assert call(f"{TRAIN} --method joint {settings}", "--out", out) == 0
    assert checkpoints.load_weights(out).metadata["method"] == "multi_task"
    assert call(f"{TRAIN} --method multi_task {settings}", "--out", tmp_path / "same") == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        call(f"{TRAIN} --method nobody", "--out", out)
    assert "joint" not in capsys.readouterr().err


@pytest.mark.parametrize("method", META_METHODS)
def test_every_method_is_trained_with_nothing_but_its_name(method, tmp_path):
    assert call(f"{TRAIN} --method {method}", "--out", tmp_path / method) == 0
    about = checkpoints.load_weights(tmp_path / method).metadata
    told = about["config"]
    assert (told["method"], told["inner_lr"], told["inner_steps"]) == (
        method, *META_METHODS[method].suits
    )  # fmt: skip
    assert about["model"]["n_out"] == META_METHODS[method].head_rows


UNUSED = [
    ("--method maml --proximal 3", "MAML has no use for --proximal 3"),
    ("--method meta_sgd --proximal 7", "Meta-SGD has no use for --proximal 7"),
    ("--method protonet --inner-steps 0 --inner-lr 0.1", "ProtoNet has no use for --inner-lr 0.1"),
    ("--method protonet --scale-inner-lr", "ProtoNet has no use for --scale-inner-lr"),
    ("--method r2d2 --inner-lr 0.4", "R2D2 has no use for --inner-lr 0.4"),
    ("--method r2d2 --head-rows 20", "has no use for --head-rows 20"),
    ("--method boil --head-rows 20", "BOIL has no use for --head-rows 20"),
    ("--split minimal-1 --split-seed 4", "so there is no use for --split-seed 4; leave that out"),
    ("--split minimal-2 --split-seed 0", "so there is no use for --split-seed 0; leave that out"),
    (
        "--split minimal-1 --with-validation --validate-every 0",
        "--split is minimal-1: it trains on five alphabets",
    ),
    (
        "--split minimal-1 --with-validation --validate-every 0",
        "leave --with-validation out",
    ),
]


@pytest.mark.parametrize(("options", "sentence"), UNUSED)
def test_an_option_that_changes_nothing_is_refused(options, sentence, tmp_path, capsys):
    assert call(f"{TRAIN} {options}", "--out", tmp_path / "weights") == 1
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_a_method_uses_is_not_refused(tmp_path):
    for number, options in enumerate(
        (
            "--method imaml --proximal 3",
            "--method multi_task --inner-lr 0.1 --head-rows 3 --scale-inner-lr",
            "--method protonet --inner-steps 0",
            "--method maml --with-validation --validate-every 0 --split-seed 4",
        )
    ):
        assert call(f"{TRAIN} {options}", "--out", tmp_path / str(number)) == 0


def test_weights_of_another_head_are_named_by_the_option(weights, tmp_path, capsys):
    options = "--channels 4 --head-rows 3"
    assert call(f"{TRAIN} {options} --start {weights} --out {tmp_path / 'out'}") == 1
    assert "--head-rows 1, not 3); give the run the same, or another --start" in (
        capsys.readouterr().err
    )


def test_a_state_whose_options_were_all_typed_is_resumed_without_them(tmp_path, monkeypatch):
    out = tmp_path / "weights"
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(2, meta_training.task_stream))
        assert call(f"{TRAIN} --method protonet --inner-steps 0 --out {out}") == 130
    assert call(f"{TRAIN} --method protonet --resume --out {out}") == 0
    assert checkpoints.load_weights(out).metadata["updates"] == 3


def test_a_state_of_other_settings_is_told_by_the_options(tmp_path, monkeypatch, capsys):
    out = tmp_path / "weights"
    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(2, meta_training.task_stream))
        assert call(TRAIN, "--out", out) == 130
    assert call(f"{TRAIN} --inner-lr 0.3 --resume --out {out}") == 1
    assert "(--inner-lr 0.4, not 0.3)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mlp", "lstm"])
def test_any_network_is_trained_pretrained_and_evaluated_by_name(name, tmp_path, capsys):
    network = f"--model {name} --hidden 4"
    for command, out in ((TRAIN, tmp_path / "maml"), (PRETRAIN, tmp_path / "pretrained")):
        assert call(f"{command} {network}", "--out", out) == 0
        about = checkpoints.load_weights(out).metadata["model"]
        assert about == {"name": name, "hidden": 4} | ({"n_out": 1} if command == TRAIN else {})
        capsys.readouterr()
        assert call(EVALUATE, "--weights", out, "--model", name, "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert found["accuracy"][0] == pytest.approx(1 / 3)
    assert call(EVALUATE, "--weights", out, "--model", "conv4") == 1
    assert f"holds weights for {name}, not for --model conv4" in capsys.readouterr().err
    assert call(f"{EVALUATE} --method random {network}") == 0


def test_ctrl_c_returns_130_and_resume_ends_as_if_uninterrupted(tmp_path, monkeypatch, assert_same):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert call(TRAIN, "--out", whole) == 0

    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(2, meta_training.task_stream))
        assert call(TRAIN, "--out", stopped) == 130
    assert checkpoints.load_weights(stopped).metadata["updates"] == 2
    assert call(TRAIN, "--out", stopped, "--resume") == 0
    assert_same(checkpoints.load_weights(stopped).params, checkpoints.load_weights(whole).params)


@pytest.mark.parametrize(
    ("command", "too_large"), [(TRAIN, "--meta-lr 1e30"), (PRETRAIN, "--lr 1e30 --batch-size 50")]
)
def test_a_training_that_diverges_is_an_error_and_leaves_weights_that_load(
    command, too_large, tmp_path, capsys
):
    out = tmp_path / "weights"
    assert call(f"{command} {too_large}", "--out", out) == 1
    told = capsys.readouterr()
    assert "Wrote" not in told.out
    assert re.fullmatch(
        rf"maml_core: .* not finite at update \d+; choose a smaller .* are in {out}\.\n", told.err
    )
    assert call(EVALUATE, "--weights", out, "--allow-seen") == 0


def test_a_training_forgets_no_unfinished_one_unless_told_to(tmp_path, monkeypatch, capsys):
    out = tmp_path / "weights"

    with monkeypatch.context() as patch:
        patch.setattr(recipes, "task_stream", interrupted_after(2, meta_training.task_stream))
        assert call(TRAIN, "--out", out) == 130
    before = out.read_bytes()
    assert call(TRAIN, "--out", out) == 1
    assert "--resume" in (told := capsys.readouterr().err)
    assert "--overwrite" in told
    assert out.read_bytes() == before
    assert call(TRAIN, "--out", out, "--overwrite") == 0
    assert checkpoints.load_weights(out).metadata["updates"] == 3
    assert call(TRAIN, "--out", out, "--resume") == 1
    assert "The training is finished" in capsys.readouterr().err
    assert call(TRAIN, "--out", out, "--resume", "--overwrite") == 1


def test_a_full_disk_is_told_in_a_sentence(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "weights")

    monkeypatch.setattr(checkpoints, "write_file", full)
    assert call(TRAIN, "--out", tmp_path / "weights") == 1
    assert "No space left on device: 'weights'" in capsys.readouterr().err


def test_where_rates_are_kept_is_checked_before_they_are_chosen(weights, monkeypatch, capsys):
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.delattr(inner_lr_search, "best_inner_lrs")
    assert call("choose-inner-lr --split paper", "--weights", weights) == 1
    assert f"{weights} is there and may not be written" in capsys.readouterr().err


def test_pretrain_writes_weights_with_chosen_rates(tmp_path):
    out = tmp_path / "weights"
    assert call(PRETRAIN, "--out", out) == 0
    about = checkpoints.load_weights(out).metadata
    assert about["method"] == "pretrained"
    assert about["inner_lrs"].keys() == {"2"}
    assert about["inner_lrs"]["2"] in inner_lr_search.INNER_LR_CANDIDATES


def test_pretrain_goes_on_from_weights_with_more_classes_and_a_given_rate(tmp_path):
    first, out = tmp_path / "first", tmp_path / "weights"
    given = "--inner-lr", "0.3"
    assert call(PRETRAIN, "--out", first, *given) == 0
    more = "--start", first, "--mirror", "--composed-per-class", 2, "--close-ups"
    assert call(PRETRAIN, "--out", out, *given, *more) == 0
    about = checkpoints.load_weights(out).metadata
    assert (about["start"], about["inner_lrs"]) == ("first", {"5": 0.3})
    told = {"mirror": True, "spliced_per_class": 2, "ink_crops": True}
    assert told.items() <= about["config"].items()
    # Of twice three times the pictures.
    assert about["updates"] // checkpoints.load_weights(first).metadata["updates"] == 6


def test_cuda_without_a_gpu_is_told_in_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr(training_run.torch.cuda, "is_available", lambda: False)
    assert call("train --device cuda") == 1
    assert "device is 'cuda', but torch finds no such GPU here; choose cpu." in (
        capsys.readouterr().err
    )
