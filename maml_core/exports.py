"""What a person takes away: a chart's numbers as CSV, the experiment as a script."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

from maml_core.comparison import Recording
from maml_core.config import EpisodeSpec
from maml_core.evaluation import Estimate
from maml_core.landscape import Grid
from maml_core.regression_comparison import Errors


def recordings_csv(recordings: Sequence[Recording]) -> str:
    """Return one line a method and inner step: losses in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = [
        (r.method, r.inner_lr, step, r.support_loss[step], r.query_loss[step], r.accuracy[step])
        for r in recordings
        for step in range(len(r.accuracy))
    ]
    head = ("method", "inner_lr", "inner_step", "support_loss", "query_loss", "query_accuracy")
    return _csv([head, *rows])


def estimates_csv(estimates: Mapping[str, Estimate]) -> str:
    """Return one line a method and inner step: mean accuracy 0 to 1, its 95 % CI, episodes."""
    rows: list[Sequence[object]] = [
        (method, step, mean, half, found.episodes)
        for method, found in estimates.items()
        for step, (mean, half) in enumerate(zip(found.accuracy, found.ci95, strict=True))
    ]
    return _csv([("method", "inner_step", "accuracy", "ci95", "episodes"), *rows])


def errors_csv(found: Mapping[str, Mapping[str, Errors]]) -> str:
    """Return one line a support set's shape, method and inner step: mean error, its CI, tasks."""
    rows: list[Sequence[object]] = [
        (points, method, step, mean, half, errors.tasks)
        for points, by_method in found.items()
        for method, errors in by_method.items()
        for step, (mean, half) in enumerate(zip(errors.mean, errors.ci95, strict=True))
    ]
    return _csv([("points", "method", "inner_step", "squared_error", "ci95", "tasks"), *rows])


def grids_csv(grids: Mapping[str, Grid]) -> str:
    """Return one line a map and point: coordinates, loss in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = []
    for name, grid in grids.items():
        xs, ys = grid.window.along(grid.side)
        rows += [
            (name, x, y, math.hypot(x, y), grid.loss[i, j], grid.accuracy[i, j])
            for i, y in enumerate(ys)
            for j, x in enumerate(xs)
        ]
    return _csv([("map", "x", "y", "distance", "loss", "accuracy"), *rows])


def script(
    dataset: str,
    split: str,
    part: str,
    spec: EpisodeSpec,
    seed: int,
    inner_lrs: Mapping[str, float],
    inner_steps: int,
) -> str:
    """Return a Python script on `maml_core` that prints the numbers of one comparison.

    Args:
        dataset: The characters' data set.
        split: Its split.
        part: The part that the episode is drawn from.
        spec: The episode's shape.
        seed: Which episode.
        inner_lrs: α by method, or by a weights file's name, '….safetensors'.
        inner_steps: How many.
    """
    files = any(name.endswith(".safetensors") for name in inner_lrs)
    learner = "shipped(method)"
    if files:
        learner = f"load_weights(Path(method)).learner() if Path(method).suffix else {learner}"
    return f'''"""One episode, several methods. Run it beside the folder `maml_core`."""

{"from pathlib import Path" + chr(10) * 2 if files else ""}from maml_core.checkpoints import {
        "load as load_weights, " if files else ""
    }shipped
from maml_core.comparison import compare
from maml_core.config import EpisodeSpec
from maml_core.datasets import load
from maml_core.datasets.splits import split_classes
from maml_core.episodes import make_pool, sample_episode

INNER_LRS = {dict(inner_lrs)!r}

data = load({dataset!r})
pool = make_pool(data, split_classes(data, {split!r}, {part!r}))
episode = sample_episode(pool, {spec!r}, seed={seed})
for method, inner_lr in INNER_LRS.items():
    learner = {learner}
    factor = inner_lr / learner.inner_lr({spec.n_way})
    (found,) = compare({{method: learner}}, episode, {inner_steps}, factor)
    print(method, *(f"{{100 * share:.1f}}" for share in found.accuracy))
'''


def _csv(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
