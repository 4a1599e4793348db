"""Batch statistics of a batch of which this process has only a part."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor


class _Sharing(threading.local):
    combine: Callable[[Tensor], Tensor] | None = None


_sharing = _Sharing()


@contextmanager
def shared_statistics(combine: Callable[[Tensor], Tensor] | None) -> Iterator[None]:
    """Have this thread's batch normalisation take the statistics of a batch in several processes.

    Args:
        combine: From a mean over this process's part to the mean over the whole batch, and
            differentiable; None: this part is the batch.
    """
    former, _sharing.combine = _sharing.combine, combine
    try:
        yield
    finally:
        _sharing.combine = former


def are_shared() -> bool:
    """Say whether statistics are those of several processes."""
    return _sharing.combine is not None


def over_whole_batch(mean: Tensor) -> Tensor:
    """Return the mean over the whole batch from that over this process's part of it."""
    return mean if _sharing.combine is None else _sharing.combine(mean)
