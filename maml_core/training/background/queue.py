"""A server's queue of background meta-trainings: a few run at once, the others wait.

Each runs in a process of its own (`worker`) at low priority, so that whoever waits for a page does
not wait for a training: neither for Python's lock nor for a core. It ends with the server, whose
end closes the pipe between them. A paused training is a saved state and no process; when its owner
has left, a training is paused soon and forgotten later.

This module imports no torch: an app can draw its first page before it needs it.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from maml_core.optimisation.cores import worker_count
from maml_core.paths import PROJECT
from maml_core.training.background.job import BackgroundTraining, TrainingJob

GRACE_SECONDS = 60.0  # that an owner may be away before their training is paused
KEEP_SECONDS = 1800.0  # that they may be away before it is forgotten: a phone in a pocket
WATCH_SECONDS = 1.0
EXIT_SECONDS = 5.0  # that a process is given to exit by itself
VALIDATION_EPISODES = 20  # of each validation, see `Validation`
COMMAND = (sys.executable, "-m", "maml_core.training.background.worker")
ROOT = str(PROJECT)
FAULT = 1  # what Python ends with after an exception that nobody expected


class TrainingQueue:
    """All background trainings of a server, at most one for each owner.

    Args:
        max_running: How many may run, at low priority, while the others wait; as many as there are
            workers unless given.
        grace_seconds: A training is paused when its owner has been away for so long.
        keep_seconds: It is cancelled after so long.
        watch_seconds: Between two checks of which owners are present.
    """

    def __init__(
        self,
        max_running: int | None = None,
        grace_seconds: float = GRACE_SECONDS,
        keep_seconds: float = KEEP_SECONDS,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self._max_running = worker_count() if max_running is None else max_running
        self._grace = grace_seconds
        self._keep = keep_seconds
        self._watch = watch_seconds
        self._by_owner: dict[str, BackgroundTraining] = {}
        self._queue: list[BackgroundTraining] = []
        self._processes: set[subprocess.Popen[str]] = set()  # those that have not ended
        self._lock = threading.RLock()
        self._watcher: threading.Thread | None = None

    def start(
        self, owner: str, job: TrainingJob, is_present: Callable[[], bool] = lambda: True
    ) -> BackgroundTraining:
        """Put a training in the queue; it begins at once if fewer than the maximum run.

        Args:
            owner: Who starts it; it replaces a finished training of theirs.
            job: What to train.
            is_present: Whether the owner is still there; called every `watch_seconds`.

        Raises:
            ValueError: The owner has a training that is not finished.
        """
        with self._lock:
            former = self._by_owner.get(owner)
            if former and not former.is_finished:
                raise ValueError("One training is running; stop it before you start another.")
            training = BackgroundTraining(owner, job, is_present)
            self.adopt(training)
            self._queue.append(training)
            self._start_next()
            return training

    def adopt(self, training: BackgroundTraining) -> None:
        """Take a training that neither runs nor waits, as one from another server."""
        with self._lock:
            self._by_owner[training.owner] = training
            if not (self._watcher and self._watcher.is_alive()):
                self._watcher = threading.Thread(target=self._watch_owners, daemon=True)
                self._watcher.start()

    def training_of(self, owner: str) -> BackgroundTraining | None:
        """Return an owner's training, finished or not; None if there is none."""
        return self._by_owner.get(owner)

    def position(self, owner: str) -> int:
        """Return an owner's position in the queue, 1 for the next; 0 if it does not wait."""
        with self._lock:
            owners = [training.owner for training in self._queue]
            return owners.index(owner) + 1 if owner in owners else 0

    def hand_over(self, former: str, owner: str, is_present: Callable[[], bool]) -> None:
        """Give an owner's training to another who has none, as which they have come back."""
        with self._lock:
            training = self._by_owner.get(former)
            if training and owner not in self._by_owner and not training.is_present():
                del self._by_owner[former]
                self._by_owner[owner] = training
                training.owner, training.is_present = owner, is_present

    def pause(self, owner: str) -> None:
        """Pause a training after its update; the next in the queue starts."""
        with self._lock:
            training = self._by_owner.get(owner)
            if training:
                self._pause(training)

    def resume(self, owner: str) -> None:
        """Put a paused training back in the queue."""
        with self._lock:
            training = self._by_owner.get(owner)
            if training and training.state == "paused":
                training.state, training.was_left = "waiting", False
                self._queue.append(training)
                self._start_next()

    def stop(self, owner: str) -> None:
        """Stop a training after its update; the weights so far are kept."""
        with self._lock:
            training = self._by_owner.get(owner)
            if training is None or training.is_finished or training.state == "stopping":
                return
            if training.state in ("running", "pausing") and training.updates_made:
                training.state = "stopping"
                training.send("stop")
            else:
                self._terminate(training)

    def cancel(self, owner: str) -> None:
        """End an owner's training at once and remove it with all its results."""
        with self._lock:
            training = self._by_owner.pop(owner, None)
            if training:
                self._terminate(training)

    def close(self) -> None:
        """Cancel all trainings."""
        for owner in list(self._by_owner):
            self.cancel(owner)

    def _start_next(self) -> None:
        """Start or resume trainings from the queue while there is room."""
        while self._queue and len(self._processes) < self._max_running:
            training = self._queue.pop(0)
            training.state = "running"
            self._launch(training)

    def _pause(self, training: BackgroundTraining) -> None:
        if training.state == "running":
            training.state = "pausing"
            training.send("pause")
        elif training.state == "waiting":
            self._queue.remove(training)
            training.state = "paused"

    def _launch(self, training: BackgroundTraining) -> None:
        process = subprocess.Popen(
            COMMAND,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, *sys.path])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        training.process = process
        self._processes.add(process)
        training.send(training.job.to_json())
        training.send(base64.b64encode(training.saved).decode())
        arguments = (training, process, process.stdout)
        threading.Thread(target=self._read_messages, args=arguments, daemon=True).start()

    def _read_messages(
        self, training: BackgroundTraining, process: subprocess.Popen[str], messages: IO[str]
    ) -> None:
        """Handle the messages of a training's process until it has ended."""
        with process, messages:
            for line in messages:
                if line.endswith("\n"):  # otherwise the process ended while writing it
                    with self._lock:
                        training.handle_message(line)
        with self._lock:
            self._processes.discard(process)
            if training.process is process:  # it has not been resumed meanwhile
                training.process = None
                if training.state != "paused" and not training.is_finished:
                    training.state = "failed"
                    training.message = _why_it_ended(process.returncode)
            self._start_next()

    def _terminate(self, training: BackgroundTraining) -> None:
        """End a training's process; what it has not sent yet is lost."""
        if training in self._queue:
            self._queue.remove(training)
        if not training.is_finished:
            training.state = "stopped"
        if training.process:
            threading.Thread(target=_end, args=(training.process,), daemon=True).start()

    def _watch_owners(self) -> None:
        """Pause, later cancel trainings whose owner has left, until there are none."""
        while True:
            time.sleep(self._watch)
            with self._lock:
                for training in list(self._by_owner.values()):
                    if training.is_present():
                        training.last_seen = time.monotonic()
                    away = time.monotonic() - training.last_seen
                    if away > self._keep:
                        self.cancel(training.owner)
                    elif away > self._grace and training.state in ("waiting", "running"):
                        training.was_left = True
                        self._pause(training)
                if not self._by_owner:
                    self._watcher = None
                    return


def _why_it_ended(code: int | None) -> str:
    """Say why a process has ended that has not said so itself, and what to do."""
    if code == FAULT:
        return (
            "The training met a fault of this program; the server's log tells more. Start it with "
            "another method or network, and report these settings."
        )
    return (
        f"The training's process ended by itself (code {code}); the machine may be short of "
        "memory. Start it again, with fewer tasks an update."
    )


def _end(process: subprocess.Popen[str]) -> None:
    """End a process, which exits when its input ends; by force if it does not."""
    with suppress(OSError):
        if process.stdin:
            process.stdin.close()
    try:
        process.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
