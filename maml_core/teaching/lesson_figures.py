"""Figures that lessons quote, of the characters that are present."""

from __future__ import annotations

import json
from pathlib import Path

from maml_core.paths import ASSETS

LESSONS = ASSETS / "lessons"
FIGURES = LESSONS / "figures.json"  # written by `python -m benchmarks.studies.lesson_figures`
DATASETS = {"omniglot": "Omniglot", "glyphs": "the glyphs"}  # and what a text calls them
# Of the linked episodes, in which MAML leads after one step; lessons give the means beside them.
SEEDS = {"omniglot": 3, "glyphs": 11}


def figures_of(dataset: str, path: Path = FIGURES) -> dict[str, str]:
    """Return all that a lesson may quote of a data set, texts by name."""
    measured = json.loads(path.read_text(encoding="utf-8"))[dataset]
    return {"characters": DATASETS[dataset], **measured}
