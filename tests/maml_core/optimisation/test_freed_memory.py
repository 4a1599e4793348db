"""What is freed goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do it themselves")
def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    full, freed, released = map(int, done.stdout.split())
    assert full - freed < 50e6, "otherwise there is nothing to be done"
    assert full - released > 90e6
