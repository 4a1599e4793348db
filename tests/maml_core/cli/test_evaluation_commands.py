"""`evaluate` and `choose-inner-lr`: what they measure, print and keep."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import scipy.stats

from maml_core.cli import evaluation as command_line
from maml_core.config import OFFICIAL_RUNS, EpisodeSpec, EvaluationConfig
from maml_core.data.splits import split_classes
from maml_core.episodes import sampling
from maml_core.episodes.official_runs import OneShotRun
from maml_core.episodes.pool import make_pool
from maml_core.evaluation import results_table
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.learners import checkpoints
from maml_core.learners.learner import random_learner
from maml_core.methods.catalogue import METHODS, NEAREST
from maml_core.methods.nearest_neighbour import cosine_head
from maml_core.networks.functional import initial_params
from maml_core.training import inner_lr_search
from tests.support.command_line import EVALUATE, call
from tests.support.wilson import wilson_half_width

ROOT = Path(__file__).parents[3]


def test_evaluate_prints_json_of_what_evaluation_says(weights, few_characters, capsys):
    assert call(EVALUATE, "--weights", weights, "--json", "--seed", 4) == 0
    found = json.loads(capsys.readouterr().out)
    classes = split_classes(few_characters, "paper", "test")
    *_, expected = evaluate(
        checkpoints.load_weights(weights).learner(),
        make_pool(few_characters, classes),
        EpisodeSpec(3, 1, 2),
        EvaluationConfig(inner_steps=2, episodes=25, seed=4),
    )
    assert found.pop("accuracy") == list(expected.accuracy)
    assert found.pop("ci95") == list(expected.ci95)
    assert len(expected.accuracy) == 3
    assert all(0 <= share <= 1 for share in expected.accuracy)
    assert found == {
        "method": "maml",
        "dataset": "omniglot",
        "split": "paper",
        "split_seed": 0,
        "part": "test",
        "classes": 11,
        "seen_in_training": 0,
        "n_way": 3,
        "k_shot": 1,
        "q_query": 2,
        "within_alphabet": False,
        "same_drawers": False,
        "official": False,
        "transductive": True,
        "rotation_tta": False,
        "ink_crops": False,
        "seed": 4,
        "episodes": 25,
        "inner_lr": 0.25,
    }


def test_an_ensemble_of_files_and_methods_is_measured_as_evaluation_says(
    weights, model, few_characters, tmp_path, monkeypatch, capsys
):
    asked, other = [], tmp_path / "other.safetensors"
    metadata = {"method": "protonet", "model": {"channels": 4}, "inner_lrs": {"3": 0.25}}
    checkpoints.save_weights(other, checkpoints.Checkpoint(initial_params(model, 1), metadata))
    monkeypatch.setattr(checkpoints, "shipped", lambda *one: asked.append(one) or random_learner(3))
    members = weights, other, "nearest-resnet"
    assert call(f"{EVALUATE} --json --seed 4 --ensemble", *members) == 0
    found = json.loads(capsys.readouterr().out)
    assert asked == [("resnet", "paper")]
    learners = [checkpoints.load_weights(path).learner() for path in members[:2]]
    *_, expected = evaluate(
        [*learners, replace(random_learner(3), solve_head=cosine_head)],
        make_pool(few_characters, split_classes(few_characters, "paper", "test")),
        EpisodeSpec(3, 1, 2),
        EvaluationConfig(inner_steps=2, episodes=25, seed=4),
    )
    assert found["accuracy"] == list(expected.accuracy)
    assert (found["method"], found["members"]) == ("ensemble", [str(one) for one in members])
    assert found["inner_lr"] is None
    assert call(f"{EVALUATE} --json --inner-lr 0.125 --ensemble", *members) == 0
    assert json.loads(capsys.readouterr().out)["inner_lr"] == 0.125, "which all who step then take"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--ensemble nobody maml", "nobody is neither a weights file nor one of maml, pretrained"),
        (
            "--ensemble maml pretrained --model conv4",
            "Every member of an ensemble has a method and weights of its own, so there is no use "
            "for --model conv4",
        ),
        ("--ensemble maml boil --method maml", "no use for --method maml; leave that out"),
        ("--ensemble maml boil --weights x", "no use for --weights x; leave that out"),
        ("--ensemble maml boil --channels 9", "no use for --channels 9; leave that out"),
        (
            "--ensemble maml maml",
            "--ensemble maml maml is no ensemble; name at least two different",
        ),
        (
            "--ensemble joint multi_task",
            "--ensemble joint multi_task is no ensemble; name at least",
        ),
        ("--ensemble maml", "--ensemble maml is no ensemble; name at least two different members"),
        ("--ensemble maml nearest-pixels", "nearest-pixels has no features to vote with"),
    ],
)
def test_who_can_be_no_member_is_named(options, sentence, capsys):
    assert call(f"{EVALUATE} {options}") == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("named", ["maml", "../alphabets/maml.safetensors"])
def test_a_file_is_one_member_however_it_is_named(named, capsys):
    shipped = checkpoints.shipped_file("maml", "alphabets")
    member = named if named == "maml" else shipped.parent / named
    assert call(f"evaluate --ensemble {member} {shipped}") == 1
    assert "is no ensemble; name at least two different members" in capsys.readouterr().err


def test_evaluate_measures_the_official_runs_in_a_shape_of_their_own(
    weights, make_characters, monkeypatch, capsys
):
    data = make_characters((5, 5, 20))
    names = [replace(c, name=f"character{place:02}") for place, c in enumerate(data.classes[-20:])]
    data = replace(data, classes=(*data.classes[:-20], *names))
    runs_here = [OneShotRun(names[0].alphabet, tuple(range(20)), 3, drawer) for drawer in (4, 5)]
    monkeypatch.setattr(command_line, "load", {"omniglot": data}.__getitem__)
    monkeypatch.setattr(sampling, "RUNS", runs_here)
    options = "--split alphabets --official-runs --steps 1 --episodes 600 --json"
    assert call(f"evaluate {options} --inductive", "--weights", weights) == 0
    found = json.loads(capsys.readouterr().out)
    *_, expected = evaluate(
        checkpoints.load_weights(weights).learner(),
        make_pool(data, split_classes(data, "alphabets", "test")),
        OFFICIAL_RUNS,
        EvaluationConfig(inner_steps=1, episodes=2, seed=0, transductive=False),
    )
    assert found["accuracy"] == list(expected.accuracy)
    assert found["episodes"] == expected.episodes == 2
    assert {**asdict(OFFICIAL_RUNS), "transductive": False}.items() <= found.items()


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
    before = checkpoints.load_weights(weights)
    options = ("--weights", weights) if given else ()
    assert call("choose-inner-lr --split paper", *options) == 0
    told = json.loads(capsys.readouterr().out)
    learner = before.learner() if given else random_learner()
    validation = make_pool(few_characters, split_classes(few_characters, "paper", "validation"))
    assert told == inner_lr_search.best_inner_lrs(learner, validation)
    after = checkpoints.load_weights(weights)
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

    def pool_of(split, ink_crops):
        assert not ink_crops
        read.append(split)
        return make_pool(few_characters, split_classes(few_characters, split, "test"))

    def shipped(method, split):
        found = checkpoints.load_weights(weights).learner()
        return replace(found, method=method, inner_lrs={3: {"alphabets": 0.1, "paper": 0.4}[split]})

    spec = EpisodeSpec(3, 1, 2)
    rows = [
        results_table.Row("maml", "alphabets", spec),
        results_table.Row("nearest-pixels", "paper", spec),
        results_table.Row("anil", "paper", replace(spec, k_shot=2), transductive=False),
    ]
    monkeypatch.setattr(results_table, "table_rows", lambda: rows)
    monkeypatch.setattr(results_table, "omniglot_test_pool", pool_of)
    monkeypatch.setattr(checkpoints, "shipped", shipped)
    return rows, read


ALL = "evaluate --all --episodes 12 --steps 2 --seed 4"


def measured_alone(rows):
    """The rows' last estimates by the evaluation itself, as they stand in JSON."""
    told = []
    for row in rows:
        pool, options = (
            results_table.omniglot_test_pool(row.split, row.ink_crops),
            {"episodes": 12, "seed": 4},
        )
        if row.method == "nearest-pixels":
            *_, last = evaluate_nearest(None, pool, row.spec, EvaluationConfig(**options))
        else:
            learner = checkpoints.shipped(row.method, row.split)
            options |= {"inner_steps": 2, "transductive": row.transductive}
            *_, last = evaluate(learner, pool, row.spec, EvaluationConfig(**options))
        told.append(json.loads(json.dumps(results_table.to_record(row, last, 4))))
    return told


