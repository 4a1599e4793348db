"""Measured rows on disk: JSON objects, one a line, appended as they are measured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeGuard

import torch

from maml_core.evaluation.confidence_intervals import estimate, mean_difference
from maml_core.methods.catalogue import current_name
from maml_core.paths import ASSETS

RESULTS_FILE = ASSETS / "results.jsonl"
Record = dict[str, Any]  # a line of the file
# What files of earlier versions call a setting, and its name today.
FORMER_NAMES = {"four_turns": "rotation_tta", "close_ups": "ink_crops"}
NOT_YET = ("members", "weights")  # lists that those files do not have: [] there


class RecordError(ValueError):
    """A results file that cannot be used; the message names the file, and the line if one is."""


MOST = 1e6  # of a half-width, and of classes and pictures


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: object) -> bool:
    return _is_whole(value) and 1 <= value <= MOST


def _are_numbers(highest: float) -> Callable[[object], bool]:
    """Return the check of a list of numbers from 0 to `highest`, or NaN for what there is not."""

    def check(value: object) -> bool:
        return isinstance(value, list | tuple) and bool(value) and all(map(is_one, value))

    def is_one(value: object) -> bool:
        if isinstance(value, float) and math.isnan(value):
            return highest > 1
        return isinstance(value, float | int) and 0 <= value <= highest

    return check


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(_is_whole(one) and one >= 0 for one in value)


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


REMEDY = "repair that line or take it out"
# By field what its value must be: those that say which row it is, and what was measured.
CHECKS: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("seed", "episodes"), _is_whole),
    **dict.fromkeys(("n_way", "k_shot", "q_query"), _is_size),
    **dict.fromkeys(("method", "split"), lambda value: isinstance(value, str)),
    **dict.fromkeys(
        (
            "within_alphabet",
            "same_drawers",
            "official",
            "transductive",
            "rotation_tta",
            "ink_crops",
        ),
        lambda value: isinstance(value, bool),
    ),
    **dict.fromkeys(NOT_YET, _are_strings),
    "accuracy": _are_numbers(1),
    "ci95": _are_numbers(MOST),
}
# Wrong queries of each episode after the last step, which a paired difference needs: rows of
# earlier versions, and rows whose episodes are not independent, have none.
ERRORS = "errors"
FINGERPRINTS = "weights"  # fingerprints of those that the row was measured with
# All other fields say which row it is.
MEASURED = ("episodes", "accuracy", "ci95", ERRORS, FINGERPRINTS)
# The fields that say which episodes a row was measured on.
EPISODES_OF = (
    *("n_way", "k_shot", "q_query", "within_alphabet", "same_drawers", "official"),
    *("split", "seed"),
)


def load_records(path: Path = RESULTS_FILE, *, complete: bool = False) -> list[Record]:
    """Return the rows of a results file, by today's names; [] without the file.

    Half a last line, which an interrupted write leaves, is left out. Of a row that was measured
    again over more episodes, or with other weights, that measurement is returned, in the place of
    the first.

    Args:
        path: The file.
        complete: Every row must have all fields.

    Raises:
        RecordError: The file or another line cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordError(
            f"{path} cannot be read ({error.strerror}); name another file."
        ) from error
    if _is_half(lines[-1]):
        lines.pop()
    required = CHECKS if complete else ()
    rows: dict[frozenset[tuple[str, object]], Record] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            record = _record(line, f"Line {number} of {path}", required)
            which = _which(record)
            if which not in rows or _replaces(record, rows[which]):
                rows[which] = record
    return list(rows.values())


def _replaces(record: Record, before: Record) -> bool:
    """Say whether a later measurement of a row counts in place of a former one."""
    more: bool = before.get("episodes", 0) < record.get("episodes", 0)
    return more or record[FINGERPRINTS] != before[FINGERPRINTS]


def _which(record: Record) -> frozenset[tuple[str, object]]:
    """Return what tells a row from others: its settings, not what was measured."""
    settings = ((name, value) for name, value in record.items() if name not in MEASURED)
    plain = {n: value for n, value in settings if not isinstance(value, list | dict)}
    return frozenset({**plain, "members": tuple(record["members"])}.items())


def paired_errors(first: Record, second: Record) -> tuple[float, float] | None:
    """Return how far a row's accuracy after the last step is above another's, and its ci95.

    Args:
        first: The one.
        second: The other, of episodes of the same shape and seed on the same characters; where one
            has more episodes than the other, those that both have are compared.

    Returns:
        See `mean_difference`; None where the errors were not recorded.

    Raises:
        ValueError: The rows are of other episodes.
    """
    unlike = [name for name in EPISODES_OF if first[name] != second[name]]
    if unlike:
        raise ValueError(f"Two rows differ in {', '.join(unlike)}: compare the same episodes.")
    if not first.get(ERRORS) or not second.get(ERRORS):
        return None
    n = min(first["episodes"], second["episodes"])
    fewer = torch.tensor(second[ERRORS][:n]) - torch.tensor(first[ERRORS][:n])
    queries = first["n_way"] * first["q_query"]
    return mean_difference(fewer.double() / queries, queries)


