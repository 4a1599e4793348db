"""How weights came to be: one record, written as JSON beside them and read from every version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from maml_core.methods.catalogue import current_name

# What files of earlier versions call a setting, and its name today.
FORMER_SETTINGS = {
    "learn_rates": "learn_inner_lr",
    "one_alphabet": "alternate_within_alphabet",
    "close_ups": "ink_crops",
    "composed_per_class": "spliced_per_class",
}
TEXTS = (
    "start", "dataset", "split", "command", "inner_lrs_command", "commit", "torch", "device"
)  # fmt: skip
WHOLE_NUMBERS = ("split_seed", "seed", "updates")
OFTEN_EMPTY = ("config", "validation", "with_validation")


@dataclass(frozen=True)
class Provenance:
    """How weights came to be; what a file does not say is None or empty.

    Attributes:
        method: Its name, see `methods.catalogue`.
        model: The network's `name` (Conv4 where there is none) and arguments.
        inner_lrs: α by n_way.
        start: The name of the weights file that the training began from, or 'random'.
        start_trained_on: Data set, split, split seed and part of all that those weights had seen
            (no part in older files: the training part); None in the oldest.
        config: The settings of the training by name.
        dataset: What it was trained on.
        split: Whose training part it saw.
        split_seed: Chose the split.
        command: What was typed.
        inner_lrs_command: What was typed to choose `inner_lrs` afterwards.
        commit: Of the code; a + where it had changes.
        torch: PyTorch's version.
        device: 'cpu', or the name of the GPU.
        seconds: Duration.
        updates: How many were made.
        seed: Of an untrained network.
        with_validation: Whether it saw the split's validation part, too.
        validation: An estimate for each look at the validation classes and each N.
    """

    method: str
    model: Mapping[str, Any]
    inner_lrs: Mapping[int, float]
    start: str | None = None
    start_trained_on: tuple[Any, ...] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    split: str | None = None
    split_seed: int | None = None
    command: str | None = None
    inner_lrs_command: str | None = None
    commit: str | None = None
    torch: str | None = None
    device: str | None = None
    seconds: float | None = None
    updates: int | None = None
    seed: int | None = None
    with_validation: bool = False
    validation: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Provenance:
        """Read what `to_json` of this or, through `current_names`, of an earlier version returned.

        The file may be a stranger's: what is optional and of another type is left out.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: Method, network or α is missing or
                makes no sense.
        """
        config = values.get("config")
        seconds = values.get("seconds")
        validation = values.get("validation")
        inherited = values.get("start_trained_on")
        return cls(
            method=str(values["method"]),
            model=dict(values["model"]),
            inner_lrs={int(n): float(lr) for n, lr in values["inner_lrs"].items()},
            start_trained_on=tuple(inherited) if isinstance(inherited, list | tuple) else None,
            config=config if isinstance(config, Mapping) else {},
            seconds=float(seconds) if isinstance(seconds, int | float) else None,
            with_validation=values.get("with_validation") is True,
            validation=tuple(validation) if isinstance(validation, list | tuple) else (),
            **{n: values[n] for n in TEXTS if isinstance(values.get(n), str)},
            **{n: values[n] for n in WHOLE_NUMBERS if isinstance(values.get(n), int)},
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, without what is not known."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        found["inner_lrs"] = {str(n): lr for n, lr in self.inner_lrs.items()}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value is not None and (value or name not in OFTEN_EMPTY)
        }


def current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's metadata with the method and the settings by their names of today.

    Args:
        values: What this or an earlier version wrote; whatever else is in it stays as it is.
    """
    found = _current_method(values)
    if isinstance(found.get("config"), Mapping):
        config = {FORMER_SETTINGS.get(n, n): value for n, value in found["config"].items()}
        found["config"] = _current_method(config)
    return found


def _current_method(values: Mapping[str, Any]) -> dict[str, Any]:
    method = values.get("method")
    return {**values, "method": current_name(method)} if isinstance(method, str) else {**values}
