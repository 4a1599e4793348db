"""The numbers of charts as CSV, to take away."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.landscape.loss_maps import Grid
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate
from maml_core.teaching.sinusoids.training import ValidationErrors
from maml_core.training.background.job import Progress, Validation


def trajectories_csv(trajectories: Sequence[AdaptationTrajectory]) -> str:
    """Return one line a method and inner step: losses in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = [
        (r.method, r.inner_lr, step, r.support_loss[step], r.query_loss[step], r.accuracy[step])
        for r in trajectories
        for step in range(len(r.accuracy))
    ]
    head = ("method", "inner_lr", "inner_step", "support_loss", "query_loss", "query_accuracy")
    return _csv([head, *rows])


def replay_csv(trajectories: Mapping[int, AdaptationTrajectory]) -> str:
    """Return one line a meta-update and inner step: losses in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = [
        (update, step, r.support_loss[step], r.query_loss[step], r.accuracy[step])
        for update, r in trajectories.items()
        for step in range(len(r.accuracy))
    ]
    head = ("meta_update", "inner_step", "support_loss", "query_loss", "query_accuracy")
    return _csv([head, *rows])


def training_csv(progress: Sequence[Progress], validations: Sequence[Validation]) -> str:
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
    return _csv([("update", "what", "inner_step", "value", "ci95", "n"), *rows])


def sinusoid_history_csv(history: Sequence[ValidationErrors]) -> str:
    """Return one line an update and method: squared error before and after adaptation."""
    rows: list[Sequence[object]] = [
        (validation.step, method, *errors)
        for validation in history
        for method, errors in validation.by_method.items()
    ]
    return _csv([("update", "method", "error_before", "error_after"), *rows])


def estimates_csv(estimates: Mapping[str, Estimate]) -> str:
    """Return one line a method and inner step: mean accuracy 0 to 1, its 95 % CI, episodes."""
    rows: list[Sequence[object]] = [
        (method, step, mean, half, found.episodes)
        for method, found in estimates.items()
        for step, (mean, half) in enumerate(zip(found.accuracy, found.ci95, strict=True))
    ]
    return _csv([("method", "inner_step", "accuracy", "ci95", "episodes"), *rows])


def sinusoid_errors_csv(estimates: Mapping[str, Mapping[str, ErrorEstimate]]) -> str:
    """Return one line a support set's shape, method and inner step: mean error, its CI, tasks."""
    rows: list[Sequence[object]] = [
        (points, method, step, mean, half_width, estimate.n_tasks)
        for points, by_method in estimates.items()
        for method, estimate in by_method.items()
        for step, (mean, half_width) in enumerate(zip(estimate.mean, estimate.ci95, strict=True))
    ]
    return _csv([("points", "method", "inner_step", "squared_error", "ci95", "tasks"), *rows])


def grids_csv(grids: Mapping[str, Grid]) -> str:
    """Return one line a map and point: coordinates, loss in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = []
    for name, grid in grids.items():
        xs, ys = grid.window.along(grid.resolution)
        rows += [
            (name, x, y, math.hypot(x, y), grid.loss[i, j], grid.accuracy[i, j])
            for i, y in enumerate(ys)
            for j, x in enumerate(xs)
        ]
    return _csv([("map", "x", "y", "distance", "loss", "accuracy"), *rows])


def _csv(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
