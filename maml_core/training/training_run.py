"""Where a training's data comes from and where its weights go."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maml_core.config import DEVICES, check_choice
from maml_core.data.character_set import CharacterSet
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.paths import PROJECT

VALIDATION_QUERY = 5  # pictures a class


@dataclass(frozen=True)
class Run:
    """Where a training's data comes from and its weights go to.

    Attributes:
        out: The weights file; the unfinished state lies beside it as `<name>.state`.
        dataset: Its name, see `registry.load`.
        split: One of `config.SPLITS`; the run sees its training and validation parts only.
        split_seed: Chooses the split.
        device: 'cpu' or 'cuda'.
        resume: Go on from the unfinished state.
        validate_every: Updates between two looks at validation episodes; 0 for none.
        validate_on: Of which part of the split these are; 'train' where there are too few
            validation classes, and it is to be said.
        validation_query: Query pictures a class of theirs.
        record: Points on the way to keep in `<stem>.recording.safetensors`, closer together in the
            beginning, where most happens; 0 for none.
        command: What was typed, kept with the weights.

    Raises:
        ValueError: An unknown device, no GPU where one is asked for, or a negative interval.
    """

    out: Path
    dataset: str = "omniglot"
    split: str = "alphabets"
    split_seed: int = 0
    device: str = "cpu"
    resume: bool = False
    validate_every: int = 0
    validate_on: str = "validation"
    validation_query: int = VALIDATION_QUERY
    record: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        check_choice("device", self.device, DEVICES)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is 'cuda', but torch finds no such GPU here; choose cpu.")
        if self.validate_every < 0:
            raise ValueError(f"validate_every is {self.validate_every}; choose 0 (never) or more.")
        if self.record < 0 or self.record == 1:
            raise ValueError(f"record is {self.record}; choose 0 (nothing) or at least 2 points.")

    @property
    def state(self) -> Path:
        """The file of the unfinished state."""
        return self.out.with_name(self.out.name + ".state")

    @property
    def recording(self) -> Path:
        """The file of the points on the way."""
        return self.out.with_suffix(".recording.safetensors")

    def recorded_updates(self, steps: int) -> set[int]:
        """Return the updates to keep of a run of so many: the start, then in equal ratios."""
        ratios = np.geomspace(1, steps, max(self.record - 1, 1))
        return {0, *(round(float(ratio)) for ratio in ratios)} if self.record else set()

    @cached_property
    def data(self) -> CharacterSet:
        """The characters that the run learns from; read once."""
        return load(self.dataset)

    def pool(self, part: str, *, rotate: bool = False, ink_crops: bool = False) -> TaskPool:
        """Return the classes of one part of the split on the run's device, see `make_pool`.

        Raises:
            ValueError: There are fewer than two, or no close-ups of them.
        """
        classes = split_classes(self.data, self.split, part, self.split_seed)
        rotate = rotate and self.data.has_drawers
        return make_pool(self.data, classes, rotate=rotate, ink_crops=ink_crops, device=self.device)

    def about(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is to be said of the weights besides what their training says."""
        return {
            **metadata,
            "command": self.command,
            "dataset": self.dataset,
            "split": self.split,
            "split_seed": self.split_seed,
            "device": torch.cuda.get_device_name() if self.device == "cuda" else "cpu",
            "commit": _commit(),
            "torch": torch.__version__,
            "seconds": 0.0,
        }


def _commit() -> str:
    """Return the commit of the code, with a + when the tree has changes; empty outside git."""
    with suppress(OSError, subprocess.CalledProcessError):
        root = PROJECT
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10"],
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
        )
        return found.stdout.strip()
    return ""
