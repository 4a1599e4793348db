"""What a person takes away: a chart's numbers as CSV, the experiment as a script."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from maml_core.config import VISITOR_ZIP_PREFIX, EpisodeSpec, TrainConfig
from maml_core.evaluation.confidence import Estimate
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.landscape.loss_maps import Grid
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate
from maml_core.teaching.sinusoids.training import ValidationErrors
from maml_core.training.background.queue import ROOT, Progress, TrainingJob, Validation

FOLDER = "folder-28"  # the data set as which a zip that was brought can be loaded anywhere


def trajectories_csv(trajectories: Sequence[AdaptationTrajectory]) -> str:
    """Return one line a method and inner step: losses in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = [
        (r.method, r.inner_lr, step, r.support_loss[step], r.query_loss[step], r.accuracy[step])
        for r in trajectories
        for step in range(len(r.accuracy))
    ]
    head = ("method", "inner_lr", "inner_step", "support_loss", "query_loss", "query_accuracy")
    return _csv([head, *rows])


def course_csv(found: Mapping[int, AdaptationTrajectory]) -> str:
    """Return one line a meta-update and inner step: losses in nats, accuracy 0 to 1."""
    rows: list[Sequence[object]] = [
        (update, step, r.support_loss[step], r.query_loss[step], r.accuracy[step])
        for update, r in found.items()
        for step in range(len(r.accuracy))
    ]
    head = ("meta_update", "inner_step", "support_loss", "query_loss", "query_accuracy")
    return _csv([head, *rows])


def training_csv(progress: Sequence[Progress], validations: Sequence[Validation]) -> str:
    """Return one line a number of a live training, by update and, of accuracy, inner step.

    Meta-loss in nats, accuracy 0 to 1 with its 95 % CI over n episodes.
    """
    rows: list[Sequence[object]] = [
        (one.step, what, "", getattr(one, what), "", "")
        for one in progress
        for what in ("loss", "gradient_norm", "seconds")
    ]
    rows += [
        (one.step, "accuracy", step, mean, half, one.episodes)
        for one in validations
        for step, (mean, half) in enumerate(zip(one.accuracy, one.ci95, strict=True))
    ]
    return _csv([("update", "what", "inner_step", "value", "ci95", "n"), *rows])


def history_csv(history: Sequence[ValidationErrors]) -> str:
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


def errors_csv(estimates: Mapping[str, Mapping[str, ErrorEstimate]]) -> str:
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
    dataset, remark = anywhere(dataset)
    where = f"  # {remark}" if remark else ""
    head, names, learner = "", "make_pool", "shipped(method)"
    if any(name.endswith(".safetensors") for name in inner_lrs):
        head, names = "from pathlib import Path\n\n", "load_weights, make_pool"
        learner = f"load_weights(Path(method)).learner() if Path(method).suffix else {learner}"
    return f'''"""One episode, several methods. Run it beside the folder `maml_core`."""

{head}from maml_core import EpisodeSpec, compare, load, {names}
from maml_core import sample_episode, shipped, split_classes

INNER_LRS = {dict(inner_lrs)!r}

data = load({dataset!r}){where}
pool = make_pool(data, split_classes(data, {split!r}, {part!r}))
episode = sample_episode(pool, {spec!r}, seed={seed})
for method, inner_lr in INNER_LRS.items():
    learner = {learner}
    factor = inner_lr / learner.inner_lr({spec.n_way})
    (found,) = compare({{method: learner}}, episode, {inner_steps}, factor)
    print(method, *(f"{{100 * share:.1f}}" for share in found.accuracy))
'''


def command(job: TrainingJob, out: str) -> str:
    """Return the command that makes a live training again.

    Args:
        job: What it was told; weights that come with the project are named from its folder on.
        out: The weights file to write.
    """
    dataset, _ = anywhere(job.dataset)
    model = dict(job.model)
    words = ["python -m maml_core train", f"--dataset {dataset} --split {job.split}"]
    words += [f"--model {model.pop('name', 'conv4')} --head-rows {model.pop('n_out', 1)}"]
    assert not model, "the page offers no other shape"
    if job.start:
        start = Path(job.start)
        words.append(f"--start {start.relative_to(ROOT) if start.is_relative_to(ROOT) else start}")
    usual = TrainConfig()
    for field in fields(job.config):
        value = getattr(job.config, field.name)
        if value != getattr(usual, field.name):
            words.append(_option(field.name, value))
    if job.validate_on != "validation":
        words.append("--validate-every 0")  # for that there are too few classes
    return " ".join([*words, f"--out {out}"])


def anywhere(dataset: str) -> tuple[str, str]:
    """Return the name of a data set on any machine, and what must be said of it."""
    if dataset.startswith(VISITOR_ZIP_PREFIX) or dataset == FOLDER:
        return FOLDER, "Let PICTURES_DIR name the folder or zip."
    return dataset, ""


def _option(name: str, value: object) -> str:
    """Return how `maml_core train` is told a value of `TrainConfig` that is not its usual one."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return flag if value else {"transductive": "--inductive", "augment": "--no-augment"}[name]
    if isinstance(value, tuple):
        return " ".join(map(str, (flag, *value)))
    return f"{flag} {value}"


def _csv(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
