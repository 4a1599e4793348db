"""The sentence under an adaptation: its counts are the counts, its leader leads, a tie is a tie."""

from __future__ import annotations

import re

import numpy as np
import pytest

from maml_core.config import EpisodeSpec
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.teaching.sentences.adaptation import (
    MethodCounts,
    describe_adaptation,
    method_counts,
)
from maml_core.teaching.sentences.words import AvailableClasses, kind_of

MAML, PRE, RANDOM = "MAML", "pretraining", "the random initialisation"
KINDS = {MAML: "meta-trained", PRE: "pretrained", RANDOM: "other"}


def sentence(total: int, n_way: int, diverged: dict | None = None, **correct: tuple) -> str:
    names = {"maml": MAML, "pre": PRE, "rand": RANDOM}
    return describe_adaptation(
        [
            MethodCounts(names[key], KINDS[names[key]], counts, (diverged or {}).get(key))
            for key, counts in correct.items()
        ],
        total,
        EpisodeSpec(n_way, 1, 1),
        AvailableClasses(659, 47),
    )


CASES = {
    "the first step": (
        {
            "total": 200,
            "n_way": 20,
            "maml": (10, 181, 190, 192, 192),
            "pre": (10, 119, 170, 180, 188),
        },
        "After one step MAML has 181 of 200 right and pretraining 119. Three steps later they are "
        "4 apart, MAML at 192 and pretraining at 188. Meta-training buys the first step; more "
        "steps make up for most of it.",
    ),
    "the lead shrinks": (
        {"total": 200, "n_way": 20, "maml": (10, 181, 192), "pre": (10, 119, 170)},
        "After one step MAML has 181 of 200 right and pretraining 119. One step later they are "
        "22 apart, MAML at 192 and pretraining at 170. Meta-training buys above all the first "
        "step.",
    ),
    "overtaken": (
        {"total": 50, "n_way": 5, "maml": (10, 40, 41), "pre": (10, 30, 45)},
        "After one step MAML has 40 of 50 right and pretraining 30. One step later they are 4 "
        "apart, pretraining at 45 and MAML at 41. Meta-training buys the first step; with more of "
        "them pretraining overtakes MAML.",
    ),
    "the baseline wins": (
        {"total": 50, "n_way": 5, "maml": (10, 40, 44), "pre": (10, 45, 48)},
        "After one step pretraining has 45 of 50 right and MAML 40. One step later they are 4 "
        "apart, pretraining at 48 and MAML at 44. Here pretraining has the better start. One "
        "episode is an anecdote: look at many before you conclude anything.",
    ),
    "a tie near the ceiling": (
        {"total": 50, "n_way": 5, "maml": (10, 50, 50), "pre": (10, 50, 50)},
        "After one step MAML and pretraining have 50 of 50 right each. One step later they are "
        "level, at 50. So easy an episode hardly tells them apart: try more classes.",
    ),
    "one step only": (
        {"total": 200, "n_way": 20, "maml": (10, 181), "pre": (10, 119)},
        "After one step MAML has 181 of 200 right and pretraining 119. That is what meta-training "
        "buys. Does pretraining catch up with more steps?",
    ),
    "three": (
        {"total": 50, "n_way": 5, "maml": (10, 49, 49), "pre": (10, 40, 49), "rand": (10, 17, 18)},
        "After one step MAML has 49 of 50 right, pretraining 40 and the random initialisation 17. "
        "After two steps MAML and pretraining have 49 of 50 right each; the random initialisation "
        "18. Meta-training buys the first step; more steps make up for it.",
    ),
    "at chance": (
        {"total": 50, "n_way": 5, "rand": (10, 10, 11)},
        "After one step the random initialisation has 10 of 50 right, no better than guessing, "
        "which has 10. After two steps the random initialisation has 11 of 50 right. Choose a "
        "second method to compare it with.",
    ),
    "without MAML": (
        {"total": 50, "n_way": 5, "pre": (10, 40, 45), "rand": (10, 17, 18)},
        "After one step pretraining has 40 of 50 right and the random initialisation 17. One step "
        "later they are 27 apart, pretraining at 45 and the random initialisation at 18. To see "
        "what meta-training buys, add a meta-trained one such as MAML.",
    ),
    "diverged late": (
        {
            "total": 50,
            "n_way": 5,
            "diverged": {"pre": 2},
            "maml": (10, 40, 45),
            "pre": (10, 30, 10),
        },
        "After one step MAML has 40 of 50 right and pretraining 30. After two steps MAML has 45 of "
        "50 right. Pretraining diverged at step 2: α is too large there. Lower it to compare.",
    ),
    "diverged at once": (
        {
            "total": 50,
            "n_way": 5,
            "diverged": {"maml": 1, "pre": 1},
            "maml": (10, 10),
            "pre": (10, 10),
        },
        "MAML diverged at step 1 and pretraining at step 1: α is too large there. Lower it to "
        "compare.",
    ),
}


