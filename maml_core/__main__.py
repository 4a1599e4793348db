"""The command line: `python -m maml_core --help`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maml_core import checkpoints, results, runs
from maml_core.checkpoints import CheckpointError
from maml_core.config import (
    DATASETS,
    META_METHODS,
    PARTS,
    SPLITS,
    EpisodeSpec,
    PretrainConfig,
    TrainConfig,
)
from maml_core.datasets import load, status
from maml_core.datasets.base import CharacterSet, DataError
from maml_core.datasets.download import fetch_mnist, fetch_omniglot
from maml_core.datasets.splits import split_classes
from maml_core.distribution import is_first
from maml_core.driving import Run
from maml_core.episodes import make_pool
from maml_core.evaluation import Estimate, evaluate
from maml_core.learners import METHODS, Learner, random_learner
from maml_core.models import MODELS, for_pictures, model_arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 after an error told in a sentence, or 130 after Ctrl-C."""
    typed = sys.argv[1:] if arguments is None else arguments
    parsed = _parser().parse_args(typed)
    parsed.command = shlex.join(["python", "-m", "maml_core", *typed])
    try:
        parsed.run(parsed)
    except (DataError, CheckpointError, ValueError) as error:
        print(f"maml_core: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m maml_core",
        description="Learn to learn characters: get data, meta-train, compare.",
        epilog="Start with: python -m maml_core evaluate --method maml --episodes 100",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data(commands)
    _add_train(commands)
    _add_pretrain(commands)
    _add_evaluate(commands)
    _add_choose(commands)
    return parser


def _command(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_data(commands: Any) -> None:
    data = _command(commands, "data", _data, "Say which characters are here, or get Omniglot.")
    data.add_argument("action", choices=DATA_ACTIONS, help="say; download; decode and draw, once")
    data.add_argument(
        "what",
        nargs="?",
        choices=("omniglot", "mnist"),
        default="omniglot",
        help="of fetch: what to download (14 or 12 MB)",
    )


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset",
        choices=DATASETS,
        default="omniglot",
        help="characters, or pictures: folder in colour, folder-28 like characters",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="alphabets",
        help="alphabets: whole alphabets, or the parts that a folder comes in, are unseen; paper: "
        "characters shuffled, 1100/100/423; classes: classes shuffled, 64/16/20 %%",
    )
    parser.add_argument("--split-seed", type=int, default=0, help="chooses the split")


def _add_run(parser: argparse.ArgumentParser, out: str) -> None:
    _add_source(parser)
    parser.add_argument("--out", type=Path, default=Path(out), help="weights file to write")
    parser.add_argument("--resume", action="store_true", help="go on where Ctrl-C stopped it")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--validate-every", type=int, default=1000, help="updates; 0: never")
    _add_model(parser, "conv4")


def _add_model(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("--model", choices=MODELS, default=default, help="network")
    parser.add_argument(
        "--channels",
        type=int,
        help="filters: of conv4 a layer, 64 unless given; of resnet the stem, 32",
    )
    parser.add_argument("--max-pool", action="store_true", help="of conv4: not strides")
    parser.add_argument(
        "--flatten", action="store_true", help="of conv4: no mean over the last feature maps"
    )
    parser.add_argument("--hidden", type=int, help="of mlp and lstm: units; 64 unless given")


def _add_inductive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--inductive",
        dest="transductive",
        action="store_false",
        help="normalise queries with the support set's statistics: each is answered alone",
    )


def _add_train(commands: Any) -> None:
    train = _command(commands, "train", _train, "Meta-train an initialisation.")
    default = TrainConfig()
    train.add_argument("--method", choices=META_METHODS, default=default.method, help="algorithm")
    train.add_argument(
        "--n-ways", type=int, nargs="+", default=default.n_ways, help="N of an episode, in turn"
    )
    train.add_argument(
        "--k-shots", type=int, nargs="+", default=default.k_shots, help="K of an episode, in turn"
    )
    train.add_argument("--q-query", type=int, default=default.q_query, help="queries a class")
    train.add_argument("--inner-lr", type=float, default=default.inner_lr, help="alpha")
    train.add_argument(
        "--scale-inner-lr", action="store_true", help="alpha grows with N from the first --n-ways"
    )
    train.add_argument("--inner-steps", type=int, default=default.inner_steps, help="in training")
    train.add_argument("--meta-lr", type=float, default=default.meta_lr, help="beta, at the start")
    train.add_argument(
        "--meta-batch-size", type=int, default=default.meta_batch_size, help="tasks an update"
    )
    train.add_argument("--meta-steps", type=int, default=default.meta_steps, help="updates")
    train.add_argument(
        "--multi-step",
        action="store_true",
        help="loss after every inner step, the earlier ones less and less",
    )
    train.add_argument("--learn-rates", action="store_true", help="a learned alpha for each layer")
    _add_inductive(train)
    train.add_argument(
        "--one-alphabet",
        action="store_true",
        help="every other meta-batch within alphabets and by the same drawers",
    )
    train.add_argument("--no-augment", dest="augment", action="store_false", help="no deformation")
    train.add_argument("--head-rows", type=int, default=1, help="1: starts at zero for any N")
    train.add_argument(
        "--start",
        type=Path,
        help="weights to begin from; their learned alphas too with --learn-rates",
    )
    train.add_argument("--seed", type=int, default=default.seed, help="episodes, initialisation")
    train.add_argument(
        "--record", type=int, default=0, help="points on the way to keep beside --out; 0: none"
    )
    _add_run(train, "runs/maml.safetensors")


def _add_pretrain(commands: Any) -> None:
    parser = _command(
        commands, "pretrain", _pretrain, "Train the baseline: a classifier of all characters."
    )
    default = PretrainConfig()
    parser.add_argument("--epochs", type=int, default=default.epochs, help="passes over the data")
    parser.add_argument("--batch-size", type=int, default=default.batch_size, help="pictures")
    parser.add_argument("--lr", type=float, default=default.lr, help="AdamW's, at the start")
    parser.add_argument("--weight-decay", type=float, default=default.weight_decay, help="AdamW's")
    parser.add_argument(
        "--label-smoothing", type=float, default=default.label_smoothing, help="0 to below 1"
    )
    parser.add_argument("--no-augment", dest="augment", action="store_false", help="no deformation")
    parser.add_argument("--elastic", action="store_true", help="shift parts of pictures too")
    parser.add_argument(
        "--bfloat16", action="store_true", help="convolve in this short format, about twice as fast"
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="order, initialisation")
    _add_run(parser, "runs/pretrained.safetensors")


def _add_evaluate(commands: Any) -> None:
    parser = _command(
        commands, "evaluate", _evaluate, "Accuracy after each inner step, with its 95 %% CI."
    )
    parser.add_argument("--method", choices=METHODS, default="maml", help="what adapts")
    parser.add_argument("--weights", type=Path, help="a weights file instead of the shipped ones")
    _add_model(parser, None)
    _add_source(parser)
    parser.add_argument("--part", choices=PARTS, default="test", help="part of the split")
    parser.add_argument("--n-way", type=int, default=5, help="classes an episode")
    parser.add_argument("--k-shot", type=int, default=1, help="support pictures a class")
    parser.add_argument("--q-query", type=int, default=10, help="query pictures a class")
    parser.add_argument("--within-alphabet", action="store_true", help="one alphabet an episode")
    parser.add_argument(
        "--same-drawers", action="store_true", help="all classes by the same drawers"
    )
    _add_inductive(parser)
    parser.add_argument("--inner-lr", type=float, help="alpha; the weights' own unless given")
    parser.add_argument("--steps", type=int, default=10, help="inner steps")
    parser.add_argument("--episodes", type=int, default=600, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="chooses the episodes")
    parser.add_argument(
        "--all", action="store_true", help="the README's table instead: every row, method and split"
    )
    parser.add_argument(
        "--record", type=Path, help="with --all: a file that gets each row, and spares those it has"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def _add_choose(commands: Any) -> None:
    parser = _command(
        commands,
        "choose-inner-lr",
        _choose,
        "Choose alpha for each N on validation classes, and keep it in --weights if given.",
    )
    parser.add_argument("--method", choices=METHODS, default="random", help="what adapts")
    parser.add_argument("--weights", type=Path, help="a weights file, to be rewritten")
    _add_model(parser, None)
    _add_source(parser)


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


def _run_of(parsed: argparse.Namespace) -> Run:
    names = {field.name for field in fields(Run)} & vars(parsed).keys()
    return Run(**{name: getattr(parsed, name) for name in names})


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
    runs.train(_run_of(parsed), _config_of(TrainConfig, parsed), model_config, parsed.start)
    if is_first():
        print(f"Wrote {parsed.out}")


def _pretrain(parsed: argparse.Namespace) -> None:
    runs.train_baseline(_run_of(parsed), _config_of(PretrainConfig, parsed), _model_of(parsed))
    print(f"Wrote {parsed.out}")


def _evaluate(parsed: argparse.Namespace) -> None:
    if parsed.all:
        _evaluate_all(parsed)
        return
    spec = _config_of(EpisodeSpec, parsed)
    data = load(parsed.dataset)
    learner = _learner(parsed, data)
    classes = split_classes(data, parsed.split, parsed.part, parsed.split_seed)
    inner_lr = learner.inner_lr(spec.n_way) if parsed.inner_lr is None else parsed.inner_lr
    stream = evaluate(
        learner,
        make_pool(data, classes),
        spec,
        inner_steps=parsed.steps,
        episodes=parsed.episodes,
        seed=parsed.seed,
        inner_lr=inner_lr,
        transductive=parsed.transductive,
    )
    last = _last(stream, parsed.episodes, learner.method)
    result = {
        "method": learner.method,
        **{name: getattr(parsed, name) for name in ASKED},
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
    pool_of = cache(results.pool_of)
    before = results.recorded(parsed.record) if parsed.record else []
    for row in results.rows():
        wanted = {**results.identity(row), "episodes": parsed.episodes, "seed": parsed.seed}
        if any(wanted.items() <= one.items() for one in before):
            continue
        stream = results.measure(
            row,
            pool_of(row.split),
            inner_steps=parsed.steps,
            episodes=parsed.episodes,
            seed=parsed.seed,
        )
        last = _last(stream, parsed.episodes, f"{row.method}, {row.split}")
        measured = results.record(row, last, parsed.seed)
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
DATA_ACTIONS = ("status", "fetch", "prepare")
ASKED = (
    *("dataset", "split", "part", "n_way", "k_shot", "q_query"),
    *("within_alphabet", "same_drawers", "transductive", "seed"),
)
LISTS = ("accuracy", "ci95")


def _choose(parsed: argparse.Namespace) -> None:
    run = Run(Path(), parsed.dataset, parsed.split, parsed.split_seed)
    validation = run.pool("validation")
    chosen = runs.best_inner_lrs(_learner(parsed, validation.data), validation)
    if parsed.weights:
        found = checkpoints.load(parsed.weights)
        told = {"inner_lrs": chosen, "inner_lrs_command": parsed.command}
        checkpoints.save(
            parsed.weights, checkpoints.Checkpoint(found.params, {**found.metadata, **told})
        )
    print(json.dumps(chosen))


def _learner(parsed: argparse.Namespace, data: CharacterSet) -> Learner:
    """Return what the command names: a file's weights, shipped ones, or an untrained network."""
    if parsed.weights:
        found = checkpoints.load(parsed.weights)
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


if __name__ == "__main__":
    raise SystemExit(main())
