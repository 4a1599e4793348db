"""The options of the two trainings, `train` and `pretrain`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from maml_core.cli.shared_options import (
    add_inductive,
    add_model,
    add_negation,
    add_renamed,
    command,
)
from maml_core.cli.source_options import add_source
from maml_core.cli.typed_options import as_typed
from maml_core.config import MAX_WAY, META_METHODS, PretrainConfig, TrainConfig, suited_config
from maml_core.methods.catalogue import current_name


def _add_inner_loop(train: argparse.ArgumentParser, default: TrainConfig) -> None:
    train.add_argument(
        "--inner-lr",
        type=float,
        help="alpha, of the inner loop; one that suits the method unless given",
    )
    train.add_argument(
        "--scale-inner-lr",
        action="store_true",
        help="alpha in proportion to N, from the first N on",
    )
    train.add_argument(
        "--inner-steps", type=int, help="steps in training; so many as suit the method unless given"
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
    add_renamed(
        train,
        "--learn-inner-lr",
        "--learn-rates",
        action="store_true",
        help="a learned factor on alpha for each parameter tensor",
    )


def add_train(commands: Any) -> None:
    train = command(commands, "train", "Meta-train an initialisation.")
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
    add_inductive(train)
    add_renamed(
        train,
        "--alternate-within-alphabet",
        "--one-alphabet",
        action="store_true",
        help="sample every other meta-batch within alphabets and by the same drawers",
    )
    add_negation(train, "--no-augment", "augment", "no random deformations")
    train.add_argument(
        "--head-rows",
        type=int,
        help=f"1: zeros, for any N; 1 unless given, with multi_task {MAX_WAY}",
    )
    train.add_argument(
        "--start",
        type=Path,
        help="weights to start from; with --learn-inner-lr their learned factors, too",
    )
    train.add_argument(
        "--seed", type=int, default=default.seed, help="of the episodes and initialisation"
    )
    train.add_argument(
        "--with-validation",
        action="store_true",
        help="train on the validation classes as well, once all settings are chosen; alpha is that "
        "of --start",
    )
    train.add_argument(
        "--record", type=int, default=0, help="points along the way to keep; 0: none"
    )
    _add_run(train, "runs/maml.safetensors")


def suit_method(parsed: argparse.Namespace) -> None:
    """Give the options that were left to the method the values that suit it.

    Raises:
        ValueError: One was given that plays no part in the method.
    """
    demands, suited = META_METHODS[parsed.method], suited_config(parsed.method)
    for name in demands.unused:
        if name in parsed.typed:
            raise ValueError(
                f"{demands.called} has no use for {as_typed(parsed, name)}; leave that out or "
                "choose another --method."
            )
    suits = {"inner_lr": suited.inner_lr, "inner_steps": suited.inner_steps}
    for name, value in {**suits, "head_rows": demands.head_rows}.items():
        if getattr(parsed, name) is None:
            setattr(parsed, name, value)


def _add_muon(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--muon-lr",
        type=float,
        default=0.0,
        help="Muon's learning rate for convolution filters; 0: Adam for all parameters",
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
    add_model(parser, "conv4")


def add_pretrain(commands: Any) -> None:
    parser = command(commands, "pretrain", "Train the baseline, a classifier of all characters.")
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
    add_negation(parser, "--no-augment", "augment", "no random deformations")
    parser.add_argument("--elastic", action="store_true", help="random elastic deformations, too")
    parser.add_argument(
        "--mirror", action="store_true", help="mirrored characters as additional classes"
    )
    add_renamed(
        parser,
        "--spliced-per-class",
        "--composed-per-class",
        type=int,
        default=default.spliced_per_class,
        help="additional classes for each class, spliced from parts of two characters",
    )
    add_renamed(
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
