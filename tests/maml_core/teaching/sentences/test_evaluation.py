"""The sentence under a comparison over many episodes: it claims what the paired interval shows."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from maml_core.evaluation.confidence_intervals import Estimate, estimate, paired_difference
from maml_core.teaching.sentences.evaluation import (
    MethodEstimate,
    describe_change,
    describe_estimates,
    describe_pairs,
    describe_voters,
)


def method(name: str, accuracy: tuple, ci95: tuple, kind: str = "other") -> MethodEstimate:
    return MethodEstimate(name, kind, Estimate(600, accuracy, ci95))


MAML = method("MAML", (0.05, 0.946, 0.962), (0, 0.003, 0.002), "meta-trained")
PRE = method("pretraining", (0.05, 0.793, 0.939), (0, 0.005, 0.003), "pretrained")
CASES = {
    "one": ([MAML], "MAML has after one step 94.6 ± 0.3 % and after two steps 96.2 ± 0.2 %"),
    "apart": (
        [PRE, MAML],
        "After one step MAML leads with 94.6 ± 0.3 %, 15.3 points ahead of pretraining. After two "
        "steps MAML leads with 96.2 ± 0.2 %, 2.3 points ahead of pretraining. Meta-training buys "
        "above all the first step.",
    ),
    "caught up": (
        [MAML, method("pretraining", (0.05, 0.793, 0.961), (0, 0.005, 0.003), "pretrained")],
        "After two steps MAML (96.2 ± 0.2 %) and pretraining cannot be told apart: 0.1 points lie "
        "between them. Meta-training buys the first step; with more of them pretraining catches "
        "up.",
    ),
    "overtaken": (
        [MAML, method("pretraining", (0.05, 0.793, 0.98), (0, 0.005, 0.003), "pretrained")],
        "After two steps pretraining leads with 98.0 ± 0.3 %, 1.8 points ahead of MAML. "
        "Meta-training buys the first step; with more of them pretraining overtakes.",
    ),
    "the baseline wins": (
        [MAML, method("pretraining", (0.05, 0.96, 0.98), (0, 0.005, 0.003), "pretrained")],
        "Here pretraining is the better start.",
    ),
    "a third in between": (
        [MAML, PRE, method("1-NN on features", (0.95,), (0.001,))],
        "After two steps MAML leads with 96.2 ± 0.2 %, 1.2 points ahead of 1-NN on features. MAML "
        "is 15.3 points ahead of pretraining after one step; MAML is 2.3 points ahead of "
        "pretraining after two steps.",
    ),
    "one without a step": (
        [MAML, method("ProtoNet", 3 * (0.955,), 3 * (0.001,), "no step")],
        "After one step ProtoNet, which takes none, leads with 95.5 ± 0.1 %, 0.9 points ahead of "
        "MAML. After two steps MAML leads with 96.2 ± 0.2 %, 0.7 points ahead of ProtoNet.",
    ),
    "two without a step, ahead of who takes some": (
        [
            MAML,
            method("ProtoNet", (0.977,), (0.001,), "no step"),
            method("R2D2", 3 * (0.978,), 3 * (0.001,), "no step"),
        ],
        "After one step and after two steps R2D2 (97.8 ± 0.1 %) and ProtoNet, which take none, "
        "cannot be told apart: 0.1 points lie between them.",
    ),
    "two without a step, told apart": (
        [
            MAML,
            method("1-NN on features", (0.99,), (0.001,)),
            method("R2D2", (0.97,), (0.001,), "no step"),
        ],
        "After one step and after two steps 1-NN on features, which takes none, leads with 99.0 ± "
        "0.1 %, 2.0 points ahead of R2D2, which takes none either.",
    ),
    "not told from the first, which takes none": (
        [MAML, method("R2D2", (0.963,), (0.001,), "no step")],
        "After two steps R2D2 (96.3 ± 0.1 %), which takes none, and MAML cannot be told apart: ",
    ),
    "not told from the second, which takes none": (
        [MAML, method("R2D2", (0.961,), (0.001,), "no step")],
        "After two steps MAML (96.2 ± 0.2 %) and R2D2, which takes none, cannot be told apart: ",
    ),
    "only without a step": (
        [
            method("R2D2", 3 * (0.95,), 3 * (0.001,), "no step"),
            method("ProtoNet", 3 * (0.93,), 3 * (0.001,), "no step"),
        ],
        "Without a step R2D2 leads with 95.0 ± 0.1 %, 2.0 points ahead of ProtoNet.",
    ),
    "alone without a step": (
        [method("R2D2", 3 * (0.95,), 3 * (0.001,), "no step")],
        "R2D2 has 95.0 ± 0.1 % right over 600 episodes.",
    ),
    "nothing adapts": (
        [method("1-NN on features", (0.95,), (0.001,)), method("1-NN on pixels", (0.5,), (0.01,))],
        "Without a step 1-NN on features leads with 95.0 ± 0.1 %, 45.0 points ahead of 1-NN on "
        "pixels.",
    ),
    "unknown": (
        [method("MAML", (0.2, 0.9), (np.nan, np.nan)), method("mine", (0.2, 0.8), (np.nan,) * 2)],
        "After one step MAML has 90.0 %, 10.0 points more than mine.",
    ),
}


@pytest.mark.parametrize(("methods", "expected"), CASES.values(), ids=CASES)
def test_what_is_said_of_hand_made_estimates(methods: list, expected: str) -> None:
    assert expected in describe_estimates(methods)


def test_a_paired_difference_is_that_of_students_t() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.1, (80, 1))
    a, b = 0.8 + hard + rng.normal(0, 0.01, (80, 3)), 0.79 + hard + rng.normal(0, 0.01, (80, 3))
    first, second = (estimate(torch.tensor(x), 50) for x in (a, b))
    difference = paired_difference(first, second, 2, 1)
    assert difference is not None
    expected = stats.ttest_rel(a[:, 2], b[:, 1]).confidence_interval(0.95)
    mean, half = difference
    assert (mean - half, mean + half) == pytest.approx(tuple(expected))
    # The intervals of the two means overlap, and yet the difference is told.
    assert first.ci95[1] + second.ci95[1] > abs(mean)
    text = describe_estimates(
        [MethodEstimate("MAML", "meta-trained", first), MethodEstimate("B", "other", second)]
    )
    assert "leads" in text


def test_official_runs_are_clustered_and_keep_no_pairs() -> None:
    scores = torch.rand(4, 2)
    clustered = estimate(scores, 20, ["a", "a", "b", "b"])
    assert paired_difference(clustered, clustered, 0, 0) is None
    two = [MethodEstimate(name, "other", clustered) for name in ("AA", "BB")]
    why = "ten alphabets twice, not independent episodes, so there is no paired interval of them"
    own = "what is told apart here is told by the methods' own intervals"
    assert own in describe_estimates(two)
    assert describe_pairs(two[:1], two[1]).endswith(f"{why}.")
    free = [replace(one, estimate=estimate(scores, 20)) for one in two]
    assert own not in describe_estimates(free)
    assert why not in describe_pairs(free[:1], free[1])
    assert list(clustered.summary()) == ["episodes", "accuracy", "ci95"]


def test_leader_and_claim_follow_the_numbers() -> None:
    """On random evaluations, read back from the English."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        scores = rng.integers(0, 21, (2, 30, 4)) / 20
        scores[1, :, 2:] = rng.choice([scores[0, :, 2:], scores[1, :, 2:]])
        a, b = (estimate(torch.tensor(x), 20) for x in scores)
        text = describe_estimates(
            [MethodEstimate("AA", "other", a), MethodEstimate("BB", "other", b)]
        )
        first = text.split(". After")[0]
        test = stats.ttest_rel(scores[0, :, 1], scores[1, :, 1])
        leader = "AA" if a.accuracy[1] >= b.accuracy[1] else "BB"
        assert re.match(f"After one step {leader}", first)
        assert ("leads" in first) == (test.pvalue < 0.05)
        points = 100 * abs(a.accuracy[1] - b.accuracy[1])
        assert f"{points:.1f} ± " in first


