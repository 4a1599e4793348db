"""The command line's commands and their options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from maml_core.cli.source_options import add_source
from maml_core.config import META_METHODS, PARTS, PretrainConfig, TrainConfig
from maml_core.methods.catalogue import METHODS, NEAREST, current_name
from maml_core.networks.registry import MODELS

EVALUATION_STEPS = 10
DATA_ACTIONS = ("status", "fetch", "prepare")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; `doing` is the name of the command."""
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
    _add_import_boards(commands)
    return parser


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary.replace("%%", "%"),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    return parser


def _add_renamed(parser: argparse.ArgumentParser, name: str, former: str, **options: Any) -> None:
    """Add an option and its former spelling, which is understood but not shown in the help."""
    dest = parser.add_argument(name, **options).dest
    kind = {key: options[key] for key in ("action", "type") if key in options}
    parser.add_argument(
        former, dest=dest, default=argparse.SUPPRESS, help=argparse.SUPPRESS, **kind
    )


def _add_data(commands: Any) -> None:
    data = _command(commands, "data", "Say which data sets are available, or download one.")
    data.add_argument(
        "action", choices=DATA_ACTIONS, help="what to do: report; download; decode once, in advance"
    )
    data.add_argument(
        "what",
        nargs="?",
        choices=("omniglot", "mnist"),
        default="omniglot",
        help="with fetch: what to download (14 or 12 MB)",
    )


def _add_allow_seen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-seen",
        action="store_true",
        help="evaluate on classes that the weights were trained on, too, with a warning",
    )