def test_evaluating_all_prints_a_line_of_json_a_row(few_rows, capsys):
    rows, read = few_rows
    assert call(ALL, "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert read == ["alphabets", "paper"], "each split is read once"
    assert found == measured_alone(rows)
    assert [len(one["accuracy"]) for one in found] == [3, 1, 3]
    assert {(one["episodes"], one["seed"]) for one in found} == {(12, 4)}


def test_only_some_methods_rows_are_measured_where_they_are_named(few_rows, capsys):
    rows, _ = few_rows
    (chosen,) = (row for row in rows if row.method == "nearest-pixels")
    assert call(f"{ALL} --json --only nearest-pixels protonet") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found == measured_alone([chosen])


@pytest.mark.parametrize(
    "option",
    [
        "--method maml", "--weights x", "--ensemble maml boil", "--n-way 5", "--dataset glyphs",
        "--split paper", "--part test", "--inner-lr 0.1", "--inductive", "--official-runs",
        "--channels 9", "--allow-seen", "--minus boil",
    ],
)  # fmt: skip
def test_what_is_of_one_row_is_refused_of_all(option, few_rows, capsys):
    assert call(f"{ALL} {option}") == 1
    said = capsys.readouterr()
    assert f"no use for {option}; leave that out" in said.err
    assert not said.out


@pytest.mark.parametrize("option", ["--record results.jsonl", "--only maml"])
def test_what_is_of_all_rows_is_refused_of_one(option, capsys):
    assert call(f"{EVALUATE} {option}") == 1
    said = capsys.readouterr().err
    assert option.split()[0] in said
    assert "--all" in said


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
    assert results_table.load_records(path) == [expected[1], expected[0], expected[2]]
    read.clear()
    assert call(ALL, "--json", "--record", path) == 0
    assert capsys.readouterr().out == ""
    assert len(results_table.load_records(path)) == 3
    assert read == [], "nothing was left to be measured"


def test_a_recorded_table_goes_on_after_half_a_line(few_rows, tmp_path, capsys):
    expected = measured_alone(few_rows[0])
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(expected[0]) + "\n" + json.dumps(expected[1])[:40])
    assert call(ALL, "--record", path) == 0
    assert [json.loads(line) for line in path.read_text().splitlines()] == expected


