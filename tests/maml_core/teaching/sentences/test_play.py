"""The sentence at the end of a round: the scores are counted, the winner won."""

from __future__ import annotations

import re

import numpy as np
import pytest

from maml_core.teaching.sentences.play import describe_round


def answers(right: str) -> list[bool]:
    return [letter == "x" for letter in right]


CASES = {
    "won": (
        ("xxxxxxxxxx", {"MAML": "xxxxxxxx..", "pretraining": "xxxxxxx..."}),
        "You have 10 of 10 right, MAML 8 and pretraining 7. You win, by 2. 2 questions you had "
        "right and neither machine. Ten questions are few: another round may differ.",
    ),
    "lost": (
        ("xxxx......", {"MAML": "xxxxxxxxx.", "pretraining": "xxxxx....."}),
        "You have 4 of 10 right, MAML 9 and pretraining 5. MAML wins, by 4. 1 question both "
        "machines had right and you did not. Ten questions are few: another round may differ.",
    ),
    "a draw, too easy": (
        ("xxxxxxxxx.", {"MAML": ".xxxxxxxxx", "pretraining": "xxxxxxxxx."}),
        "You have 9 of 10 right, MAML 9 and pretraining 9. A draw between you and MAML and "
        "pretraining. Too easy to tell you apart: try “20-way”.",
    ),
    "the baseline wins": (
        ("xxxxxxxx..", {"MAML": "xxxxxxxx..", "pretraining": "xxxxxxxxx."}),
        "You have 8 of 10 right, MAML 8 and pretraining 9. Pretraining wins, by 1. Ten questions "
        "are few: another round may differ.",
    ),
    "no machine": (("xx........", {}), "You have 2 of 10 right."),
}


@pytest.mark.parametrize(("case", "expected"), CASES.values(), ids=CASES)
def test_what_is_said_of_hand_made_rounds(case: tuple, expected: str) -> None:
    person, machines = case
    by_name = {name: answers(right) for name, right in machines.items()}
    assert describe_round(answers(person), by_name, harder="20-way") == expected


def test_unanswered_questions_are_said() -> None:
    text = describe_round([True, False], {"MAML": [True, True]}, missed=1)
    assert text.startswith("You have 1 of 2 right (one not answered in time), MAML 2. MAML wins")


def test_scores_and_winner_are_those_of_the_answers() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        person, maml, pre = rng.random((3, 10)) < rng.random()
        text = describe_round(person.tolist(), {"MAML": maml.tolist(), "pre": pre.tolist()})
        scores = re.match(r"You have (\d+) of 10 right, MAML (\d+) and pre (\d+)\.", text)
        assert scores
        assert [*map(int, scores.groups())] == [person.sum(), maml.sum(), pre.sum()]
        best = max(maml.sum(), pre.sum())
        assert ("You win" in text) == (person.sum() > best)
        assert ("A draw" in text) == (person.sum() == best)
        only_mine = int((person & ~maml & ~pre).sum())
        assert (f"{only_mine} question" in text) or not only_mine
        assert ("neither machine" in text) == (only_mine > 0)
