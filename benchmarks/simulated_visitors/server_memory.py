"""The memory of a server and its child processes."""

from __future__ import annotations

from contextlib import suppress

import psutil


def megabytes(pid: int) -> tuple[float, float, int]:
    """Return the resident memory of a process, that of its children, in MB, and their number."""
    server = psutil.Process(pid)
    children = []
    for child in server.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            children.append(child.memory_info().rss / 1e6)
    return server.memory_info().rss / 1e6, sum(children), len(children)
