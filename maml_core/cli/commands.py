"""The command line: `python -m maml_core --help`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maml_core.cli.parser import make_parser
from maml_core.config import OFFICIAL_RUNS, EpisodeSpec, PretrainConfig, TrainConfig
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.download.fetch import fetch_mnist, fetch_omniglot
from maml_core.data.registry import load, status
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import episodes_of
from maml_core.evaluation import results_table
from maml_core.evaluation.accuracy import evaluate
from maml_core.evaluation.confidence import Estimate
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.learners.learner import Learner, random_learner
from maml_core.networks.registry import for_pictures, model_arguments
from maml_core.optimisation.distributed import is_first
from maml_core.training import inner_lr_search, recipes
from maml_core.training.training_run import TrainingRun


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 after an error told in a sentence, or 130 after Ctrl-C."""
    typed = sys.argv[1:] if arguments is None else arguments
    parsed = make_parser().parse_args(typed)
    parsed.command = shlex.join(["python", "-m", "maml_core", *typed])
    try:
        COMMANDS[parsed.doing](parsed)
    except (DataError, CheckpointError, ValueError) as error:
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
        for one in status():
            if one.available:
                load(one.name)
    for one in status():
        print(f"{one.name}: {'here' if one.available else 'not here'}. {one.detail}")


def _run_of(parsed: argparse.Namespace) -> TrainingRun:
    names = {field.name for field in fields(TrainingRun)} & vars(parsed).keys()
    return TrainingRun(**{name: getattr(parsed, name) for name in names})


def _model_of(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the network that was asked for by its name and the arguments that were given."""
    given = {name: getattr(parsed, name) for name in MODEL_OPTIONS}
    asked = {"name": parsed.model or "conv4"} | {n: v for n, v in given.items() if v}
    model_arguments(asked)  # said now, not after the data are read
    return asked


def _config_of(kind: type, parsed: argparse.Namespace) -> Any:
    values = {field.name: getattr(parsed, field.name) for field in fields(kind)}
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _train(parsed: argparse.Namespace) -> None:
    model_config = {**_model_of(parsed), "n_out": parsed.head_rows}
    recipes.train(_run_of(parsed), _config_of(TrainConfig, parsed), model_config, parsed.start)
    if is_first():
        print(f"Wrote {parsed.out}")


def _pretrain(parsed: argparse.Namespace) -> None:
    config = _config_of(PretrainConfig, parsed)
    model_config = _model_of(parsed)
    recipes.train_baseline(_run_of(parsed), config, model_config, parsed.start, parsed.inner_lr)
    print(f"Wrote {parsed.out}")


def _evaluate(parsed: argparse.Namespace) -> None:
    if parsed.all:
        _evaluate_all(parsed)
        return
    spec = OFFICIAL_RUNS if parsed.official else _config_of(EpisodeSpec, parsed)
    episodes = episodes_of(spec, parsed.episodes)
    data = load(parsed.dataset)
    learner = _learner(parsed, data)
    classes = split_classes(data, parsed.split, parsed.part, parsed.split_seed)
    inner_lr = learner.inner_lr(spec.n_way) if parsed.inner_lr is None else parsed.inner_lr
    stream = evaluate(
        learner,
        make_pool(data, classes, ink_crops=parsed.ink_crops),
        spec,
        inner_steps=parsed.steps,
        episodes=episodes,
        seed=parsed.seed,
        inner_lr=inner_lr,
        transductive=parsed.transductive,
        rotation_tta=parsed.rotation_tta,
    )
    last = _last(stream, episodes, learner.method)
    result = {
        "method": learner.method,
        **{name: getattr(parsed, name) for name in CHARACTERS},
        **asdict(spec),
        **{name: getattr(parsed, name) for name in ANSWERED},
        "episodes": last.episodes,
        "inner_lr": inner_lr,
        "accuracy": last.accuracy,
        "ci95": last.ci95,
    }
    _print(result, parsed.json)


def _evaluate_all(parsed: argparse.Namespace) -> None:
    """Measure and print the table's rows, one after the other; go on where `--record` ends."""
    if parsed.record and not parsed.record.parent.is_dir():  # said now, not after the first row
        raise ValueError(
            f"There is no folder {parsed.record.parent} for {parsed.record.name}; "
            "create it or name another file."
        )
    pool_of = cache(results_table.pool_of)
    before = results_table.recorded(parsed.record) if parsed.record else []
    for row in results_table.rows():
        episodes = episodes_of(row.spec, parsed.episodes)
        wanted = {**results_table.identity(row), "episodes": episodes, "seed": parsed.seed}
        if any(wanted.items() <= one.items() for one in before):
            continue
        stream = results_table.measure(
            row,
            pool_of(row.split, row.ink_crops),
            inner_steps=parsed.steps,
            episodes=episodes,
            seed=parsed.seed,
        )
        last = _last(stream, episodes, f"{row.method}, {row.split}")
        measured = results_table.record(row, last, parsed.seed)
        _print(measured, parsed.json)
        if parsed.record:
            with parsed.record.open("a") as file:
                file.write(json.dumps(measured) + "\n")


def _last(stream: Iterable[Estimate], episodes: int, what: str) -> Estimate:
    """Return the last estimate of a stream while a bar shows how far it is."""
    with tqdm(total=episodes, desc=what, unit="episode", disable=None) as bar:
        for found in stream:
            bar.update(found.episodes - bar.n)
    return found


def _print(result: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result), flush=True)
        return
    print(", ".join(f"{name} {value}" for name, value in result.items() if name not in LISTS))
    for step, (mean, half) in enumerate(zip(result["accuracy"], result["ci95"], strict=True)):
        print(f"  step {step:2d}  {100 * mean:6.2f} ± {100 * half:.2f} %")


MODEL_OPTIONS = ("channels", "max_pool", "flatten", "hidden")
CHARACTERS = ("dataset", "split", "part")
ANSWERED = ("transductive", "rotation_tta", "ink_crops", "seed")
LISTS = ("accuracy", "ci95")


def _choose(parsed: argparse.Namespace) -> None:
    run = TrainingRun(Path(), parsed.dataset, parsed.split, parsed.split_seed)
    validation = run.pool("validation")
    chosen = inner_lr_search.best_inner_lrs(_learner(parsed, validation.data), validation)
    if parsed.weights:
        found = checkpoints.load_weights(parsed.weights)
        told = {"inner_lrs": chosen, "inner_lrs_command": parsed.command}
        checkpoints.save_weights(
            parsed.weights, checkpoints.Checkpoint(found.params, {**found.metadata, **told})
        )
    print(json.dumps(chosen))


def _learner(parsed: argparse.Namespace, data: CharacterSet) -> Learner:
    """Return what the command names: a file's weights, shipped ones, or an untrained network."""
    if parsed.weights:
        found = checkpoints.load_weights(parsed.weights)
        name = model_arguments(found.metadata["model"])["name"]
        if parsed.model not in (None, name):
            raise ValueError(
                f"{parsed.weights} holds weights for {name}, not {parsed.model}; leave --model out."
            )
        return found.learner()
    if parsed.method == "random":
        return random_learner(0, for_pictures(_model_of(parsed), data.input_shape))
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
    "choose-inner-lr": _choose,
}
