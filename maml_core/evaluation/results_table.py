"""The table of results: which rows it has, how each is measured, and what others published."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from maml_core.config import CHALLENGE, OFFICIAL_RUNS, EpisodeSpec, EvaluationConfig
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.confidence import Estimate, percent, plus_minus
from maml_core.evaluation.published import PUBLISHED, PUBLISHED_RUNS, SHAPES
from maml_core.learners import checkpoints
from maml_core.methods.catalogue import METHODS, NEAREST, current_name
from maml_core.paths import ASSETS

RECORDED = ASSETS / "results.jsonl"
GRID_WAYS, GRID_SHOTS = (2, 3, 5, 10, 15, 20), (1, 2, 3, 5, 10)
QUERIES = 10
TABLE_SPLITS = ("alphabets", "paper")  # those that Omniglot's weights are trained on


@dataclass(frozen=True)
class Row:
    """One line of the table, on Omniglot's test characters.

    Attributes:
        method: What adapts, or one of `NEAREST`.
        split: 'alphabets' or 'paper'.
        spec: The episodes' shape.
        transductive: How queries are normalised, see `functional.query_logits`.
        rotation_tta: Whether the mean over four quarter turns answers, see `accuracy.evaluate`.
        ink_crops: Whether the pictures are looked at close up as well, likewise.
    """

    method: str
    split: str
    spec: EpisodeSpec
    transductive: bool = True
    rotation_tta: bool = False
    ink_crops: bool = False


def rows() -> list[Row]:
    """Return the table's rows for which weights are here, the most asked for first.

    MAML and the baseline at the literature's shapes; they and the nearest by features by the mean
    over four turns, and of one example a class close up as well; MAML and the baseline with each
    query alone; all in Omniglot's own challenge, likewise, in its official runs and drawn anew;
    MAML at every N and K; the other methods.
    """
    main = ("maml", "pretrained")
    # Pixels say the same at every turn.
    turned = (*main, *(method for method, by in NEAREST.items() if by))
    others = [method for method in (*METHODS, *NEAREST) if method not in main]
    usual = _shapes(main)
    found = usual + [replace(row, rotation_tta=True) for row in _shapes(turned)]
    few = (row for row in _shapes(turned) if row.spec.k_shot == 1)
    found += [replace(row, rotation_tta=True, ink_crops=True) for row in few]
    found += [replace(row, transductive=False) for row in usual if row.split == "alphabets"]
    challenge = [
        Row(method, "alphabets", spec, False)
        for spec in (OFFICIAL_RUNS, CHALLENGE)
        for method in (*main, *NEAREST)
    ]
    found += challenge
    found += [
        replace(row, rotation_tta=True, ink_crops=ink_crops)
        for ink_crops in (False, True)
        for row in challenge
        if row.method in turned
    ]
    found += [
        Row("maml", "alphabets", EpisodeSpec(n_way, k_shot, QUERIES))
        for n_way in GRID_WAYS
        for k_shot in GRID_SHOTS
        if (n_way, k_shot) not in SHAPES
    ]
    found += _shapes(others)
    return [row for row in found if _has_weights(row)]


def _shapes(methods: Iterable[str]) -> list[Row]:
    return [
        Row(method, split, EpisodeSpec(n_way, k_shot, QUERIES))
        for method in methods
        for split in TABLE_SPLITS
        for n_way, k_shot in SHAPES
    ]


def measure(row: Row, pool: TaskPool, config: EvaluationConfig) -> Iterator[Estimate]:
    """Yield a row's estimate on its `pool_of` as it grows, with the row's own views."""
    config = replace(config, transductive=row.transductive, rotation_tta=row.rotation_tta)
    if row.method in NEAREST:
        by = NEAREST[row.method]
        learner = checkpoints.shipped(by, row.split) if by else None
        return evaluate_nearest(learner, pool, row.spec, config)
    return evaluate(checkpoints.shipped(row.method, row.split), pool, row.spec, config)


def pool_of(split: str, ink_crops: bool = False) -> TaskPool:
    """Return the characters that a split's rows are measured on."""
    data = load("omniglot")
    return make_pool(data, split_classes(data, split, "test"), ink_crops=ink_crops)


def record(row: Row, found: Estimate, seed: int) -> dict[str, Any]:
    """Return a measured row as JSON values."""
    return {**identity(row), "seed": seed, **asdict(found)}


def identity(row: Row) -> dict[str, Any]:
    """Return what tells a row from the others, as JSON values."""
    told = asdict(row)
    return {**told.pop("spec"), **told}


def how(recorded_row: Mapping[str, Any]) -> str:
    """Return what follows the method's name where it does not answer as usual."""
    views = {"rotation_tta": ", rotation TTA", "ink_crops": " and ink crops"}
    return "".join(words for name, words in views.items() if recorded_row[name])


def beside_published(labels: Mapping[str, str], path: Path = RECORDED) -> list[dict[str, str]]:
    """Return the published table and under it this project's own rows, ready to be shown.

    Args:
        labels: How methods are called, by name.
        path: The recorded rows.
    """
    heads = {shape: f"{shape[0]}-way {shape[1]}-shot" for shape in SHAPES}
    ours: dict[tuple[str, str], dict[str, str]] = {}
    for row in sorted(recorded(path), key=how):
        shape = (row["n_way"], row["k_shot"])
        if shape in heads and row["transductive"] and not row["within_alphabet"]:
            name = _ours(row, labels)
            told = {"Method": name, "Split": row["split"], **dict.fromkeys(heads.values(), "–")}
            line = ours.setdefault((row["split"], name), told)
            line[heads[shape]] = percent(row["accuracy"][-1], row["ci95"][-1])
            line["Source"] = f"this project, n = {row['episodes']}"
    others = [
        {"Method": one.method, "Split": "paper"}
        | {heads[shape]: text for shape, text in one.accuracy.items()}
        | {"Source": one.source}
        for one in PUBLISHED
    ]
    return [*others, *ours.values()]


def _ours(row: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return a recorded row's name.

    Also where a phone shows no source, ours are not taken for their authors'.
    """
    return f"Ours: {labels.get(row['method'], row['method'])}{how(row)}"


def runs_beside_published(labels: Mapping[str, str], path: Path = RECORDED) -> list[dict[str, str]]:
    """Return who errs how often in the twenty official runs, the best first, ready to be shown.

    Args:
        labels: How methods are called, by name.
        path: The recorded rows.
    """
    found = [(error, f"{error}", name, source) for name, error, source in PUBLISHED_RUNS]
    for row in recorded(path):
        if row["official"]:
            error = 100 - 100 * row["accuracy"][-1]
            told = plus_minus(error, 100 * row["ci95"][-1])
            source = f"this project, n = {row['episodes']} runs"
            found.append((error, told, _ours(row, labels), source))
    heads = ("Error in %", "Method", "Source")  # a phone shows the first two
    return [dict(zip(heads, line, strict=True)) for _, *line in sorted(found)]


def recorded(path: Path = RECORDED) -> list[dict[str, Any]]:
    """Return the rows that were measured for docs/results.md; none where there is no such file."""
    if not path.is_file():
        return []
    found = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [{n: current_name(v) if n == "method" else v for n, v in row.items()} for row in found]


def _has_weights(row: Row) -> bool:
    method = NEAREST.get(row.method, row.method)
    return method in (None, "random") or checkpoints.is_shipped(method, row.split)
