"""How often something may be tried in vain, by one address and by all together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class RateLimit:
    """Counts attempts of the last minute.

    Args:
        each: That one address has.
        all_together: That all have.
        clock: Returns seconds.
    """

    def __init__(
        self, each: int, all_together: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._each = each
        self._all = all_together
        self._clock = clock
        self._attempts: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def is_reached(self, address: str) -> bool:
        """Say whether an address has to wait."""
        with self._lock:
            while self._attempts and self._attempts[0][0] < self._clock() - 60:
                self._attempts.popleft()
            own = sum(address == other for _, other in self._attempts)
            return own >= self._each or len(self._attempts) >= self._all

    def count(self, address: str) -> None:
        """Note an attempt."""
        with self._lock:
            self._attempts.append((self._clock(), address))
