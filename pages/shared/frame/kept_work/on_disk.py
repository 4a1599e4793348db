"""The work of tabs as files in the data folder, which several servers share."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from maml_core.data.storage.disk_cache import atomic_write

FOLDER = "kept-work"  # in the data folder


class WorkFolder:
    """A folder for each tab, whose name does not tell the token that it was made from.

    Its time is when the tab was last seen, so that it also speaks to other servers. Where nothing
    can be written, nothing is kept here.

    Args:
        data_dir: Where downloads and caches lie.
    """

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / FOLDER
        self._written: dict[str, dict[str, bytes]] = {}  # digests, by token and name

    def write(self, token: str, parts: Mapping[str, bytes], *, is_there: bool) -> None:
        """Write what has changed of a tab's work, and whether the tab is there."""
        digests = {name: hashlib.sha256(part).digest() for name, part in parts.items()}
        written = self._written.setdefault(token, {})
        folder = self._folder(token)
        with suppress(OSError):
            if parts:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in parts:
                if written.get(name) != digests[name]:
                    with atomic_write(folder / name) as file:
                        file.write(parts[name])
                    written[name] = digests[name]
            for name in written.keys() - parts.keys():
                (folder / name).unlink(missing_ok=True)
                del written[name]
            if parts and is_there:
                os.utime(folder)

    def read(self, token: str) -> dict[str, bytes]:
        """Return a tab's work; empty if it is gone."""
        parts = {}
        with suppress(OSError):
            for path in sorted(self._folder(token).iterdir()):
                if not path.name.startswith("."):  # one that was never finished
                    parts[path.name] = path.read_bytes()
        return parts

    def forget(self, token: str) -> None:
        """Remove a tab's work."""
        self._written.pop(token, None)
        shutil.rmtree(self._folder(token), ignore_errors=True)

    def forget_left(self, seconds: float) -> None:
        """Remove the work of tabs that no server has seen for so long."""
        with suppress(OSError):
            for folder in self._root.iterdir():
                if time.time() - folder.stat().st_mtime > seconds:
                    shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, token: str) -> Path:
        return self._root / hashlib.sha256(token.encode()).hexdigest()[:32]
