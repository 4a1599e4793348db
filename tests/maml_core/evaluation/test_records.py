"""Files of results: half a last line is left out, any other unreadable line is named."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import stat

import numpy as np
import pytest
import scipy.stats
import torch

from maml_core.config import EpisodeSpec
from maml_core.evaluation.confidence_intervals import Estimate, estimate
from maml_core.evaluation.records import (
    RESULTS_FILE,
    RecordError,
    above,
    append_record,
    load_records,
    of_first_episodes,
    paired_errors,
    prepare_to_append,
)
from maml_core.evaluation.results_table import Row, accuracy_table, official_runs_table, to_record
from maml_core.paths import WEIGHTS

ROW = to_record(
    Row("maml", "paper", EpisodeSpec(5, 1, 10)), Estimate(600, (0.2, 0.9), (0.0, 0.01)), seed=0
)
LINE = json.dumps(ROW, separators=(",", ":")).encode()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.jsonl"


@pytest.mark.parametrize("end", [1, 30, len(LINE) - 1])
def test_half_a_last_line_is_left_out_and_then_taken_out(end, path):
    path.write_bytes(LINE + b"\n" + LINE[:end])
    for complete in (False, True):
        assert load_records(path, complete=complete) == [
            ROW | {"accuracy": [0.2, 0.9], "ci95": [0.0, 0.01]}
        ]
    prepare_to_append(path)
    assert path.read_bytes() == LINE + b"\n"
    append_record(path, ROW)
    assert path.read_bytes() == 2 * (LINE + b"\n")


@pytest.mark.parametrize("content", [b"", LINE, LINE + b"\n", LINE + b"\n\n  "])
def test_a_file_without_half_a_line_keeps_all_it_has(content, path):
    path.write_bytes(content)
    rows = load_records(path)
    prepare_to_append(path)
    append_record(path, ROW | {"seed": 1})
    assert len(load_records(path)) == len(rows) + 1
    assert path.read_bytes().startswith(content)


def test_a_new_file_is_made_and_one_that_is_there_keeps_its_mode(path):
    prepare_to_append(path)
    assert load_records(path) == []
    path.chmod(0o640)
    path.write_bytes(LINE[:9])
    prepare_to_append(path)
    append_record(path, ROW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


UNREADABLE = [
    (b'{"method": "maml", "acc', "is not JSON"),
    (b"[1,2]", "is JSON but not an object"),
    (b"null", "is JSON but not an object"),
    (b"\xff\xfe{}", "is not JSON"),
    (b"[" * 100_000, "is not JSON (nested too deeply)"),
    (b'{"n_way": ' + b"9" * 5_000 + b"}", "is not JSON"),
    (b'{"method": ["maml"]}', "has an unusable method"),
    (b'{"n_way": true}', "has an unusable n_way"),
    (b'{"accuracy": [0.2, NaN]}', "has an unusable accuracy"),
    (b'{"accuracy": [9%s]}' % (b"9" * 400), "has an unusable accuracy"),
    (b'{"members": ["maml", 3]}', "has an unusable members"),
    (b'{"accuracy": []}', "has an unusable accuracy"),
    (b'{"ci95": "wide"}', "has an unusable ci95"),
    (b'{"ci95": [-1]}', "has an unusable ci95"),
    (b'{"errors": [-1]}', "has an unusable errors"),
    (b'{"errors": [0.5]}', "has an unusable errors"),
    (b'{"errors": 3}', "has an unusable errors"),
    (b'{"n_way": 0}', "has an unusable n_way"),
    (b'{"q_query": 10000001}', "has an unusable q_query"),
]


@pytest.mark.parametrize(("line", "reason"), UNREADABLE)
def test_any_other_unreadable_line_is_named_with_its_file(line, reason, path):
    path.write_bytes(LINE + b"\n\n" + line + b"\n" + LINE + b"\n")
    with pytest.raises(RecordError, match=re.escape(f"Line 3 of {path} {reason}")):
        load_records(path)


def test_rows_from_before_there_were_ensembles_have_no_members(path):
    path.write_text(json.dumps({n: value for n, value in ROW.items() if n != "members"}))
    (found,) = load_records(path, complete=True)
    assert found == ROW | {"accuracy": [0.2, 0.9], "ci95": [0.0, 0.01]}


@pytest.mark.parametrize("name", sorted(ROW.keys() - {"members", "weights"}))
def test_a_row_that_lacks_something_is_named_where_all_is_needed(name, path):
    less = {other: value for other, value in ROW.items() if other != name}
    path.write_text(json.dumps(ROW | {"split": "alphabets"}) + "\n" + json.dumps(less) + "\n")
    for table in (accuracy_table, official_runs_table):
        with pytest.raises(RecordError, match=f"Line 2 of {path} lacks {name}"):
            table({}, path)
    assert len(load_records(path)) == 2


def test_as_many_intervals_as_accuracies_are_needed(path):
    path.write_text(json.dumps(ROW | {"ci95": [0.1]}))
    with pytest.raises(RecordError, match=f"Line 1 of {path} has not one interval for each"):
        accuracy_table({}, path)


def test_ensembles_of_other_members_are_other_rows(path):
    of_two = ROW | {"method": "ensemble", "members": ["maml", "protonet"]}
    of_others = of_two | {"members": ["maml", "nearest-resnet"]}
    path.write_text(json.dumps(of_two) + "\n" + json.dumps(of_others) + "\n")
    found = [record["members"] for record in load_records(path, complete=True)]
    assert found == [["maml", "protonet"], ["maml", "nearest-resnet"]]


def test_of_a_row_measured_again_the_larger_measurement_counts_in_the_firsts_place(path):
    other = ROW | {"k_shot": 5}
    many, few = ROW | {"episodes": 3_000, "accuracy": [0.2, 0.91]}, ROW | {"episodes": 20}
    path.write_text("".join(json.dumps(row) + "\n" for row in (ROW, other, many, few)))
    first, second = load_records(path)
    assert (first["episodes"], first["accuracy"]) == (3_000, [0.2, 0.91])
    assert second["k_shot"] == 5


def test_of_a_row_measured_again_with_other_weights_the_later_measurement_counts(path):
    anew = ROW | {"weights": ["0123456789ab"], "episodes": 20, "accuracy": [0.2, 0.91]}
    path.write_text("".join(json.dumps(row) + "\n" for row in (ROW, anew)))
    (found,) = load_records(path)
    assert (found["weights"], found["accuracy"]) == (["0123456789ab"], [0.2, 0.91])


def test_every_row_of_the_table_was_measured_with_the_weights_that_are_shipped():
    rows = load_records()
    assert rows
    for row in rows:
        files = [WEIGHTS / row["split"] / f"{name}.safetensors" for name in weights_behind(row)]
        sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        which = f"{row['method']}, {row['split']}, {row['n_way']}-way"
        assert row["weights"] == [one[:12] for one in sums], f"{which}: measure it again"


def weights_behind(row):
    names = [name.removeprefix("nearest-") for name in row["members"] or [row["method"]]]
    features = {"features": "pretrained"}
    return [features.get(name, name) for name in names if name not in ("random", "pixels")]


def of_errors(errors, **more):
    """A recorded row of 5-way episodes of 10 queries a class."""
    share = 1 - sum(errors) / (len(errors) * 50)
    return ROW | {"episodes": len(errors), "accuracy": [share], "ci95": [0.01]} | more | {
        "errors": errors
    }  # fmt: skip


def test_a_paired_difference_of_rows_is_that_of_students_paired_t():
    rng = np.random.default_rng(0)
    hard = rng.integers(0, 9, 40)
    first, second = (of_errors((hard + rng.integers(0, 4, 40)).tolist()) for _ in "ab")
    mean, half = paired_errors(first, second)
    shares = (1 - np.array(row["errors"]) / 50 for row in (first, second))
    expected = scipy.stats.ttest_rel(*shares)
    low, high = expected.confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx((low, high), rel=1e-9)
    apart = [scipy.stats.sem(np.array(row["errors"]) / 50) for row in (first, second)]
    assert half < 2 * np.hypot(*apart), "what is hard for both is taken out"
    turned = paired_errors(second, first)
    assert turned == pytest.approx((-mean, half))


def test_only_the_episodes_that_both_rows_have_are_compared():
    first, second = of_errors([0, 1, 5, 2]), of_errors([1, 1, 8, 3, 50, 50, 50])
    mean, _ = paired_errors(first, second)
    assert mean == pytest.approx((1 + 0 + 3 + 1) / 4 / 50)


@pytest.mark.parametrize(
    "unlike", [{"seed": 1}, {"split": "alphabets"}, {"q_query": 5}, {"within_alphabet": True}]
)
def test_rows_of_other_episodes_are_not_paired(unlike):
    first, second = of_errors([0, 1]), of_errors([0, 1], **unlike)
    with pytest.raises(ValueError, match=f"differ in {next(iter(unlike))}: compare the same"):
        paired_errors(first, second)


def test_rows_of_earlier_versions_have_no_paired_difference():
    assert paired_errors(ROW, of_errors([0, 1])) is None


def test_an_episode_has_no_more_errors_than_queries(path):
    path.write_text(json.dumps(of_errors([0, 51])))
    with pytest.raises(RecordError, match="has more errors in an episode than queries"):
        load_records(path, complete=True)


def test_a_row_is_compared_with_the_first_episodes_of_a_longer_one():
    errors = [2, 0, 7, 1, 30, 40]
    longer, shorter = of_errors(errors), of_errors([1, 1, 2, 0])
    first = of_first_episodes(longer, 4)
    assert (first["episodes"], first["errors"]) == (4, errors[:4])
    assert first["accuracy"] == pytest.approx([1 - 10 / 200])
    assert first["ci95"] == pytest.approx(
        estimate(1 - torch.tensor([[2.0], [0], [7], [1]]) / 50, 50).ci95
    )
    assert of_first_episodes(shorter, 4) is shorter
    assert above(shorter, longer) == paired_errors(shorter, longer)
    # Without the shorter row's errors the difference is as large, but has no interval.
    difference, half = above({**shorter, "errors": []}, longer)
    assert difference == pytest.approx((10 - 4) / 200)
    assert math.isnan(half)
    unknown = above(shorter, {**longer, "errors": []})
    assert all(map(math.isnan, unknown))


@pytest.mark.parametrize("errors", [[1, 2, 3], [1]])
def test_as_many_numbers_of_errors_as_episodes_are_needed(errors, path):
    path.write_text(json.dumps(of_errors(errors) | {"episodes": 2}))
    with pytest.raises(RecordError, match="has not one number of errors for each episode"):
        accuracy_table({}, path)


def test_the_recorded_errors_are_those_of_the_recorded_accuracies():
    rows = [row for row in load_records() if "errors" in row]
    assert rows
    for row in rows:
        share = sum(row["errors"]) / (row["episodes"] * row["n_way"] * row["q_query"])
        assert row["accuracy"][-1] == pytest.approx(1 - share, abs=1e-6)


def test_a_list_as_a_last_line_is_not_half_a_row(path):
    path.write_bytes(b"[1,2]")
    with pytest.raises(RecordError, match="Line 1 of"):
        load_records(path)


def test_a_folder_is_no_file_of_results(tmp_path):
    for function in (load_records, prepare_to_append):
        with pytest.raises(RecordError, match=f"{tmp_path} cannot be .*name another file"):
            function(tmp_path)


def test_settings_may_have_their_former_names(path):
    former = {"rotation_tta": "four_turns", "ink_crops": "close_ups"}
    path.write_text(json.dumps({former.get(name, name): value for name, value in ROW.items()}))
    (found,) = load_records(path, complete=True)
    assert found.keys() == ROW.keys()
    assert accuracy_table({}, path)[-1]["5-way 1-shot"] == "90.0 ± 1.0"


def test_an_interval_that_there_is_none_of_is_null_in_json_and_no_interval_in_the_table(path):
    prepare_to_append(path)
    append_record(path, ROW | {"episodes": 1, "ci95": (math.nan, math.nan)})
    line = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert line["ci95"] == [None, None]
    (found,) = load_records(path)
    assert all(map(math.isnan, found["ci95"]))
    assert accuracy_table({}, path)[-1]["5-way 1-shot"] == "90.0"


def test_whatever_a_file_holds_it_is_read_or_refused_in_a_sentence(path):
    """Some hundred mutations of a real file: bytes changed, cut out, and doubled."""
    rng = random.Random(0)
    whole = b"".join(RESULTS_FILE.read_bytes().splitlines(keepends=True)[:4])
    pieces = [b"NaN", b"1e999", b"{", b"]", b'"', b"\n", b"\xff", b"9" * 500, b"null", b"-", b","]
    refused = []
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(content))
            end = start + rng.choice((0, 1, 5, 200))
            content[start:end] = rng.choice([*pieces, content[start : start + 300]])
        path.write_bytes(content)
        try:
            accuracy_table({}, path)
            official_runs_table({}, path)
        except RecordError as error:
            refused.append(str(error))
    assert 100 < len(refused) < 400
    assert all(re.match(rf"Line \d of {path} ", sentence) for sentence in refused)
