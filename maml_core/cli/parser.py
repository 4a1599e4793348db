"""The command line's commands and their options."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maml_core.cli.shared_options import add_inductive, add_model, add_renamed, command
from maml_core.cli.source_options import add_source
from maml_core.cli.training_options import add_pretrain, add_train
from maml_core.cli.typed_options import WithoutDefaults
from maml_core.config import PARTS
from maml_core.evaluation.ensembles import ENSEMBLE
from maml_core.evaluation.results_table import EPISODES, MAIN_EPISODES
from maml_core.methods.catalogue import METHODS, NEAREST, current_name

EVALUATION_STEPS = 10
DATA_ACTIONS = ("status", "fetch", "prepare")


def parse_typed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command; `typed` is the names of those that were typed."""
    parsed = make_parser().parse_args(arguments)
    parsed.typed = vars(make_parser(WithoutDefaults).parse_args(arguments)).keys()
    return parsed


def make_parser(
    kind: type[argparse.ArgumentParser] = argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    """Return the parser of the command line; `doing` is the name of the command."""
    parser = kind(
        prog="python -m maml_core",
        description="Learn to learn characters: get data, meta-train, compare.",
        epilog="Start with: python -m maml_core evaluate --method maml --episodes 100",
    )
    commands = parser.add_subparsers(dest="doing", required=True, metavar="COMMAND")
    _add_data(commands)
    add_train(commands)
    add_pretrain(commands)
    _add_evaluate(commands)
    _add_choose(commands)
    _add_import_boards(commands)
    return parser


def _add_data(commands: Any) -> None:
    data = command(commands, "data", "Say which data sets are available, or download one.")
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


def _add_methods(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is measured, and what is subtracted from it."""
    parser.add_argument(
        "--method",
        type=current_name,
        choices=(*METHODS, *NEAREST),
        default="maml",
        help="what adapts, or a nearest neighbour, which does not",
    )
    parser.add_argument(
        "--weights", type=Path, help="a weights file instead of the shipped ones, also for features"
    )
    parser.add_argument(
        "--ensemble",
        nargs="+",
        metavar="MEMBER",
        help="methods and weights files that answer together, instead: the mean of their logits",
    )
    parser.add_argument(
        "--minus",
        type=current_name,
        choices=(*METHODS, *NEAREST),
        help="measure this method's shipped weights on the same episodes, too, and print the "
        "paired difference",
    )


def _add_evaluate(commands: Any) -> None:
    parser = command(commands, "evaluate", "Accuracy after each inner step, with its 95 %% CI.")
    _add_methods(parser)
    add_model(parser, None)
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
    add_inductive(parser)
    add_renamed(
        parser,
        "--rotation-tta",
        "--four-turns",
        action="store_true",
        help="test-time augmentation: the mean logits over adaptations at four quarter turns",
    )
    add_renamed(
        parser,
        "--ink-crops",
        "--close-ups",
        action="store_true",
        help="adapt to the pictures cropped to their ink as well, and take the mean logits",
    )
    parser.add_argument("--inner-lr", type=float, help="alpha; the weights' own unless given")
    parser.add_argument("--steps", type=int, help=f"inner steps; {EVALUATION_STEPS} unless given")
    parser.add_argument(
        "--episodes",
        type=int,
        help=f"number of episodes; {EPISODES} unless given, with --all {MAIN_EPISODES} for the "
        "main rows",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the episodes")
    parser.add_argument(
        "--all",
        action="store_true",
        help="the tables of docs/results.md instead: every row, method and split",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        type=current_name,
        choices=(*METHODS, *NEAREST, ENSEMBLE),
        metavar="METHOD",
        help="with --all: these methods' rows",
    )
    parser.add_argument(
        "--record", type=Path, help="with --all: append each row to this file, skip rows it has"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def _add_choose(commands: Any) -> None:
    parser = command(
        commands,
        "choose-inner-lr",
        "Choose alpha for each N on validation classes, and keep it in --weights if given.",
    )
    parser.add_argument(
        "--method", type=current_name, choices=METHODS, default="random", help="what adapts"
    )
    parser.add_argument("--weights", type=Path, help="a weights file, to be rewritten")
    add_model(parser, None)
    add_source(parser)
    _add_allow_seen(parser)


def _add_import_boards(commands: Any) -> None:
    parser = command(
        commands, "import-boards", "Put boards saved on the Draw page into a class of this server."
    )
    parser.add_argument("code", help="the class's, as its page shows it")
    parser.add_argument(
        "--folder", type=Path, help="where the boards lie; MAML_DATA_DIR/drawings unless given"
    )
