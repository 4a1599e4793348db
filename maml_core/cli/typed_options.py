"""The options that somebody typed: how they are written, and which a command has no use for."""

from __future__ import annotations

import argparse
from typing import Any

# Options that are not written as the settings they change.
SPELLINGS = {
    "transductive": "--inductive",
    "augment": "--no-augment",
    "official": "--official-runs",
    "what": "",
}
# Settings whose option has another name, that of a list or that of a part of the command.
OPTION_OF = {
    "n_way": "n_ways",
    "k_shot": "k_shots",
    "inner_steps": "steps",
    "n_out": "head_rows",
    "within_alphabet": "alternate_within_alphabet",
}


class WithoutDefaults(argparse.ArgumentParser):
    """A parser that reads what was typed and adds no defaults to it."""

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        if options.get("nargs") == "?":  # which argparse would check against the choices
            options["choices"] = None
        return super().add_argument(*names, **{**options, "default": argparse.SUPPRESS})

    def set_defaults(self, **_: Any) -> None:
        """Set none."""


def option_names(parsed: argparse.Namespace) -> dict[str, str]:
    """Return how the options of a command are written, by the names of the settings they change."""
    names = {name: _spelling(name) for name in vars(parsed)}
    return names | {name: names[own] for name, own in OPTION_OF.items() if own in names}


def _spelling(name: str) -> str:
    return SPELLINGS.get(name, f"--{name.replace('_', '-')}")


def as_typed(parsed: argparse.Namespace, name: str) -> str:
    """Return an option and its value as one would type them."""
    value = getattr(parsed, name)
    if isinstance(value, bool):
        return _spelling(name)
    values = value if isinstance(value, list) else [value]
    words = (f"{one:g}" if isinstance(one, float) else str(one) for one in values)
    return " ".join([_spelling(name), *words]).strip()


def refuse_options(parsed: argparse.Namespace, why: str, *options: str) -> None:
    """Raise `ValueError` if an option was typed that there is no use for."""
    for option in options:
        if option in parsed.typed:
            raise ValueError(
                f"{why}, so there is no use for {as_typed(parsed, option)}; leave that out."
            )
