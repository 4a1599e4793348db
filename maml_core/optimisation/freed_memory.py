"""Freed memory: kept for the next tensors, or given back to the system."""

from __future__ import annotations

import ctypes
import sys

# glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
ARENAS = 2
LARGEST_KEPT = 32 * 2**20  # bytes; glibc allows no more
MOST_KEPT = 256 * 2**20


def keep_freed_memory() -> None:
    """Let freed memory serve the next allocation of any thread, where the C library is glibc.

    It would give every large tensor back to the system, which clears each page of the next one
    anew: a third of an evaluation's time in one thread, a tenth in the pool. And each of a
    server's many threads would have a place of its own to allocate from, where what another has
    freed is of no use: thirty visitors took 1.97 GB at most, with two places 1.63 GB.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if mallopt is not None:
            mallopt(M_ARENA_MAX, ARENAS)
            mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
            mallopt(M_TRIM_THRESHOLD, MOST_KEPT)


def release_freed_memory() -> None:
    """Give what was freed back to the system, where the C library is one that keeps it.

    glibc keeps freed memory for the next allocation of the same thread's arena: after six visitors
    had taken meta-updates apart it held 0.7 GB that nothing used. It is called now and then and
    not after each computation, because whoever computes next must ask the system for it again.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
