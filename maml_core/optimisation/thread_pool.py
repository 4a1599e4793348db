"""Independent pieces of work on all cores, one torch thread each, in turn with other callers.

With small batches torch's own threads cost more than they bring: 961 passes of 5 pictures
took 1.0 s on one thread and 4.7 s on two that wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import TypeVar

import torch

from maml_core.optimisation.cores import worker_count
from maml_core.optimisation.fair_pool import FairPool, takes_long
from maml_core.optimisation.process_pool import ProcessPool
from maml_core.optimisation.worker_thread import become_worker, is_worker

A = TypeVar("A")
B = TypeVar("B")
K = TypeVar("K")
_processes: Mapping[bool, ProcessPool] | None = None  # by whether the work takes long
_alone_too = False


def in_parallel(function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Yield `function` of each item, in order, `worker_count` of them at a time.

    Raises:
        ValueError: `MAML_WORKERS` is not a number of workers.
        RuntimeError: `function` itself is running in parallel: it would wait for a thread that
            waits for it.
    """
    if is_worker():
        raise RuntimeError(
            "Work that runs in parallel was itself to be done in parallel, and could wait for "
            "itself without end; do it piece by piece."
        )
    if _processes is not None and (_alone_too or others_at_work()):
        processes = _processes[takes_long()]
        (processes.start_all if _alone_too else processes.start)()
        function = partial(processes.compute, function)
    return _pool().map(function, items)


def use_processes() -> None:
    """Have what several callers want at once computed by processes from now on."""
    global _processes
    if _processes is None:
        n = worker_count()
        _processes = {False: ProcessPool(n), True: ProcessPool(max(1, n - 1), is_long=True)}


@contextmanager
def in_processes() -> Iterator[None]:
    """Have processes compute for this program by itself, one fewer than work is done at once.

    The program itself does the rest. They take two seconds to start and 0.3 GB each: for what
    takes half a minute or more.
    """
    global _processes, _alone_too
    former = _processes, _alone_too
    processes = ProcessPool(0 if _on_gpu() else worker_count() - 1)
    _processes, _alone_too = {False: processes, True: processes}, True
    try:
        yield
    finally:
        _processes, _alone_too = former
        processes.end()


def end_unused_processes(seconds: float) -> None:
    """End the processes that nobody has needed for so long; they start again when needed."""
    for processes in (_processes or {}).values():
        processes.end_unused(seconds)


def in_parallel_or_alone(function: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
    """Yield the same; one item, or in the pool's own threads all, one after the other at once."""
    alone = len(items) == 1 or is_worker()
    return map(function, items) if alone else in_parallel(function, items)


def map_in_parallel(function: Callable[[A], B], items: Mapping[K, A]) -> dict[K, B]:
    """Return `function` of each value by its key, likewise."""
    return dict(zip(items, in_parallel(function, items.values()), strict=True))


def others_at_work() -> int:
    """Count the other callers who have work here, see `fair_pool.name_callers_by`."""
    return _pool().others_at_work()


@cache
def _pool() -> FairPool:
    # The GPU of a process is its threads' only if they are told.
    device = torch.cuda.current_device() if _on_gpu() else None
    return FairPool(worker_count(), partial(become_worker, device))


def _on_gpu() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
