"""What is freed goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from maml_core.optimisation.freed_memory import ARENAS

# Frees all but the last of many small pieces: the end of the heap stays in use, so that nothing
# goes back by itself.
PROGRAM = """
import psutil
from maml_core.optimisation.freed_memory import release_freed_memory

pieces = [bytearray(20_000) for _ in range(5_000)]
full = psutil.Process().memory_info().rss
del pieces[:-1]
freed = psutil.Process().memory_info().rss
release_freed_memory()
print(full, freed, psutil.Process().memory_info().rss)
"""
# Counts the places that 8 threads allocate from, as the C library says.
ARENAS_OF = """
import ctypes, os, sys, threading
from maml_core.optimisation.freed_memory import keep_freed_memory

if "share" in sys.argv:
    keep_freed_memory()
libc, barrier = ctypes.CDLL(None), threading.Barrier(8)
libc.fdopen.restype = ctypes.c_void_p

def work():
    kept = bytearray(20_000)
    barrier.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
read, write = os.pipe()
file = ctypes.c_void_p(libc.fdopen(write, b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(os.read(read, 1_000_000).count(b"<heap nr"))
"""

glibc_only = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries do it themselves"
)


@glibc_only
def test_threads_share_two_arenas() -> None:
    def arenas(*arguments: str) -> int:
        command = [sys.executable, "-c", ARENAS_OF, *arguments]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert arenas("share") == ARENAS < arenas()


@glibc_only
def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    full, freed, released = map(int, done.stdout.split())
    assert full - freed < 50e6, "otherwise there is nothing to be done"
    assert full - released > 90e6
