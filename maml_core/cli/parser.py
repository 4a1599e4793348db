"""The command line's words: which commands there are and what each may be told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from maml_core.config import DATASETS, META_METHODS, PARTS, SPLITS, PretrainConfig, TrainConfig
from maml_core.methods.catalogue import METHODS, current_name
from maml_core.networks.registry import MODELS

DATA_ACTIONS = ("status", "fetch", "prepare")


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the command line; `doing` names the command."""
    parser = argparse.ArgumentParser(
        prog="python -m maml_core",
        description="Learn to learn characters: get data, meta-train, compare.",
        epilog="Start with: python -m maml_core evaluate --method maml --episodes 100",
    )
    commands = parser.add_subparsers(dest="doing", required=True, metavar="COMMAND")
    _add_data(commands)
    _add_train(commands)
    _add_pretrain(commands)
    _add_evaluate(commands)
    _add_choose(commands)
    return parser


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    return parser


def _add_data(commands: Any) -> None:
    data = _command(commands, "data", "Say which characters are here, or get Omniglot.")
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


def _add_muon(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--muon-lr",
        type=float,
        default=0.0,
        help="Muon's step size for the filters of convolutions; 0: Adam moves them, too",
    )


def _add_train(commands: Any) -> None:
    train = _command(commands, "train", "Meta-train an initialisation.")
    default = TrainConfig()
    train.add_argument(
        "--method",
        type=current_name,
        choices=tuple(META_METHODS),
        default=default.method,
        help="algorithm",
    )
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
    _add_muon(train)
    train.add_argument(
        "--meta-batch-size", type=int, default=default.meta_batch_size, help="tasks an update"
    )
    train.add_argument("--meta-steps", type=int, default=default.meta_steps, help="updates")
    train.add_argument(
        "--multi-step",
        action="store_true",
        help="loss after every inner step, the earlier ones less and less",
    )
    train.add_argument(
        "--learn-inner-lr",
        "--learn-rates",
        action="store_true",
        help="a learned alpha for each parameter tensor",
    )
    _add_inductive(train)
    train.add_argument(
        "--alternate-within-alphabet",
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
    parser = _command(commands, "pretrain", "Train the baseline: a classifier of all characters.")
    default = PretrainConfig()
    parser.add_argument("--epochs", type=int, default=default.epochs, help="passes over the data")
    parser.add_argument("--batch-size", type=int, default=default.batch_size, help="pictures")
    parser.add_argument("--lr", type=float, default=default.lr, help="AdamW's, at the start")
    parser.add_argument("--weight-decay", type=float, default=default.weight_decay, help="AdamW's")
    _add_muon(parser)
    parser.add_argument(
        "--label-smoothing", type=float, default=default.label_smoothing, help="0 to below 1"
    )
    parser.add_argument("--no-augment", dest="augment", action="store_false", help="no deformation")
    parser.add_argument("--elastic", action="store_true", help="shift parts of pictures too")
    parser.add_argument(
        "--mirror", action="store_true", help="characters seen in a mirror are more classes"
    )
    parser.add_argument(
        "--spliced-per-class",
        "--composed-per-class",
        type=int,
        default=default.spliced_per_class,
        help="more classes, each made of parts of two characters",
    )
    parser.add_argument(
        "--ink-crops",
        "--ink-crops",
        "--close-ups",
        action="store_true",
        help="see every other picture close up",
    )
    parser.add_argument(
        "--bfloat16", action="store_true", help="convolve in this short format, in less time"
    )
    parser.add_argument(
        "--start",
        type=Path,
        help="weights whose features to begin from; classes begin at their mean",
    )
    parser.add_argument(
        "--inner-lr", type=float, help="alpha; chosen on validation classes unless given"
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="order, initialisation")
    _add_run(parser, "runs/pretrained.safetensors")


def _add_evaluate(commands: Any) -> None:
    parser = _command(commands, "evaluate", "Accuracy after each inner step, with its 95 %% CI.")
    parser.add_argument(
        "--method", type=current_name, choices=METHODS, default="maml", help="what adapts"
    )
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
    parser.add_argument(
        "--official-runs",
        dest="official",
        action="store_true",
        help="the 20 runs of Omniglot's own challenge instead, in a shape of their own",
    )
    _add_inductive(parser)
    parser.add_argument(
        "--rotation-tta",
        "--four-turns",
        action="store_true",
        help="answer by the mean of four adaptations, one to the pictures at each quarter turn",
    )
    parser.add_argument(
        "--ink-crops",
        "--close-ups",
        action="store_true",
        help="look at the pictures close up as well: the mean over twice as many adaptations",
    )
    parser.add_argument("--inner-lr", type=float, help="alpha; the weights' own unless given")
    parser.add_argument("--steps", type=int, default=10, help="inner steps")
    parser.add_argument("--episodes", type=int, default=600, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="chooses the episodes")
    parser.add_argument(
        "--all",
        action="store_true",
        help="the tables of docs/results.md instead: every row, method and split",
    )
    parser.add_argument(
        "--record", type=Path, help="with --all: a file that gets each row, and spares those it has"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def _add_choose(commands: Any) -> None:
    parser = _command(
        commands,
        "choose-inner-lr",
        "Choose alpha for each N on validation classes, and keep it in --weights if given.",
    )
    parser.add_argument(
        "--method", type=current_name, choices=METHODS, default="random", help="what adapts"
    )
    parser.add_argument("--weights", type=Path, help="a weights file, to be rewritten")
    _add_model(parser, None)
    _add_source(parser)
