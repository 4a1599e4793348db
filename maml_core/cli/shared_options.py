"""Options that several commands have, and how an option is added."""

from __future__ import annotations

import argparse
from typing import Any

from maml_core.networks.registry import MODELS


def command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary.replace("%%", "%"),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    return parser


def add_renamed(parser: argparse.ArgumentParser, name: str, former: str, **options: Any) -> None:
    """Add an option and its former spelling, which is understood but not shown in the help."""
    dest = parser.add_argument(name, **options).dest
    kind = {key: options[key] for key in ("action", "type") if key in options}
    parser.add_argument(
        former, dest=dest, default=argparse.SUPPRESS, help=argparse.SUPPRESS, **kind
    )


def add_negation(parser: argparse.ArgumentParser, option: str, setting: str, summary: str) -> None:
    """Add an option that turns a setting off, and whose help does not call it on by default."""
    parser.set_defaults(**{setting: True})
    parser.add_argument(
        option, dest=setting, action="store_false", default=argparse.SUPPRESS, help=summary
    )


def add_inductive(parser: argparse.ArgumentParser) -> None:
    add_negation(
        parser,
        "--inductive",
        "transductive",
        "normalise queries with the support set's statistics, each query alone",
    )


def add_model(parser: argparse.ArgumentParser, default: str | None) -> None:
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