def test_a_record_that_cannot_be_read_is_told_before_anything_is_measured(
    few_rows, tmp_path, capsys
):
    path = tmp_path / "list.jsonl"
    path.write_text("[1,2]")
    for record, sentence in ((path, f"Line 1 of {path} is JSON"), (tmp_path, f"{tmp_path} cannot")):
        assert call(ALL, "--record", record) == 1
        told = capsys.readouterr()
        assert told.err.startswith(f"maml_core: {sentence}")
        assert not told.out
    assert path.read_text() == "[1,2]"


def test_rows_over_other_inner_steps_do_not_come_to_stand_beside_those_recorded(
    few_rows, tmp_path, capsys
):
    path = tmp_path / "results.jsonl"
    assert call(ALL, "--record", path) == 0
    before = path.read_text()
    assert call(f"{ALL} --steps 3 --record {path}") == 1
    sentence = "were measured over 2 inner steps, not over 3; say --steps 2, or name another file"
    assert sentence in capsys.readouterr().err
    assert path.read_text() == before


def test_a_row_is_measured_again_only_for_more_episodes(few_rows, tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    assert call(ALL, "--record", path) == 0
    capsys.readouterr()
    assert call(f"{ALL} --episodes 8 --record {path}") == 0
    assert capsys.readouterr().out == ""
    assert call(f"{ALL} --episodes 14 --record {path}") == 0
    assert [row["episodes"] for row in results_table.load_records(path)] == [14] * 3
    assert len(path.read_text().splitlines()) == 6


def test_what_was_measured_with_former_weights_is_measured_again(
    few_rows, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "results.jsonl"
    assert call(ALL, "--record", path) == 0
    before = results_table.load_records(path)
    monkeypatch.setattr(checkpoints, "shipped_fingerprint", lambda method, split: f"new {split}")
    capsys.readouterr()
    assert call(ALL, "--json", "--record", path) == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["weights"] for row in again] == [["new alphabets"], ["new paper"]]
    assert [row["weights"] for row in before if row["method"] != "nearest-pixels"] != [
        row["weights"] for row in again
    ]
    assert len(results_table.load_records(path)) == 3


def test_without_a_number_each_row_has_its_own(few_rows, monkeypatch, capsys):
    monkeypatch.setattr(results_table, "EPISODES", 4)
    assert call("evaluate --all --steps 1 --json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["episodes"] for row in found] == [4, 4, 4]


MINUS = f"{EVALUATE} --seed 4 --json --minus"


@pytest.mark.parametrize("other", ["nearest-features", "nearest-pixels", "fomaml"])
def test_a_difference_is_paired_over_the_same_episodes(
    other, weights, few_characters, monkeypatch, capsys
):
    def shipped(method, split):
        learner = checkpoints.load_weights(weights).learner()
        params = initial_params(learner.model, 7)
        return replace(learner, method=method, params=params)

    monkeypatch.setattr(checkpoints, "shipped", shipped)
    assert call(f"{MINUS} {other}", "--weights", weights) == 0
    found = json.loads(capsys.readouterr().out)
    spec, config = EpisodeSpec(3, 1, 2), EvaluationConfig(inner_steps=2, episodes=25, seed=4)
    pool = make_pool(few_characters, split_classes(few_characters, "paper", "test"))
    *_, first = evaluate(checkpoints.load_weights(weights).learner(), pool, spec, config)
    if other == "fomaml":
        *_, second = evaluate(shipped("fomaml", "paper"), pool, spec, config)
    else:
        learner = None if other == "nearest-pixels" else shipped("pretrained", "paper")
        *_, second = evaluate_nearest(learner, pool, spec, config)
    ours, theirs = (one.by_episode.double().numpy() for one in (first, second))
    assert found["minus"] == other
    assert found["accuracy"] == list(first.accuracy)
    gaps = ours - theirs  # a single column stands for every step
    for step in (1, 2):
        expected = scipy.stats.ttest_1samp(gaps[:, step], 0).confidence_interval(0.95)
        mean, half = found["difference"][step], found["difference_ci95"][step]
        assert (mean - half, mean + half) == pytest.approx(tuple(expected), abs=1e-6)


@pytest.mark.parametrize("method", ["nearest-pixels", "protonet"])
def test_steps_are_those_of_the_method_that_takes_some(method, protonet, capsys):
    """The first stays where it is, and what is subtracted is a file's first step and its last."""
    named = f"--weights {protonet}" if method == "protonet" else f"--method {method}"
    assert call(f"{EVALUATE} --json {named} --minus random") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["method"], len(found["accuracy"]), len(found["difference"])) == (method, 1, 3)
    assert call(f"{EVALUATE} --json {named} --minus nearest-features") == 1
    assert "no use for --steps 2; leave that out" in capsys.readouterr().err


def test_a_difference_in_words_says_whose_it_is(weights, capsys):
    assert call(f"{EVALUATE} --minus nearest-pixels", "--weights", weights) == 0
    *_, head, _, one, two = capsys.readouterr().out.splitlines()
    assert head == "maml minus nearest-pixels, paired over the same episodes:"
    for step, line in enumerate((one, two), 1):
        assert re.match(rf"  step +{step} +-?\d+\.\d\d ± \d+\.\d\d points$", line)


@pytest.mark.parametrize("options", ["--all", "--official-runs --split alphabets"])
def test_where_there_is_no_paired_difference_none_is_promised(options, capsys):
    assert call(f"evaluate --minus nearest-pixels {options}") == 1
    assert "leave" in capsys.readouterr().err


def test_one_episode_has_no_interval(weights, capsys):
    assert call(f"{EVALUATE} --episodes 1", "--weights", weights) == 0
    assert "±" not in capsys.readouterr().out
    assert call(f"{EVALUATE} --episodes 1 --json", "--weights", weights) == 0
    assert json.loads(capsys.readouterr().out)["ci95"] == [None] * 3


def test_ctrl_c_leaves_the_rows_that_were_measured(few_rows, tmp_path, monkeypatch):
    measure, rows = results_table.measure_row, few_rows[0]

    def interrupted(row, *arguments, **options):
        if row is rows[2]:
            raise KeyboardInterrupt
        return measure(row, *arguments, **options)

    monkeypatch.setattr(results_table, "measure_row", interrupted)
    assert call(ALL, "--record", tmp_path / "results.jsonl") == 130
    assert results_table.load_records(tmp_path / "results.jsonl") == measured_alone(rows[:2])


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
    # At chance in each of 25 episodes of 6 queries; the standard error is that of one query.
    half = wilson_half_width(1 / 3, 0.0, scipy.stats.t.ppf(0.975, 25), 25 * 6)
    assert lines[0].endswith(f"33.33 ± {100 * half:.2f} %")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            "--method protonet",
            "holds weights of maml, not of --method protonet; leave --method out",
        ),
        ("--method random", "holds weights of maml, not of --method random; leave --method out"),
        ("--channels 9", "says what its network is, so there is no use for --channels 9"),
        ("--max-pool", "says what its network is, so there is no use for --max-pool"),
    ],
)
@pytest.mark.parametrize("command", [EVALUATE, "choose-inner-lr --split paper"])
def test_weights_are_not_taken_for_others(command, options, sentence, weights, capsys):
    before = weights.read_bytes()
    assert call(f"{command} {options}", "--weights", weights) == 1
    said = capsys.readouterr()
    assert f"{weights} {sentence}" in said.err
    assert not said.out
    assert weights.read_bytes() == before


