"""The commands that measure: `evaluate`, and `choose-inner-lr` on validation classes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from tqdm import tqdm

from maml_core.cli.measured_learners import (
    STILL,
    adapting_learner,
    check_options,
    learners_of,
    refuse_inner_loop,
    why_no_step,
)
from maml_core.cli.options import from_options
from maml_core.cli.parser import EVALUATION_STEPS
from maml_core.cli.printed_results import print_result
from maml_core.cli.typed_options import refuse_options
from maml_core.config import OFFICIAL_RUNS, EpisodeSpec, EvaluationConfig
from maml_core.data.character_set import CharacterSet
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.data.storage.disk_cache import check_writable
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import count_available_episodes
from maml_core.evaluation import records, results_table
from maml_core.evaluation.accuracy import (
    evaluate,
    evaluate_nearest,
    own_steps,
    pictures_passed,
)
from maml_core.evaluation.confidence_intervals import Estimate, differences_by_step
from maml_core.evaluation.ensembles import ENSEMBLE
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import (
    describe_seen,
    seen_in_training,
    splits_trained_on,
)
from maml_core.methods.catalogue import NEAREST
from maml_core.optimisation.distributed import check_same, from_first, is_first, joined
from maml_core.optimisation.thread_pool import in_processes
from maml_core.training import inner_lr_search
from maml_core.training.saved_state import fingerprint
from maml_core.training.training_run import TrainingRun

DATA_OPTIONS = ("dataset", "split", "split_seed", "part")
ANSWER_OPTIONS = ("transductive", "rotation_tta", "ink_crops", "seed")
OF_ALL = ("only", "record")
OF_EACH_ROW = ("steps", "episodes", "seed")
MANY_PICTURES = 300_000  # passed through a network: half a minute of a core


def measure(parsed: argparse.Namespace) -> None:
    """Print accuracies, of all rows of the table or of what the options describe.

    Started by torchrun, the processes share out the episodes and the first one prints and writes.
    """
    with joined():
        if parsed.all:
            others = parsed.typed - {"doing", "all", "json", *OF_ALL, *OF_EACH_ROW}
            refuse_options(parsed, "--all measures the table's rows as they are", *sorted(others))
            _evaluate_all(parsed)
        else:
            refuse_options(parsed, "The table's rows are not measured without --all", *OF_ALL)
            check_options(parsed)
            _evaluate_one(parsed)


def _evaluate_one(parsed: argparse.Namespace) -> None:
    spec = OFFICIAL_RUNS if parsed.official else from_options(EpisodeSpec, parsed)
    wanted = results_table.EPISODES if parsed.episodes is None else parsed.episodes
    episodes = count_available_episodes(spec, wanted)
    data = load(parsed.dataset)
    if data.notice and is_first():
        print(data.notice, file=sys.stderr)
    _check_same(data)
    learners = from_first(lambda: learners_of(parsed, data))
    classes = split_classes(data, parsed.split, parsed.part, parsed.split_seed)
    seen = max((_check_seen(parsed, one, data, parsed.part) for one in learners), default=0)
    pool = make_pool(data, classes, ink_crops=parsed.ink_crops)
    config = EvaluationConfig(
        inner_steps=_steps(parsed),
        episodes=episodes,
        seed=parsed.seed,
        inner_lr=parsed.inner_lr,
        transductive=parsed.transductive,
        rotation_tta=parsed.rotation_tta,
    )
    about, inner_lr, last = _measured(parsed, learners, pool, spec, config)
    result = {
        **about,
        **{name: getattr(parsed, name) for name in DATA_OPTIONS},
        "classes": len(classes),
        "seen_in_training": seen,
        **asdict(spec),
        **{name: getattr(parsed, name) for name in ANSWER_OPTIONS},
        "episodes": last.episodes,
        "inner_lr": inner_lr,
        "accuracy": last.accuracy,
        "ci95": last.ci95,
    }
    if parsed.minus:
        result |= _difference(parsed, data, pool, spec, config, last)
    if is_first():
        print_result(result, parsed.json)


def _measured(
    parsed: argparse.Namespace,
    learners: list[Learner],
    pool: TaskPool,
    spec: EpisodeSpec,
    config: EvaluationConfig,
) -> tuple[dict[str, object], float | None, Estimate]:
    """Measure what the options name; return what it is, its α if it has one, and the estimate."""
    nearest = parsed.method in NEAREST and not parsed.ensemble
    method = parsed.method if nearest else learners[0].method
    about = {"method": ENSEMBLE, "members": parsed.ensemble} if parsed.ensemble else {}
    inner_lr = None
    if nearest:
        stream = evaluate_nearest(learners[0] if learners else None, pool, spec, config)
    else:
        if all(one.solve_head for one in learners):
            refuse_inner_loop(parsed, why_no_step(learners))
        elif config.inner_lr or len(learners) == 1:  # of several each has its own
            inner_lr = config.inner_lr or learners[0].inner_lr(spec.n_way)
        stream = evaluate(learners, pool, spec, own_steps(learners, config))
    steps = [not (nearest or one.solve_head) for one in learners] or [False]
    pictures = sum(
        pictures_passed(spec, config, ink_crops=parsed.ink_crops, takes_steps=one) for one in steps
    )
    about = about or {"method": method}
    return about, inner_lr, _last(stream, config.episodes, str(about["method"]), pictures)


def _difference(
    parsed: argparse.Namespace,
    data: CharacterSet,
    pool: TaskPool,
    spec: EpisodeSpec,
    config: EvaluationConfig,
    first: Estimate,
) -> dict[str, object]:
    """Measure `--minus` on the same episodes; return the paired difference after each step.

    A method that takes no step has one accuracy, which is compared with each of the other's.
    """
    unset = dict.fromkeys(("weights", "model", "inner_lr", "ensemble"))
    minus = {"method": parsed.minus, "minus": None, "typed": frozenset()}
    other = argparse.Namespace(**{**vars(parsed), **unset, **minus})
    learners = from_first(lambda: learners_of(other, data))
    for learner in learners:
        _check_seen(other, learner, data, parsed.part)
    *_, second = _measured(other, learners, pool, spec, replace(config, inner_lr=None))
    means, halves = differences_by_step(first, second) or ((), ())
    return {"minus": parsed.minus, "difference": means, "difference_ci95": halves}


def _steps(parsed: argparse.Namespace) -> int:
    return EVALUATION_STEPS if parsed.steps is None else int(parsed.steps)


def _check_seen(parsed: argparse.Namespace, learner: Learner, data: CharacterSet, part: str) -> int:
    """Return how many classes of a part the weights were trained on; warn if it is allowed.

    Raises:
        ValueError: They were trained on some, and --allow-seen was not given.
    """
    split = parsed.split, part, parsed.split_seed
    sentence = describe_seen(learner.provenance, data, *split)
    if sentence and not parsed.allow_seen:
        raise ValueError(
            f"{sentence} Accuracy on those says nothing about new classes. Choose the split and "
            "seed of the weights, other weights, or --allow-seen."
        )
    if sentence and is_first():
        print(f"WARNING: {sentence.upper()}", file=sys.stderr)
    classes = split_classes(data, parsed.split, part, parsed.split_seed)
    return len(seen_in_training(splits_trained_on(learner.provenance), data, classes))


def _evaluate_all(parsed: argparse.Namespace) -> None:
    """Measure and print the table's rows, except those that `--record` has."""
    test_pool = cache(_checked_pool)
    for row in from_first(lambda: _rows_to_measure(parsed)):
        episodes = _row_episodes(row, parsed)
        config = EvaluationConfig(_steps(parsed), episodes, parsed.seed)
        stream = results_table.measure_row(row, test_pool(row.split, row.ink_crops), config)
        pictures = sum(
            pictures_passed(row.spec, config, ink_crops=row.ink_crops, takes_steps=one)
            for one in [name not in STILL for name in row.members or (row.method,)]
        )
        last = _last(stream, episodes, f"{row.method}, {row.split}", pictures)
        if is_first():
            measured = results_table.to_record(row, last, parsed.seed)
            print_result(measured, parsed.json)
            if parsed.record:
                records.append_record(parsed.record, measured)