def of_first_episodes(record: Record, episodes: int) -> Record | None:
    """Return a row as if it had been measured on its first episodes alone, after the last step.

    Those are the episodes of rows that have fewer: their accuracies are compared with this one's.

    Args:
        record: The row.
        episodes: How many; the row has at least as many.

    Returns:
        The row itself where it has no more; None where its errors were not recorded.
    """
    if record["episodes"] == episodes:
        return record
    if not record.get(ERRORS):
        return None
    queries = record["n_way"] * record["q_query"]
    errors = record[ERRORS][:episodes]
    found = estimate(1 - torch.tensor(errors).double()[:, None] / queries, queries)
    return {**record, ERRORS: errors, **found.summary()}


def above(record: Record, other: Record) -> tuple[float, float]:
    """Return how far a row is above another in the same episodes after the last step, and its ci95.

    Arguments as of `paired_errors`; the half-width is NaN where errors were not recorded, so is the
    difference where the episodes of both then differ.
    """
    if paired := paired_errors(record, other):
        return paired
    n = min(record["episodes"], other["episodes"])
    same = [of_first_episodes(one, n) for one in (record, other)]
    first, second = (one["accuracy"][-1] if one else math.nan for one in same)
    return first - second, math.nan


def _record(line: bytes, where: str, required: Collection[str]) -> Record:
    """Return what a line holds; `where` is what the messages call it."""
    try:
        values = _parsed(line)
    except ValueError as error:
        raise RecordError(f"{where} is not JSON ({error}); {REMEDY}.") from error
    if not isinstance(values, dict):
        raise RecordError(f"{where} is JSON but not an object; {REMEDY}.")
    record: Record = {name: [] for name in NOT_YET}
    record |= {str(FORMER_NAMES.get(n, n)): value for n, value in values.items()}
    if isinstance(record.get("ci95"), list):  # JSON has no NaN
        record["ci95"] = [math.nan if half is None else half for half in record["ci95"]]
    for name, is_right in {**CHECKS, ERRORS: _are_counts}.items():
        if name in record and not is_right(record[name]):
            raise RecordError(f"{where} has an unusable {name}; {REMEDY}.")
    missing = [name for name in required if name not in record]
    if missing:
        raise RecordError(f"{where} lacks {', '.join(missing)}; {REMEDY}.")
    if required and len(record["accuracy"]) != len(record["ci95"]):
        raise RecordError(f"{where} has not one interval for each accuracy; {REMEDY}.")
    if required and len(record.get(ERRORS, [])) not in (0, record["episodes"]):
        raise RecordError(f"{where} has not one number of errors for each episode; {REMEDY}.")
    if required and max(record.get(ERRORS) or [0]) > record["n_way"] * record["q_query"]:
        raise RecordError(f"{where} has more errors in an episode than queries; {REMEDY}.")
    if "method" in record:
        record["method"] = current_name(record["method"])
    return record


def _parsed(line: bytes) -> Any:
    """Return what a line of JSON says.

    Raises:
        ValueError: It is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        return json.loads(line.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _is_half(last: bytes) -> bool:
    """Say whether a last line, which has no end, was broken off."""
    if not last.strip():
        return False
    try:
        _parsed(last)
    except ValueError:
        return True
    return False


def prepare_to_append(path: Path) -> None:
    """Make a results file ready for `append_record`: half a last line is taken out of it.

    Raises:
        RecordError: There is no folder for it, or it cannot be written.
    """
    if not path.parent.is_dir():
        raise RecordError(
            f"There is no folder {path.parent} for {path.name}; create it or name another file."
        )
    try:
        with path.open("a+b") as file:
            file.seek(0)
            content = file.read()
            last = content.rpartition(b"\n")[2]
            if _is_half(last):
                file.truncate(len(content) - len(last))
            elif last.strip():
                file.write(b"\n")
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written ({error.strerror}); name another file."
        ) from error


def append_record(path: Path, record: Record) -> None:
    """Add a row to a file that `prepare_to_append` has made ready."""
    halves = [None if math.isnan(half) else half for half in record["ci95"]]  # JSON has no NaN
    with path.open("a", encoding="utf-8") as file:
        text = json.dumps({**record, "ci95": halves}, separators=(",", ":"))  # errors are many
        file.write(text + "\n")
