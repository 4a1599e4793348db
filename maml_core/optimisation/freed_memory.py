"""Memory that computations have freed, given back to the system."""

from __future__ import annotations

import ctypes
import sys


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