def test_the_method_of_the_weights_may_be_said(weights):
    assert call(f"{EVALUATE} --method maml", "--weights", weights) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--method maml --channels 9", "The shipped weights have a network of their own"),
        ("--method maml --minus maml", "--minus maml is what is measured itself; name another"),
        ("--split minimal-1 --split-seed 4", "no use for --split-seed 4; leave that out"),
        *(
            (f"--official-runs {option}", f"no use for {option}; leave that out")
            for option in ("--n-way 3", "--k-shot 5", "--q-query 2", "--seed 4", "--same-drawers")
        ),
    ],
)
def test_an_option_that_changes_nothing_is_refused(options, sentence, capsys):
    assert call(f"evaluate --split paper {options}") == 1
    said = capsys.readouterr()
    assert sentence in said.err
    assert not said.out


@pytest.mark.parametrize("method", [*METHODS, *NEAREST])
def test_a_single_row_is_measured_as_the_docs_have_it_for_every_method(method, capsys):
    text = (ROOT / "docs" / "results.md").read_text()
    _, _, documented = text.partition("A single row is\n\n```\npython -m maml_core ")
    own = documented.partition("\n```")[0].replace("--method maml", f"--method {method}")
    assert call(f"{own} --episodes 2 --json") == 0
    assert json.loads(capsys.readouterr().out)["method"] == method


