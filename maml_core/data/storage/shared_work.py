"""Work that several people may wait for: done once, in its own thread, while anybody waits."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from maml_core.data.character_set import DataError, ReportProgress

GRACE_SECONDS = 10.0  # that nobody may ask for it; a page that is drawn anew asks again before

T = TypeVar("T")


class Abandoned(BaseException):
    """Raised within the work, where it reports how far it is: nobody waits for it any more."""


class Work(Generic[T]):
    """One piece of work, for everybody who waits for it.

    Attributes:
        done: How many of `total` are done, as it last reported.
        total: Of how many; 0 until it reports.
        began: When, by its clock.
    """

    def __init__(self, grace_seconds: float, clock: Callable[[], float]) -> None:
        self.done, self.total = 0, 0
        self.began = self._counting_since = clock()
        self._grace, self._clock = grace_seconds, clock
        self._asked = self.began
        self._waiting = 0
        self._abandoned = False
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._values: list[T] = []
        self._error: BaseException | None = None

    def wait(self, seconds: float) -> bool:
        """Wait for the end, say whether it has come; to be called again within the grace."""
        self._count(1)
        try:
            return self._ended.wait(seconds)
        finally:
            self._count(-1)

    def give_up(self) -> None:
        """End it at its next report, whoever waits."""
        self._abandoned = True

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return self._clock() - self.began

    @property
    def seconds_left(self) -> float:
        """How long the rest takes at the pace at which it counts; before that unknown."""
        since = self._clock() - self._counting_since
        return since * (self.total - self.done) / self.done if self.done else math.nan

    def result(self) -> T:
        """Return the result of work that has ended.

        Raises:
            BaseException: What the work raised.
        """
        if self._error is not None:
            raise self._error
        return self._values[0]

    def _count(self, change: int) -> None:
        with self._lock:
            self._waiting += change
            self._asked = self._clock()

    def _join(self) -> bool:
        """Go on for somebody else, too; False: it has been given up."""
        self._count(0)
        return not self._abandoned

    def _report(self, done: int, total: int) -> None:
        if not self.done:  # what came before the first, as listing them, was not counted
            self._counting_since = self._clock()
        self.done, self.total = done, total
        with self._lock:
            asked_lately = self._clock() - self._asked <= self._grace
            self._abandoned |= not (self._waiting or asked_lately)
        if self._abandoned:
            raise Abandoned

    def _run(self, make: Callable[[ReportProgress], T]) -> None:
        try:
            self._values.append(make(self._report))
        except DataError as error:
            self._error = DataError(str(error))  # without the frames, which hold a whole upload
        except BaseException as error:
            self._error = error


class SharedWork:
    """What is under way, by key: who asks for the same waits for the same, others do not wait.

    Args:
        grace_seconds: Work that nobody has asked for during so long ends at its next report.
        clock: Gives the seconds.
    """

    def __init__(
        self,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grace, self._clock = grace_seconds, clock
        self._under_way: dict[Hashable, Work[Any]] = {}
        self._lock = threading.Lock()

    def start_or_join(self, key: Hashable, make: Callable[[ReportProgress], T]) -> Work[T]:
        """Return the work of a key that is under way, or begin it.

        Args:
            key: The same for the same work.
            make: Does it; is given what it should tell how far it is, which ends it by `Abandoned`.
        """
        with self._lock:
            work = self._under_way.get(key)
            if work is None or not work._join():
                work = Work[T](self._grace, self._clock)
                self._under_way[key] = work
                threading.Thread(target=self._do, args=(key, work, make), daemon=True).start()
            return work

    def _do(self, key: Hashable, work: Work[T], make: Callable[[ReportProgress], T]) -> None:
        work._run(make)
        with self._lock:
            if self._under_way.get(key) is work:
                del self._under_way[key]
        work._ended.set()
