"""Worker threads that many callers share fairly.

The next piece of work is always that of the caller who has had the least processor time. Who has
been quiet comes first for a moment and has threads of its own then, so that a click does not wait
for the long computations of others, however long one of their pieces takes.

Nobody holds anything while waiting: work in these threads takes no further turn, and a caller who
leaves, or fails, takes along what has not begun.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")
CREDIT_SECONDS = 0.5  # of work that is done ahead of others': an episode on Adapt, a round of Play
QUIET_SECONDS = 60.0  # after which it is forgotten how much a caller has had
RECENT_SECONDS = 1.0  # between two pieces of a computation its caller still counts as being at work
TELL_SECONDS = 0.25  # between two words to a caller who waits: how long a Stop takes


@dataclass(eq=False)
class _Caller:
    """What a caller has had, in seconds of processor time, and what they wait for."""

    used: float
    seen: float = 0.0
    running: int = 0
    tasks: deque[tuple[Future[Any], Callable[[], Any]]] = field(default_factory=deque)

    @property
    def is_active(self) -> bool:
        return bool(self.tasks or self.running)


class _Waiting(threading.local):
    """Who is told how many others are at work while this thread waits."""

    tell: Callable[[int], None] | None = None


_waiting = _Waiting()


def _everybody() -> Hashable:
    return None


_name_caller: Callable[[], Hashable] = _everybody


def name_callers_by(name: Callable[[], Hashable]) -> None:
    """Tell callers apart by what a function returns in their thread; without it, all are one."""
    global _name_caller
    _name_caller = name


@contextmanager
def while_waiting(tell: Callable[[int], None]) -> Iterator[None]:
    """Have this thread call `tell` now and then while it waits for pieces of its work.

    Args:
        tell: Is given the number of other callers at work. What it raises ends the wait, and with
            it the work that has not begun.
    """
    former, _waiting.tell = _waiting.tell, tell
    try:
        yield
    finally:
        _waiting.tell = former


class FairPool:
    """Threads for the work of all callers.

    Args:
        threads: How many work for everybody, and as many again for who has been quiet.
        start_thread: Called first in each.
        clock: Of the processor time of the thread that calls it.
    """

    def __init__(
        self,
        threads: int,
        start_thread: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, "fair", start_thread)
        self._spare = ThreadPoolExecutor(threads, "fair_spare", start_thread)
        self._clock = clock
        self._callers: dict[Hashable, _Caller] = {}
        self._least = 0.0  # that a caller at work has had; it never falls
        self._lock = threading.Lock()

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Begin with `function` of each item; yield the results in order."""
        return self._results(self._submit(_name_caller(), function, items))

    def others_at_work(self) -> int:
        """Count the callers but the present one who have work here, or had a moment ago."""
        name, recent = _name_caller(), time.monotonic() - RECENT_SECONDS
        with self._lock:
            others = (caller for key, caller in self._callers.items() if key != name)
            return sum(other.is_active or other.seen > recent for other in others)

    def _submit(
        self, name: Hashable, function: Callable[[A], B], items: Iterable[A]
    ) -> deque[Future[B]]:
        tasks: list[tuple[Future[B], Callable[[], B]]] = [
            (Future(), partial(function, item)) for item in items
        ]
        with self._lock:
            self._forget_quiet_callers()
            caller = self._callers.setdefault(name, _Caller(self._least - CREDIT_SECONDS))
            if not caller.is_active:
                caller.used = max(caller.used, self._least - CREDIT_SECONDS)
            caller.seen = time.monotonic()
            caller.tasks.extend(tasks)
            is_ahead = caller.used < self._least
        for _ in tasks:
            # Whichever thread is free takes what is next by then, not this very piece.
            self._threads.submit(self._work)
            if is_ahead:
                self._spare.submit(self._work, only_ahead=True)
        return deque(future for future, _ in tasks)

    def _results(self, futures: deque[Future[B]]) -> Iterator[B]:
        try:
            while futures:
                tell = _waiting.tell
                while tell and not wait([futures[0]], TELL_SECONDS).done:
                    tell(self.others_at_work())
                yield futures.popleft().result()
        finally:
            for future in futures:
                future.cancel()

    def _work(self, *, only_ahead: bool = False) -> None:
        """Do the piece that is next, if there still is one."""
        with self._lock:
            caller = self._next(only_ahead)
            if caller is None:
                return
            future, task = caller.tasks.popleft()
            caller.running += 1
        started = self._clock()
        try:
            result = task()
        except BaseException as error:
            self._charge(caller, started)
            future.set_exception(error)
        else:
            self._charge(caller, started)
            future.set_result(result)

    def _charge(self, caller: _Caller, started: float) -> None:
        """Book a piece that is done, before its caller hears of it and asks for more."""
        with self._lock:
            caller.running -= 1
            caller.used += self._clock() - started
            caller.seen = time.monotonic()

    def _next(self, only_ahead: bool) -> _Caller | None:
        """Return the caller whose first piece is to be done now, and mark that as begun."""
        for caller in self._callers.values():
            while caller.tasks and caller.tasks[0][0].cancelled():
                caller.tasks.popleft()
        active = [caller.used for caller in self._callers.values() if caller.is_active]
        self._least = max(self._least, min(active, default=self._least))
        waiting = [caller for caller in self._callers.values() if caller.tasks]
        chosen = min(waiting, key=lambda caller: caller.used, default=None)
        if chosen is None or (only_ahead and chosen.used >= self._least):
            return None
        if not chosen.tasks[0][0].set_running_or_notify_cancel():
            return self._next(only_ahead)  # given up in this moment
        return chosen

    def _forget_quiet_callers(self) -> None:
        quiet = time.monotonic() - QUIET_SECONDS
        for name, caller in list(self._callers.items()):
            if not caller.is_active and caller.seen < quiet:
                del self._callers[name]
