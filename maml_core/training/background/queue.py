"""Meta-trainings in the background of a server: so many at once, the others in line.

Each runs in a process of its own (`live_worker`) at low priority, so that whoever waits for a page
does not wait for a training: neither for Python's lock nor for a core. It ends with the server,
whose end closes the pipe between them, and soon after its owner is gone.

This module imports no torch: an app can draw its first page before it needs it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from maml_core.config import TrainConfig
from maml_core.paths import PROJECT

AT_ONCE = 2  # one a core of the machine that the project is measured on, at low priority
GRACE_SECONDS = 30.0  # that an owner may be gone: a reconnecting browser needs a few
WATCH_SECONDS = 1.0
END_SECONDS = 5.0  # that a process is given to end by itself
SPEED_UPDATES = 20  # that the speed is measured over
COMMAND = (sys.executable, "-m", "maml_core.training.background.worker")
ROOT = str(PROJECT)
OVER = ("done", "stopped", "failed")


@dataclass(frozen=True)
class Order:
    """What is to be trained on what, as `recipes.prepared` takes it.

    Attributes:
        config: The method and its settings.
        dataset: Its characters.
        split: Whose training and validation parts it sees.
        model: The network's arguments.
        start: A weights file to begin from; empty: at random.
        validate_on: Of which part of the split the validation episodes are, see `runs.Run`.
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
    def from_json(cls, line: str) -> Order:
        """Read what `to_json` wrote."""
        found: dict[str, Any] = json.loads(line)
        config: dict[str, Any] = found["config"]
        lists = {name: tuple(config[name]) for name in ("n_ways", "k_shots")}
        return cls(**{**found, "config": TrainConfig(**{**config, **lists})})


@dataclass(frozen=True)
class Progress:
    """What one update said.

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
    """What the weights after so many updates reach on validation episodes.

    Attributes:
        step: Updates made.
        accuracy: Mean query accuracy after each inner step, 0 to 1, the first before any.
        ci95: Half-width of its 95 % confidence interval, likewise.
        episodes: How many.
    """

    step: int
    accuracy: tuple[float, ...]
    ci95: tuple[float, ...]
    episodes: int


@dataclass(eq=False)
class LiveTraining:
    """One training; its lists only grow, so that a page may read them at any time.

    Attributes:
        owner: Whose it is.
        order: What is trained.
        state: 'waiting', 'running', 'paused', 'stopping', or, when it is over, 'done', 'stopped'
            or 'failed'.
        message: Why it failed, a sentence.
        progress: Update by update.
        validations: Every so often.
        weights: The last weights file that it sent; empty before the first.
        step: The updates behind those weights.
    """

    owner: str
    order: Order
    is_there: Callable[[], bool]
    state: str = "waiting"
    message: str = ""
    progress: list[Progress] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    weights: bytes = b""
    step: int = 0
    process: subprocess.Popen[str] | None = None
    seen: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def updates_per_second(self) -> float:
        """Over the last updates; 0 before there are two."""
        last = self.progress[-SPEED_UPDATES:]
        seconds = last[-1].seconds - last[0].seconds if last else 0.0
        return (last[-1].step - last[0].step) / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far, validation included; None before the first update."""
        if not self.progress:
            return None
        last = self.progress[-1]
        return last.seconds / last.step * (self.order.config.meta_steps - last.step)

    def tell(self, command: str) -> None:
        """Send a line to the process; one that has ended hears nothing."""
        if self.process and self.process.stdin:
            with suppress(OSError, ValueError):
                self.process.stdin.write(command + "\n")
                self.process.stdin.flush()

    def hear(self, line: str) -> None:
        """Take what the process says."""
        said = json.loads(line)
        kind = said.pop("kind")
        if kind == "progress":
            self.progress.append(Progress(**said))
        elif kind == "validation":
            lists = {name: tuple(said[name]) for name in ("accuracy", "ci95")}
            self.validations.append(Validation(**{**said, **lists}))
        elif kind == "weights":
            self.weights, self.step = base64.b64decode(said["content"]), said["step"]
        elif kind == "failed":
            self.state, self.message = "failed", said["message"]
        elif kind == "over":
            self.state = "done" if said["step"] == self.order.config.meta_steps else "stopped"


