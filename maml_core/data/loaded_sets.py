"""Data sets in memory, for many visitors at once: each is read once, and kept while it is in use.

A set is looked up by its name and its edition, which says what lies on disk. So a changed or
repaired folder is another set, and what was sampled from the former is never mixed with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from maml_core.config import VISITOR_ZIP_PREFIX
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet, DataError, ReportProgress
from maml_core.data.storage.shared_work import SharedWork, Work

LOOK_SECONDS = 2.0  # what lies on disk is looked at again after so long
LOOK_SHARE = 0.02  # of the time that looking takes; 60,000 files take 0.3 s
REFUSED_SECONDS = 5.0  # a set that cannot be used is read again after so long
REFUSED_SHARE = 0.1  # of the time that reading takes

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class LoadedSet:
    """A data set in memory, with what is made of it: that lives as long as the set.

    Attributes:
        data: The characters.
        edition: Of what was read, see `registry.edition`.
    """

    data: CharacterSet
    edition: str
    _made: dict[Hashable, Any] = field(default_factory=dict)
    _locks: dict[Hashable, threading.Lock] = field(default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is made of the set; who asks for the same at once waits for the first."""
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._made:
                self._made[key] = make()
            made: T = self._made[key]
            return made

    def standing_in(self, error: DataError) -> LoadedSet:
        """Return this set in the place of one that cannot be used."""
        notice = registry.stand_in_notice(error)
        return replace(self, data=replace(self.data, notice=notice), edition=notice)


@dataclass(frozen=True)
class SetSource:
    """Where sets come from that the registry does not know; both take a set's name.

    Attributes:
        edition: As `registry.edition`.
        load: As `registry.load`.
    """

    edition: Callable[[str], str]
    load: Callable[[str], CharacterSet]


@dataclass(frozen=True)
class _Refusal:
    edition: str
    reason: str
    until: float


class LoadedSets:
    """The sets that a server has in memory.

    Of each set that belongs to nobody the last edition stays for a while, see `forget_unused`. All
    else, a visitor's zip above all, goes with the last reference to it: whoever uses a set holds
    it.

    Args:
        work: Where the sets are read.
        clock: Gives the seconds.
    """

    def __init__(
        self, work: SharedWork | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.work = work or SharedWork()
        self._clock = clock
        self._sources: dict[str, SetSource] = {}
        self._last: dict[str, LoadedSet] = {}
        self._asked: dict[str, float] = {}  # when for each of these
        self._in_use: WeakValueDictionary[tuple[str, str], LoadedSet] = WeakValueDictionary()
        self._refused: dict[str, _Refusal] = {}
        self._looks: dict[str, tuple[Any, float]] = {}

    def add_source(self, beginning: str, source: SetSource) -> None:
        """Take the sets whose names begin so from a source; they are somebody's, as zips are."""
        self._sources[beginning] = source

    def edition(self, name: str) -> str:
        """Return the edition of a set, not looked at on disk each time.

        Raises:
            DataError: See `registry.edition`.
        """
        if name.startswith(VISITOR_ZIP_PREFIX):
            return registry.edition(name)
        if other := self._source_of(name):
            return other.edition(name)
        source = "folder" if name in registry.FOLDER_VIEWS.values() else name
        edition = self.look(source, lambda: _edition_or_error(source))
        if isinstance(edition, DataError):
            raise DataError(str(edition))
        return edition

    def look(self, key: str, look: Callable[[], T]) -> T:
        """Return what a look at the disk gave some seconds ago, or gives now.

        The longer it takes, the less often it is done.
        """
        value, until = self._looks.get(key, (None, 0.0))
        if key not in self._looks or self._clock() >= until:
            began = self._clock()
            if key in self._looks:  # one looks; the others go by what was seen before
                self._looks[key] = value, began + LOOK_SECONDS
            value = look()
            took = self._clock() - began
            self._looks[key] = value, self._clock() + max(LOOK_SECONDS, took / LOOK_SHARE)
        looked: T = value
        return looked

    def look_again(self, *keys: str) -> None:
        """Look at the disk when next asked: something has changed there."""
        for key in keys:
            self._looks.pop(key, None)

    def find(self, name: str, edition: str) -> LoadedSet | None:
        """Return a set that is in memory; None: it has to be read.

        Raises:
            DataError: It was read some seconds ago and cannot be used.
        """
        refusal = self._refused.get(name)
        if refusal and refusal.edition == edition and self._clock() < refusal.until:
            raise DataError(refusal.reason)
        self._asked[name] = self._clock()
        return self._in_use.get((name, edition))

    def read(self, name: str, edition: str) -> Work[LoadedSet]:
        """Begin to read a set, or join who reads it; the work raises what `registry.load` does."""

        def load(progress: ReportProgress) -> LoadedSet:
            return self._load(name, edition, progress)

        return self.work.start_or_join((name, edition), load)

    def forget_unused(self, seconds: float) -> None:
        """Let go of the sets that nobody holds and nobody has asked for so long."""
        for name in list(self._last):
            if self._asked.get(name, 0.0) < self._clock() - seconds:
                self._last.pop(name, None)

    def _load(self, name: str, edition: str, progress: ReportProgress) -> LoadedSet:
        source = self._source_of(name)
        shared = source is None and not name.startswith(VISITOR_ZIP_PREFIX)
        began = self._clock()
        try:
            data = source.load(name) if source else registry.load(name, progress=progress)
            loaded = LoadedSet(data, edition)
        except DataError as error:
            now = self._clock()
            until = now + max(REFUSED_SECONDS, (now - began) / REFUSED_SHARE)
            if shared:
                self._last.pop(name, None)
                self._refused[name] = _Refusal(edition, str(error), until)
            raise
        self._in_use[name, edition] = loaded
        if shared:
            self._last[name] = loaded
            self._asked[name] = self._clock()
            self._refused.pop(name, None)
        return loaded

    def _source_of(self, name: str) -> SetSource | None:
        return next((s for start, s in self._sources.items() if name.startswith(start)), None)


def _edition_or_error(name: str) -> str | DataError:
    try:
        return registry.edition(name)
    except DataError as error:
        return DataError(str(error))
