"""What a class predicted and chose, from what its pupils handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PredictionSummary:
    """Predicted accuracies of P pupils, for M methods after S inner steps each.

    Attributes:
        methods: Their names.
        steps: After which inner steps.
        predicted: In percent, [P, M, S].
    """

    methods: tuple[str, ...]
    steps: tuple[int, ...]
    predicted: np.ndarray

    @property
    def medians(self) -> np.ndarray:
        """The median of each prediction, [M, S]; P is at least 1."""
        found: np.ndarray = np.median(self.predicted, axis=0)
        return found

    def n_close(self, truth: np.ndarray, points: float) -> np.ndarray:
        """Return how many pupils are at most so many points off.

        Args:
            truth: The accuracies in percent, [M, S].
            points: In percent.

        Returns:
            int [M, S].
        """
        counts: np.ndarray = (np.abs(self.predicted - truth) <= points).sum(0)
        return counts


def field_name(method: str, step: int) -> str:
    """Return what a predicted accuracy is called in what is handed in."""
    return f"{method} {step}"


def steps_asked(inner_steps: int) -> tuple[int, ...]:
    """Return after which inner steps a class predicts: the first and the last."""
    return (1,) if inner_steps == 1 else (1, inner_steps)


def summarise_predictions(
    contents: Sequence[object], methods: tuple[str, ...], steps: tuple[int, ...]
) -> PredictionSummary:
    """Read predictions; one that lacks a number, or has one that is no percentage, is left out.

    Args:
        contents: What each pupil handed in, percentages by `field_name`.
        methods: Names of the methods.
        steps: Inner steps.
    """
    names = [field_name(method, step) for method in methods for step in steps]
    rows = [
        [content[name] for name in names]
        for content in contents
        if isinstance(content, Mapping) and all(_is_percentage(content.get(n)) for n in names)
    ]
    shape = (len(rows), len(methods), len(steps))
    return PredictionSummary(methods, steps, np.array(rows, float).reshape(shape))


def _is_percentage(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 100  # type: ignore[operator]


@dataclass(frozen=True)
class ChoiceSummary:
    """What a class chose, before and after it had seen what there was to see.

    Attributes:
        choices: What there was to choose from, C texts.
        before: How many took each, C counts.
        after: Likewise.
        n_changed: How many of those who chose twice took another one.
        n_both: How many chose twice.
    """

    choices: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    n_changed: int
    n_both: int


def count_choices(
    choices: tuple[str, ...], before: Mapping[str, object], after: Mapping[str, object]
) -> ChoiceSummary:
    """Count who chose what; something that is not among the choices is passed over.

    Args:
        choices: What there is to choose from.
        before: What each pupil chose first, by name.
        after: What they chose then, likewise.
    """
    first = {name: one for name, one in before.items() if one in choices}
    then = {name: one for name, one in after.items() if one in choices}
    both = first.keys() & then.keys()
    counts = [
        tuple(list(given.values()).count(choice) for choice in choices) for given in (first, then)
    ]
    changed = sum(first[name] != then[name] for name in both)
    return ChoiceSummary(choices, counts[0], counts[1], changed, len(both))
