"""How far test sets lie from the training characters, and how far MAML is ahead on each.

`python -m benchmarks.studies.distance_from_training` measures it and writes the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maml_core.paths import ASSETS

DISTANCES_FILE = ASSETS / "distance_from_training.json"
DISTANCES = ("ink", "features")
SHAPES = ((5, 1), (20, 1))  # N and K
Measured = tuple[float, float]
"""A mean and the half-width of its 95 % confidence interval, of accuracies of 0 to 1."""


@dataclass(frozen=True)
class Comparison:
    """What all methods reach in the same episodes of a set, after the last inner step.

    Attributes:
        n_way: N.
        k_shot: K.
        episodes: How many.
        accuracy: Of each method, by name.
        lead: By how much MAML's is above that of each other method, paired by episode.
        weights: Each method's, see `results_table.shipped_weights`: others are measured again.
    """

    n_way: int
    k_shot: int
    episodes: int
    accuracy: Mapping[str, Measured]
    lead: Mapping[str, Measured]
    weights: Mapping[str, list[str]]


@dataclass(frozen=True)
class ShiftedSet:
    """One set of test characters.

    Attributes:
        name: What it is called.
        source: The data set that its pictures come or were made from.
        classes: How many.
        ink: Means over its pictures: the share of the picture that is ink, and the width of the
            lines and the longer side of the box around the ink as shares of the picture's side.
        distance: From the training characters, by kind, see `DISTANCES`; they are 1 from
            themselves.
        comparisons: By shape, those of `SHAPES` that the set has classes for.
    """

    name: str
    source: str
    classes: int
    ink: Mapping[str, float]
    distance: Mapping[str, float]
    comparisons: tuple[Comparison, ...]

    def comparison(self, n_way: int, k_shot: int = 1) -> Comparison | None:
        """Return what was measured of a shape, if it was."""
        shape = (n_way, k_shot)
        return next((c for c in self.comparisons if (c.n_way, c.k_shot) == shape), None)


@dataclass(frozen=True)
class Lead:
    """MAML's lead over one method on one set.

    Attributes:
        name: Of the set.
        distance: Of the set from the training characters.
        mean: Of the paired difference of accuracies, −1 to 1.
        ci95: Half-width of its 95 % confidence interval.
        accuracy: Of the other method, 0 to 1.
    """

    name: str
    distance: float
    mean: float
    ci95: float
    accuracy: float

    @property
    def sign(self) -> int:
        """Who is ahead: 1 MAML, −1 the other; 0 where 0 lies in the interval."""
        return int(np.sign(self.mean)) if abs(self.mean) > self.ci95 else 0

    @property
    def share_avoided(self) -> float:
        """Of the other method's errors the share that MAML has fewer; NaN where there are none.

        Where both have many, a lead of some points is little of them.
        """
        return self.mean / (1 - self.accuracy) if self.accuracy < 1 else math.nan


def leads_over(method: str, kind: str, n_way: int, sets: Sequence[ShiftedSet]) -> list[Lead]:
    """Return MAML's leads over a method at 1 shot, the nearest set first.

    Args:
        method: Its name.
        kind: One of `DISTANCES`.
        n_way: N.
        sets: Those on which the method was not measured are left out.
    """
    found = [(one, one.comparison(n_way)) for one in sets]
    leads = [
        Lead(one.name, one.distance[kind], *compared.lead[method], compared.accuracy[method][0])
        for one, compared in found
        if compared and method in compared.lead
    ]
    return sorted(leads, key=lambda lead: lead.distance)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation, −1 to 1; NaN where all of one are equal."""
    ranks = np.stack([_ranks(np.asarray(values, dtype=float)) for values in (first, second)])
    if (np.ptp(ranks, axis=1) == 0).any():
        return math.nan
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return each value's rank; equal ones share the mean of theirs."""
    below = (values[:, None] > values).sum(1)
    equal = (values[:, None] == values).sum(1)
    ranks: np.ndarray = below + (equal - 1) / 2
    return ranks


def load_shifted_sets(path: Path = DISTANCES_FILE) -> tuple[ShiftedSet, ...]:
    """Return all that was measured, in the order of the study; nothing without the file."""
    entries = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return tuple(
        ShiftedSet(**entry | {"comparisons": tuple(map(_comparison, entry["comparisons"]))})
        for entry in entries
    )


def _comparison(entry: dict[str, Any]) -> Comparison:
    pairs = {
        name: {method: tuple(pair) for method, pair in entry[name].items()}
        for name in ("accuracy", "lead")
    }
    return Comparison(**entry | pairs)


def save_shifted_sets(sets: Sequence[ShiftedSet], path: Path = DISTANCES_FILE) -> None:
    """Write what `load_shifted_sets` reads."""
    text = json.dumps([asdict(one) for one in sets], indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
