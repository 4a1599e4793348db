"""The verdict on a drawn query, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from maml_core.teaching.sentences.drawing import describe_answers, describe_readiness

CASES = {
    "agreed, alike": ([[0.03, 0.03, 0.94], [0.06, 0, 0.94]], None, "Both say C, at 0.94."),
    "agreed": (
        [[0, 0.9, 0.1], [0, 0.7, 0.3]],
        None,
        "Both say B, MAML at 0.90, pretraining at 0.70.",
    ),
    "apart": (
        [[0.62, 0.3, 0.08], [0.2, 0.25, 0.55]],
        None,
        "MAML says A, at 0.62; pretraining says C, at 0.55.",
    ),
    "unsure": (
        [[0.4, 0.3, 0.3], [0.3, 0.3, 0.4]],
        None,
        "MAML says A, at 0.40; pretraining says C, at 0.40. "
        "Unsure: more examples of each character help.",
    ),
    "one is right": (
        [[0.62, 0.3, 0.08], [0.2, 0.25, 0.55]],
        0,
        "MAML says A, at 0.62; pretraining says C, at 0.55. "
        "It is A: MAML right, pretraining wrong.",
    ),
    "right": ([[0, 1, 0], [0, 1, 0]], 1, "Both say B, at 1.00. It is B: right."),
    "wrong": ([[0, 1, 0], [0, 1, 0]], 2, "Both say B, at 1.00. It is C: wrong."),
    "one diverged": ([[0, 1, 0], [np.nan] * 3], None, "MAML says B, at 1.00."),
    "all diverged": ([[np.nan] * 3, [np.nan] * 3], None, ""),
    "one alone": ([[np.nan] * 3, [0.3, 0.7, 0]], None, "Pretraining says B, at 0.70."),
    "two of three": (
        [[0.9, 0.1, 0], [0, 0.4, 0.6], [0.8, 0, 0.2]],
        None,
        "MAML and mine say A, at 0.90 and 0.80; pretraining says C, at 0.60.",
    ),
    "three": ([[0, 1, 0], [0, 1, 0], [0, 1, 0]], None, "All 3 say B, at 1.00."),
}


@pytest.mark.parametrize(("shares", "truth", "sentence"), CASES.values(), ids=CASES)
def test_the_verdict_says_who_says_what(
    shares: list[list[float]], truth: int | None, sentence: str
) -> None:
    names = ("MAML", "pretraining", "mine")
    by_name = dict(zip(names, map(np.array, shares), strict=False))
    assert describe_answers(by_name, "ABC", truth) == sentence


def test_who_waits_for_a_query_is_said() -> None:
    names = ["pretraining", "MAML", "BOIL"]
    words = [describe_readiness(names[:n]).partition(" adapted")[0] for n in (1, 2, 3)]
    assert words == ["Pretraining has", "Both have", "All have"]


def test_of_a_query_that_fits_nothing_it_says_what_they_would_answer() -> None:
    shares = {"MAML": np.array([0.4, 0.6]), "pretraining": np.array([0.4, 0.6])}
    assert describe_answers(shares, "AB", rejected=True) == "Both would say B, at 0.60."