def test_a_table_of_differences_says_what_it_averages_and_who_takes_no_step() -> None:
    still, other = (method(name, (0.9,), (0.1,), "no step") for name in ("ProtoNet", "R2D2"))
    text = describe_pairs([PRE], MAML)
    assert "each method's accuracy minus that of MAML after as many inner steps" in text
    assert "the mean over the same 600 episodes ± its 95 % confidence interval" in text
    assert "one accuracy" not in text
    for methods, reference in (([PRE, still], MAML), ([PRE], still)):
        text = describe_pairs(methods, reference)
        assert text.endswith("ProtoNet takes no step and is compared by its one accuracy.")
    text = describe_pairs([other, PRE], still)
    assert text.endswith("R2D2 and ProtoNet take no step and are compared by their one accuracy.")
    assert "one accuracy" not in describe_pairs([other], still), "as each has"
    assert "steps" not in describe_pairs([other], still), "nobody takes any"


@pytest.mark.parametrize(
    ("voters", "silent", "expected"),
    [
        (["MAML", "ANIL"], [], "MAML and ANIL vote."),
        (["MAML", "ANIL"], ["Px"], "MAML and ANIL vote; Px has no features to vote with."),
        (
            ["MAML"],
            [],
            "An ensemble takes two methods that vote, and MAML is one. Choose one more.",
        ),
        (
            ["MAML"],
            ["Px"],
            "An ensemble takes two methods that vote, and MAML is one; Px has no features to vote "
            "with. Choose one more.",
        ),
        (
            [],
            ["Px"],
            "An ensemble takes two methods that vote; Px has no features to vote with. Choose two "
            "that have some.",
        ),
    ],
)
def test_who_votes_is_named_or_why_nobody_does(voters: list, silent: list, expected: str) -> None:
    assert describe_voters(voters, silent) == expected


def test_two_settings_are_compared_by_their_intervals() -> None:
    before, now = Estimate(100, (0.2, 0.9), (0, 0.02)), Estimate(100, (0.2, 0.95), (0, 0.01))
    assert describe_change("MAML", before, now, "K-shot 5 instead of 1") == (
        "With K-shot 5 instead of 1, MAML goes from 90.0 ± 2.0 to 95.0 ± 1.0 %, up 5.0 points; "
        "the intervals do not overlap."
    )
    assert "unchanged; the intervals overlap" in describe_change("MAML", now, now, "another seed")
