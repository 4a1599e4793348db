"""Worker threads that many callers share fairly.

The next piece of work is always that of the caller who has had a thread for the least time. What a
click asks for comes first for a moment, in the order of the clicks, and has threads of its own: it
does not wait for the long computations of others, however long one of their pieces takes. A
computation is a long one where its caller says what to do `while_waiting`.

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
CREDIT_SECONDS = 10.0  # of work that clicks are ahead; an episode on Adapt takes one to three
QUIET_SECONDS = 3.0  # after which it is forgotten how much a caller has had
PATIENCE_SECONDS = 5.0  # without a turn, after which a long computation goes before clicks
RECENT_SECONDS = 1.0  # between two pieces of a computation its caller still counts as being at work
TELL_SECONDS = 0.25  # between two words to a caller who waits: how long a Stop takes


@dataclass(eq=False)
class _Caller:
    """How long a caller has had a thread, in seconds, and what they wait for.

    One visitor is two callers: with what takes long, and with what does not.
    """

    name: Hashable
    is_long: bool
    used: float
    came: float
    served: float  # when they last had a turn
    seen: float  # when they last asked or got something
    running: list[float] = field(default_factory=list)  # since when each piece is under way
    tasks: deque[tuple[Future[Any], Callable[[], Any]]] = field(default_factory=deque)

    @property
    def is_active(self) -> bool:
        return bool(self.tasks or self.running)

    def used_by(self, now: float) -> float:
        return self.used + sum(now - started for started in self.running)

    def turn(self, now: float, least: float) -> tuple[bool, float]:
        """Return what sorts the callers: first those who are ahead, in the order they came.

        So are those who were made to wait for too long, or many clicks would let them starve.
        """
        used = self.used_by(now)
        is_ahead = used < least or now - self.served > PATIENCE_SECONDS
        return (False, self.came) if is_ahead else (True, used)


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


def takes_long() -> bool:
    """Say whether this thread asks for a long computation: whether it is `while_waiting`."""
    return _waiting.tell is not None


class FairPool:
    """Threads for the work of all callers.

    Args:
        threads: How many work for everybody, and as many again for who has been quiet.
        start_thread: Called first in each.
        clock: Returns seconds.
    """

    def __init__(
        self,
        threads: int,
        start_thread: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, "fair", start_thread)
        self._spare = ThreadPoolExecutor(threads, "fair_spare", start_thread)
        self._threads_for_all = threads
        self._clock = clock
        self._callers: dict[tuple[Hashable, bool], _Caller] = {}  # by name, and whether it is long
        self._least = 0.0  # that a caller at work has had; it never falls
        self._lock = threading.Lock()

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Begin with `function` of each item; yield the results in order."""
        return self._results(self._submit(_name_caller(), function, items))

    def others_at_work(self) -> int:
        """Count the callers but the present one who have work here, or had a moment ago."""
        name, recent = _name_caller(), self._clock() - RECENT_SECONDS
        with self._lock:
            callers = self._callers.values()
            return len({c.name for c in callers if c.is_active or c.seen > recent} - {name})

    def _submit(
        self, name: Hashable, function: Callable[[A], B], items: Iterable[A]
    ) -> deque[Future[B]]:
        tasks: list[tuple[Future[B], Callable[[], B]]] = [
            (Future(), partial(function, item)) for item in items
        ]
        is_long, now = takes_long(), self._clock()
        with self._lock:
            self._forget_quiet_callers(now)
            start = self._least - (0.0 if is_long else CREDIT_SECONDS)
            caller = self._callers.setdefault(
                (name, is_long), _Caller(name, is_long, start, now, now, now)
            )
            if not caller.is_active:
                caller.used, caller.served = max(caller.used, start), now
            caller.seen = now
            caller.tasks.extend(tasks)
            is_ahead = caller.used_by(now) < self._least
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
            started = caller.served = self._clock()
            caller.running.append(started)
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
            caller.running.remove(started)
            caller.seen = self._clock()
            caller.used += caller.seen - started

    def _next(self, only_ahead: bool) -> _Caller | None:
        """Return the caller whose first piece is to be done now, and mark that as begun."""
        for caller in self._callers.values():
            while caller.tasks and caller.tasks[0][0].cancelled():
                caller.tasks.popleft()
        now = self._clock()
        active = [caller.used_by(now) for caller in self._callers.values() if caller.is_active]
        self._least = max(self._least, min(active, default=self._least))
        waiting = [
            caller
            for caller in self._callers.values()
            if caller.tasks and (caller.used_by(now) < self._least or not only_ahead)
        ]
        clicks = sum(len(c.running) for c in self._callers.values() if not c.is_long)
        if only_ahead and clicks >= self._threads_for_all:
            return None  # it would wait for nothing but other clicks, and more at once are slower
        chosen = min(waiting, key=lambda caller: caller.turn(now, self._least), default=None)
        if chosen is None:
            return None
        if not chosen.tasks[0][0].set_running_or_notify_cancel():
            return self._next(only_ahead)  # given up in this moment
        return chosen

    def _forget_quiet_callers(self, now: float) -> None:
        for key, caller in list(self._callers.items()):
            if not caller.is_active and caller.seen < now - QUIET_SECONDS:
                del self._callers[key]