@pytest.mark.parametrize("part", ["train", "test"])
def test_evaluate_draws_from_the_part_it_is_asked_for(part, weights, few_characters, monkeypatch):
    asked = []
    monkeypatch.setattr(
        command_line, "make_pool", lambda *a, **k: asked.append(a[1]) or make_pool(*a, **k)
    )
    assert call(EVALUATE, "--weights", weights, "--part", part, "--split-seed", 7) == 0
    assert asked == [split_classes(few_characters, "paper", part, 7)]


@pytest.fixture
def weights_on_paper(weights):
    """The same weights, which say that they were trained on the paper's split."""
    found = checkpoints.load_weights(weights)
    trained = {"dataset": "omniglot", "split": "paper", "split_seed": 0}
    checkpoints.save_weights(weights, replace(found, metadata={**found.metadata, **trained}))
    return weights


def n_seen(data, split, part, seed):
    """How many classes of a part the weights were trained on, by the classes' names."""
    trained = {str(data.classes[c]) for c in split_classes(data, "paper", "train", 0)}
    return sum(str(data.classes[c]) in trained for c in split_classes(data, split, part, seed))


def test_classes_that_the_weights_were_trained_on_are_refused(
    weights_on_paper, few_characters, capsys
):
    seen = n_seen(few_characters, "paper", "test", 1)
    assert 0 < seen < 11
    assert call(EVALUATE, "--weights", weights_on_paper, "--split-seed", 1) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"trained on {seen} of the 11 test classes of split paper with seed 1" in printed.err
    assert "--allow-seen" in printed.err


def test_they_are_evaluated_with_a_warning_in_capitals_if_allowed(
    weights_on_paper, few_characters, capsys
):
    options = "--split-seed 1 --allow-seen --json"
    assert call(f"{EVALUATE} {options}", "--weights", weights_on_paper) == 0
    printed = capsys.readouterr()
    seen = n_seen(few_characters, "paper", "test", 1)
    assert f"WARNING: THE WEIGHTS WERE TRAINED ON {seen} OF THE 11 TEST CLASSES" in printed.err
    found = json.loads(printed.out)
    assert (found["split_seed"], found["seen_in_training"], found["classes"]) == (1, seen, 11)