def _rows_to_measure(parsed: argparse.Namespace) -> list[results_table.Row]:
    """Return the table's rows, or those of `--only`, without those that `--record` has.

    That file is made ready.
    """
    before = []
    if parsed.record:
        before = records.load_records(parsed.record)
        _check_recorded_steps(parsed, before)
        records.prepare_to_append(parsed.record)  # now, not after the first row

    def is_measured(row: results_table.Row) -> bool:
        weights = results_table.shipped_weights(row.method, row.split, row.members)
        same = {**results_table.row_key(row), "seed": parsed.seed, records.FINGERPRINTS: weights}
        return any(
            same.items() <= recorded.items() and recorded["episodes"] >= _row_episodes(row, parsed)
            for recorded in before
        )

    rows = results_table.table_rows()
    wanted = parsed.only or {row.method for row in rows}
    return [row for row in rows if row.method in wanted and not is_measured(row)]


def _check_recorded_steps(parsed: argparse.Namespace, before: Iterable[records.Record]) -> None:
    """Raise `ValueError` if rows of `--record` end with another inner step than new ones would."""
    others = {len(row["accuracy"]) - 1 for row in before if "accuracy" in row} - {0, _steps(parsed)}
    if others:
        raise ValueError(
            f"{parsed.record} has rows that were measured over {min(others)} inner steps, not over "
            f"{_steps(parsed)}; say --steps {min(others)}, or name another file."
        )


