"""The results table: its rows, how each is measured, and the published numbers next to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from maml_core.config import CHALLENGE, OFFICIAL_RUNS, EpisodeSpec, EvaluationConfig
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import count_available_episodes
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest, own_steps
from maml_core.evaluation.confidence_intervals import Estimate, percent, plus_minus
from maml_core.evaluation.ensembles import (
    ENSEMBLE,
    TABLE_ENSEMBLES,
    are_shipped,
    describe_ensemble,
    shipped_member,
)
from maml_core.evaluation.published import (
    CONV4,
    NOT_SAID,
    PUBLISHED,
    PUBLISHED_RUNS,
    SHAPES,
    Conditions,
)
from maml_core.evaluation.records import (
    ERRORS,
    FINGERPRINTS,
    RESULTS_FILE,
    Record,
    load_records,
    of_first_episodes,
)
from maml_core.learners import checkpoints
from maml_core.methods.catalogue import BY_NAME, METHODS, NEAREST, weights_of

GRID_WAYS, GRID_SHOTS = (2, 3, 5, 10, 15, 20), (1, 2, 3, 5, 10)
QUERIES = 10
MAIN = ("maml", "pretrained", "protonet", "nearest-features")  # whose differences are told
MAIN_EPISODES, EPISODES = 3_000, 600  # of their literature rows, and of all other rows
TRAINING_CHARACTERS = {"alphabets": "856", "paper": "1,100"}  # before they are turned
TABLE_SPLITS = ("alphabets", "paper")  # those that there are shipped weights for


@dataclass(frozen=True)
class Row:
    """One evaluation on Omniglot's test characters.

    Attributes:
        method: One of `METHODS` or `NEAREST`, or `ENSEMBLE`.
        split: 'alphabets' or 'paper'.
        spec: The episodes' shape.
        transductive: How queries are normalised, see `functional.query_logits`.
        rotation_tta: Whether the logits are averaged over four rotations, see `Episode.views`.
        ink_crops: Whether they are also averaged over the ink crops, likewise.
        members: Of an ensemble, their names, see `ensembles.shipped_member`.
    """

    method: str
    split: str
    spec: EpisodeSpec
    transductive: bool = True
    rotation_tta: bool = False
    ink_crops: bool = False
    members: tuple[str, ...] = ()

    @property
    def episodes(self) -> int:
        """How many episodes the table's row is measured on."""
        main = self in _main_rows()
        return MAIN_EPISODES if main else count_available_episodes(self.spec, EPISODES)


def table_rows() -> list[Row]:
    """Return the table's rows for which there are weights, the most important first.

    1. The main methods at the literature's shapes.
    2. MAML, the baseline and the nearest neighbours on features with rotation TTA; at 1 shot with
       ink crops too.
    3. MAML and the baseline with each query classified alone.
    4. Omniglot's challenge, its official runs and sampled ones, also with TTA.
    5. MAML at every N and K.
    6. The other methods.
    7. The ensembles, also with both.
    """
    two = ("maml", "pretrained")
    alone = [row for row in _literature_rows(two) if row.split == "alphabets"]
    others = [method for method in (*METHODS, *NEAREST) if method not in MAIN]
    rows = [
        *_main_rows(),
        *_augmented_literature_rows(two),
        *(replace(row, transductive=False) for row in alone),
        *_challenge_rows(two),
        *_grid_rows(),
        *_literature_rows(others),
        *_ensemble_rows(),
    ]
    return [row for row in rows if _has_weights(row)]


def _main_rows() -> list[Row]:
    """Return the rows that differences are told of, those of the same episodes together."""

    def place(row: Row) -> tuple[bool, int, int]:
        return row.split != "paper", row.spec.k_shot, row.spec.n_way

    return sorted(_literature_rows(MAIN), key=place)


def _with_features(main: tuple[str, ...]) -> tuple[str, ...]:
    """Return the methods that test-time augmentation can help; on pixels it changes nothing."""
    return (*main, *(method for method, features_of in NEAREST.items() if features_of))


def _augmented_literature_rows(main: tuple[str, ...]) -> list[Row]:
    rows = [replace(row, rotation_tta=True) for row in _literature_rows(_with_features(main))]
    return rows + [replace(row, ink_crops=True) for row in rows if row.spec.k_shot == 1]


