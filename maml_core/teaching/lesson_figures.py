"""Figures that lessons quote, of the characters that are present."""

from __future__ import annotations

import json
from pathlib import Path

from maml_core.evaluation.confidence_intervals import percent
from maml_core.evaluation.training_distance import DISTANCES, leads_over, load_shifted_sets
from maml_core.methods.catalogue import BY_NAME
from maml_core.paths import ASSETS
from maml_core.teaching.sentences.training_distance import points, share_of_errors

LESSONS = ASSETS / "lessons"
FIGURES = LESSONS / "figures.json"  # written by `python -m benchmarks.studies.lesson_figures`
DATASETS = {"omniglot": "Omniglot", "glyphs": "the glyphs"}  # and what a text calls them
# Of the linked episodes, in which MAML leads after one step; lessons give the means beside them.
SEEDS = {"omniglot": 3, "glyphs": 11}


def figures_of(dataset: str, path: Path = FIGURES) -> dict[str, str]:
    """Return all that a lesson may quote of a data set, texts by name."""
    measured = json.loads(path.read_text(encoding="utf-8"))[dataset]
    return {"characters": DATASETS[dataset], **measured, **distance_figures()}


def distance_figures() -> dict[str, str]:
    """Return what 5-way 1-shot episodes gave on characters near and far; the same for all data."""
    sets = load_shifted_sets()
    figures = {}
    for one in sets:
        found = one.comparison(5)
        for method, value in found.accuracy.items() if found else ():
            figures[f"{one.name}: {method} accuracy"] = f"{percent(*value)} %"
    for method in BY_NAME:
        for lead in leads_over(method, DISTANCES[0], 5, sets):
            figures[f"{lead.name}: lead over {method}"] = points(lead)
            figures[f"{lead.name}: lead in errors of {method}"] = share_of_errors(lead)
    return figures
