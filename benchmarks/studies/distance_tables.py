"""The tables of docs/experiments/distance-from-training.md, from what the study measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from benchmarks.studies.results_tables import fill, markdown_table
from maml_core.evaluation.confidence_intervals import percent
from maml_core.evaluation.training_distance import (
    DISTANCES,
    SHAPES,
    ShiftedSet,
    leads_over,
    rank_correlation,
)
from maml_core.methods.catalogue import BY_NAME
from maml_core.paths import PROJECT
from maml_core.teaching.sentences.training_distance import points

DOCUMENT = PROJECT / "docs" / "experiments" / "distance-from-training.md"
INK = ("share", "width", "side")


def write_document(sets: Sequence[ShiftedSet]) -> None:
    """Write the tables of the document anew."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(fill(text, tables(sets)), encoding="utf-8")


def tables(sets: Sequence[ShiftedSet]) -> dict[str, str]:
    """Return the document's tables in Markdown, by name."""
    by_n_way = {n_way: [s for s in sets if s.comparison(n_way)] for n_way, _ in SHAPES}
    found = {"distances": _distances(sets)}
    for n_way, measured in by_n_way.items():
        found[f"accuracy-{n_way}-way"] = _by_method(measured, n_way, "accuracy")
        found[f"lead-{n_way}-way"] = _by_method(measured, n_way, "lead")
        found[f"baseline-{n_way}-way"] = _beside_pretrained(measured, n_way)
    return found | {"correlations": _correlations(by_n_way)}


def _beside_pretrained(sets: Sequence[ShiftedSet], n_way: int) -> str:
    """Return the table of MAML's lead over pretraining, in points and of its errors."""
    by_name = {one.name: one for one in sets}
    rows = []
    for lead in leads_over("pretrained", DISTANCES[0], n_way, sets):
        one, comparison = by_name[lead.name], by_name[lead.name].comparison(n_way)
        assert comparison  # otherwise there was no lead
        pairs = [comparison.accuracy["maml"], comparison.accuracy["pretrained"]]
        cells = [f"{one.distance[kind]:.2f}" for kind in DISTANCES]
        cells += [percent(*pair) for pair in pairs]
        rows.append([one.name, *cells, points(lead), _signed(100 * lead.share_avoided, 0)])
    heading = ["set", *(f"distance by {kind}" for kind in DISTANCES), "MAML", "Pretrained"]
    return markdown_table([*heading, "lead, points", "lead, % of Pretrained's errors"], rows)


def _signed(value: float, digits: int) -> str:
    """Return a number with a minus sign as it is printed; – for none."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def _distances(sets: Sequence[ShiftedSet]) -> str:
    heading = ["set", "classes", "ink, %", "line, %", "longer side, %"]
    heading += [f"distance by {kind}" for kind in DISTANCES]
    rows = [
        [one.name, str(one.classes)]
        + [f"{100 * one.ink[name]:.1f}" for name in INK]
        + [f"{one.distance[kind]:.2f}" for kind in DISTANCES]
        for one in _nearest_first(sets)
    ]
    return markdown_table(heading, rows)


def _by_method(sets: Sequence[ShiftedSet], n_way: int, what: Literal["accuracy", "lead"]) -> str:
    """Return the table of the accuracies, or of MAML's leads, of all methods on some sets."""
    compared = {one.name: getattr(one.comparison(n_way), what) for one in _nearest_first(sets)}
    methods = [m for m in BY_NAME if any(m in values for values in compared.values())]
    rows = [
        [name, *(percent(*values[m]).replace("-", "−") if m in values else "–" for m in methods)]
        for name, values in compared.items()
    ]
    return markdown_table(["set", *(BY_NAME[m].short_label for m in methods)], rows)


def _nearest_first(sets: Sequence[ShiftedSet]) -> list[ShiftedSet]:
    return sorted(sets, key=lambda one: one.distance[DISTANCES[0]])


def _correlations(by_n_way: Mapping[int, Sequence[ShiftedSet]]) -> str:
    """Return the table of the rank correlations of MAML's leads with each distance."""
    columns = [(n_way, kind) for n_way in by_n_way for kind in DISTANCES]
    rows = []
    for method in BY_NAME:
        cells = []
        for n_way, kind in columns:
            leads = leads_over(method, kind, n_way, by_n_way[n_way])
            pairs = [(one.distance, one.mean) for one in leads]
            value = rank_correlation(*zip(*pairs, strict=True)) if len(pairs) > 1 else math.nan
            cells.append(_signed(value, 2))
        if set(cells) != {"–"}:
            rows.append([BY_NAME[method].short_label, *cells])
    return markdown_table(["MAML's lead over", *(f"{n}-way, {kind}" for n, kind in columns)], rows)
