"""The numbers of charts as CSV, to take away.

A file is one table without comment lines: what was measured, then what it was measured with, the
same in every row, so that a row stands for itself wherever it is copied to.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from maml_core.evaluation.confidence_intervals import Estimate, differences_by_step
from maml_core.evaluation.ensembles import ENSEMBLE
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.landscape.loss_maps import Grid
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate
from maml_core.teaching.sinusoids.training import ValidationErrors
from maml_core.training.background.job import Progress, Validation
from maml_core.training.code_version import code_version

Facts = Mapping[str, object]


def trajectories_csv(trajectories: Sequence[AdaptationTrajectory], facts: Facts) -> str:
    """Return one line a method and inner step: losses in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = [
        (r.method, alpha, step, r.support_loss[step], r.query_loss[step], r.accuracy[step])
        for r in trajectories
        for alpha in ("" if math.isnan(r.inner_lr) else r.inner_lr,)  # who takes no step has none
        for step in range(len(r.accuracy))
    ]
    head = ("method", "inner_lr", "inner_step", "support_loss", "query_loss", "query_accuracy")
    return _csv([head, *rows], facts)


def replay_csv(trajectories: Mapping[int, AdaptationTrajectory], facts: Facts) -> str:
    """Return one line a meta-update and inner step: losses in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = [
        (update, r.inner_lr, step, r.support_loss[step], r.query_loss[step], r.accuracy[step])
        for update, r in trajectories.items()
        for step in range(len(r.accuracy))
    ]
    head = ("meta_update", "inner_lr", "inner_step", "support_loss", "query_loss", "query_accuracy")
    return _csv([head, *rows], facts)


def training_csv(
    progress: Sequence[Progress], validations: Sequence[Validation], facts: Facts
) -> str:
    """Return one line a number of a live training, by update and, of accuracy, inner step.

    Meta-loss in nats, accuracy 0 to 1 with its 95 % CI over n episodes.
    """
    rows: list[Sequence[object]] = [
        (point.step, quantity, "", getattr(point, quantity), "", "")
        for point in progress
        for quantity in ("loss", "gradient_norm", "seconds")
    ]
    rows += [
        (validation.step, "accuracy", step, mean, half_width, validation.episodes)
        for validation in validations
        for step, (mean, half_width) in enumerate(
            zip(validation.accuracy, validation.ci95, strict=True)
        )
    ]
    return _csv([("update", "what", "inner_step", "value", "ci95", "n"), *rows], facts)


def sinusoid_history_csv(history: Sequence[ValidationErrors], facts: Facts) -> str:
    """Return one line an update and method: squared error before and after adaptation."""
    rows: list[Sequence[object]] = [
        (validation.step, method, *errors)
        for validation in history
        for method, errors in validation.by_method.items()
    ]
    return _csv([("update", "method", "error_before", "error_after"), *rows], facts)


class EvaluationRecord(NamedTuple):
    """An evaluation over many episodes.

    Attributes:
        estimates: By method.
        inner_lrs: α by method; what adapts nothing has none.
        facts: What they were measured with.
        minus: The method that is subtracted from each other in paired differences.
        members: Who answers together, by name, where there is an ensemble.
    """

    estimates: Mapping[str, Estimate]
    inner_lrs: Mapping[str, float]
    facts: Facts
    minus: str
    members: Sequence[str] = ()


def estimates_csv(evaluations: Sequence[EvaluationRecord]) -> str:
    """Return one line an evaluation, method and inner step: mean accuracy 0 to 1, 95 % CI, n.

    Beside it the paired difference to the method `minus` after as many steps, with its 95 % CI;
    none where episodes are not independent. An ensemble's members are named, with spaces between.
    """
    measured = ("method", "members", "inner_lr", "inner_step", "accuracy", "ci95", "episodes")
    head = (*measured, "minus", "difference", "difference_ci95")
    tables = [_rows(_estimate_rows(record), record.facts) for record in evaluations]
    return _text_of([_head(head, evaluations[0].facts), *chain.from_iterable(tables)])


def _estimate_rows(record: EvaluationRecord) -> Iterator[Sequence[object]]:
    """Yield a record's lines; what takes no step has one, or as many as it is compared at."""
    minus = record.estimates[record.minus]
    for method, estimate in record.estimates.items():
        pairs = None if method == record.minus else differences_by_step(estimate, minus)
        end = len(estimate.accuracy) - 1
        for step in range(len(pairs[0]) if pairs else end + 1):
            yield (
                method,
                " ".join(record.members) if method == ENSEMBLE else "",
                record.inner_lrs.get(method, ""),
                step,
                estimate.accuracy[min(step, end)],
                estimate.ci95[min(step, end)],
                estimate.episodes,
                *((record.minus, pairs[0][step], pairs[1][step]) if pairs else ("", "", "")),
            )


def sinusoid_errors_csv(
    estimates: Mapping[str, Mapping[str, ErrorEstimate]],
    inner_lrs: Mapping[str, float],
    facts: Facts,
) -> str:
    """Return one line a support set's shape, method and inner step: mean error, its CI, tasks.

    Args:
        estimates: By the words for the shape, and method.
        inner_lrs: α by method.
        facts: What they were measured with.
    """
    rows: list[Sequence[object]] = [
        (points, method, inner_lrs.get(method, ""), step, mean, half_width, estimate.n_tasks)
        for points, by_method in estimates.items()
        for method, estimate in by_method.items()
        for step, (mean, half_width) in enumerate(zip(estimate.mean, estimate.ci95, strict=True))
    ]
    head = ("points", "method", "inner_lr", "inner_step", "squared_error", "ci95", "tasks")
    return _csv([head, *rows], facts)


def grids_csv(grids: Mapping[str, Grid], facts: Facts) -> str:
    """Return one line a map and point: coordinates, loss in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = []
    for name, grid in grids.items():
        xs, ys = grid.window.along(grid.resolution)
        rows += [
            (name, x, y, math.hypot(x, y), grid.loss[i, j], grid.accuracy[i, j])
            for i, y in enumerate(ys)
            for j, x in enumerate(xs)
        ]
    return _csv([("map", "x", "y", "distance", "loss", "accuracy"), *rows], facts)


def _csv(rows: Sequence[Sequence[object]], facts: Facts) -> str:
    """Return a table; the first row is its head."""
    head, *measured = rows
    return _text_of([_head(head, facts), *_rows(measured, facts)])


def _head(names: Sequence[object], facts: Facts) -> list[str]:
    return [*map(str, names), *facts, "version"]


def _rows(rows: Iterable[Sequence[object]], facts: Facts) -> Iterator[list[str]]:
    constant = [*map(_text, facts.values()), code_version()]
    return ([*map(_text, row), *constant] for row in rows)


def _text_of(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _text(value: object) -> str:
    """Return a value with as few digits as give it back.

    A number that float32 can hold was measured in float32: the digits are those that give the same
    float32 back, 1.609438 and not 1.6094379425048828. All others are read back as they are.
    """
    if isinstance(value, float | np.floating):
        with np.errstate(over="ignore"):
            short, exact = np.float32(value), float(value)
        return str(short) if float(short) == exact else repr(exact)
    return str(value)
