"""One background training: what was asked for, what its process has said, and how far it is."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from maml_core.config import TrainConfig

SPEED_UPDATES = 20  # over which the speed is measured
FINISHED = ("done", "stopped", "failed")
ABOUT, WEIGHTS, SAVED = "training.json", "training.safetensors", "training.saved"  # see `to_parts`
INTERRUPTED = "The server that ran this training has ended; start it again."


@dataclass(frozen=True)
class TrainingJob:
    """What to train on which data, as `recipes.prepare_training` takes it.

    Attributes:
        config: The method and its settings.
        dataset: The data set's name, see `registry.load`.
        split: The split whose training and validation parts it sees.
        model: The network's arguments.
        start: A weights file to begin from; empty for a random initialisation.
        validate_on: The part of the split to validate on, see `training_run.TrainingRun`.
    """

    config: TrainConfig
    dataset: str = "omniglot"
    split: str = "alphabets"
    model: Mapping[str, Any] = field(default_factory=lambda: {"n_out": 1})
    start: str = ""
    validate_on: str = "validation"

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> TrainingJob:
        """Read what `to_json` wrote."""
        fields: dict[str, Any] = json.loads(line)
        config: dict[str, Any] = fields["config"]
        tuples = {name: tuple(config[name]) for name in ("n_ways", "k_shots")}
        return cls(**{**fields, "config": TrainConfig(**{**config, **tuples})})


@dataclass(frozen=True)
class Progress:
    """What one update reported.

    Attributes:
        step: Updates made.
        loss: The tasks' mean query loss, nats, before the update.
        gradient_norm: Length of the meta-gradient.
        seconds: Since the training began, without pauses.
    """

    step: int
    loss: float
    gradient_norm: float
    seconds: float


@dataclass(frozen=True)
class Validation:
    """The accuracy on validation episodes of the weights after some updates.

    Attributes:
        step: Updates made.
        accuracy: Mean query accuracy after each inner step, 0 to 1, the first before any.
        ci95: Half-width of its 95 % confidence interval, likewise.
        episodes: How many were measured.
    """

    step: int
    accuracy: tuple[float, ...]
    ci95: tuple[float, ...]
    episodes: int


@dataclass(eq=False)
class BackgroundTraining:
    """One training; a page may read it at any time.

    Attributes:
        owner: Who started it.
        job: What is trained.
        is_present: Whether the owner is still there.
        state: 'waiting', 'running', 'pausing', 'paused', 'stopping', or, when it is finished,
            'done', 'stopped' or 'failed'.
        message: Why it failed, a sentence.
        weights: The last weights file that it sent; empty before the first.
        step: How many updates made those weights.
        saved: The state that the last pause left, to go on from; empty before the first.
        process: The worker; None where there is none: before the launch and while it is paused.
        last_seen: When the owner was last present, on the monotonic clock.
        was_left: Whether it is paused because the owner was away.
        was_interrupted: Whether its process ended with its server, unfinished.
    """

    owner: str
    job: TrainingJob
    is_present: Callable[[], bool]
    state: str = "waiting"
    message: str = ""
    weights: bytes = b""
    step: int = 0
    saved: bytes = b""
    process: subprocess.Popen[str] | None = None
    last_seen: float = field(default_factory=time.monotonic)
    was_left: bool = False
    was_interrupted: bool = False
    _progress: list[Progress] = field(default_factory=list, init=False)
    _validations: list[Validation] = field(default_factory=list, init=False)

    @property
    def progress(self) -> tuple[Progress, ...]:
        """The reports by now, one an update; what is drawn from them does not grow meanwhile."""
        return tuple(self._progress)

    @property
    def validations(self) -> tuple[Validation, ...]:
        """The validations by now."""
        return tuple(self._validations)

    @property
    def updates_made(self) -> int:
        return self._progress[-1].step if self._progress else 0

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED

    @property
    def updates_per_second(self) -> float:
        """The speed over the last updates; 0 before there are two."""
        last = self._progress[-SPEED_UPDATES:]
        seconds = last[-1].seconds - last[0].seconds if last else 0.0
        return (last[-1].step - last[0].step) / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far, validation included; None before the first update."""
        if not self._progress:
            return None
        last = self._progress[-1]
        return last.seconds / last.step * (self.job.config.meta_steps - last.step)

    def to_parts(self) -> dict[str, bytes]:
        """Return what outlives the server, by name, for `from_parts` on another one."""
        about = {
            "job": self.job.to_json(),
            "state": self.state,
            "message": self.message,
            "step": self.step,
            "was_left": self.was_left,
            "progress": [asdict(one) for one in self.progress],
            "validations": [asdict(one) for one in self.validations],
        }
        files = {ABOUT: json.dumps(about).encode(), WEIGHTS: self.weights, SAVED: self.saved}
        return {name: content for name, content in files.items() if content}

    @classmethod
    def from_parts(
        cls, parts: Mapping[str, bytes], owner: str, is_present: Callable[[], bool]
    ) -> BackgroundTraining | None:
        """Read what `to_parts` wrote; None if it is no training.

        One that had not finished has lost its process: it is paused where it had been paused
        before, else stopped with the last weights, or failed where there are none.
        """
        if ABOUT not in parts:
            return None
        about = json.loads(parts[ABOUT])
        training = cls(
            owner,
            TrainingJob.from_json(about["job"]),
            is_present,
            **{name: about[name] for name in ("state", "message", "step", "was_left")},
            weights=parts.get(WEIGHTS, b""),
            saved=parts.get(SAVED, b""),
        )
        training._progress.extend(Progress(**one) for one in about["progress"])
        for one in about["validations"]:
            training.handle_message(json.dumps({"kind": "validation", **one}))
        if not training.is_finished and training.state != "paused":
            training.was_interrupted = True
            training.state = (
                "paused" if training.saved else "stopped" if training.step else "failed"
            )
            training.message = INTERRUPTED
        return training

    def send(self, command: str) -> None:
        """Send a line to the process; nothing happens if it has ended."""
        if self.process and self.process.stdin:
            with suppress(OSError, ValueError):
                self.process.stdin.write(command + "\n")
                self.process.stdin.flush()

    def handle_message(self, line: str) -> None:
        """Take one message of the process, a line of JSON."""
        message = json.loads(line)
        kind = message.pop("kind")
        if kind == "progress":
            self._progress.append(Progress(**message))
        elif kind == "validation":
            tuples = {name: tuple(message[name]) for name in ("accuracy", "ci95")}
            self._validations.append(Validation(**{**message, **tuples}))
        elif kind == "weights":
            self.weights, self.step = base64.b64decode(message["content"]), message["step"]
        elif kind == "paused":
            self.saved = base64.b64decode(message["content"])
            self.state = "stopped" if self.state == "stopping" else "paused"
        elif kind == "failed":
            self.state, self.message = "failed", message["message"]
        elif kind == "finished":
            self.state = "done" if message["step"] == self.job.config.meta_steps else "stopped"
