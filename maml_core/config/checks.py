"""How settings are checked, and how a message about one names it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping


class SettingError(ValueError):
    """A setting that cannot be used.

    Its message names settings as the code does, which is right for a notebook; `worded` names them
    as the reader's controls or options do.
    """

    def __init__(self, template: str, **facts: object) -> None:
        """Fill in a message.

        Args:
            template: The message, with each setting's name and each fact in braces.
            facts: The values of all braces that are not names of settings.
        """
        self.template, self.facts = template, facts
        super().__init__(self.worded({}))

    def worded(self, names: Mapping[str, str]) -> str:
        """Return the message with other names for settings; those not given stay as in code."""
        return self.template.format_map(_Names({**names, **self.facts}))

    def within(self, before: str, after: str) -> SettingError:
        """Return the same error with more words around its message."""
        return SettingError(f"{literal(before)}{self.template}{literal(after)}", **self.facts)


def literal(value: object) -> str:
    """Return what stands for a value in a template without naming a setting."""
    return str(value).replace("{", "{{").replace("}", "}}")


class _Names(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return name


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise `SettingError` naming a setting, its value and its range if it is outside of it."""
    if not (math.isfinite(value) and low <= value <= high):
        message = f"{{{name}}} is {{value}}; choose a value from {{low}} to {{high}}."
        raise SettingError(message, value=value, low=low, high=high)


def check_positive(name: str, value: float) -> None:
    """Raise `SettingError` naming a setting and its value if it is not finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise SettingError(f"{{{name}}} is {{value}}; choose a finite value above 0.", value=value)


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise `SettingError` naming the value and the choices if `value` is not one of them."""
    if value not in choices:
        message = f"{{{name}}} is {{value!r}}; choose one of {{choices}}."
        raise SettingError(message, value=value, choices=", ".join(choices))