def _challenge_rows(main: tuple[str, ...]) -> list[Row]:
    rows = [
        Row(method, "alphabets", spec, transductive=False)
        for spec in (OFFICIAL_RUNS, CHALLENGE)
        for method in (*main, *NEAREST)
    ]
    return rows + [
        replace(row, rotation_tta=True, ink_crops=ink_crops)
        for ink_crops in (False, True)
        for row in rows
        if row.method in _with_features(main)
    ]


def _grid_rows() -> list[Row]:
    return [
        Row("maml", "alphabets", EpisodeSpec(n_way, k_shot, QUERIES))
        for n_way in GRID_WAYS
        for k_shot in GRID_SHOTS
        if (n_way, k_shot) not in SHAPES
    ]


def _ensemble_rows() -> list[Row]:
    rows = [
        replace(row, split=split, members=members)
        for split, ensembles in TABLE_ENSEMBLES.items()
        for members in ensembles
        for row in _literature_rows([ENSEMBLE])
        if row.split == split
    ]
    return rows + [replace(row, rotation_tta=True, ink_crops=True) for row in rows]


def _literature_rows(methods: Iterable[str]) -> list[Row]:
    return [
        Row(method, split, EpisodeSpec(n_way, k_shot, QUERIES))
        for method in methods
        for split in TABLE_SPLITS
        for n_way, k_shot in SHAPES
    ]


def measure_row(row: Row, pool: TaskPool, config: EvaluationConfig) -> Iterator[Estimate]:
    """Yield a row's growing estimate on a pool; the row sets normalisation and views.

    Who takes no step has one accuracy.
    """
    config = replace(config, transductive=row.transductive, rotation_tta=row.rotation_tta)
    if row.method in NEAREST:
        features_of = NEAREST[row.method]
        learner = checkpoints.shipped(features_of, row.split) if features_of else None
        return evaluate_nearest(learner, pool, row.spec, config)
    if row.members:
        learners = [shipped_member(name, row.split) for name in row.members]
    else:
        learners = [checkpoints.shipped(row.method, row.split)]
    return evaluate(learners, pool, row.spec, own_steps(learners, config))


def omniglot_test_pool(split: str, ink_crops: bool = False) -> TaskPool:
    """Return Omniglot's test characters of a split, which its rows are measured on."""
    data = load("omniglot")
    return make_pool(data, split_classes(data, split, "test"), ink_crops=ink_crops)


def to_record(row: Row, estimate: Estimate, seed: int) -> Record:
    """Return a measured row as a line of the results file, in JSON values."""
    weights = shipped_weights(row.method, row.split, row.members)
    record = {**row_key(row), "seed": seed, FINGERPRINTS: weights, **estimate.summary()}
    if estimate.by_episode is None:
        return record
    queries = row.spec.n_way * row.spec.q_query
    errors = queries * (1 - estimate.by_episode[:, -1].double())
    return {**record, ERRORS: errors.round().int().tolist()}


def row_key(row: Row) -> Record:
    """Return the fields that identify a row, in JSON values."""
    fields = asdict(row)
    return {**fields.pop("spec"), **fields, "members": list(row.members)}


def shipped_weights(method: str, split: str, members: Iterable[str] = ()) -> list[str]:
    """Return the fingerprints of the weights that a row is measured with, [] for pixels."""
    features_of = (weights_of(name) for name in members or (method,))
    found = (checkpoints.shipped_fingerprint(name, split) for name in features_of if name)
    return [fingerprint for fingerprint in found if fingerprint]


def views_suffix(record: Mapping[str, Any]) -> str:
    """Return what follows the method's label in a row with test-time augmentation."""
    views = {"rotation_tta": ", rotation TTA", "ink_crops": " and ink crops"}
    return "".join(suffix for name, suffix in views.items() if record[name])


