"""What is said of descents on the landscape."""

from __future__ import annotations

import pytest

from maml_core.teaching.sentences.landscape import DescentLosses, describe_descents

MAML = DescentLosses("MAML", "meta-trained", (1.61, 0.4, 0.1), (1.61, 0.12, 0.05))
PRE = DescentLosses("pretraining", "pretrained", (1.61, 0.45, 0.1), (1.61, 0.55, 0.2))
CASES = {
    "alike on the support set": (
        [MAML, PRE],
        "The first step takes MAML's query loss from 1.61 to 0.12 nats and pretraining's from 1.61 "
        "to 0.55. After two steps MAML is at 0.05 and pretraining is at 0.20. "
        "On the support set the step leads both equally far (0.40 and 0.45): meta-training chose "
        "a start from which it helps with pictures it has not seen.",
    ),
    "the baseline is better": (
        [DescentLosses("MAML", "meta-trained", (1.6, 0.4), (1.6, 0.9)), PRE],
        "Here pretraining's first step generalises better.",
    ),
    "a tie": (
        [MAML, DescentLosses("pretraining", "pretrained", (1.61, 0.4), (1.61, 0.12))],
        "Their first steps are worth about the same here: try more classes.",
    ),
    "one only": (
        [MAML],
        "The first step takes MAML's query loss from 1.61 to 0.12 nats. After two steps MAML is "
        "at 0.05.",
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
