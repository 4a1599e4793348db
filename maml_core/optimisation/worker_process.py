"""Another Python that computes what it is sent, so that nobody's steps wait for another's.

The threads of one Python take its steps one at a time. Of a server that computes for many visitors
and builds their pages as well they keep one core busy, not two: of thirty people who asked Adapt
for an episode every five seconds, one in twenty waited for 17 seconds.
"""

from __future__ import annotations

import io
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import IO, Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from maml_core.optimisation.freed_memory import keep_freed_memory
from maml_core.optimisation.worker_thread import become_worker

A = TypeVar("A")
B = TypeVar("B")
ROOT = str(Path(__file__).parents[2])
# Not `-m`: what the module itself sends would be looked for in the other's main module.
COMMAND = [sys.executable, "-c", f"from {__name__} import main; main()"]
GIVE_WAY = "give-way"
NICENESS = 10
MOST_KNOWN = 64  # learners and networks that a process keeps; what came first goes first
LOOK_SECONDS = 1.0  # between two looks at whether it computes
HANGING_SECONDS = 30.0  # without any: however busy the machine is, a process gets some by then
USER_TIME = 11  # the field of /proc/PID/stat, counted after the name; the system's follows it
LENGTH = 8  # bytes before a message that say how long it is


class CannotBeSent(Exception):
    """What is to be computed is nothing that another process can be sent; it was not."""


class ProcessEnded(Exception):
    """The process has ended before its answer."""


class WorkerProcess:
    """One process; it ends with `end`, or with this one. One thread at a time may use it.

    Args:
        gives_way: Whether the system lets all other processes go first.
    """

    def __init__(self, *, gives_way: bool = False) -> None:
        path = os.pathsep.join([ROOT, *sys.path])
        self._process = subprocess.Popen(
            [*COMMAND, *([GIVE_WAY] if gives_way else [])],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._known: dict[int, Any] = {}

    def call(self, function: Callable[[A], B], item: A) -> B:
        """Return, or raise, what `function` of an item does there.

        Args:
            function: Of a module, or a `functools.partial` of one.
            item: Tensors are sent without their graph.

        Raises:
            CannotBeSent: The process does not know of it.
            ProcessEnded: It may have begun. Nothing else can be asked of the process then.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        known = dict(self._known)
        try:
            message = _packed((function, item), known)
        except Exception as error:  # of whatever kind an object's own way to be packed raises
            raise CannotBeSent from error
        try:
            _write(self._process.stdin, message)
            self._known = known
            self._wait_for_answer(self._process.stdout)
            answer = _read(self._process.stdout)
        except Exception as error:  # also for want of memory: the next answer would be this one
            self.kill()
            raise ProcessEnded from error
        succeeded, result = _unpacked(answer, {})
        if not succeeded:
            raise result
        found: B = result
        return found

    def _wait_for_answer(self, answers: IO[bytes]) -> None:
        """Wait while the process computes.

        Raises:
            TimeoutError: It does not: it was stopped, or hangs.
        """
        if _cpu_seconds(self._process.pid) is None:
            return  # this system does not tell
        used, since = 0.0, time.monotonic()
        while not select.select([answers], [], [], LOOK_SECONDS)[0]:
            now = _cpu_seconds(self._process.pid) or 0.0
            if now > used:
                used, since = now, time.monotonic()
            elif time.monotonic() - since > HANGING_SECONDS:
                raise TimeoutError(f"Process {self._process.pid} does not compute any more.")

    def kill(self) -> None:
        """Let the thread that waits for an answer find that the process has ended."""
        self._process.kill()

    def end(self) -> None:
        """End the process, whatever it is doing; nobody may wait for its answer."""
        self._process.kill()
        self._process.communicate()


def _cpu_seconds(pid: int) -> float | None:
    """Return how much processor time a process has taken; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(map(int, fields[USER_TIME : USER_TIME + 2])) / os.sysconf("SC_CLK_TCK")


_sent_once: list[type] = [nn.Module]
_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_next_number = count()
_numbering = threading.Lock()


def sent_once(kind: type[A]) -> type[A]:
    """Have a process keep what it is sent of a class, as it does networks: it never changes."""
    _sent_once.append(kind)
    return kind


class _Pickler(pickle.Pickler):
    """Packs tensors as arrays, in a tenth of the time of torch's own way, and some things once.

    Args:
        file: Where to.
        known: What was sent before, by number; all else that is sent once is added.
        whole: What is to be packed itself, and not its number.
    """

    def __init__(self, file: IO[bytes], known: dict[int, Any], whole: object = None) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._known, self._whole = known, whole

    def reducer_override(self, value: Any) -> Any:
        if type(value) is not Tensor:
            return NotImplemented
        return _tensor, (value.detach().numpy(), value.requires_grad)

    def persistent_id(self, value: Any) -> tuple[int, bytes | None] | None:
        if value is self._whole or not isinstance(value, tuple(_sent_once)):
            return None
        with _numbering:
            number = _numbers.setdefault(value, next(_next_number))
        packed = None if number in self._known else _packed(value, {}, value)
        _keep(self._known, number, value)
        return number, packed


class _Unpickler(pickle.Unpickler):
    """Reads what `_Pickler` packs, with what came before it."""

    def __init__(self, file: IO[bytes], known: dict[int, Any]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, name: tuple[int, bytes | None]) -> Any:
        number, packed = name
        value = self._known.get(number) if packed is None else _unpacked(packed, {})
        _keep(self._known, number, value)
        return value


def _keep(known: dict[int, Any], number: int, value: object) -> None:
    """Remember what is sent once, on both sides in the same order."""
    if number not in known:
        known[number] = value
        if len(known) > MOST_KNOWN:
            del known[next(iter(known))]


def _tensor(values: np.ndarray, requires_grad: bool) -> Tensor:
    return torch.from_numpy(values).requires_grad_(requires_grad)


def _packed(value: Any, known: dict[int, Any], whole: object = None) -> bytes:
    file = io.BytesIO()
    _Pickler(file, known, whole).dump(value)
    return file.getvalue()


def _unpacked(message: bytes, known: dict[int, Any]) -> Any:
    return _Unpickler(io.BytesIO(message), known).load()


def _write(file: IO[bytes], message: bytes) -> None:
    file.write(len(message).to_bytes(LENGTH, "big"))
    file.write(message)
    file.flush()


def _read(file: IO[bytes]) -> bytes:
    """Return the next message.

    Raises:
        ConnectionError: There is none.
    """
    length = file.read(LENGTH)
    message = file.read(int.from_bytes(length, "big"))
    if len(length) < LENGTH or len(message) < int.from_bytes(length, "big"):
        raise ConnectionError
    return message


def _outcome(message: bytes, known: dict[int, Any]) -> bytes:
    """Do what a message says; return whether it succeeded, with the result or what was raised."""
    try:
        function, item = _unpacked(message, known)
        return _packed((True, function(item)), {})
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))  # some can be packed and not read
            return _packed((False, error), {})
        except Exception:
            return _packed((False, RuntimeError(f"{type(error).__name__}: {error}")), {})


def main() -> None:
    """Compute what the standard input asks for until it ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that is printed is an answer
    if GIVE_WAY in sys.argv and hasattr(os, "nice"):
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the input ends when who is interrupted ends
    become_worker()
    keep_freed_memory()
    known: dict[int, Any] = {}
    while True:
        try:
            message = _read(sys.stdin.buffer)
        except ConnectionError:
            return
        _write(answers, _outcome(message, known))