def _add_run(parser: argparse.ArgumentParser, out: str) -> None:
    add_source(parser)
    parser.add_argument("--out", type=Path, default=Path(out), help="weights file to write")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted training")
    parser.add_argument(
        "--overwrite", action="store_true", help="begin anew in place of an interrupted training"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument(
        "--validate-every", type=int, default=1000, help="updates between; 0: never"
    )
    _add_model(parser, "conv4")


def _add_model(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("--model", choices=MODELS, default=default, help="network")
    parser.add_argument(
        "--channels",
        type=int,
        help="conv4: filters a layer, 64 unless given; resnet: filters of the stem, 32",
    )
    parser.add_argument(
        "--max-pool", action="store_true", help="conv4: max pooling instead of strides"
    )
    parser.add_argument(
        "--flatten", action="store_true", help="conv4: no mean over the last feature maps"
    )
    parser.add_argument("--hidden", type=int, help="mlp and lstm: units; 64 unless given")


def _add_negation(parser: argparse.ArgumentParser, option: str, setting: str, summary: str) -> None:
    """Add an option that turns a setting off, and whose help does not call it on by default."""
    parser.set_defaults(**{setting: True})
    parser.add_argument(
        option, dest=setting, action="store_false", default=argparse.SUPPRESS, help=summary
    )


def _add_inductive(parser: argparse.ArgumentParser) -> None:
    _add_negation(
        parser,
        "--inductive",
        "transductive",
        "normalise queries with the support set's statistics, each query alone",
    )


def _add_muon(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--muon-lr",
        type=float,
        default=0.0,
        help="Muon's learning rate for convolution filters; 0: Adam for all parameters",
    )


def _add_inner_loop(train: argparse.ArgumentParser, default: TrainConfig) -> None:
    train.add_argument(
        "--inner-lr", type=float, default=default.inner_lr, help="alpha, of the inner loop"
    )
    train.add_argument(
        "--scale-inner-lr",
        action="store_true",
        help="alpha in proportion to N, from the first N on",
    )
    train.add_argument(
        "--inner-steps", type=int, default=default.inner_steps, help="steps in training"
    )
    train.add_argument(
        "--multi-step",
        action="store_true",
        help="multi-step loss: the query loss after every inner step counts",
    )
    train.add_argument(
        "--first-order-steps",
        type=int,
        default=default.first_order_steps,
        help="updates that take the inner gradients as constants, before all others do not",
    )
    _add_renamed(
        train,
        "--learn-inner-lr",
        "--learn-rates",
        action="store_true",
        help="a learned factor on alpha for each parameter tensor",
    )


def _add_train(commands: Any) -> None:
    train = _command(commands, "train", "Meta-train an initialisation.")
    default = TrainConfig()
    train.add_argument(
        "--method",
        type=current_name,
        choices=tuple(META_METHODS),
        default=default.method,
        help="meta-learning algorithm",
    )
    train.add_argument(
        "--n-ways", type=int, nargs="+", default=default.n_ways, help="N of the episodes, in turn"
    )
    train.add_argument(
        "--k-shots", type=int, nargs="+", default=default.k_shots, help="K of the episodes, in turn"
    )
    train.add_argument(
        "--q-query", type=int, default=default.q_query, help="query pictures a class"
    )
    _add_inner_loop(train, default)
    train.add_argument("--meta-lr", type=float, default=default.meta_lr, help="beta, at the start")
    train.add_argument(
        "--proximal", type=float, default=default.proximal, help="lambda of imaml's inner loop"
    )
    _add_muon(train)
    train.add_argument(
        "--meta-batch-size", type=int, default=default.meta_batch_size, help="tasks an update"
    )
    train.add_argument("--meta-steps", type=int, default=default.meta_steps, help="updates")
    _add_inductive(train)
    _add_renamed(
        train,
        "--alternate-within-alphabet",
        "--one-alphabet",
        action="store_true",
        help="sample every other meta-batch within alphabets and by the same drawers",
    )
    _add_negation(train, "--no-augment", "augment", "no random deformations")
    train.add_argument("--head-rows", type=int, default=1, help="1: zeros, for any N")
    train.add_argument(
        "--start",
        type=Path,
        help="weights to start from; with --learn-inner-lr their learned factors, too",
    )
    train.add_argument(
        "--seed", type=int, default=default.seed, help="of the episodes and initialisation"
    )
    train.add_argument(
        "--record", type=int, default=0, help="points along the way to keep; 0: none"
    )
    _add_run(train, "runs/maml.safetensors")


def _add_pretrain(commands: Any) -> None:
    parser = _command(commands, "pretrain", "Train the baseline, a classifier of all characters.")
    default = PretrainConfig()
    parser.add_argument("--epochs", type=int, default=default.epochs, help="passes over the data")
    parser.add_argument(
        "--batch-size", type=int, default=default.batch_size, help="pictures an update"
    )
    parser.add_argument(
        "--lr", type=float, default=default.lr, help="AdamW's learning rate, at the start"
    )
    parser.add_argument("--weight-decay", type=float, default=default.weight_decay, help="AdamW's")
    _add_muon(parser)
    parser.add_argument(
        "--label-smoothing",
        type=float,
        default=default.label_smoothing,
        help="share of the target spread over all classes, 0 to below 1",
    )
    _add_negation(parser, "--no-augment", "augment", "no random deformations")
    parser.add_argument("--elastic", action="store_true", help="random elastic deformations, too")
    parser.add_argument(
        "--mirror", action="store_true", help="mirrored characters as additional classes"
    )
    _add_renamed(
        parser,
        "--spliced-per-class",
        "--composed-per-class",
        type=int,
        default=default.spliced_per_class,
        help="additional classes for each class, spliced from parts of two characters",
    )
    _add_renamed(
        parser,
        "--ink-crops",
        "--close-ups",
        action="store_true",
        help="crop every other picture to its ink",
    )
    parser.add_argument(
        "--bfloat16", action="store_true", help="convolutions in bfloat16, faster on some machines"
    )
    parser.add_argument(
        "--start",
        type=Path,
        help="weights whose features to start from; head rows start at the classes' means",
    )
    parser.add_argument(
        "--inner-lr", type=float, help="alpha; chosen on validation classes unless given"
    )
    parser.add_argument(
        "--seed", type=int, default=default.seed, help="of the order and initialisation"
    )
    _add_run(parser, "runs/pretrained.safetensors")


def _add_evaluate(commands: Any) -> None:
    parser = _command(commands, "evaluate", "Accuracy after each inner step, with its 95 %% CI.")
    parser.add_argument(
        "--method",
        type=current_name,
        choices=(*METHODS, *NEAREST),
        default="maml",
        help="what adapts, or a nearest neighbour, which does not",
    )
    parser.add_argument("--weights", type=Path, help="a weights file instead of the shipped ones")
    _add_model(parser, None)
    add_source(parser)
    _add_allow_seen(parser)
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
        help="the 20 fixed runs of Omniglot's own challenge, which are 20-way 1-shot",
    )
    _add_inductive(parser)
    _add_renamed(
        parser,
        "--rotation-tta",
        "--four-turns",
        action="store_true",
        help="test-time augmentation: the mean logits over adaptations at four quarter turns",
    )
    _add_renamed(
        parser,
        "--ink-crops",
        "--close-ups",
        action="store_true",
        help="adapt to the pictures cropped to their ink as well, and take the mean logits",
    )
    parser.add_argument("--inner-lr", type=float, help="alpha; the weights' own unless given")
    parser.add_argument("--steps", type=int, help=f"inner steps; {EVALUATION_STEPS} unless given")
    parser.add_argument("--episodes", type=int, default=600, help="number of episodes")
    parser.add_argument("--seed", type=int, default=0, help="seed of the episodes")
    parser.add_argument(
        "--all",
        action="store_true",
        help="the tables of docs/results.md instead: every row, method and split",
    )
    parser.add_argument(
        "--record", type=Path, help="with --all: append each row to this file, skip rows it has"
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
    add_source(parser)
    _add_allow_seen(parser)


def _add_import_boards(commands: Any) -> None:
    parser = _command(
        commands, "import-boards", "Put boards saved on the Draw page into a class of this server."
    )
    parser.add_argument("code", help="the class's, as its page shows it")
    parser.add_argument(
        "--folder", type=Path, help="where the boards lie; MAML_DATA_DIR/drawings unless given"
    )
