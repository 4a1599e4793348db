"""A PostgreSQL of Debian's on loopback, in a folder of its own, as long as the tests run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.running_app import free_port

START_SECONDS = 180
END_SECONDS = 30


def programs() -> Path | None:
    """Return the folder with the newest server's programs, which Debian keeps off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


class PostgreSQL:
    """One server.

    Args:
        bin_folder: Holds its programs.
        folder: Where its data lie.
    """

    def __init__(self, bin_folder: Path, folder: Path) -> None:
        self._bin = bin_folder
        self._folder = folder
        self._port = free_port()
        # It does not run as root.
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "-D", "data")
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._server, end = None, time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            # After a kill it refuses to start as long as children of the former one are there.
            if self._server is None or self._server.poll() is not None:
                self._server = self._launch()
            if self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self._port), check=False) == 0:
                return
            time.sleep(0.1)
        raise AssertionError((self._folder / "log").read_text())

    def _launch(self) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("a") as log:
            return subprocess.Popen(
                [
                    self._bin / "postgres",
                    *("-D", "data", "-p", str(self._port), "-k", self._folder),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=16MB"),
                ],
                cwd=self._folder,
                user=self._user,
                stderr=log,
            )

    def kill(self) -> None:
        """End it as `kill -9` does, with its children, which find that it has gone."""
        assert self._server is not None
        self._server.kill()
        self._server.wait(END_SECONDS)

    def stop(self) -> None:
        if self._server is not None and self._server.poll() is None:
            self._run("pg_ctl", "stop", "-D", "data", "-m", "immediate", check=False)
            self._server.wait(END_SECONDS)

    def new_database(self, name: str) -> str:
        """Make an empty database; return its address."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "postgres", name)
        return self.url.removesuffix("postgres") + name

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self._folder,
            user=self._user,
            capture_output=True,
            check=False,
        )
        assert not (check and done.returncode), done.stderr.decode()
        return done.returncode


@contextmanager
def running_postgresql(bin_folder: Path) -> Iterator[PostgreSQL]:
    """Run a server until the context ends."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = PostgreSQL(bin_folder, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
