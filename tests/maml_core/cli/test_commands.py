"""`python -m maml_core`, called as a function: help, refusals, and data."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from maml_core.cli import commands as command_line
from maml_core.cli.parser import make_parser, parse_typed
from maml_core.cli.training_options import suit_method
from maml_core.cli.typed_options import as_typed, option_names
from maml_core.config import PretrainConfig, TrainConfig
from maml_core.data.download.fetch import Progress
from maml_core.training.training_run import TrainingRun
from tests.support.command_line import call


@pytest.mark.parametrize(
    "command", ["", "data", "train", "pretrain", "evaluate", "choose-inner-lr"]
)
def test_help_explains_each_option(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        call(command, "--help")
    shown = capsys.readouterr().out
    assert "usage: python -m maml_core" in shown
    for option in re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE):
        explained = re.search(rf"^  {option}[^\n]*(?:  |\n {{10,}})\S", shown, re.MULTILINE)
        assert explained, option


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("train", "--inductive"),
        ("train", "--no-augment"),
        ("pretrain", "--no-augment"),
        ("evaluate", "--inductive"),
    ],
)
def test_help_does_not_call_an_option_on_that_turns_a_setting_off(command, option, capsys):
    with pytest.raises(SystemExit, match="0"):
        call(command, "--help")
    shown = capsys.readouterr().out
    own = re.search(rf"^  {option}\s(.*?)(?=^  -|\Z)", shown, re.MULTILINE | re.DOTALL)
    assert own
    assert "default" not in own[1]


def test_it_runs_as_a_module():
    found = subprocess.run(
        [sys.executable, "-m", "maml_core", "--help"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0
    assert all(name in found.stdout for name in ("data", "train", "pretrain", "evaluate"))


@pytest.mark.parametrize(
    ("command", "record"), [("train", TrainConfig), ("pretrain", PretrainConfig)]
)
def test_options_left_out_are_the_records_defaults(command, record):
    parsed = parse_typed(command.split())
    if command == "train":
        suit_method(parsed)
    assert command_line.from_options(record, parsed) == record()
    assert {field.name for field in fields(record)} <= vars(parsed).keys()


@pytest.mark.parametrize("command", ["train", "pretrain", "evaluate", "choose-inner-lr"])
def test_what_was_typed_is_known_and_called_as_it_is_written(command, capsys):
    """By the help: argparse says there how each option is written, and this calls each so."""
    with pytest.raises(SystemExit, match="0"):
        call(command, "--help")
    shown = set(re.findall(r"^  (--[a-z0-9-]+)", capsys.readouterr().out, re.MULTILINE))
    parsed = parse_typed(command.split())
    assert parsed.typed == {"doing"}
    own = vars(parsed).keys() - {"doing", "typed"}
    assert {option_names(parsed)[name] for name in own} == shown


@pytest.mark.parametrize(
    ("typed", "name", "written"),
    [
        ("train --inner-lr 0.50", "inner_lr", "--inner-lr 0.5"),
        ("train --n-ways 5 20", "n_ways", "--n-ways 5 20"),
        ("train --learn-rates", "learn_inner_lr", "--learn-inner-lr"),
        ("evaluate --inductive", "transductive", "--inductive"),
        ("pretrain --no-augment", "augment", "--no-augment"),
        ("evaluate --split paper", "split", "--split paper"),
    ],
)
def test_a_typed_option_is_repeated_with_its_value(typed, name, written):
    parsed = parse_typed(typed.split())
    assert parsed.typed == {"doing", name}
    assert as_typed(parsed, name) == written


def test_each_option_reaches_its_setting():
    typed = (
        "train --method anil --n-ways 5 20 --k-shots 1 5 --q-query 3 --inner-lr 0.2 --inner-steps 4"
        " --meta-lr 0.01 --meta-batch-size 7 --meta-steps 8 --multi-step --learn-inner-lr"
        " --no-augment --scale-inner-lr --inductive --alternate-within-alphabet --seed 9"
    )
    parsed = parse_typed(typed.split())
    suit_method(parsed)
    assert command_line.from_options(TrainConfig, parsed) == TrainConfig(
        method="anil",
        n_ways=(5, 20),
        k_shots=(1, 5),
        q_query=3,
        inner_lr=0.2,
        scale_inner_lr=True,
        inner_steps=4,
        meta_lr=0.01,
        meta_batch_size=7,
        meta_steps=8,
        multi_step=True,
        learn_inner_lr=True,
        transductive=False,
        alternate_within_alphabet=True,
        augment=False,
        seed=9,
    )


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("evaluate --method random --n-way 1", "--n-way is 1; choose a value from 2 to 20."),
        ("evaluate --method random --k-shot 11", "--k-shot is 11; choose"),
        ("evaluate --method random --split paper --n-way 20", "only 11 classes"),
        (
            "evaluate --method random --split paper --k-shot 10 --q-query 15",
            "lower --k-shot or --q-query",
        ),
        (
            "evaluate --method random --split paper --episodes 0",
            "--episodes is 0; choose at least 1",
        ),
        ("evaluate --method random --split paper --steps -1", "--steps is -1; choose"),
        (
            "evaluate --method random --split paper --inner-lr 0",
            "--inner-lr is 0.0; choose a finite",
        ),
        ("evaluate --method random --split paper --inner-lr -1", "--inner-lr is -1.0; choose"),
        ("evaluate --method random --split paper --inner-lr nan", "--inner-lr is nan; choose"),
        ("evaluate --method random --split paper --seed -1", "seed is -1; choose a value from 0"),
        ("train --method reptile --inner-steps 1", "--inner-steps is 1; Reptile needs at least 2"),
        ("train --method reptile --inner-steps 3 --learn-rates", "Reptile has no --learn-inner-lr"),
        ("train --split paper --n-ways 2 --head-rows 0", "The network has 0 head rows"),
        (
            "train --split paper --n-ways 2 5 --head-rows 3",
            "serve up to 3 ways, not 5; lower --n-ways",
        ),
        (
            "train --split paper --n-ways 3",
            "The validation part of omniglot cannot be used: --n-ways is 3",
        ),
        (
            "train --split paper --n-ways 2 --q-query 19 --k-shots 1 2",
            "lower --k-shots or --q-query",
        ),
        ("train --seed -1", "--seed is -1; choose a value from 0"),
        ("train --seed 99999999999", "seed is 99999999999; choose a value from 0"),
        ("train --device tpu", "--device is 'tpu'; choose one of cpu, cuda"),
        ("train --validate-every -1", "--validate-every is -1; choose 0 (never)"),
        ("pretrain --split paper --batch-size 50000 --validate-every 0", "choose at most the 2160"),
        ("train --model mlp --max-pool", "--model mlp has no --max-pool; leave that out"),
        ("train --split paper --n-ways 2 --channels 0", "The network has 1 head rows and 0 "),
        ("pretrain --hidden 9", "--model conv4 has no --hidden 9; leave that"),
        ("evaluate --model lstm", "no shipped weights for --model lstm; name a file"),
        ("train --split alphabets --n-ways 11", "The train part of omniglot cannot be used"),
        ("evaluate --weights nowhere.safetensors", "no weights at nowhere.safetensors"),
        ("train --n-ways 5 1", "--n-ways is 1; choose"),
        ("train --inner-lr 0", "--inner-lr is 0.0; choose a finite value"),
        ("train --inner-steps 101", "--inner-steps is 101; choose a value from 1"),
        ("train --split paper --n-ways 2 --resume --out nowhere", "no weights at nowhere.state"),
        ("pretrain --batch-size 1", "--batch-size is 1; choose"),
        ("evaluate --method nearest-pixels --steps 3", "no use for --steps 3; leave that out"),
        ("evaluate --method nearest-features --inner-lr 0.1", "no use for --inner-lr 0.1; leave"),
        ("evaluate --method nearest-pixels --weights x", "no use for --weights x; leave that out"),
        ("train --split paper --n-ways 2 --device cuda", "--device is 'cuda', but torch finds no"),
        ("train --split paper --n-ways 2 --record 1", "--record is 1; choose 0 (nothing) or at"),
        ("train --split paper --n-ways 2 --model mlp --muon-lr 0.1", "--muon-lr is 0.1, but this"),
        (
            "train --method fomaml --first-order-steps 3",
            "--first-order-steps is 3, and First-order",
        ),
        ("train --method maml_plus_plus --multi-step", "MAML++ has --multi-step in a way of its"),
        ("train --n-ways 2 --method multi_task --head-rows 1", "1 row, --head-rows, which starts"),
        (
            "evaluate --split paper --method random --within-alphabet --n-way 11 --dataset glyphs",
            "or turn off --within-alphabet",
        ),
        ("evaluate --split minimal-1", "no shipped weights of maml for --split minimal-1; choose"),
        ("evaluate --split minimal-1", "train them and name their file with --weights."),
        (
            "evaluate --split minimal-1 --ensemble maml protonet",
            "train them and name their file in place of the name.",
        ),
        (
            "evaluate --method nearest-features --model mlp",
            "no use for --model mlp; leave that out",
        ),
    ],
)
def test_bad_values_are_told_in_one_sentence(command, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call(command) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("maml_core: ")
    assert told.err.count("\n") == 1
    assert sentence in told.err
    assert list(tmp_path.rglob("*.safetensors")) == []


@pytest.mark.parametrize(
    "command", ["", "fly", "train --method mamll", "evaluate --part all", "evaluate --n-way many"]
)
def test_what_is_no_command_is_refused_with_the_usage(command, capsys):
    with pytest.raises(SystemExit, match="2"):
        call(command)
    assert "usage:" in capsys.readouterr().err


def test_data_status_says_of_each_data_set_whether_it_is_here(capsys):
    assert call("data status") == 0
    omniglot, glyphs, drawings, mnist, folder = capsys.readouterr().out.splitlines()
    assert mnist.startswith("mnist: not here. ")
    assert folder.startswith("folder: not here. ")
    assert drawings.startswith("drawings: not here.")
    assert omniglot.startswith("omniglot: not here. ")
    assert glyphs.startswith("glyphs: here. ")


def test_data_is_looked_at_as_a_whole(capsys):
    assert call("data status mnist") == 1
    assert "no use for mnist; leave that out" in capsys.readouterr().err


def test_data_prepare_loads_what_is_here_and_then_says_the_status(capsys, monkeypatch):
    loaded = []
    monkeypatch.setattr(command_line, "load", loaded.append)
    assert call("data prepare") == 0
    assert loaded == ["glyphs"]
    assert "omniglot: not here. " in capsys.readouterr().out


def test_data_fetch_can_fetch_mnist_instead(capsys, monkeypatch):
    fetched = []
    monkeypatch.setattr(command_line, "fetch_mnist", lambda: fetched.append("mnist"))
    monkeypatch.setattr(command_line, "fetch_omniglot", None)
    assert call("data fetch mnist") == 0
    assert fetched == ["mnist"]
    assert "mnist: not here. " in capsys.readouterr().out


def test_data_fetch_fetches_and_then_says_the_status(capsys, monkeypatch):
    fetched = []

    def fetch():
        for done in (3, 10):
            fetched.append(done)
            yield Progress(done_bytes=done, total_bytes=10, message="Downloading")

    monkeypatch.setattr(command_line, "fetch_omniglot", fetch)
    assert call("data fetch") == 0
    assert fetched == [3, 10]
    assert "omniglot: " in capsys.readouterr().out


FORMER_SPELLINGS = [
    ("train", "--learn-rates", "--learn-inner-lr"),
    ("train", "--one-alphabet", "--alternate-within-alphabet"),
    ("pretrain", "--composed-per-class 3", "--spliced-per-class 3"),
    ("pretrain", "--close-ups", "--ink-crops"),
    ("evaluate", "--four-turns", "--rotation-tta"),
    ("evaluate", "--close-ups", "--ink-crops"),
]


@pytest.mark.parametrize(("command", "former", "current"), FORMER_SPELLINGS)
def test_former_spellings_are_understood_and_not_shown(command, former, current, capsys):
    parser = make_parser()
    parsed = parser.parse_args([command, *former.split()])
    assert parsed == parser.parse_args([command, *current.split()])
    assert parsed != parser.parse_args([command])
    with pytest.raises(SystemExit, match="0"):
        call(command, "--help")
    shown = capsys.readouterr().out
    assert current.split()[0] in shown
    assert former.split()[0] not in shown


@dataclass(frozen=True)
class Settings:
    """A record of two settings."""

    size: int = 1
    speed: int = 2


def test_a_record_takes_the_options_of_its_fields():
    parsed = argparse.Namespace(size=3, speed=4, colour="red")
    assert command_line.from_options(Settings, parsed) == Settings(3, 4)
    del parsed.speed
    assert command_line.from_options(Settings, parsed, ["speed"]) == Settings(3, 2)


@pytest.mark.parametrize(
    ("options", "without_option", "named"),
    [
        ({"size": 3}, (), "speed"),  # no option of that name
        ({"size": 3, "sped": 4}, (), "speed"),  # a misspelt option
        ({"size": 3, "speed": 4}, ("speed",), "speed"),  # it has one after all
        ({"size": 3, "speed": 4}, ("sped",), "sped"),  # no field of that name
    ],
)
def test_an_option_that_fits_no_field_is_an_error(options, without_option, named):
    with pytest.raises(TypeError, match=f"Settings.*{named}"):
        command_line.from_options(Settings, argparse.Namespace(**options), without_option)


@pytest.mark.parametrize("command", ["train", "pretrain"])
def test_every_field_of_a_run_has_an_option_or_is_listed_as_without_one(command):
    parsed = make_parser().parse_args([command, "--split-seed", "3", "--validate-every", "7"])
    parsed.command = "typed"
    without_option = command_line.WITHOUT_OPTION[command]
    run = command_line.from_options(TrainingRun, parsed, without_option)
    assert (run.split_seed, run.validate_every, run.command) == (3, 7, "typed")