class Trainings:
    """All live trainings of a server, one an owner.

    Args:
        at_once: How many may run; those beyond wait in line.
        grace_seconds: A training ends when its owner has been gone for so long.
        watch_seconds: Between two looks at who is there.
    """

    def __init__(
        self,
        at_once: int = AT_ONCE,
        grace_seconds: float = GRACE_SECONDS,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self._at_once = at_once
        self._grace = grace_seconds
        self._watch = watch_seconds
        self._by_owner: dict[str, LiveTraining] = {}
        self._line: list[LiveTraining] = []
        self._lock = threading.RLock()
        self._watcher: threading.Thread | None = None

    def start(
        self, owner: str, order: Order, is_there: Callable[[], bool] = lambda: True
    ) -> LiveTraining:
        """Put a training in line; it begins at once if there is room.

        Args:
            owner: Whose it is; a former one of theirs that is over is forgotten.
            order: What to train.
            is_there: Says whether the owner still is; asked about once a second.

        Raises:
            ValueError: The owner has one that is not over.
        """
        with self._lock:
            former = self._by_owner.get(owner)
            if former and not former.is_over:
                raise ValueError("One training is under way; stop it before another.")
            training = LiveTraining(owner, order, is_there)
            self._by_owner[owner] = training
            self._line.append(training)
            self._fill()
            if not (self._watcher and self._watcher.is_alive()):
                self._watcher = threading.Thread(target=self._look_after, daemon=True)
                self._watcher.start()
            return training

    def of(self, owner: str) -> LiveTraining | None:
        """Return an owner's training, over or not."""
        return self._by_owner.get(owner)

    def place(self, owner: str) -> int:
        """Return an owner's place in line, 1 for the next; 0: it does not wait."""
        with self._lock:
            return next((i for i, one in enumerate(self._line, 1) if one.owner == owner), 0)

    def pause(self, owner: str) -> None:
        """Let a running training rest after its update; another may take its turn."""
        with self._lock:
            training = self._by_owner.get(owner)
            if training and training.state == "running":
                training.state = "paused"
                training.tell("pause")
                self._fill()

    def resume(self, owner: str) -> None:
        """Put a paused training back in line."""
        with self._lock:
            training = self._by_owner.get(owner)
            if training and training.state == "paused":
                training.state = "waiting"
                self._line.append(training)
                self._fill()

    def stop(self, owner: str) -> None:
        """End a training after its update; its weights so far stay."""
        with self._lock:
            training = self._by_owner.get(owner)
            if training is None or training.is_over:
                return
            if training in self._line:
                self._line.remove(training)
            if training.progress:
                training.state = "stopping"
                training.tell("stop")
            else:
                self._end(training)
            self._fill()

    def forget(self, owner: str) -> None:
        """End an owner's training at once, and all that is known of it."""
        with self._lock:
            training = self._by_owner.pop(owner, None)
            if training:
                self._end(training)
                self._fill()

    def close(self) -> None:
        """End all trainings at once."""
        for owner in list(self._by_owner):
            self.forget(owner)

    def _fill(self) -> None:
        running = [t for t in self._by_owner.values() if t.state in ("running", "stopping")]
        while self._line and len(running) < self._at_once:
            training = self._line.pop(0)
            running.append(training)
            training.state = "running"
            if training.process:
                training.tell("go")
            else:
                self._begin(training)

    def _begin(self, training: LiveTraining) -> None:
        training.process = subprocess.Popen(
            COMMAND,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, *sys.path])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        training.tell(training.order.to_json())
        threading.Thread(target=self._listen, args=(training,), daemon=True).start()

    def _listen(self, training: LiveTraining) -> None:
        """Take what a training's process says until it has ended."""
        process = training.process
        assert process
        assert process.stdout
        with process, process.stdout:
            for line in process.stdout:
                if line.endswith("\n"):  # else it was ended in the midst of it
                    training.hear(line)
        with self._lock:
            if not training.is_over:
                training.state = "failed"
                training.message = (
                    f"The training's process ended by itself (code {process.returncode}); the "
                    "machine may be short of memory. Start it again, with fewer tasks an update."
                )
            self._fill()

    def _end(self, training: LiveTraining) -> None:
        """End a training's process; what it has not sent is lost."""
        if training in self._line:
            self._line.remove(training)
        if not training.is_over:
            training.state = "stopped"
        if training.process and training.process.stdin:
            with suppress(OSError):
                training.process.stdin.close()  # its sign to end
            try:
                training.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                training.process.kill()

    def _look_after(self) -> None:
        """Forget the trainings whose owner has been gone for long, until there are none."""
        while True:
            time.sleep(self._watch)
            with self._lock:
                for training in list(self._by_owner.values()):
                    if training.is_there():
                        training.seen = time.monotonic()
                    elif time.monotonic() - training.seen > self._grace:
                        self.forget(training.owner)
                if not self._by_owner:
                    self._watcher = None
                    return
