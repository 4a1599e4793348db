"""Records of settings from the options of a command."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from maml_core.cli.typed_options import as_typed
from maml_core.networks.registry import model_arguments

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MODEL_OPTIONS = ("channels", "max_pool", "flatten", "hidden")
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


def model_options(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the network's name and those of its arguments that were given.

    Raises:
        ValueError: It has no such argument.
    """
    given = {name: getattr(parsed, name) for name in MODEL_OPTIONS if name in parsed.typed}
    config = {"name": parsed.model or "conv4", **given}
    known = model_arguments({"name": config["name"]})
    for name in config.keys() - known:
        raise ValueError(
            f"--model {config['name']} has no {as_typed(parsed, name)}; leave that out or take "
            "another one."
        )
    return config