def label_of(record: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return what a recorded row is called, its views with it."""
    members = [labels.get(name, name) for name in record["members"]]
    label = labels.get(record["method"], record["method"])
    return (describe_ensemble(members) if members else label) + views_suffix(record)


def _with_first_episodes(records: Iterable[Record]) -> Iterator[tuple[Record, str]]:
    """Yield the rows in the table's order, MAML's also of `EPISODES` alone, and what says so."""
    for record in sorted(records, key=_place):
        yield record, ""
        is_longer = record["method"] == "maml" and record["episodes"] > EPISODES
        if is_longer and (first := of_first_episodes(record, EPISODES)):
            yield first, f", first {EPISODES} episodes"


def _place(record: Mapping[str, Any]) -> tuple[str, int, int]:
    """Return what orders the table: views, the split of the published first, then the catalogue."""
    splits, methods = [*reversed(TABLE_SPLITS), record["split"]], [*BY_NAME, record["method"]]
    return views_suffix(record), splits.index(record["split"]), methods.index(record["method"])


def accuracy_table(labels: Mapping[str, str], path: Path = RESULTS_FILE) -> list[dict[str, str]]:
    """Return the published accuracies and below them this project's, as rows by column heading.

    MAML has a second row, of its first episodes alone: rows with no more are to be compared with
    that.

    Args:
        labels: The methods' labels, by name.
        path: The results file.

    Raises:
        RecordError: It cannot be read.
    """
    headings = {shape: f"{shape[0]}-way {shape[1]}-shot" for shape in SHAPES}
    published = [
        {"Method": result.method, "Split": "paper"}
        | {headings[shape]: text for shape, text in result.accuracy.items()}
        | result.conditions.columns()
        | {"Source": result.source}
        for result in PUBLISHED
    ]
    measured: dict[tuple[str, str], dict[str, str]] = {}
    numbers: dict[tuple[str, str], set[int]] = {}
    for record, of_first in _with_first_episodes(load_records(path, complete=True)):
        shape, split = (record["n_way"], record["k_shot"]), record["split"]
        if shape in headings and record["transductive"] and not record["within_alphabet"]:
            label = _own_label(record, labels) + of_first
            empty = {"Method": label, "Split": split, **dict.fromkeys(headings.values(), "–")}
            row = measured.setdefault((split, label), empty | _conditions(record).columns())
            row[headings[shape]] = percent(record["accuracy"][-1], record["ci95"][-1])
            numbers.setdefault((split, label), set()).add(record["episodes"])
            n = " or ".join(map(str, sorted(numbers[split, label])))
            row["Source"] = f"this project, n = {n}"
    return [*published, *measured.values()]


def _conditions(record: Mapping[str, Any]) -> Conditions:
    """Return what a result of this project rests on."""
    if members := record["members"]:
        alone = [_conditions({**record, "method": name, "members": []}) for name in members]
        networks = dict.fromkeys(one.network for one in alone)
        return replace(alone[0], network=", ".join(networks), models=str(len(members)))
    method = weights_of(record["method"])
    views = str((4 if record["rotation_tta"] else 1) * (2 if record["ink_crops"] else 1))
    if method is None:  # on pixels
        return Conditions("none", "none", "none", "alone", views)
    trained = "none" if method == "random" else TRAINING_CHARACTERS.get(record["split"], NOT_SAID)
    network = "ResNet" if method == "resnet" else CONV4
    return Conditions(network, trained, "1", "together", views)


def _own_label(record: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return the label of a result of this project.

    "Ours" tells it from the published result even on a phone, which does not show the source.
    """
    return f"Ours: {label_of(record, labels)}"


def official_runs_table(
    labels: Mapping[str, str], path: Path = RESULTS_FILE
) -> list[dict[str, str]]:
    """Return the error rates in the official runs, the lowest first, as rows by column heading.

    Args:
        labels: The methods' labels, by name.
        path: The results file.

    Raises:
        RecordError: It cannot be read.
    """
    rows = [(error, f"{error}", method, source) for method, error, source in PUBLISHED_RUNS]
    for record in load_records(path, complete=True):
        if record["official"]:
            error = 100 - 100 * record["accuracy"][-1]
            text = plus_minus(error, 100 * record["ci95"][-1])
            source = f"this project, n = {record['episodes']} runs"
            rows.append((error, text, _own_label(record, labels), source))
    headings = ("Error in %", "Method", "Source")  # a phone shows the first two
    return [dict(zip(headings, row, strict=True)) for _, *row in sorted(rows)]


def _has_weights(row: Row) -> bool:
    if row.members:
        return are_shipped(row.members, row.split)
    return checkpoints.can_answer(row.method, row.split)