@pytest.mark.parametrize("options", ["", "--part train --split-seed 1", "--dataset glyphs"])
def test_weights_are_evaluated_without_a_word_on_new_classes_and_on_asking_for_the_old(
    options, weights_on_paper, capsys
):
    assert call(f"{EVALUATE} {options}", "--weights", weights_on_paper) == 0
    assert "WARNING" not in capsys.readouterr().err


def test_rates_are_not_chosen_on_classes_that_the_weights_were_trained_on(
    weights_on_paper, few_characters, capsys
):
    seeds = (seed for seed in range(1, 9) if n_seen(few_characters, "paper", "validation", seed))
    command = f"choose-inner-lr --split paper --split-seed {next(seeds)}"
    assert call(command, "--weights", weights_on_paper) == 1
    assert "of the 2 validation classes" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["nearest-features", "nearest-pixels"])
def test_a_nearest_neighbour_is_evaluated_like_its_row_of_the_table(
    method, weights, few_characters, capsys, monkeypatch
):
    learner = checkpoints.load_weights(weights).learner()
    monkeypatch.setattr(checkpoints, "shipped", lambda method, split: learner)
    options = "evaluate --split paper --n-way 3 --q-query 2 --episodes 12 --seed 4 --json"
    assert call(f"{options} --method {method}") == 0
    found = json.loads(capsys.readouterr().out)
    pool = make_pool(few_characters, split_classes(few_characters, "paper", "test"))
    row = results_table.Row(method, "paper", EpisodeSpec(3, 1, 2))
    *_, expected = results_table.measure_row(row, pool, EvaluationConfig(10, 12, 4))
    assert found["accuracy"] == list(expected.accuracy)
    assert found["ci95"] == list(expected.ci95)
    assert (found["method"], found["inner_lr"]) == (method, None)


@pytest.fixture
def protonet(weights, model):
    """A file of untrained weights that say they are ProtoNet's."""
    metadata = {"method": "protonet", "model": {"channels": 4}, "inner_lrs": {"3": 0.25}}
    checkpoints.save_weights(weights, checkpoints.Checkpoint(initial_params(model, 0), metadata))
    return weights


def test_what_takes_no_step_is_evaluated_once_and_has_no_alpha(protonet, few_characters, capsys):
    options = "evaluate --split paper --n-way 3 --q-query 2 --episodes 12 --seed 4 --json"
    assert call(options, "--weights", protonet) == 0
    found = json.loads(capsys.readouterr().out)
    learner = checkpoints.load_weights(protonet).learner()
    pool = make_pool(few_characters, split_classes(few_characters, "paper", "test"))
    *_, expected = evaluate(learner, pool, EpisodeSpec(3, 1, 2), EvaluationConfig(4, 12, 4))
    assert len(set(expected.accuracy)) == 1
    assert found["accuracy"] == list(expected.accuracy[:1])
    assert (found["method"], found["inner_lr"]) == ("protonet", None)


@pytest.mark.parametrize("option", ["--steps 3", "--inner-lr 0.1"])
def test_what_takes_no_step_has_no_use_for_its_options(option, protonet, capsys):
    assert call(f"{EVALUATE.partition(' --steps')[0]} {option}", "--weights", protonet) == 1
    said = capsys.readouterr().err
    assert "ProtoNet solves for its head and takes no inner step" in said
    assert option.split()[0] in said


def test_what_takes_no_step_has_no_rate_to_choose(protonet, capsys):
    before = protonet.read_bytes()
    assert call("choose-inner-lr --split paper", "--weights", protonet) == 1
    assert "ProtoNet solves for its head and takes no inner step" in capsys.readouterr().err
    assert protonet.read_bytes() == before


def test_the_features_of_a_weights_file_are_compared(weights, few_characters, capsys):
    options = "evaluate --split paper --n-way 3 --q-query 2 --episodes 12 --seed 4 --json"
    assert call(f"{options} --method nearest-features", "--weights", weights) == 0
    found = json.loads(capsys.readouterr().out)
    pool = make_pool(few_characters, split_classes(few_characters, "paper", "test"))
    config = EvaluationConfig(episodes=12, seed=4)
    learner = checkpoints.load_weights(weights).learner()
    *_, expected = evaluate_nearest(learner, pool, EpisodeSpec(3, 1, 2), config)
    assert (found["method"], found["accuracy"]) == ("nearest-features", list(expected.accuracy))
