"""What a class thought, from what its pupils handed in and what the machines answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Label = int | None  # what was chosen for a question; None: nothing in time


@dataclass(frozen=True, eq=False)
class PlaySummary:
    """A round of Play as a class played it; Q questions of N choices.

    Attributes:
        truths: The right choice of each question, 0 to N - 1, [Q].
        chosen: How many pupils took each choice, [Q, N].
        missed: How many answered too late, [Q].
        machine_right: Whether each machine was right, by name, bool [Q].
        scores: How many right answers each pupil has, by name, of the questions they answered.
        answered: How many questions each pupil has answered, by name.
    """

    truths: np.ndarray
    chosen: np.ndarray
    missed: np.ndarray
    machine_right: Mapping[str, np.ndarray]
    scores: Mapping[str, int]
    answered: Mapping[str, int]

    @property
    def n_answers(self) -> np.ndarray:
        """How many pupils have answered each question, [Q]."""
        counts: np.ndarray = self.chosen.sum(1) + self.missed
        return counts

    @property
    def share_right(self) -> np.ndarray:
        """The share of its answers that are right, 0 to 1, [Q]; not a number without any."""
        right = self.chosen[np.arange(len(self.truths)), self.truths]
        share = np.full(len(right), np.nan)
        np.divide(right, self.n_answers, out=share, where=self.n_answers > 0)
        return share

    @property
    def most_missed(self) -> int | None:
        """The question with the smallest share of right answers, the first of several.

        None: no answer was wrong.
        """
        share = np.nan_to_num(self.share_right, nan=1.0)
        return int(share.argmin()) if share.min(initial=1.0) < 1 else None

    @property
    def finished(self) -> dict[str, int]:
        """The scores of those who have answered all questions."""
        whole = len(self.truths)
        return {name: score for name, score in self.scores.items() if self.answered[name] == whole}


def summarise_round(
    truths: Sequence[int],
    n_choices: int,
    picks: Mapping[str, Sequence[Label]],
    machines: Mapping[str, Sequence[int]],
) -> PlaySummary:
    """Count a round's answers; one that no question has is passed over.

    Args:
        truths: The right choice of each question, [Q].
        n_choices: N.
        picks: What each pupil chose, by name, in the order of the questions; some have not ended.
        machines: What each machine answered, by name, [Q].
    """
    chosen = np.zeros((len(truths), n_choices), int)
    missed = np.zeros(len(truths), int)
    scores, answered = {}, {}
    for name, labels in picks.items():
        given = list(labels[: len(truths)])
        for question, label in enumerate(given):
            if label is None:
                missed[question] += 1
            elif label in range(n_choices):
                chosen[question, label] += 1
        scores[name] = sum(a == b for a, b in zip(given, truths, strict=False))
        answered[name] = len(given)
    right = {name: np.array(labels) == np.array(truths, int) for name, labels in machines.items()}
    return PlaySummary(np.array(truths, int), chosen, missed, right, scores, answered)


def ranking(scores: Mapping[str, int]) -> list[tuple[int, str, int]]:
    """Return place, name and score, best first; equal scores share a place and go by name."""
    ordered = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    places = [1 + sum(other > score for other in scores.values()) for _, score in ordered]
    return [(place, *pair) for place, pair in zip(places, ordered, strict=True)]
