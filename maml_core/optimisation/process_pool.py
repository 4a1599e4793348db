"""Processes that compute for the threads of a server, once several visitors want something.

Whoever is alone gets their answer sooner from threads, and no process takes memory for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from maml_core.optimisation.worker_process import CannotBeSent, ProcessEnded, WorkerProcess

A = TypeVar("A")
B = TypeVar("B")


class ProcessPool:
    """As many processes as work is done at once; each computes for one thread at a time.

    Args:
        size: How many.
        is_long: For what takes long: the system lets all others go first, and who finds no process
            free waits for one.
    """

    def __init__(self, size: int, *, is_long: bool = False) -> None:
        self._size = size
        self._is_long = is_long
        self._free: list[WorkerProcess] = []
        self._running = 0  # that are started or being started
        self._used = time.monotonic()
        self._starting: threading.Thread | None = None
        self._begun: WorkerProcess | None = None  # the last that was started
        self._has_ended = False
        self._lock = threading.Condition()

    def start(self) -> None:
        """Have one more process started in the background, if none is free and there may be more.

        So a machine of many cores has as many as are needed at once.
        """
        with self._lock:
            self._used = time.monotonic()
            if self._free or self._is_starting() or self._running >= self._size:
                return
            self._running += 1
            self._starting = threading.Thread(target=self._start, args=(1,), daemon=True)
            self._starting.start()

    def start_all(self) -> None:
        """Start all processes, and wait until they are ready."""
        with self._lock:
            missing, self._running = self._size - self._running, self._size
        self._start(missing)

    def _start(self, number: int) -> None:
        for left in range(number, 0, -1):  # one by one: they share the cores with those who wait
            process = self._begin()
            if process is None:
                self._will_not_come(left)
                return
            try:
                process.call(len, ())  # it has imported what it needs
            except ProcessEnded:
                self._lost(process)
            else:
                self._give_back(process)

    def _begin(self) -> WorkerProcess | None:
        """Return a new process; None if none is wanted or the system has no room for one."""
        with self._lock:
            if self._has_ended:
                return None
            try:
                self._begun = WorkerProcess(gives_way=self._is_long)
            except OSError:
                return None
            return self._begun

    def compute(self, function: Callable[[A], B], item: A) -> B:
        """Return `function` of an item, from a process if one is free and can be sent it."""
        with self._lock:
            self._used = time.monotonic()
            while self._is_long and self._running and not self._free:
                self._lock.wait()
            process = self._free.pop() if self._free else None
        if process is None:
            return function(item)
        try:
            found = process.call(function, item)
        except ProcessEnded:  # killed, perhaps for its memory
            self._lost(process)
        except CannotBeSent:
            self._give_back(process)
        except BaseException:
            self._give_back(process)
            raise
        else:
            self._give_back(process)
            return found
        return function(item)

    def end_unused(self, seconds: float) -> None:
        """End the processes if nothing was computed for so long."""
        with self._lock:
            if time.monotonic() - self._used < seconds:
                return
            unused, self._free = self._free, []
            self._running -= len(unused)
        for process in unused:
            process.end()

    def end(self) -> None:
        """End all processes: those that are being started at once, those at work after it."""
        with self._lock:
            self._has_ended = True
            if self._begun is not None and self._is_starting():
                self._begun.kill()
        if self._starting is not None:
            self._starting.join()
        self.end_unused(0)

    def _is_starting(self) -> bool:
        return self._starting is not None and self._starting.is_alive()

    def _give_back(self, process: WorkerProcess) -> None:
        with self._lock:
            if not self._has_ended:
                self._free.append(process)
                self._lock.notify()
                return
        self._lost(process)

    def _lost(self, process: WorkerProcess) -> None:
        process.end()
        self._will_not_come(1)

    def _will_not_come(self, number: int) -> None:
        """Let those who wait for so many processes compute themselves if there is none."""
        with self._lock:
            self._running -= number
            self._lock.notify_all()
