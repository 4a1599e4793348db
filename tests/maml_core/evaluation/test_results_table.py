"""The table's rows against a rule written anew, their numbers against the evaluation itself."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.config import CHALLENGE, OFFICIAL_RUNS, EpisodeSpec, EvaluationConfig
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation import results_table
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.evaluation.ensembles import ENSEMBLE, shipped_member
from maml_core.evaluation.published import PUBLISHED, PUBLISHED_RUNS
from maml_core.evaluation.results_table import (
    RESULTS_FILE,
    TRAINING_CHARACTERS,
    Row,
    accuracy_table,
    load_records,
    official_runs_table,
    to_record,
)
from maml_core.evaluation.results_table import TABLE_SPLITS as SPLITS
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner, random_learner
from maml_core.methods.catalogue import METHODS, NEAREST, weights_of
from maml_core.methods.protonet import prototype_head
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.paths import ASSETS

WEIGHTS = tuple(dict.fromkeys((*METHODS, *filter(None, NEAREST.values()))))
LITERATURE = {(5, 1), (5, 5), (20, 1), (20, 5)}
COLUMNS = {(n, k): f"{n}-way {k}-shot" for n, k in LITERATURE}
OMNIGLOT_DRAWERS = 20
SPEC = EpisodeSpec(4, 1, 3)
LABELS = {"maml": "MAML", "anil": "ANIL"}


@pytest.fixture
def rows_with(monkeypatch):
    """A function that returns the rows where these weights are here, (method, split)."""

    def rows(weights):
        monkeypatch.setattr(checkpoints, "is_shipped", lambda *one: one in weights)
        return results_table.table_rows()

    return rows


@pytest.fixture
def every_row(rows_with):
    return rows_with(set(itertools.product(WEIGHTS, SPLITS)))


def shapes(rows):
    return {(row.spec.n_way, row.spec.k_shot) for row in rows}


@pytest.mark.parametrize(
    "weights",
    [
        set(),
        {("maml", "alphabets")},
        {("maml", "paper"), ("anil", "alphabets")},
        {("pretrained", "paper")},
        {("maml", "alphabets"), ("pretrained", "alphabets"), ("reptile", "paper")},
    ],
)
def test_only_what_has_weights_is_in_the_table(weights, rows_with, every_row):
    def can_be_measured(row):
        if row.members:
            return all((weights_of(one), row.split) in weights for one in row.members)
        if row.method in ("random", "nearest-pixels"):
            return True
        whose = "pretrained" if row.method == "nearest-features" else row.method
        return (whose, row.split) in weights

    found = rows_with(weights)
    assert found == [row for row in every_row if can_be_measured(row)]
    assert {method for method, _ in weights} <= {row.method for row in found}
    assert all(row.members for row in every_row if row.method == ENSEMBLE)


def test_no_row_is_there_twice(every_row):
    assert len(set(every_row)) == len(every_row)
    told = [json.dumps(results_table.row_key(row), sort_keys=True) for row in every_row]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("method", [*METHODS, *NEAREST])
def test_every_method_has_the_shapes_of_the_literature(method, split, every_row):
    mine = [row for row in every_row if (row.method, row.split) == (method, split)]
    assert shapes(row for row in mine if row.transductive) >= LITERATURE


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("method", ["maml", "pretrained", "nearest-features", "nearest-resnet"])
def test_whom_maml_is_compared_with_also_answers_by_rotation_tta(method, split, every_row):
    mine = [row for row in every_row if (row.method, row.split) == (method, split)]
    turned = [row for row in mine if row.rotation_tta and row.transductive]
    assert shapes(row for row in turned if not row.ink_crops) == LITERATURE
    assert shapes(row for row in turned if row.ink_crops) == {(5, 1), (20, 1)}
    assert {replace(row, rotation_tta=False, ink_crops=False) for row in turned} <= set(mine)


@pytest.mark.parametrize("method", ["maml", "pretrained"])
def test_maml_and_the_baseline_also_answer_each_query_alone(method, every_row):
    alone = [row for row in every_row if row.method == method and not row.transductive]
    assert shapes(alone) >= LITERATURE


@pytest.mark.parametrize("method", ["maml", "pretrained", *NEAREST])
def test_omniglots_own_challenge_is_in_the_table(method, every_row):
    """Lake et al. 2015: 20 characters of an alphabet, drawn once by one and once by another."""
    drawn = EpisodeSpec(n_way=20, k_shot=1, q_query=1, within_alphabet=True, same_drawers=True)
    for spec in (drawn, replace(drawn, official=True)):
        upright = Row(method, "alphabets", spec, transductive=False)
        assert upright in every_row
        # Pixels say the same at every turn.
        for ink_crops in (False, True):
            longer = replace(upright, rotation_tta=True, ink_crops=ink_crops)
            assert (longer in every_row) == (method != "nearest-pixels")


def test_maml_has_a_whole_grid_of_n_and_k(every_row):
    mine = shapes(
        row
        for row in every_row
        if row.method == "maml" and row.split == "alphabets" and row.transductive
        if not row.rotation_tta
    )
    ways, shots = ({shape[axis] for shape in mine} for axis in (0, 1))
    assert mine == set(itertools.product(ways, shots))
    assert {2, 3, 5, 10, 15, 20} == ways
    assert {1, 2, 3, 5, 10} == shots


def test_omniglot_has_pictures_enough_for_every_row(every_row):
    assert all(row.spec.k_shot + row.spec.q_query <= OMNIGLOT_DRAWERS for row in every_row)


@pytest.fixture
def shipped(monkeypatch):
    """Narrow networks in place of the shipped weights, no two alike; and which were asked for."""
    asked = []

    def learner(method, split):
        asked.append((method, split))
        place = list(itertools.product(WEIGHTS, SPLITS)).index((method, split))
        model = Conv4(channels=4)
        return Learner(method, model, initial_params(model, place), {4: 0.1 * (1 + place)})

    monkeypatch.setattr(checkpoints, "shipped", learner)
    return learner, asked


@pytest.mark.parametrize("transductive", [True, False])
@pytest.mark.parametrize(("method", "split"), [("maml", "alphabets"), ("anil", "paper")])
def test_a_method_is_measured_as_evaluation_says(method, split, transductive, shipped, easy_pool):
    learner, asked = shipped
    row = Row(method, split, SPEC, transductive)
    found = list(results_table.measure_row(row, easy_pool, EvaluationConfig(2, 13, 6)))
    assert asked == [(method, split)]
    options = {"inner_steps": 2, "episodes": 13, "seed": 6}
    expected, other = (
        list(
            evaluate(
                learner(method, split),
                easy_pool,
                SPEC,
                EvaluationConfig(transductive=how, **options),
            )
        )
        for how in (transductive, not transductive)
    )
    assert found == expected != other
    assert [one.episodes for one in found] == [2, 4, 6, 8, 10, 12, 13]
    assert {len(one.accuracy) for one in found} == {3}


def test_an_ensemble_is_measured_with_its_splits_own_members(shipped, easy_pool):
    _, asked = shipped
    row = Row(ENSEMBLE, "paper", SPEC, rotation_tta=True, members=("maml", "nearest-resnet"))
    found = list(results_table.measure_row(row, easy_pool, EvaluationConfig(2, 13, 6)))
    assert asked == [("maml", "paper"), ("resnet", "paper")]
    members = [shipped_member(name, "paper") for name in row.members]
    how = EvaluationConfig(2, 13, 6, rotation_tta=True)
    assert found == list(evaluate(members, easy_pool, SPEC, how))
    assert members[0].solve_head is None
    with pytest.raises(ValueError, match="nearest-pixels has no features to vote with"):
        shipped_member("nearest-pixels", "paper")


def test_who_takes_no_step_has_one_accuracy(shipped, easy_pool, monkeypatch):
    learner, _ = shipped
    still = replace(learner("protonet", "paper"), solve_head=prototype_head)
    monkeypatch.setattr(checkpoints, "shipped", lambda *_: still)
    *_, found = results_table.measure_row(
        Row("protonet", "paper", SPEC), easy_pool, EvaluationConfig(2, 13, 6)
    )
    *_, expected = evaluate(still, easy_pool, SPEC, EvaluationConfig(0, 13, 6))
    assert found == expected
    assert len(found.accuracy) == 1


@pytest.mark.parametrize("transductive", [True, False])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("method", "by"), [(one, by) for one, by in NEAREST.items() if by])
def test_features_are_those_of_the_splits_own_weights(
    method, by, split, transductive, shipped, easy_pool
):
    learner, asked = shipped
    row = Row(method, split, SPEC, transductive)
    found = list(results_table.measure_row(row, easy_pool, EvaluationConfig(2, 13, 6)))
    assert asked == [(by, split)]
    expected, other = (
        list(
            evaluate_nearest(
                learner(by, split),
                easy_pool,
                SPEC,
                EvaluationConfig(episodes=13, seed=6, transductive=how),
            )
        )
        for how in (transductive, not transductive)
    )
    assert found == expected != other
    assert [one.episodes for one in found] == [2, 4, 6, 8, 10, 12, 13]
    assert {len(one.accuracy) for one in found} == {1}


def test_pixels_need_no_weights(shipped, easy_pool):
    row = Row("nearest-pixels", "paper", SPEC)
    found = list(results_table.measure_row(row, easy_pool, EvaluationConfig(2, 13, 6)))
    assert shipped[1] == []
    assert found == list(
        evaluate_nearest(None, easy_pool, SPEC, EvaluationConfig(episodes=13, seed=6))
    )


@pytest.mark.parametrize("split", SPLITS)
def test_rows_are_measured_on_the_test_characters(split, make_characters, monkeypatch):
    data = make_characters((10, 10, 10, 10))
    monkeypatch.setattr(results_table, "load", {"omniglot": data}.__getitem__)
    pool = results_table.omniglot_test_pool(split)
    assert pool.data is data
    assert pool.classes.tolist() == split_classes(data, split, "test")
    assert set(pool.rotations.tolist()) == {0}
    assert pool.ink_crops is None
    close = results_table.omniglot_test_pool(split, ink_crops=True)
    assert torch.equal(close.pixels, pool.pixels)
    assert close.ink_crops


def lines(path, *found):
    """Write rows as `evaluate --all --json` does."""
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return path


def test_a_row_comes_back_from_its_line(tmp_path):
    row = Row("anil", "paper", EpisodeSpec(3, 2, 4, within_alphabet=True), transductive=False)
    told = to_record(row, Estimate(20, (0.25, 2 / 3), (0.0, 0.125)), seed=7)
    plain = to_record(Row("maml", "alphabets", SPEC), Estimate(10, (0.5,), (0.1,)), seed=0)
    first, second = load_records(lines(tmp_path / "results.jsonl", told, plain))
    assert first == {
        "method": "anil",
        "split": "paper",
        "n_way": 3,
        "k_shot": 2,
        "q_query": 4,
        "within_alphabet": True,
        "same_drawers": False,
        "official": False,
        "transductive": False,
        "rotation_tta": False,
        "ink_crops": False,
        "members": [],
        "weights": [checkpoints.shipped_fingerprint("anil", "paper")],
        "seed": 7,
        "episodes": 20,
        "accuracy": [0.25, 2 / 3],
        "ci95": [0.0, 0.125],
    }
    assert results_table.row_key(row).items() <= first.items()
    assert not results_table.row_key(row).items() <= second.items()


def test_a_record_keeps_the_wrong_queries_of_each_episode(make_characters):
    data = make_characters((10, 10), likeness=0.9)
    pool = make_pool(data, range(20))
    row = Row("maml", "paper", SPEC)
    config = EvaluationConfig(2, 13, 6)
    *_, last = evaluate(random_learner(), pool, SPEC, config)
    told = to_record(row, last, 6)
    counted = []
    for number in range(13):
        episode = sample_episode(pool, SPEC, 6, number)
        (trajectory,) = compare({"random": random_learner()}, episode, 2)
        truth = np.repeat(np.arange(SPEC.n_way), SPEC.q_query)
        counted.append(int((np.asarray(trajectory.predictions[-1]) != truth).sum()))
    assert told["errors"] == counted
    assert len(set(counted)) > 1


def test_the_main_rows_are_measured_on_more_episodes(every_row):
    main = {"maml", "pretrained", "protonet", "nearest-features"}
    for row in every_row:
        plain = row.transductive and not row.rotation_tta and not row.spec.within_alphabet
        literature = (row.spec.n_way, row.spec.k_shot) in LITERATURE
        expected = 3_000 if row.method in main and plain and literature else 600
        assert row.episodes == (20 if row.spec.official else expected)
    places = [place for place, row in enumerate(every_row) if row.episodes == 3_000]
    assert places == list(range(2 * 4 * 4)), "the most important first"


def test_empty_lines_and_a_missing_file_hold_no_rows(tmp_path):
    path = tmp_path / "results.jsonl"
    assert load_records(path) == []
    path.write_text('\n{"n_way": 5}\n  \n\n{"n_way": 20}\n')
    assert load_records(path) == [
        {"n_way": 5, "members": [], "weights": []},
        {"n_way": 20, "members": [], "weights": []},
    ]


def test_a_row_may_call_its_method_by_a_former_name(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text('{"method": "joint", "split": "joint"}\n{"method": "maml"}\n')
    assert load_records(path) == [
        {"method": "multi_task", "split": "joint", "members": [], "weights": []},
        {"method": "maml", "members": [], "weights": []},
    ]
    shipped = {
        one
        for one in METHODS
        if one == "random" or any(checkpoints.is_shipped(one, split) for split in SPLITS)
    }
    alone = {row["method"] for row in load_records() if not row["members"]}
    assert alone == {*shipped, *NEAREST}


def test_the_recorded_rows_are_an_asset():
    assert RESULTS_FILE.parent == ASSETS


def measured(method, split, n_way, k_shot, accuracy=(0.2, 0.5), ci95=(0.0, 0.01), **more):
    """A recorded row, of 600 episodes."""
    shape = {name: more.pop(name) for name in ("within_alphabet", "same_drawers") if name in more}
    row = Row(method, split, EpisodeSpec(n_way, k_shot, 10, **shape), **more)
    return to_record(row, Estimate(600, accuracy, ci95), seed=0)


def test_a_recorded_row_stands_in_its_column_with_the_last_steps_value(tmp_path):
    path = lines(
        tmp_path / "results.jsonl",
        measured("maml", "paper", 5, 1, (0.2, 0.95), (0.0, 0.005), rotation_tta=True),
        measured("maml", "paper", 20, 5, (0.05, 0.9, 0.98765), (0.0, 0.02, 0.00123)),
        measured("maml", "alphabets", 5, 1, (0.2, 0.97), (0.0, 0.0456)),
        measured("nearest-pixels", "paper", 5, 5, (0.444,), (0.012,)),
        measured("maml", "paper", 5, 1, (0.2, 0.9), (0.0, 0.01)),
    )
    ours = accuracy_table(LABELS, path)[len(PUBLISHED) :]
    empty = dict.fromkeys(COLUMNS.values(), "–") | {
        **{"Network": "Conv4-64", "Training characters": "1,100", "Models": "1"},
        **{"Queries": "together", "Views": "1"},
    }
    source = {"Source": "this project, n = 600"}
    assert ours == [
        {
            **{"Method": "Ours: MAML", "Split": "paper", **empty, **source},
            **{"20-way 5-shot": "98.8 ± 0.1", "5-way 1-shot": "90.0 ± 1.0"},
        },
        {
            **{"Method": "Ours: nearest-pixels", "Split": "paper", **empty, **source},
            **{"Network": "none", "Training characters": "none", "Models": "none"},
            **{"Queries": "alone", "5-way 5-shot": "44.4 ± 1.2"},
        },
        {
            "Method": "Ours: MAML",
            "Split": "alphabets",
            **empty,
            **source,
            "Training characters": "856",
            "5-way 1-shot": "97.0 ± 4.6",
        },
        {
            **{"Method": "Ours: MAML, rotation TTA", "Split": "paper", **empty, **source},
            **{"Views": "4", "5-way 1-shot": "95.0 ± 0.5"},
        },
    ]


def test_a_line_says_every_number_of_episodes_that_it_rests_on(tmp_path):
    many, few = measured("maml", "paper", 5, 1), measured("maml", "paper", 20, 1)
    path = lines(tmp_path / "results.jsonl", many | {"episodes": 3_000}, few)
    assert accuracy_table(LABELS, path)[-1]["Source"] == "this project, n = 600 or 3000"


def test_maml_has_a_row_of_the_episodes_that_the_others_have(tmp_path):
    """Its first 600 are harder here: 5 of 50 wrong on average, none in all others."""
    errors = 300 * [0, 10] + 2_400 * [0]
    long = measured("maml", "paper", 5, 1) | {"episodes": 3_000, "errors": errors}
    path = lines(tmp_path / "r.jsonl", long, measured("anil", "paper", 5, 1))
    all_of_it, first, anil = accuracy_table(LABELS, path)[len(PUBLISHED) :]
    assert all_of_it["Method"] == "Ours: MAML"
    assert first["Method"] == "Ours: MAML, first 600 episodes"
    assert first["5-way 1-shot"].split(" ± ")[0] == "90.0"
    assert first["20-way 1-shot"] == "–"
    assert first["Source"] == anil["Source"] == "this project, n = 600"


@pytest.mark.parametrize(
    "unlike",
    [
        measured("maml", "alphabets", 5, 1, transductive=False),
        measured("maml", "alphabets", 20, 1, within_alphabet=True),
        measured("maml", "alphabets", 20, 1, within_alphabet=True, same_drawers=True),
        to_record(Row("maml", "alphabets", OFFICIAL_RUNS), Estimate(20, (0.9,), (0.1,)), seed=0),
        measured("maml", "alphabets", 10, 1),
        measured("maml", "alphabets", 5, 2),
    ],
)
def test_what_was_measured_otherwise_than_in_the_literature_is_left_out(unlike, tmp_path):
    like = measured("anil", "alphabets", 5, 1)
    path = lines(tmp_path / "results.jsonl", unlike, like, unlike)
    (ours,) = accuracy_table(LABELS, path)[len(PUBLISHED) :]
    assert ours["Method"] == "Ours: ANIL"


@pytest.mark.parametrize("n_ours", [0, 1])
def test_all_published_rows_come_first(n_ours, tmp_path):
    path = lines(tmp_path / "results.jsonl", *n_ours * [measured("maml", "paper", 5, 1)])
    table = accuracy_table(LABELS, path)
    assert len(table) == n_ours + len(PUBLISHED)
    for line, one in zip(table[: len(PUBLISHED)], PUBLISHED, strict=True):
        assert line == {
            "Method": one.method,
            "Split": "paper",
            **{head: one.accuracy[shape] for shape, head in COLUMNS.items()},
            "Network": one.conditions.network,
            "Training characters": one.conditions.training,
            "Models": one.conditions.models,
            "Queries": one.conditions.queries,
            "Views": one.conditions.views,
            "Source": one.source,
        }
    assert len({tuple(line) for line in table}) == 1, "all lines have the same columns, in order"


@pytest.mark.parametrize(
    ("method", "network", "trained"),
    [
        ("random", "Conv4-64", "none"),
        ("nearest-features", "Conv4-64", "856"),
        ("nearest-resnet", "ResNet", "856"),
        ("maml", "Conv4-64", "856"),
    ],
)
def test_a_row_says_what_it_rests_on(method, network, trained, tmp_path):
    row = measured(method, "alphabets", 5, 1, rotation_tta=True, ink_crops=True)
    (ours,) = accuracy_table(LABELS, lines(tmp_path / "r.jsonl", row))[len(PUBLISHED) :]
    assert (ours["Network"], ours["Training characters"]) == (network, trained)
    assert (ours["Models"], ours["Queries"], ours["Views"]) == ("1", "together", "8")


def test_an_ensembles_row_names_its_members_and_counts_them(tmp_path):
    row = measured(
        ENSEMBLE, "paper", 20, 1, rotation_tta=True, members=("maml", "anil", "nearest-resnet")
    )
    (ours,) = accuracy_table(LABELS, lines(tmp_path / "r.jsonl", row))[len(PUBLISHED) :]
    assert ours["Method"] == "Ours: Ensemble of MAML, ANIL, nearest-resnet, rotation TTA"
    assert (ours["Network"], ours["Training characters"]) == ("Conv4-64, ResNet", "1,100")
    assert (ours["Models"], ours["Queries"], ours["Views"]) == ("3", "together", "4")


def test_the_training_characters_are_those_of_the_splits(real_omniglot):
    for split, count in TRAINING_CHARACTERS.items():
        assert f"{len(split_classes(real_omniglot, split, 'train')):,}" == count


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.method)
def test_published_numbers_are_percentages(one):
    assert one.accuracy.keys() == LITERATURE
    for text in one.accuracy.values():
        mean, _, half = text.partition(" ± ")
        assert text == "–" or (80 < float(mean) < 100 and 0 < float(half or 1) <= 1)
    five_one, five_five, twenty_one, twenty_five = (
        float(one.accuracy[shape].partition(" ± ")[0].replace("–", "nan"))
        for shape in ((5, 1), (5, 5), (20, 1), (20, 5))
    )
    # As it is listed, meta-curvature is better with one example than with five.
    assert not five_one >= five_five or "Meta-curvature" in one.method, "more examples help"
    assert not twenty_one >= twenty_five
    assert not five_one <= twenty_one, "more classes are harder"
    assert not five_five <= twenty_five


def test_who_errs_in_the_official_runs_stands_in_order_with_the_published(tmp_path):
    runs = Row("maml", "alphabets", OFFICIAL_RUNS, transductive=False)
    drawn = replace(runs, spec=CHALLENGE)
    path = lines(
        tmp_path / "results.jsonl",
        to_record(runs, Estimate(20, (0.05, 0.9, 0.96), (0.0, 0.03, 0.0123)), seed=0),
        to_record(replace(runs, method="anil"), Estimate(7, (0.5,), (0.1,)), seed=0),
        to_record(
            replace(runs, rotation_tta=True), Estimate(20, (0.05, 0.975), (0.0, 0.004)), seed=0
        ),
        to_record(drawn, Estimate(600, (0.99,), (0.01,)), seed=0),
    )
    found = official_runs_table({"maml": "MAML"}, path)
    errors = [float(line["Error in %"].partition(" ± ")[0]) for line in found]
    assert errors == sorted(errors)
    source = "this project, n = 20 runs"
    assert [line for line in found if "Ours" in line["Method"]] == [
        {"Method": "Ours: MAML, rotation TTA", "Error in %": "2.5 ± 0.4", "Source": source},
        {"Method": "Ours: MAML", "Error in %": "4.0 ± 1.2", "Source": source},
        {
            "Method": "Ours: anil",
            "Error in %": "50.0 ± 10.0",
            "Source": "this project, n = 7 runs",
        },
    ]
    others = [tuple(line.values()) for line in found if "Ours" not in line["Method"]]
    assert others == [(str(error), name, source) for name, error, source in PUBLISHED_RUNS]
    assert official_runs_table({}, tmp_path / "none")[2]["Method"] == "People"


def test_rows_stand_in_the_catalogues_order_however_they_were_recorded(tmp_path):
    recorded = [
        measured(method, split, 5, 1)
        for split in SPLITS
        for method in ("nearest-pixels", "protonet", "random", "anil", "maml")
    ]
    path = lines(tmp_path / "results.jsonl", *recorded)
    ours = accuracy_table({}, path)[len(PUBLISHED) :]
    names = [*METHODS, *NEAREST]
    for split in SPLITS:
        places = [
            names.index(r["Method"].removeprefix("Ours: ")) for r in ours if r["Split"] == split
        ]
        assert places == sorted(places)
    assert [row["Split"] for row in ours] == 5 * ["paper"] + 5 * ["alphabets"], "as the published"