@pytest.mark.parametrize(("case", "expected"), CASES.values(), ids=CASES)
def test_what_is_said_of_hand_made_episodes(case: dict, expected: str) -> None:
    assert sentence(**case) == expected


def test_counts_leader_and_ties_are_those_of_the_numbers() -> None:
    """On random episodes, read back from the English."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        total, steps = int(rng.integers(10, 400)), int(rng.integers(1, 21))
        maml, pre = (tuple(map(int, rng.integers(0, total + 1, steps + 1))) for _ in range(2))
        if rng.random() < 0.2:
            pre = maml[:-1] + pre[-1:]
        text = sentence(total, 5, maml=maml, pre=pre)
        first = text.partition(". ")[0]
        assert f" of {total} right" in first
        leader = MAML if maml[1] >= pre[1] else PRE
        assert first.startswith(f"After one step {leader}")
        assert (" each" in first) == (maml[1] == pre[1])
        numbers = {int(number) for number in re.findall(r"\d+", first)}
        assert {maml[1], pre[1], total} <= numbers
        if steps > 1 and maml[-1] != pre[-1]:
            assert f"they are {abs(maml[-1] - pre[-1])} apart" in text
            ahead = MAML if maml[-1] > pre[-1] else PRE
            assert f"apart, {ahead} at {max(maml[-1], pre[-1])} and" in text
        elif steps > 1:
            assert f"level, at {maml[-1]}" in text
        if maml[1] < pre[1]:
            assert "Meta-training buys" not in text


def test_queries_are_counted_from_the_predictions() -> None:
    predictions = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]])
    trajectory = AdaptationTrajectory(
        "maml", 0.1, np.zeros(3), np.zeros(3), np.zeros(3), predictions
    )
    counts = method_counts(trajectory, 2, "mine", "fomaml")
    assert counts == MethodCounts("mine", "meta-trained", (2, 3, 4))


STILL = MethodCounts("ProtoNet", kind_of("protonet"), (45, 45, 45))
RIDGE = MethodCounts("R2D2", kind_of("r2d2"), (47, 47, 47))
STEPS = {
    MAML: MethodCounts(MAML, "meta-trained", (10, 40, 44)),
    PRE: MethodCounts(PRE, "pretrained", (10, 30, 40)),
}


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (
            [*STEPS.values(), STILL],
            "After one step MAML has 40 of 50 right and pretraining 30. One step later they are 4 "
            "apart, MAML at 44 and pretraining at 40. Without a step ProtoNet has 45 of 50 right. "
            "Meta-training buys above all the first step.",
        ),
        (
            [STEPS[MAML], STILL],
            "After one step MAML has 40 of 50 right. After two steps MAML has 44 of 50 right. "
            "Without a step ProtoNet has 45 of 50 right. To see what meta-training buys, add the "
            "pretrained one.",
        ),
        (
            [STILL, RIDGE],
            "Without a step R2D2 has 47 of 50 right and ProtoNet 45. To see what inner steps buy, "
            "add one that takes them, such as MAML.",
        ),
        (
            [STILL],
            "Without a step ProtoNet has 45 of 50 right. Choose a second method to compare it "
            "with.",
        ),
    ],
)
def test_who_takes_no_step_is_said_to_take_none(methods: list, expected: str) -> None:
    said = describe_adaptation(methods, 50, EpisodeSpec(5, 1, 10), AvailableClasses(659, 47))
    assert said == expected
