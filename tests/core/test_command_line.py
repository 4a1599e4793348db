"""`python -m maml_core`, called as a function: what it prints, writes and returns."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from maml_core import __main__ as command_line
from maml_core import checkpoints, driving, results, runs
from maml_core.__main__ import main
from maml_core.arguments import make_parser
from maml_core.checkpoints import Checkpoint
from maml_core.config import EpisodeSpec, PretrainConfig, TrainConfig
from maml_core.datasets.download import Progress
from maml_core.datasets.splits import split_classes
from maml_core.episodes import make_pool
from maml_core.evaluation import evaluate, evaluate_nearest
from maml_core.learners import random_learner
from maml_core.models import initial_params

TRAIN = "train --split paper --n-ways 2 --q-query 1 --meta-batch-size 1 --meta-steps 3"
PRETRAIN = "pretrain --split paper --epochs 1 --batch-size 500 --validate-every 0"
EVALUATE = "evaluate --split paper --n-way 3 --q-query 2 --episodes 25 --steps 2"


@pytest.fixture(autouse=True)
def few_characters(make_characters, monkeypatch):
    """Forty characters in place of every data set: 27, 2 and 11 of them by 'paper'."""
    data = make_characters((10, 10, 10, 10), likeness=0.5)
    for module in (driving, command_line):
        monkeypatch.setattr(module, "load", lambda name: replace(data, name=name))
    monkeypatch.setattr(runs, "VALIDATION_EPISODES", 2)
    monkeypatch.setattr(runs, "INNER_LR_EPISODES", {2: 2})
    monkeypatch.setattr(runs, "INNER_LR_CANDIDATES", (0.01, 0.2))
    monkeypatch.setattr(runs, "INNER_LR_STEPS", 1)
    return data


@pytest.fixture
def weights(model, tmp_path):
    """A file of untrained weights with a rate of its own for each of two N."""
    path = tmp_path / "small.safetensors"
    metadata = {"method": "maml", "model": {"channels": 4}, "inner_lrs": {"3": 0.25, "12": 0.05}}
    checkpoints.save(path, Checkpoint(initial_params(model, 0), metadata))
    return path


def call(command, *more):
    return main([*command.split(), *map(str, more)])


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


def test_it_runs_as_a_module():
    found = subprocess.run(
        [sys.executable, "-m", "maml_core", "--help"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0
    assert all(name in found.stdout for name in ("data", "train", "pretrain", "evaluate"))


@pytest.mark.parametrize(
    ("command", "record"), [("train", TrainConfig), ("pretrain", PretrainConfig)]
)
def test_options_left_out_are_the_records_defaults(command, record):
    parsed = make_parser().parse_args([command])
    assert command_line._config_of(record, parsed) == record()
    assert {field.name for field in fields(record)} <= vars(parsed).keys()


def test_each_option_reaches_its_setting():
    typed = (
        "train --method anil --n-ways 5 20 --k-shots 1 5 --q-query 3 --inner-lr 0.2 --inner-steps 4"
        " --meta-lr 0.01 --meta-batch-size 7 --meta-steps 8 --multi-step --learn-rates --no-augment"
        " --scale-inner-lr --inductive --one-alphabet --seed 9"
    )
    parsed = make_parser().parse_args(typed.split())
    assert command_line._config_of(TrainConfig, parsed) == TrainConfig(
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
        learn_rates=True,
        transductive=False,
        one_alphabet=True,
        augment=False,
        seed=9,
    )


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
    about = checkpoints.load(out).metadata
    assert about["command"] == f"python -m maml_core {' '.join(typed)}"
    assert about["model"] == {"name": "conv4", "n_out": 2, "max_pool": True}
    assert about["config"]["seed"] == 5
    assert (about["method"], about["dataset"], about["split"]) == ("maml", "omniglot", "paper")
    assert about["updates"] == 3
    assert {"commit", "seconds", "split_seed", "device", "torch"} <= about.keys()


@pytest.mark.parametrize("name", ["mlp", "lstm"])
def test_any_network_is_trained_pretrained_and_evaluated_by_name(name, tmp_path, capsys):
    network = f"--model {name} --hidden 4"
    for command, out in ((TRAIN, tmp_path / "maml"), (PRETRAIN, tmp_path / "pretrained")):
        assert call(f"{command} {network}", "--out", out) == 0
        about = checkpoints.load(out).metadata["model"]
        assert about == {"name": name, "hidden": 4} | ({"n_out": 1} if command == TRAIN else {})
        capsys.readouterr()
        assert call(EVALUATE, "--weights", out, "--model", name, "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert found["accuracy"][0] == pytest.approx(1 / 3)
    assert call(EVALUATE, "--weights", out, "--model", "conv4") == 1
    assert f"holds weights for {name}, not conv4" in capsys.readouterr().err
    assert call(f"{EVALUATE} --method random {network}") == 0


def test_ctrl_c_returns_130_and_resume_ends_as_if_uninterrupted(tmp_path, monkeypatch, assert_same):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert call(TRAIN, "--out", whole) == 0

    def interrupted(*arguments):
        yield from itertools.islice(stream(*arguments), 2)
        raise KeyboardInterrupt

    stream = runs.task_stream
    with monkeypatch.context() as patch:
        patch.setattr(runs, "task_stream", interrupted)
        assert call(TRAIN, "--out", stopped) == 130
    assert checkpoints.load(stopped).metadata["updates"] == 2
    assert call(TRAIN, "--out", stopped, "--resume") == 0
    assert_same(checkpoints.load(stopped).params, checkpoints.load(whole).params)


def test_pretrain_writes_weights_with_chosen_rates(tmp_path):
    out = tmp_path / "weights"
    assert call(PRETRAIN, "--out", out) == 0
    about = checkpoints.load(out).metadata
    assert about["method"] == "pretrained"
    assert about["inner_lrs"].keys() == {"2"}
    assert about["inner_lrs"]["2"] in runs.INNER_LR_CANDIDATES


def test_pretrain_goes_on_from_weights_with_more_classes_and_a_given_rate(tmp_path):
    first, out = tmp_path / "first", tmp_path / "weights"
    given = "--inner-lr", "0.3"
    assert call(PRETRAIN, "--out", first, *given) == 0
    more = "--start", first, "--mirror", "--composed-per-class", 2
    assert call(PRETRAIN, "--out", out, *given, *more) == 0
    about = checkpoints.load(out).metadata
    assert (about["start"], about["inner_lrs"]) == ("first", {"5": 0.3})
    assert (about["config"]["mirror"], about["config"]["composed_per_class"]) == (True, 2)
    # Of twice three times the pictures.
    assert about["updates"] // checkpoints.load(first).metadata["updates"] == 6


def test_evaluate_prints_json_of_what_evaluation_says(weights, few_characters, capsys):
    assert call(EVALUATE, "--weights", weights, "--json", "--seed", 4) == 0
    found = json.loads(capsys.readouterr().out)
    classes = split_classes(few_characters, "paper", "test")
    *_, expected = evaluate(
        checkpoints.load(weights).learner(),
        make_pool(few_characters, classes),
        EpisodeSpec(3, 1, 2),
        inner_steps=2,
        episodes=25,
        seed=4,
    )
    assert found.pop("accuracy") == list(expected.accuracy)
    assert found.pop("ci95") == list(expected.ci95)
    assert len(expected.accuracy) == 3
    assert all(0 <= share <= 1 for share in expected.accuracy)
    assert found == {
        "method": "maml",
        "dataset": "omniglot",
        "split": "paper",
        "part": "test",
        "n_way": 3,
        "k_shot": 1,
        "q_query": 2,
        "within_alphabet": False,
        "same_drawers": False,
        "transductive": True,
        "four_turns": False,
        "seed": 4,
        "episodes": 25,
        "inner_lr": 0.25,
    }


@pytest.mark.parametrize(
    ("options", "inner_lr"),
    [
        ("--n-way 2", 0.25),
        ("--n-way 3", 0.25),
        ("--n-way 6", (0.25 * 0.05) ** 0.5),  # 6 is to 3 as 12 is to 6
        ("--inner-lr 0.5", 0.5),
    ],
)
def test_evaluate_takes_the_rate_for_its_n_unless_given_one(options, inner_lr, weights, capsys):
    """The weights know 0.25 at 3-way and 0.05 at 12-way."""
    assert call(f"{EVALUATE} {options}", "--weights", weights, "--json") == 0
    found = json.loads(capsys.readouterr().out)["inner_lr"]
    assert found == pytest.approx(inner_lr, rel=1e-12)


@pytest.mark.parametrize("given", [False, True])
def test_choosing_rates_prints_those_of_the_validation_classes_and_keeps_them(
    given, weights, few_characters, capsys, assert_same
):
    before = checkpoints.load(weights)
    options = ("--weights", weights) if given else ()
    assert call("choose-inner-lr --split paper", *options) == 0
    told = json.loads(capsys.readouterr().out)
    learner = before.learner() if given else random_learner()
    validation = make_pool(few_characters, split_classes(few_characters, "paper", "validation"))
    assert told == runs.best_inner_lrs(learner, validation)
    after = checkpoints.load(weights)
    assert_same(after.params, before.params)
    if given:
        assert after.metadata["inner_lrs"] == told != before.metadata["inner_lrs"]
        assert "choose-inner-lr" in after.metadata["inner_lrs_command"]
        assert {**before.metadata, "inner_lrs": told}.items() <= after.metadata.items()
    else:
        assert after.metadata == before.metadata


@pytest.fixture
def few_rows(weights, few_characters, monkeypatch):
    """Three rows of the table on few characters, and the splits whose characters were read."""
    read = []

    def pool_of(split):
        read.append(split)
        return make_pool(few_characters, split_classes(few_characters, split, "test"))

    def shipped(method, split):
        found = checkpoints.load(weights).learner()
        return replace(found, method=method, inner_lrs={3: {"alphabets": 0.1, "paper": 0.4}[split]})

    spec = EpisodeSpec(3, 1, 2)
    rows = [
        results.Row("maml", "alphabets", spec),
        results.Row("nearest-pixels", "paper", spec),
        results.Row("anil", "paper", replace(spec, k_shot=2), transductive=False),
    ]
    monkeypatch.setattr(results, "rows", lambda: rows)
    monkeypatch.setattr(results, "pool_of", pool_of)
    monkeypatch.setattr(checkpoints, "shipped", shipped)
    return rows, read


ALL = "evaluate --all --episodes 12 --steps 2 --seed 4"


def measured_alone(rows):
    """The rows' last estimates by the evaluation itself, as they stand in JSON."""
    told = []
    for row in rows:
        pool, options = results.pool_of(row.split), {"episodes": 12, "seed": 4}
        if row.method == "nearest-pixels":
            *_, last = evaluate_nearest(None, pool, row.spec, **options)
        else:
            learner = checkpoints.shipped(row.method, row.split)
            options |= {"inner_steps": 2, "transductive": row.transductive}
            *_, last = evaluate(learner, pool, row.spec, **options)
        told.append(json.loads(json.dumps(results.record(row, last, 4))))
    return told


