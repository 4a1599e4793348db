"""The episodes that the app opens on, and how typical one episode is of many.

A single episode can show the opposite of the mean. So the app opens on one whose contrast is near
the mean, and says of each episode of a measured shape where it lies. What is measured is a
`Contrast`, in `assets/openings.json`; `python -m benchmarks.studies.openings` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from maml_core.config import EpisodeSpec
from maml_core.paths import ASSETS

OPENINGS_FILE = ASSETS / "openings.json"
Kind = Literal["episode", "replay", "round"]
WORDS = {  # of the two that a contrast compares, and of one measurement
    "episode": ("MAML", "pretraining", "episode"),
    "replay": ("the last point", "the first", "episode"),
    "round": ("MAML", "pretraining", "round"),
}
QUESTIONS = 10  # in a round


@dataclass(frozen=True)
class Spread:
    """A mean over many, and how far single ones lie from it. All are accuracies, 0 to 1.

    Attributes:
        mean: Over all.
        ci95: Half-width of its 95 % confidence interval.
        sd: Standard deviation of single ones.
    """

    mean: float
    ci95: float
    sd: float


@dataclass(frozen=True)
class Contrast:
    """Two accuracies on the same test episodes after an inner step, and their difference.

    Attributes:
        kind: 'episode': MAML against the pretrained network, queries normalised together.
            'replay': the same episodes, the last against the first point of the recorded
            meta-training. 'round': MAML against the pretrained network in rounds of Play, each of
            ten questions, each query alone.
        spec: The episodes' shape.
        step: After how many inner steps.
        count: How many episodes or rounds.
        first: The accuracy of the one that should be ahead.
        second: Of the other.
        difference: First minus second, of each episode or round.
        share_ahead: In what share of them the first is ahead.
    """

    kind: Kind
    spec: EpisodeSpec
    step: int
    count: int
    first: Spread
    second: Spread
    difference: Spread
    share_ahead: float

    def deviation(self, first: float, second: float) -> float:
        """Return how many standard deviations a difference lies above the mean one."""
        return (first - second - self.difference.mean) / self.difference.sd


@dataclass(frozen=True)
class Opening:
    """What the app opens on for one data set, and what was measured on its test characters.

    Attributes:
        seed: Of the episode of every page and of the rounds of Play.
        contrasts: All that were measured.
    """

    seed: int
    contrasts: tuple[Contrast, ...]

    def contrast(self, kind: Kind, spec: EpisodeSpec, step: int) -> Contrast | None:
        """Return what was measured of a kind, shape and inner step; None if nothing was."""
        wanted = (kind, spec, step)
        return next((c for c in self.contrasts if (c.kind, c.spec, c.step) == wanted), None)


@cache
def load_openings(path: Path = OPENINGS_FILE) -> Mapping[str, Opening]:
    """Return the openings by the name of their data set."""
    return {
        dataset: Opening(entry["seed"], tuple(map(_contrast, entry["contrasts"])))
        for dataset, entry in json.loads(path.read_text(encoding="utf-8")).items()
    }


def save_openings(openings: Mapping[str, Opening], path: Path = OPENINGS_FILE) -> None:
    """Write what `load_openings` reads: a line for each contrast."""
    blocks = []
    for dataset, opening in openings.items():
        lines = ",\n".join(f"    {json.dumps(asdict(one))}" for one in opening.contrasts)
        head = f'  {json.dumps(dataset)}: {{"seed": {opening.seed}, "contrasts": [\n'
        blocks.append(f"{head}{lines}\n  ]}}")
    path.write_text("{\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


def typicality(
    contrast: Contrast, first: float, second: float, on_omniglot: Contrast | None = None
) -> str:
    """Say how typical one episode or round is of the many that were measured.

    Args:
        contrast: The measurement.
        first: The accuracy of the one that should be ahead, here, 0 to 1.
        second: Of the other, here.
        on_omniglot: The same measurement there, for other characters; where the difference is
            larger there, that is said too.
    """
    ahead, behind, unit = WORDS[contrast.kind]
    in_round = contrast.kind == "round"
    scale, percent = (QUESTIONS, "") if in_round else (100, " %")
    digits = 0 if in_round else 1

    def mean(spread: Spread) -> str:
        return f"{scale * spread.mean:.1f} ± {scale * spread.ci95:.1f}{percent}"

    steps = "one inner step" if contrast.step == 1 else f"{contrast.step} inner steps"
    right = f"of {QUESTIONS} right" if in_round else "right"
    here = f"{scale * first:.{digits}f} and {scale * second:.{digits}f}{percent}"
    text = (
        f"In {contrast.count:,} {unit}s of this kind, after {steps}, {ahead} has "
        f"{mean(contrast.first)} {right} and {behind} {mean(contrast.second)}; in this one it is "
        f"{here}: {_verdict(contrast, first, second)}."
    )
    if on_omniglot and on_omniglot.difference.mean > contrast.difference.mean:
        points = "" if in_round else " points"
        text += (
            f" On Omniglot the gap is wider: {scale * on_omniglot.difference.mean:.1f}{points} on "
            f"average instead of {scale * contrast.difference.mean:.1f}."
        )
    return text


def _verdict(contrast: Contrast, first: float, second: float) -> str:
    deviation = contrast.deviation(first, second)
    ahead, behind, unit = WORDS[contrast.kind]
    if abs(deviation) <= 1:
        return "**typical**"
    if first < second:
        return (
            f"**untypical**, {behind} is ahead; {ahead} is ahead in "
            f"{100 * contrast.share_ahead:.0f} % of the {unit}s"
        )
    far = "far " if abs(deviation) > 2 else ""
    return f"a gap **{far}{'wider' if deviation > 0 else 'narrower'} than usual**"


def _contrast(entry: Mapping[str, Any]) -> Contrast:
    spreads = {name: Spread(**entry[name]) for name in ("first", "second", "difference")}
    return Contrast(**{**entry, **spreads, "spec": EpisodeSpec(**entry["spec"])})
