"""Numbers and lists in English, for the sentences under results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from maml_core.config import MAX_WAY, META_METHODS, EpisodeSpec
from maml_core.methods.catalogue import TAKES_NO_STEP

Kind = Literal["meta-trained", "no step", "pretrained", "other"]
META_TRAINED = {name for name, demands in META_METHODS.items() if demands.inner_steps[1]}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def kind_of(method: str) -> Kind:
    """Return what a method's weights were trained for, by its name in `methods.catalogue`.

    "no step": it solves for its head, so that no sentence about its steps is true.
    """
    if method in META_TRAINED:
        return "meta-trained"
    if method in TAKES_NO_STEP:
        return "no step"
    return "pretrained" if method == "pretrained" else "other"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1: '1 step', '1,200 steps'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def spelled(number: int, noun: str = "") -> str:
    """Return a number in words up to ten, with its noun: 'one step', '20 steps'."""
    words = _NUMBERS[number] if 0 <= number < len(_NUMBERS) else f"{number:,}"
    return f"{words} {noun}{'' if number == 1 else 's'}" if noun else words


def listed(items: Sequence[str]) -> str:
    """Return 'A', 'A and B' or 'A, B and C'."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


@dataclass(frozen=True)
class AvailableClasses:
    """What there is to sample an episode's classes from.

    Attributes:
        total: Classes.
        largest_alphabet: Classes of the largest alphabet; 0 where there are no alphabets.
    """

    total: int
    largest_alphabet: int


def something_harder(spec: EpisodeSpec, available: AvailableClasses) -> str:
    """Return what to try where an episode of this shape hardly tells methods apart."""
    within = spec.within_alphabet and available.largest_alphabet > 0
    if spec.n_way < min(MAX_WAY, available.largest_alphabet if within else available.total):
        return "more classes"
    if not within and spec.n_way <= available.largest_alphabet:
        return "classes of one alphabet"
    return "fewer examples of each class" if spec.k_shot > 1 else "another episode"


def capitalised(sentence: str) -> str:
    """Return a sentence with a capital at its beginning; the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def standing(correct: Mapping[str, int], total: int) -> str:
    """Say how many each has right, the best first, those with equal counts together.

    Args:
        correct: Right answers by name.
        total: Of so many.

    Returns:
        'MAML has 181 of 200 right and pretraining 119', without a full stop.
    """
    groups: dict[int, list[str]] = {}
    for name, n in sorted(correct.items(), key=lambda item: -item[1]):
        groups.setdefault(n, []).append(name)
    parts: list[str] = []
    for n, names in groups.items():
        each = " each" if len(names) > 1 else ""
        verb = ("have " if len(names) > 1 else "has ") if not parts else ""
        of = f" of {total:,} right" if not parts else ""
        parts.append(f"{listed(names)} {verb}{n:,}{of}{each}")
    return listed(parts) if len(correct) == len(groups) else "; ".join(parts)