def test_evaluating_all_prints_a_line_of_json_a_row(few_rows, capsys):
    rows, read = few_rows
    assert call(ALL, "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert read == ["alphabets", "paper"], "each split is read once"
    assert found == measured_alone(rows)
    assert [len(one["accuracy"]) for one in found] == [3, 1, 3]
    assert {(one["episodes"], one["seed"]) for one in found} == {(12, 4)}


def test_evaluating_all_in_words_says_of_each_row_what_it_is(few_rows, capsys):
    rows, _ = few_rows
    assert call(ALL) == 0
    heads = [s for s in capsys.readouterr().out.splitlines() if not s.startswith("  step ")]
    for row, head in zip(rows, heads, strict=True):
        assert f"method {row.method}, split {row.split}, " in head
        assert f"transductive {row.transductive}, " in head


def test_a_record_in_no_folder_is_refused_before_anything_is_measured(few_rows, tmp_path, capsys):
    path = tmp_path / "nowhere" / "results.jsonl"
    assert call(ALL, "--record", path) == 1
    told = capsys.readouterr()
    assert str(path.parent) in told.err
    assert "create it" in told.err
    assert not told.out


def test_a_recorded_table_goes_on_where_it_ended(few_rows, tmp_path, capsys):
    rows, read = few_rows
    expected = measured_alone(rows)
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(expected[1]) + "\n")
    assert call(ALL, "--json", "--record", path) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found == [expected[0], expected[2]]
    assert results.recorded(path) == [expected[1], expected[0], expected[2]]
    read.clear()
    assert call(ALL, "--json", "--record", path) == 0
    assert capsys.readouterr().out == ""
    assert len(results.recorded(path)) == 3
    assert read == [], "nothing was left to be measured"


