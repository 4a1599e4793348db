"""The command line: `python -m maml_core --help`."""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

from maml_core.cli.parser import EVALUATION_STEPS, make_parser
from maml_core.config import (
    AS_THEY_ARE,
    OFFICIAL_RUNS,
    EpisodeSpec,
    EvaluationConfig,
    PretrainConfig,
    TrainConfig,
)
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.download.fetch import fetch_mnist, fetch_omniglot
from maml_core.data.registry import FOLDER_VIEWS, best_view, load, status, with_view
from maml_core.data.splits import split_classes
from maml_core.data.storage.disk_cache import check_writable
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import count_available_episodes
from maml_core.evaluation import records, results_table
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.confidence_intervals import Estimate, percent
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.learners.learner import Learner, random_learner
from maml_core.learners.training_classes import (
    SeenClassesWarning,
    describe_seen,
    seen_in_training,
    splits_trained_on,
)
from maml_core.methods.catalogue import NEAREST
from maml_core.networks.registry import for_pictures, model_arguments
from maml_core.optimisation.distributed import is_first
from maml_core.training import inner_lr_search, recipes
from maml_core.training.training_run import TrainingRun

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 after printing an error in a sentence, or 130 after Ctrl-C."""
    typed = sys.argv[1:] if arguments is None else arguments
    parsed = make_parser().parse_args(typed)
    parsed.command = shlex.join(["python", "-m", "maml_core", *typed])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SeenClassesWarning)  # `_check_seen` has said it
            if "pictures" in parsed:
                parsed.dataset = _dataset(parsed.dataset, parsed.pictures)
            COMMANDS[parsed.doing](parsed)
    except (DataError, CheckpointError, OSError, ValueError) as error:
        print(f"maml_core: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _data(parsed: argparse.Namespace) -> None:
    if parsed.action == "fetch" and parsed.what == "mnist":
        fetch_mnist()
    elif parsed.action == "fetch":
        with tqdm(unit="B", unit_scale=True) as bar:
            for report in fetch_omniglot():
                bar.total = report.total_bytes
                bar.set_description(report.message)
                bar.update(report.done_bytes - bar.n)
    if parsed.action == "prepare":
        for dataset in status():
            if dataset.available:
                load(dataset.name)
    for dataset in status():
        print(f"{dataset.name}: {'here' if dataset.available else 'not here'}. {dataset.detail}")


def _dataset(name: str, pictures: str | None) -> str:
    """Return the data set that is meant, and say how pictures are seen if nobody said it.

    Raises:
        ValueError: A way of seeing pictures is asked for that are not one's own.
        DataError: The pictures cannot be looked at.
    """
    if name != FOLDER_VIEWS[AS_THEY_ARE]:
        if pictures:
            raise ValueError(f"--pictures is for folder-28, not for {name}; leave it out.")
        return name
    if pictures is None:
        pictures = best_view(name)
        print(f"Pictures are seen as with --pictures {pictures}.", file=sys.stderr)
    return with_view(name, pictures)


R = TypeVar("R", bound="DataclassInstance")


def from_options(
    record: type[R], parsed: argparse.Namespace, without_option: Collection[str] = ()
) -> R:
    """Make a record from the options of its fields' names.

    Args:
        record: The record, a dataclass.
        parsed: The options' values.
        without_option: Fields that the command has no option for; they keep their defaults.

    Raises:
        TypeError: A field has no option and is not in `without_option`, or the reverse.
    """
    names = {field.name for field in fields(record)}
    expected = names - set(without_option)
    missing = {name for name in expected if name not in parsed}
    stray = {name for name in without_option if name not in names or name in parsed}
    if missing or stray:
        raise TypeError(
            f"The options do not fit {record.__name__}: no option for {sorted(missing)}, "
            f"wrongly listed as without one {sorted(stray)}."
        )
    values = {name: getattr(parsed, name) for name in expected}
    return record(**{n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})


def _model_config(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the network's name and those of its arguments that were given."""
    given = {name: getattr(parsed, name) for name in MODEL_OPTIONS}
    config = {"name": parsed.model or "conv4"} | {n: v for n, v in given.items() if v}
    model_arguments(config)  # raises now, not after the data are read
    return config


