"""Where a training's data comes from and where its weights go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maml_core.config import DEVICES, SettingError, check_choice
from maml_core.data.character_set import CharacterSet
from maml_core.data.registry import load
from maml_core.data.splits import MINIMAL, split_classes
from maml_core.data.storage.disk_cache import check_writable
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.learners.checkpoints import Checkpoint, CheckpointError
from maml_core.learners.training_classes import splits_trained_on
from maml_core.training.code_version import commit

VALIDATION_QUERY = 5  # pictures a class


@dataclass(frozen=True)
class TrainingRun:
    """Where a training's data comes from and its weights go to.

    Attributes:
        out: The weights file; the state of an unfinished training lies beside it as
            `<name>.state`.
        dataset: Its name, see `registry.load`.
        split: One of `config.SPLITS`; the run sees its training and validation parts only.
        split_seed: Chooses the split.
        device: 'cpu' or 'cuda'.
        resume: Continue from the saved state.
        overwrite: Begin anew although there is the state of an unfinished training.
        with_validation: Train on the validation part as well: once all settings are chosen.
        validate_every: Updates between two validations; 0 for none.
        validate_on: The part of the split to validate on; 'train' where there are too few
            validation classes, and whoever shows the accuracy must say so.
        validation_query: Query pictures a class of the validation episodes.
        record: Points along the way to keep in `<stem>.recording.safetensors`, closer together at
            the beginning, where most happens; 0 for none.
        command: What was typed, kept with the weights.

    Raises:
        ValueError: An unknown device, a missing GPU, a negative interval, or both `resume` and
            `overwrite`, validation on what is trained on, or training on the validation part of a
            minimal split, which is all that makes it minimal.
    """

    out: Path
    dataset: str = "omniglot"
    split: str = "alphabets"
    split_seed: int = 0
    device: str = "cpu"
    resume: bool = False
    overwrite: bool = False
    with_validation: bool = False
    validate_every: int = 0
    validate_on: str = "validation"
    validation_query: int = VALIDATION_QUERY
    record: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        check_choice("device", self.device, DEVICES)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise SettingError("{device} is 'cuda', but torch finds no such GPU here; choose cpu.")
        if self.resume and self.overwrite:
            raise ValueError(
                "--resume goes on with an unfinished training and --overwrite begins anew; "
                "choose one of them."
            )
        if self.validate_every < 0:
            raise SettingError(
                "{validate_every} is {value}; choose 0 (never) or more.", value=self.validate_every
            )
        if self.with_validation and self.split in MINIMAL:
            raise SettingError(
                "{split} is {value}: it trains on five alphabets, and all others but those for "
                "testing are its validation part; leave {with_validation} out.",
                value=self.split,
            )
        if self.with_validation and self.validate_every:
            raise ValueError(
                "--with-validation trains on the validation classes, so that none are left to "
                "validate on; add --validate-every 0."
            )
        if self.record < 0 or self.record == 1:
            raise SettingError(
                "{record} is {value}; choose 0 (nothing) or at least 2 points.", value=self.record
            )

    @property
    def state(self) -> Path:
        """The file of an unfinished training's state."""
        return self.out.with_name(self.out.name + ".state")

    @property
    def recording(self) -> Path:
        """The file of the points along the way."""
        return self.out.with_suffix(".recording.safetensors")

    def check_files(self) -> None:
        """Check, before anything is trained, that the files can be written and none is lost.

        Raises:
            CheckpointError: There is the state of an unfinished training, and the run neither
                resumes nor overwrites it.
            ValueError: A file cannot be written.
        """
        check_writable(self.out)
        check_writable(self.state)
        if self.record:
            check_writable(self.recording)
        if self.state.exists() and not (self.resume or self.overwrite):
            raise CheckpointError(
                f"{self.state} is the state of an unfinished training; go on with --resume, begin "
                "anew in its place with --overwrite, or name another --out."
            )

    def recorded_updates(self, steps: int) -> set[int]:
        """Return which of `steps` updates to record: the start, then in equal ratios."""
        ratios = np.geomspace(1, steps, max(self.record - 1, 1))
        return {0, *(round(float(ratio)) for ratio in ratios)} if self.record else set()

    @cached_property
    def data(self) -> CharacterSet:
        """The data set that the run learns from, read once."""
        return load(self.dataset)

    def pool(self, part: str, *, rotate: bool = False, ink_crops: bool = False) -> TaskPool:
        """Return the classes of one part of the split on the run's device, see `make_pool`.

        Raises:
            ValueError: There are fewer than two classes, or no ink to crop them to.
        """
        parts = (part, "validation") if self.with_validation and part == "train" else (part,)
        classes = sorted(c for p in parts for c in self._classes(p))
        rotate = rotate and self.data.has_drawers
        return make_pool(self.data, classes, rotate=rotate, ink_crops=ink_crops, device=self.device)

    def _classes(self, part: str) -> list[int]:
        return split_classes(self.data, self.split, part, self.split_seed)

    def metadata(
        self, training: Mapping[str, Any], start: Checkpoint | None = None
    ) -> dict[str, Any]:
        """Return a weights file's metadata.

        Args:
            training: What the training itself says: method, network, settings.
            start: The weights that it began from, whose training classes it inherits.
        """
        return {
            **training,
            "command": self.command,
            "dataset": self.dataset,
            "split": self.split,
            "split_seed": self.split_seed,
            **({"with_validation": True} if self.with_validation else {}),
            "start_trained_on": splits_trained_on(start.provenance) if start else [],
            "device": torch.cuda.get_device_name() if self.device == "cuda" else "cpu",
            "commit": commit(),
            "torch": torch.__version__,
            "seconds": 0.0,
        }
