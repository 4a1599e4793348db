"""The app as a server on a free port, for scripts and tests that drive it with a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
RUN = (sys.executable, "-m", "streamlit", "run", "app.py")
START_SECONDS = 60
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: continuous integration runs as root. The rest keeps Chromium off the network.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def installed_chromium() -> str | None:
    """Return the path of a Chromium on this machine, or None."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@dataclass(frozen=True)
class RunningApp:
    """A server that answers.

    Attributes:
        url: Its address.
        pid: Of its process.
        log: What it prints.
    """

    url: str
    pid: int
    log: IO[str]


@contextmanager
def running_app(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start the app, yield its address, and end it; see `running_server`."""
    with running_server(environment) as server:
        yield server.url


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of this machine that nobody uses at the moment."""
    with socket.socket(type=kind) as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(
    environment: Mapping[str, str] | None = None, address: str = "", port: int = 0
) -> Iterator[RunningApp]:
    """Start the app, yield where it runs, and end it.

    Args:
        environment: Of the server; this process's own unless given.
        address: Of this machine, on which alone it listens; empty: all of them.
        port: On which it listens; 0: any that is free.

    Raises:
        RuntimeError: It did not start; the message holds its log.
    """
    port = port or free_port()
    url = f"http://{address or 'localhost'}:{port}"
    where = ["--server.port", str(port), *(["--server.address", address] if address else [])]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [*RUN, *where, "--server.headless", "true"],
            cwd=ROOT,
            env={**(os.environ if environment is None else environment)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            if not answers(f"{url}/_stcore/health", server):
                log.seek(0)
                raise RuntimeError(f"The app did not start:\n{log.read()}")
            yield RunningApp(url, server.pid, log)
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS)


def answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until a server answers; return False if it has ended or takes too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return True
        except OSError:
            time.sleep(0.2)
    return False
