"""Which state of the code made a file."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from functools import cache

from maml_core.paths import PROJECT

VERSION = "0.1.0"


def commit() -> str:
    """Return the commit of the code, with a + when the tree has changes; empty outside git."""
    with suppress(OSError, subprocess.CalledProcessError):
        finished = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10"],
            cwd=PROJECT,
            capture_output=True,
            check=True,
            text=True,
        )
        return finished.stdout.strip()
    return ""


@cache
def code_version() -> str:
    """Return the release and, in a git checkout, the commit: '0.1.0 (0123456789)'.

    It is read once: what runs is what was loaded, whatever happens to the files later.
    """
    found = commit()
    return f"{VERSION} ({found})" if found else VERSION