def _train(parsed: argparse.Namespace) -> None:
    model_config = {**_model_config(parsed), "n_out": parsed.head_rows}
    run = from_options(TrainingRun, parsed, WITHOUT_OPTION["train"])
    recipes.train(run, from_options(TrainConfig, parsed), model_config, parsed.start)
    if is_first():
        print(f"Wrote {parsed.out}")


def _pretrain(parsed: argparse.Namespace) -> None:
    config, model_config = from_options(PretrainConfig, parsed), _model_config(parsed)
    run = from_options(TrainingRun, parsed, WITHOUT_OPTION["pretrain"])
    recipes.train_baseline(run, config, model_config, parsed.start, parsed.inner_lr)
    print(f"Wrote {parsed.out}")


def _evaluate(parsed: argparse.Namespace) -> None:
    if parsed.all:
        _evaluate_all(parsed)
        return
    spec = OFFICIAL_RUNS if parsed.official else from_options(EpisodeSpec, parsed)
    episodes = count_available_episodes(spec, parsed.episodes)
    nearest = parsed.method in NEAREST
    if nearest:
        _check_nearest(parsed)
    data = load(parsed.dataset)
    if data.notice:
        print(data.notice, file=sys.stderr)
    learner = _learner(parsed, data)
    classes = split_classes(data, parsed.split, parsed.part, parsed.split_seed)
    seen = _check_seen(parsed, learner, data, parsed.part)
    pool = make_pool(data, classes, ink_crops=parsed.ink_crops)
    config = EvaluationConfig(
        inner_steps=_steps(parsed),
        episodes=episodes,
        seed=parsed.seed,
        inner_lr=parsed.inner_lr,
        transductive=parsed.transductive,
        rotation_tta=parsed.rotation_tta,
    )
    if nearest or learner is None:
        inner_lr = None
        stream = evaluate_nearest(learner, pool, spec, config)
    else:
        inner_lr = learner.inner_lr(spec.n_way) if parsed.inner_lr is None else parsed.inner_lr
        stream = evaluate(learner, pool, spec, config)
    method = parsed.method if nearest or learner is None else learner.method
    last = _last(stream, episodes, method)
    result = {
        "method": method,
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
    _print(result, parsed.json)


def _steps(parsed: argparse.Namespace) -> int:
    return EVALUATION_STEPS if parsed.steps is None else int(parsed.steps)


def _check_nearest(parsed: argparse.Namespace) -> None:
    """Raise `ValueError` if an option was given that a nearest neighbour has no use for."""
    for option in ("weights", "model", "steps", "inner_lr"):
        if getattr(parsed, option) is not None:
            raise ValueError(
                f"{parsed.method} compares features or pixels and adapts nothing, so it has no "
                f"use for --{option.replace('_', '-')}; leave that out."
            )


def _check_seen(
    parsed: argparse.Namespace, learner: Learner | None, data: CharacterSet, part: str
) -> int:
    """Return how many classes of a part the weights were trained on; warn if it is allowed.

    Raises:
        ValueError: They were trained on some, and --allow-seen was not given.
    """
    if learner is None:
        return 0
    split = parsed.split, part, parsed.split_seed
    sentence = describe_seen(learner.provenance, data, *split)
    if sentence and not parsed.allow_seen:
        raise ValueError(
            f"{sentence} Accuracy on those says nothing about new classes. Choose the split and "
            "seed of the weights, other weights, or --allow-seen."
        )
    if sentence:
        print(f"WARNING: {sentence.upper()}", file=sys.stderr)
    classes = split_classes(data, parsed.split, part, parsed.split_seed)
    return len(seen_in_training(splits_trained_on(learner.provenance), data, classes))


def _evaluate_all(parsed: argparse.Namespace) -> None:
    """Measure and print the table's rows, except those that `--record` has."""
    before = []
    if parsed.record:
        before = records.load_records(parsed.record)
        records.prepare_to_append(parsed.record)  # now, not after the first row
    test_pool = cache(results_table.omniglot_test_pool)
    for row in results_table.table_rows():
        episodes = count_available_episodes(row.spec, parsed.episodes)
        wanted = {**results_table.row_key(row), "episodes": episodes, "seed": parsed.seed}
        if any(wanted.items() <= recorded.items() for recorded in before):
            continue
        config = EvaluationConfig(_steps(parsed), episodes, parsed.seed)
        stream = results_table.measure_row(row, test_pool(row.split, row.ink_crops), config)
        last = _last(stream, episodes, f"{row.method}, {row.split}")
        measured = results_table.to_record(row, last, parsed.seed)
        _print(measured, parsed.json)
        if parsed.record:
            records.append_record(parsed.record, measured)


def _last(stream: Iterable[Estimate], episodes: int, description: str) -> Estimate:
    """Return the last estimate of a stream while a bar shows the progress."""
    with tqdm(total=episodes, desc=description, unit="episode", disable=None) as bar:
        for estimate in stream:
            bar.update(estimate.episodes - bar.n)
    return estimate


def _print(result: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        # JSON has no NaN; an interval that there is none of is null.
        half_widths = [None if math.isnan(half) else half for half in result["ci95"]]
        print(json.dumps({**result, "ci95": half_widths}), flush=True)
        return
    print(", ".join(f"{name} {value}" for name, value in result.items() if name not in LISTS))
    for step, (mean, half) in enumerate(zip(result["accuracy"], result["ci95"], strict=True)):
        print(f"  step {step:2d}  {percent(mean, half, 2):>13} %")


MODEL_OPTIONS = ("channels", "max_pool", "flatten", "hidden")
DATA_OPTIONS = ("dataset", "split", "split_seed", "part")
ANSWER_OPTIONS = ("transductive", "rotation_tta", "ink_crops", "seed")
# Fields of `TrainingRun` that a command has no option for.
WITHOUT_OPTION = {
    "train": ("validate_on", "validation_query"),
    "pretrain": ("validate_on", "validation_query", "record"),
}
LISTS = ("accuracy", "ci95")


def _choose_inner_lr(parsed: argparse.Namespace) -> None:
    run = TrainingRun(Path(), parsed.dataset, parsed.split, parsed.split_seed)
    validation = run.pool("validation")
    learner = _adapting_learner(parsed, validation.data)
    _check_seen(parsed, learner, validation.data, "validation")
    if parsed.weights:
        check_writable(parsed.weights)  # now, not after minutes
    inner_lrs = inner_lr_search.best_inner_lrs(learner, validation)
    if parsed.weights:
        checkpoint = checkpoints.load_weights(parsed.weights)
        chosen = {"inner_lrs": inner_lrs, "inner_lrs_command": parsed.command}
        checkpoints.save_weights(
            parsed.weights,
            checkpoints.Checkpoint(checkpoint.params, {**checkpoint.metadata, **chosen}),
        )
    print(json.dumps(inner_lrs))


def _learner(parsed: argparse.Namespace, data: CharacterSet) -> Learner | None:
    """Return the learner that adapts or whose features are compared; None for pixels."""
    if parsed.method in NEAREST:
        weights = NEAREST[parsed.method]
        return checkpoints.shipped(weights, parsed.split) if weights else None
    return _adapting_learner(parsed, data)


def _adapting_learner(parsed: argparse.Namespace, data: CharacterSet) -> Learner:
    """Return the learner of a file's weights, of shipped ones, or an untrained network."""
    if parsed.weights:
        checkpoint = checkpoints.load_weights(parsed.weights)
        name = model_arguments(checkpoint.provenance.model)["name"]
        if parsed.model not in (None, name):
            raise ValueError(
                f"{parsed.weights} holds weights for {name}, not {parsed.model}; leave --model out."
            )
        return checkpoint.learner()
    if parsed.method == "random":
        return random_learner(0, for_pictures(_model_config(parsed), data.input_shape))
    if parsed.model not in (None, "conv4"):
        raise ValueError(
            f"There are no shipped weights for {parsed.model}; name a file with --weights."
        )
    return checkpoints.shipped(parsed.method, parsed.split)


COMMANDS = {
    "data": _data,
    "train": _train,
    "pretrain": _pretrain,
    "evaluate": _evaluate,
    "choose-inner-lr": _choose_inner_lr,
}
