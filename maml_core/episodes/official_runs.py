"""Omniglot's one-shot challenge: the 20 official runs that people and programs were tested on.

Lake et al. 2015 (Science 350, 1332) fixed two runs in each of ten evaluation alphabets: twenty
characters, one drawer for the support pictures and another for the queries; the second run has the
same characters by two other drawers. The official repository holds them as pictures without names
(`all_runs.zip`); they were matched to Omniglot's pictures by comparing files (the list of
github.com/jvlmdr/omniglot-eval). A test reproduces the baseline that comes with the runs, the
modified Hausdorff distance, and its published error rate of 38.8 %.
"""

from __future__ import annotations

from typing import NamedTuple

NOT_INDEPENDENT = "The official runs are ten alphabets twice, not independent episodes"


class OneShotRun(NamedTuple):
    """One official run: twenty characters of an alphabet by two drawers.

    Attributes:
        alphabet: Its name.
        characters: Their numbers in the alphabet, in the order of the run.
        support_drawer: Who drew the support pictures, 1 to 20.
        query_drawer: Who drew the queries, 1 to 20.
    """

    alphabet: str
    characters: tuple[int, ...]
    support_drawer: int
    query_drawer: int


def _two_runs(alphabet: str, characters: str, *drawers: tuple[int, int]) -> list[OneShotRun]:
    """Return the two runs of an alphabet from their (support, query) drawers."""
    numbers = tuple(int(number) for number in characters.split())
    return [OneShotRun(alphabet, numbers, *pair) for pair in drawers]


RUNS = (
    *_two_runs("Atlantean", "1 2 3 4 5 7 8 9 10 13 14 16 19 20 21 22 23 24 25 26", (5, 8), (3, 2)),
    *_two_runs("Ge_ez", "1 2 3 4 5 6 8 9 10 12 14 15 16 17 18 20 21 23 24 25", (3, 7), (4, 2)),
    *_two_runs(
        "Glagolitic", "1 2 3 5 6 7 14 17 18 19 20 21 26 28 31 34 36 37 40 43", (6, 4), (3, 2)
    ),
    *_two_runs(
        "Gurmukhi", "3 6 7 8 9 13 14 15 16 17 31 22 25 26 29 32 33 38 43 44", (5, 2), (8, 3)
    ),
    *_two_runs(
        "Kannada", "1 3 5 8 11 12 13 14 19 20 21 23 25 26 27 28 33 35 40 41", (2, 1), (8, 3)
    ),
    *_two_runs(
        "Malayalam", "2 4 5 9 13 14 15 16 17 19 20 21 22 25 27 29 30 37 43 46", (3, 7), (4, 2)
    ),
    *_two_runs(
        "Manipuri", "3 4 6 8 9 11 12 13 15 17 19 21 22 25 29 33 35 36 37 39", (8, 4), (7, 3)
    ),
    *_two_runs(
        "Old_Church_Slavonic_(Cyrillic)",
        "2 4 5 6 7 8 9 11 12 13 14 15 23 24 25 30 33 41 44 45",
        (4, 8),
        (1, 2),
    ),
    *_two_runs("Tengwar", "1 2 4 5 7 8 9 10 11 12 13 16 18 19 20 21 22 23 24 25", (1, 4), (8, 7)),
    *_two_runs("Tibetan", "1 2 3 5 6 7 8 9 11 13 14 15 21 22 24 33 35 36 38 41", (1, 3), (8, 5)),
)
