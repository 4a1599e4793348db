"""What is said of descents on the landscape."""

from __future__ import annotations

import pytest

from maml_core.config import EpisodeSpec
from maml_core.teaching.sentences.landscape import (
    DescentLosses,
    FirstStep,
    describe_descents,
    describe_first_steps,
)
from maml_core.teaching.sentences.words import AvailableClasses

MAML = DescentLosses("MAML", "meta-trained", (1.61, 0.4, 0.1), (1.61, 0.12, 0.05))
PRE = DescentLosses("pretraining", "pretrained", (1.61, 0.45, 0.1), (1.61, 0.55, 0.2))
CASES = {
    "alike on the support set": (
        [MAML, PRE],
        "The first step takes MAML's query loss from 1.61 to 0.12 nats and pretraining's from 1.61 "
        "to 0.55. After two steps MAML is at 0.05 and pretraining is at 0.20. "
        "On the support set the two steps gain much the same (1.21 and 1.16 nats), on the query "
        "set MAML's gains more: meta-training chose a start from which a step helps with pictures "
        "it has not seen.",
    ),
    "the baseline is better": (
        [DescentLosses("MAML", "meta-trained", (1.6, 0.4), (1.6, 1.1)), PRE],
        "Here pretraining's first step generalises better.",
    ),
    "a tie": (
        [MAML, DescentLosses("pretraining", "pretrained", (1.61, 0.4), (1.61, 0.12))],
        "Measured in loss, their first steps are worth about the same here; in pictures right they "
        "may still differ.",
    ),
    "one only": (
        [MAML],
        "The first step takes MAML's query loss from 1.61 to 0.12 nats. After two steps MAML is "
        "at 0.05.",
    ),
    "one step less far on the support set": (
        [MAML, DescentLosses("pretraining", "pretrained", (1.61, 1.4), (1.61, 1.5))],
        "On the query set MAML's step gains more; on the support set they differ, too.",
    ),
    "no help": (
        [
            DescentLosses("MAML", "meta-trained", (1.6, 1.0), (1.6, 1.7)),
            DescentLosses("p", "pretrained", (1.6, 1.0), (1.6, 1.8)),
        ],
        "Neither step helps with the query pictures",
    ),
    "restarted": (
        [MAML, DescentLosses("MAML", "meta-trained", (2.0, 1.0), (2.0, 0.7), restarted=True)],
        "From the place you chose, descent ends at a query loss of 0.70, higher than from MAML's "
        "θ.",
    ),
    "diverged at once": (
        [DescentLosses("MAML", "meta-trained", (1.6,), (1.6,), diverged=True)],
        "MAML diverged: lower α.",
    ),
}


@pytest.mark.parametrize(("descents", "expected"), CASES.values(), ids=CASES)
def test_what_is_said_of_hand_made_descents(descents: list[DescentLosses], expected: str) -> None:
    assert expected in describe_descents(descents)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (48, 43, "One step is enough from MAML's θ. The losses on the support set alone"),
        (45, 40, "One step goes farther from MAML's θ."),
        (49, 49, "On so easy an episode one step is enough for both: try more classes."),
        (40, 45, "Here one step goes farther from pretraining's θ."),
        (40, 41, "One step does about the same for both here"),
        (None, 43, "MAML diverged in it: lower α."),
    ],
)
def test_a_first_step(ours: int | None, theirs: int, said: str) -> None:
    steps = [
        FirstStep("MAML", "meta-trained", 1.609, 0.87, ours, 50),
        FirstStep("pretraining", "pretrained", 1.609, 0.98, theirs, 50),
    ]
    text = describe_first_steps(steps, EpisodeSpec(5, 1, 10), AvailableClasses(659, 47))
    assert said in text
    share = f"({2 * theirs} %)"
    assert f"from 1.61 to 0.98, and {theirs} of 50 query pictures are right {share}" in text