def test_ctrl_c_leaves_the_rows_that_were_measured(few_rows, tmp_path, monkeypatch):
    measure, rows = results.measure, few_rows[0]

    def interrupted(row, *arguments, **options):
        if row is rows[2]:
            raise KeyboardInterrupt
        return measure(row, *arguments, **options)

    monkeypatch.setattr(results, "measure", interrupted)
    assert call(ALL, "--record", tmp_path / "results.jsonl") == 130
    assert results.recorded(tmp_path / "results.jsonl") == measured_alone(rows[:2])


def test_ctrl_c_in_an_evaluation_says_nothing(weights, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        yield next(evaluate(*arguments, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "evaluate", interrupted)
    assert call(EVALUATE, "--weights", weights, "--json") == 130
    assert capsys.readouterr() == ("", "")


def test_evaluate_prints_a_line_a_step_in_percent(weights, capsys):
    assert call(EVALUATE, "--weights", weights) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert "method maml" in head
    assert [re.match(r"  step +(\d+) +\d+\.\d\d ± \d+\.\d\d %$", s).group(1) for s in lines] == [
        "0",
        "1",
        "2",
    ]
    assert lines[0].endswith("33.33 ± 0.00 %")


@pytest.mark.parametrize("part", ["train", "test"])
def test_evaluate_draws_from_the_part_it_is_asked_for(part, weights, few_characters, monkeypatch):
    asked = []
    monkeypatch.setattr(
        command_line, "make_pool", lambda *a, **k: asked.append(a[1]) or make_pool(*a, **k)
    )
    assert call(EVALUATE, "--weights", weights, "--part", part, "--split-seed", 7) == 0
    assert asked == [split_classes(few_characters, "paper", part, 7)]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("evaluate --method random --n-way 1", "n_way is 1; choose a value from 2 to 20."),
        ("evaluate --method random --k-shot 11", "k_shot is 11; choose"),
        ("evaluate --method random --split paper --n-way 20", "only 11 classes"),
        ("evaluate --method random --split paper --k-shot 10 --q-query 15", "lower k_shot or q_"),
        ("evaluate --method random --split paper --episodes 0", "episodes is 0; choose at least 1"),
        ("evaluate --method random --split paper --steps -1", "inner_steps is -1; choose"),
        ("evaluate --method random --split paper --inner-lr 0", "inner_lr is 0.0; choose a finite"),
        ("evaluate --method random --split paper --inner-lr -1", "inner_lr is -1.0; choose"),
        ("evaluate --method random --split paper --inner-lr nan", "inner_lr is nan; choose"),
        ("evaluate --method random --split paper --seed -1", "The seed is -1"),
        ("train --method reptile", "inner_steps is 1; Reptile needs at least 2"),
        ("train --method reptile --inner-steps 3 --learn-rates", "Reptile has no learn_rates"),
        ("train --split paper --n-ways 2 --head-rows 0", "The network has 0 head rows"),
        ("train --split paper --n-ways 2 5 --head-rows 3", "serve up to 3 ways, not 5; lower"),
        ("train --split paper --n-ways 3", "The validation part of omniglot is too small: n_way"),
        ("train --split paper --n-ways 2 --q-query 19 --k-shots 1 2", "lower k_shot or q_query"),
        ("train --seed -1", "seed is -1; choose a value from 0"),
        ("train --seed 99999999999", "seed is 99999999999; choose a value from 0"),
        ("train --device tpu", "device is 'tpu'; choose one of cpu, cuda"),
        ("train --validate-every -1", "validate_every is -1; choose 0 (never) or more"),
        ("pretrain --split paper --batch-size 50000 --validate-every 0", "choose at most the 2160"),
        ("train --model mlp --max-pool", "MLP has no max_pool; leave that out"),
        ("pretrain --hidden 9", "Conv4 has no hidden; leave that out"),
        ("evaluate --model lstm", "no shipped weights for lstm; name a file with --weights"),
        ("train --split alphabets --n-ways 11", "The train part of omniglot is too small"),
        ("evaluate --weights nowhere.safetensors", "no weights at nowhere.safetensors"),
        ("train --n-ways 5 1", "n_way is 1; choose"),
        ("train --inner-lr 0", "inner_lr is 0.0; choose a finite value above 0"),
        ("train --inner-steps 101", "inner_steps is 101; choose a value from 1 to 100"),
        ("train --split paper --n-ways 2 --resume --out nowhere", "no weights at nowhere.state"),
        ("pretrain --batch-size 1", "batch_size is 1; choose"),
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


def test_data_prepare_loads_what_is_here_and_then_says_the_status(capsys, monkeypatch):
    loaded = []
    monkeypatch.setattr(command_line, "load", loaded.append)
    assert call("data prepare") == 0
    assert loaded == ["glyphs"]
    assert "omniglot: not here. " in capsys.readouterr().out


def test_cuda_without_a_gpu_is_told_in_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr(driving.torch.cuda, "is_available", lambda: False)
    assert call("train --device cuda") == 1
    assert "device is 'cuda', but torch finds no such GPU here; choose cpu." in (
        capsys.readouterr().err
    )


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