def _row_episodes(row: results_table.Row, parsed: argparse.Namespace) -> int:
    """Return how many episodes a row of the table is measured on; --episodes may say it."""
    if parsed.episodes is None:
        return row.episodes
    return count_available_episodes(row.spec, parsed.episodes)


def _checked_pool(split: str, ink_crops: bool) -> TaskPool:
    pool = results_table.omniglot_test_pool(split, ink_crops)
    _check_same(pool.data)
    return pool


def _check_same(data: CharacterSet) -> None:
    check_same(f"pictures or classes of {data.name}", lambda: fingerprint(data))


def _last(stream: Iterable[Estimate], episodes: int, description: str, pictures: int) -> Estimate:
    """Return the last estimate of a stream while a bar shows the progress."""
    hidden = None if is_first() else True  # None: only where nobody watches
    where = in_processes() if pictures > MANY_PICTURES else nullcontext()
    with where, tqdm(total=episodes, desc=description, unit="episode", disable=hidden) as bar:
        for estimate in stream:
            bar.update(estimate.episodes - bar.n)
    return estimate


def choose_inner_lr(parsed: argparse.Namespace) -> None:
    """Print α by N as chosen on validation classes, and keep it in the weights file if given.

    Started by torchrun, the processes share out the episodes and the first one prints and writes.
    """
    with joined():
        inner_lrs = _inner_lrs(parsed)
    if not is_first():
        return
    if parsed.weights:
        checkpoint = checkpoints.load_weights(parsed.weights)
        chosen = {"inner_lrs": inner_lrs, "inner_lrs_command": parsed.command}
        checkpoints.save_weights(
            parsed.weights,
            checkpoints.Checkpoint(checkpoint.params, {**checkpoint.metadata, **chosen}),
        )
    print(json.dumps(inner_lrs))


def _inner_lrs(parsed: argparse.Namespace) -> dict[str, float]:
    run = TrainingRun(Path(), parsed.dataset, parsed.split, parsed.split_seed)
    validation = run.pool("validation")
    _check_same(validation.data)
    learner = from_first(lambda: adapting_learner(parsed, validation.data))
    _check_seen(parsed, learner, validation.data, "validation")
    if learner.solve_head is not None:
        raise ValueError(f"{why_no_step([learner])}, so there is no alpha to choose.")
    if parsed.weights and is_first():
        check_writable(parsed.weights)  # now, not after minutes
    return inner_lr_search.best_inner_lrs(learner, validation)
