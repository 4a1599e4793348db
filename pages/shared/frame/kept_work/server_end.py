"""What is done when the server ends.

Its process ends by the very signal that it was sent, and Python's `atexit` does not hear of that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.concurrency import run_in_threadpool

_functions: list[Callable[[], object]] = []


def at_server_end(function: Callable[[], object]) -> None:
    """Have a function called when the server ends, while its sessions are still there."""
    _functions.append(function)


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Be the server's life, as ASGI sees it."""
    yield
    for function in _functions:
        await run_in_threadpool(function)
