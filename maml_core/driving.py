"""A training's way from its start to its weights file: progress, saved states, interruption."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from maml_core import checkpoints
from maml_core.baselines import with_new_head
from maml_core.checkpoints import Checkpoint, CheckpointError
from maml_core.config import DEVICES, check_choice
from maml_core.datasets import load
from maml_core.datasets.base import CharacterSet
from maml_core.datasets.splits import split_classes
from maml_core.distribution import is_first
from maml_core.episodes import TaskPool, make_pool
from maml_core.learners import Learner
from maml_core.models import model_arguments
from maml_core.optimisation import Update

SAVE_SECONDS = 60  # at most this much training is lost when the machine stops
VALIDATION_QUERY = 5  # pictures a class
# A state may be gone on from only with the same of these, the same network and config.
RESUMED = ("method", "start", "dataset", "split", "split_seed")


@dataclass(frozen=True)
class Run:
    """Where a training's data comes from and its weights go to.

    Attributes:
        out: The weights file; the unfinished state lies beside it as `<name>.state`.
        dataset: Its name, see `datasets.load`.
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

    def pool(self, part: str, *, rotate: bool = False, close_ups: bool = False) -> TaskPool:
        """Return the classes of one part of the split on the run's device, see `make_pool`.

        Raises:
            ValueError: There are fewer than two, or no close-ups of them.
        """
        classes = split_classes(self.data, self.split, part, self.split_seed)
        rotate = rotate and self.data.has_drawers
        return make_pool(self.data, classes, rotate=rotate, close_ups=close_ups, device=self.device)

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


def drive(
    run: Run,
    updates: Callable[[Update], Iterator[Update]],
    first: Callable[[], Update],
    steps: int,
    metadata: dict[str, Any],
    check: Callable[[Learner], list[dict[str, Any]]],
    finish: Callable[[Checkpoint], Checkpoint] = lambda checkpoint: checkpoint,
) -> Checkpoint:
    """Run a training to its end with progress, saved states and validation.

    Only a run that goes on from no saved state asks for its `first`. What validation finds is
    printed and kept with the weights: metadata `validation`, a row a look and N. The state stays
    until `finish` is through with the weights, which may take minutes. Of several processes only
    the first does more than its share of the updates.
    """
    begin, metadata = _begin(run, first, metadata)
    if not is_first():
        last = reduce(lambda _, later: later, updates(begin), begin)
        return checkpoint_of(last, metadata)
    update = begin
    begun, saved = time.monotonic() - metadata["seconds"], time.monotonic()
    kept = run.recorded_updates(steps)
    _record(run, begin, kept, metadata)
    try:
        with tqdm(total=steps, initial=update.step, unit="update", disable=None) as bar:
            for update in updates(begin):
                bar.update()
                metadata["seconds"] = round(time.monotonic() - begun, 1)
                _record(run, update, kept, metadata)
                if run.validate_every and update.step % run.validate_every == 0:
                    found = check(checkpoint_of(update, metadata).learner())
                    told = [{"update": update.step, **one} for one in found]
                    metadata["validation"] = [*metadata.get("validation", []), *told]
                    bar.write(f"{update.step}: validation after each step: {_in_words(found)}")
                if update.step == steps or time.monotonic() - saved > SAVE_SECONDS:
                    checkpoints.save_update(run.state, update, metadata)
                    saved = time.monotonic()
        checkpoint = finish(checkpoint_of(update, metadata))
    except KeyboardInterrupt:
        _keep_interrupted(run, update, metadata)
        raise
    checkpoints.save(run.out, checkpoint)
    run.state.unlink(missing_ok=True)
    return checkpoint


def _keep_interrupted(run: Run, update: Update, metadata: dict[str, Any]) -> None:
    """Write the state and the weights so far of a run that is stopped, if it made an update."""
    if update.optimizer:
        checkpoints.save_update(run.state, update, metadata)
        checkpoints.save(run.out, checkpoint_of(update, metadata))
        tqdm.write(
            f"Stopped after {update.step} updates; the weights so far are in {run.out}. "
            "The same command with --resume goes on."
        )


def _record(run: Run, update: Update, kept: set[int], metadata: Mapping[str, Any]) -> None:
    """Add the state to the file of points on the way if it is one of those to be kept."""
    if update.step in kept:
        before = checkpoints.load_recording(run.recording)[0] if update.step else {}
        # What a run that broke off recorded after its last saved state is recorded anew.
        points = {step: theta for step, theta in before.items() if step < update.step}
        points[update.step] = update.params
        checkpoints.save_recording(run.recording, points, metadata)


def _begin(
    run: Run, first: Callable[[], Update], about: dict[str, Any]
) -> tuple[Update, dict[str, Any]]:
    """Return where to begin and what is to be said of the weights."""
    begin, about = _resumed(run, about) if run.resume else (first(), about)
    params = {name: value.to(run.device) for name, value in begin.params.items()}
    return replace(begin, params=params), about


def _resumed(run: Run, about: dict[str, Any]) -> tuple[Update, dict[str, Any]]:
    """Return the saved state and its metadata if it is of a run like this one."""
    update, saved = checkpoints.load_update(run.state)
    asked = json.loads(json.dumps(about))  # as the saved one has been: tuples are lists there
    other = differences(_identity(saved), _identity(asked))
    if other:
        raise CheckpointError(
            f"{run.state} belongs to another run ({other}); repeat its command "
            f"({saved.get('command')}) or train without --resume."
        )
    return update, saved


def _identity(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a run the same as another."""
    network = model_arguments(metadata.get("model", {}))
    return {**{n: metadata.get(n) for n in RESUMED}, **network, **metadata.get("config", {})}


def checkpoint_of(update: Update, metadata: Mapping[str, Any]) -> Checkpoint:
    """Return the weights of a state, with what is to be said of them."""
    params = update.params
    if metadata["method"] == "pretrained":
        params = with_new_head(params)
    return Checkpoint(params, {**metadata, "updates": update.step})


def differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Say which entries of two records differ, old and new; empty where none does."""
    return "; ".join(
        f"{name} {there.get(name)}, not {asked.get(name)}"
        for name in {**there, **asked}
        if there.get(name) != asked.get(name)
    )


def _in_words(found: Sequence[Mapping[str, Any]]) -> str:
    """Return estimates in %, before the first step and after each, as they are printed."""
    lines = []
    for one in found:
        before, *after = (f"{100 * share:.1f}" for share in one["accuracy"])
        lines.append(
            f"{one['n_way']}-way {one['k_shot']}-shot {' '.join(after)} % "
            f"(from {before}; ± {100 * one['ci95'][-1]:.1f}, n = {one['episodes']})"
        )
    return "; ".join(lines)


def _commit() -> str:
    """Return the commit of the code, with a + when the tree has changes; empty outside git."""
    with suppress(OSError, subprocess.CalledProcessError):
        root = Path(__file__).parent
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10"],
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
        )
        return found.stdout.strip()
    return ""
