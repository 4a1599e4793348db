"""Independent pieces of work on both cores, one torch thread each, in turn with other callers.

With small batches torch's own threads cost more than they bring: 961 passes of 5 pictures
took 1.0 s on one thread and 4.7 s on two that wait for each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TypeVar

import torch

from maml_core.optimisation.fair_pool import FairPool

A = TypeVar("A")
B = TypeVar("B")
K = TypeVar("K")
_worker = threading.local()  # `.active` in the pool's own threads
MAX_WORKERS = 2  # what the project is measured on; more would crowd out other sessions


def in_parallel(function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Yield `function` of each item, in order, two at a time.

    Raises:
        RuntimeError: `function` itself is running in parallel: it would wait for a thread that
            waits for it.
    """
    if getattr(_worker, "active", False):
        raise RuntimeError(
            "Work that runs in parallel was itself to be done in parallel, and could wait for "
            "itself without end; do it piece by piece."
        )
    return _pool().map(function, items)


def map_in_parallel(function: Callable[[A], B], items: Mapping[K, A]) -> dict[K, B]:
    """Return `function` of each value by its key, two at a time."""
    return dict(zip(items, in_parallel(function, items.values()), strict=True))


def others_at_work() -> int:
    """Count the other callers who have work here, see `fair_pool.name_callers_by`."""
    return _pool().others_at_work()


@cache
def _pool() -> FairPool:
    return FairPool(min(MAX_WORKERS, os.cpu_count() or 1), _start_worker)


def _start_worker() -> None:
    torch.set_num_threads(1)
    _worker.active = True
