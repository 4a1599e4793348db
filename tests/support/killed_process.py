"""Real processes that are killed in the middle of their work, at a moment that is known.

They are forked from a server that has imported what they need: importing torch takes seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from maml_core.data.storage.disk_cache import ABANDONED_AFTER, UNFINISHED

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.preloaded"])
# What Python says before it does it, and what then happens to a file.
CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR
PATIENCE = 60.0  # seconds, far more than any of them needs


def killed_at_each_change(
    action: Callable[..., None], *arguments: Any, first: int = 1, every: int = 1
) -> Iterator[bool]:
    """Run an action, which is killed before its first change of a file, then its second, …

    The caller looks at what is there after each; the iteration ends with a run that survived.

    Args:
        action: What to run in a process of its own, importable by name.
        arguments: Its arguments.
        first: The change before which the first run is killed.
        every: How many changes later the next.

    Yields:
        Whether the process was killed.
    """
    for number in count(first, every):
        process = FORKS.Process(target=_run_and_die, args=(number, None, action, arguments))
        yield (killed := _was_killed(process))
        if not killed:
            return


def killed_in_a_write(n_bytes: int, action: Callable[..., None], *arguments: Any) -> bool:
    """Run an action that dies in the write that would make a file longer than so many bytes.

    Returns:
        Whether it died, rather than writing only shorter files.
    """
    return _was_killed(FORKS.Process(target=_run_and_die, args=(None, n_bytes, action, arguments)))


def kill(process: multiprocessing.process.BaseProcess) -> None:
    """Do what `kill -9` does, and wait for the end."""
    process.kill()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL


def make_old(folder: Path) -> None:
    """Let everything below a folder have been written long ago."""
    for path in (folder, *folder.rglob("*")):
        written = path.stat().st_mtime - 2 * ABANDONED_AFTER
        os.utime(path, (written, written))


def unfinished_files(folder: Path) -> list[Path]:
    """Return what a killed process has left half-written below a folder."""
    return list(folder.rglob(UNFINISHED))


def start(process: multiprocessing.process.BaseProcess) -> None:
    """Start a process that does not run this one's main module.

    A page tested before has left its script as that, and would be run in the process.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        process.start()
    finally:
        sys.modules["__main__"] = main


def _was_killed(process: multiprocessing.process.BaseProcess) -> bool:
    start(process)
    process.join(PATIENCE)
    assert process.exitcode in (0, -signal.SIGKILL, -signal.SIGXFSZ), process.exitcode
    return process.exitcode != 0


def _run_and_die(
    last: int | None, n_bytes: int | None, action: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """Run an action until its change of a number, or the first write beyond a size."""
    done = 0

    def watch(event: str, details: tuple[Any, ...]) -> None:
        nonlocal done
        if event in CHANGES and (event != "open" or _writes(*details)):
            done += 1
            if done == last:
                os.kill(os.getpid(), signal.SIGKILL)

    if n_bytes is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # pytest lets them be files, too
            os.dup2(nowhere, stream)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system's own: no Python runs any more
    sys.addaudithook(watch)
    action(*arguments)


def _writes(path: object, mode: str | None, flags: int) -> bool:
    return bool(flags & WRITING) and not str(path).startswith(("/dev/", "/proc/"))
