"""Several servers of the app behind one proxy, as `deploy/` has them, on this machine's loopback.

    python -m benchmarks.running_replicas 2     # until Ctrl-C

The proxy is HAProxy with `deploy/haproxy.cfg`. It finds the replicas as it does elsewhere, by
asking a name server, here one of this module's own: a replica that does not run has no address.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.running_app import ROOT, RunningApp, free_port, running_server

CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"
ASKS_SYSTEM = "parse-resolv-conf"  # the line that says who is asked for addresses
ANSWERED_BY = "Answered-By"  # only here: whose address it is, is nobody's business elsewhere
ANSWERED_BY_LINE = f"    http-response set-header {ANSWERED_BY} %si\n"
NAME = "app.test"
A_RECORD, HEADER_BYTES, SECONDS = 1, 12, 1
PATIENCE_SECONDS = 60.0


def installed_haproxy() -> str | None:
    """Return the path of HAProxy on this machine, or None."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


class Replicas:
    """Replicas that can be started, ended and killed while visitors are there.

    Attributes:
        url: Of the proxy, for visitors.
        servers: The replicas that run, by number from 0.
    """

    def __init__(self, environment: Mapping[str, str] | None, url: str) -> None:
        self.url = url
        self.port = free_port()
        self.servers: dict[int, RunningApp] = {}
        self._environment = environment
        self._stacks: dict[int, ExitStack] = {}

    def address(self, number: int) -> str:
        """Return a replica's address; the port is the same for all."""
        return f"127.0.0.{2 + number}"

    def addresses(self) -> list[str]:
        """Return the addresses of those that run."""
        return [self.address(number) for number in list(self.servers)]

    def start(self, *numbers: int) -> None:
        """Start replicas, and wait until the proxy sends visitors to each."""
        with ThreadPoolExecutor(len(numbers)) as pool:
            list(pool.map(self._start, numbers))
        missing, end = set(numbers), time.monotonic() + PATIENCE_SECONDS
        while missing:
            time.sleep(0.05)
            missing.discard(self.replica_of(""))
            if time.monotonic() > end:
                raise TimeoutError(f"The proxy does not find the replicas {sorted(missing)}.")

    def stop(self, number: int) -> None:
        """End a replica as a restart does, and wait until it has ended."""
        self._stacks.pop(number).close()
        del self.servers[number]

    def kill(self, number: int) -> None:
        """End a replica as a power cut does."""
        os.kill(self.servers[number].pid, signal.SIGKILL)
        self.stop(number)

    def stop_all(self) -> None:
        """End all replicas."""
        for number in list(self.servers):
            self.stop(number)

    def replica_of(self, cookie: str) -> int | None:
        """Return the number of the replica that a visitor's requests reach; None: of none.

        Args:
            cookie: The visitor's, which the proxy gave; empty for a newcomer.
        """
        headers = {"Cookie": f"replica={cookie}"}
        request = urllib.request.Request(f"{self.url}/_stcore/health", headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                address = answer.headers[ANSWERED_BY]
        except urllib.error.HTTPError as error:
            with error:
                address = error.headers[ANSWERED_BY]
        return next((n for n in list(self.servers) if self.address(n) == address), None)

    def _start(self, number: int) -> None:
        stack = self._stacks[number] = ExitStack()
        server = running_server(self._environment, self.address(number), self.port)
        self.servers[number] = stack.enter_context(server)


@contextmanager
def running_replicas(
    number: int, environment: Mapping[str, str] | None = None
) -> Iterator[Replicas]:
    """Start a proxy and so many replicas, yield them, and end them.

    Args:
        number: How many.
        environment: Of the replicas; this process's own unless given.

    Raises:
        RuntimeError: There is no HAProxy, or one of them did not start.
    """
    haproxy = installed_haproxy()
    if haproxy is None:
        raise RuntimeError("There is no HAProxy on this machine: install the package haproxy.")
    with tempfile.TemporaryDirectory() as folder:
        port, file, log = free_port(), Path(folder, "haproxy.cfg"), Path(folder, "log")
        replicas = Replicas(environment, f"http://127.0.0.1:{port}")
        with _name_server(replicas.addresses) as asked, log.open("w") as output:
            text = CONFIGURATION.read_text(encoding="utf-8")
            assert text.count(ASKS_SYSTEM) == 1
            text = text.replace(ASKS_SYSTEM, f"nameserver own {asked}") + ANSWERED_BY_LINE
            file.write_text(text, encoding="utf-8")
            where = {"APP": f"{NAME}:{replicas.port}", "BIND": f"127.0.0.1:{port}"}
            command = [haproxy, "-db", "-f", str(file)]
            proxy = subprocess.Popen(
                command, env=os.environ | where, stdout=output, stderr=subprocess.STDOUT
            )
            try:
                while not _listens(port):
                    if proxy.poll() is not None:
                        raise RuntimeError(f"The proxy did not start:\n{log.read_text()}")
                    time.sleep(0.05)
                replicas.start(*range(number))
                yield replicas
            finally:
                replicas.stop_all()
                proxy.terminate()
                proxy.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@contextmanager
def _name_server(addresses: Callable[[], Sequence[str]]) -> Iterator[str]:
    """Answer questions for the addresses of `NAME`; yield where to ask."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                question, asker = server.recvfrom(512)
                if not question:
                    return
                server.sendto(_dns_answer(question, addresses()), asker)

        thread = threading.Thread(target=answer)
        thread.start()
        host, port = server.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            with socket.socket(type=socket.SOCK_DGRAM) as last:
                last.sendto(b"", (host, port))
            thread.join()


def _dns_answer(question: bytes, addresses: Sequence[str]) -> bytes:
    """Return the answer to a question, as RFC 1035 has it: an A record for each address.

    Args:
        question: With one entry, of whatever name.
        addresses: All that the name has; of other kinds of records it has none.
    """
    end = question.index(b"\0", HEADER_BYTES) + 5
    kind = struct.unpack_from(">H", question, end - 4)[0]
    found = addresses if kind == A_RECORD else ()
    header = question[:2] + struct.pack(">5H", 0x8580, 1, len(found), 0, 0)
    start = struct.pack(">HHHIH", 0xC000 + HEADER_BYTES, A_RECORD, 1, SECONDS, 4)
    records = (start + socket.inet_aton(address) for address in found)
    return header + question[HEADER_BYTES:end] + b"".join(records)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run replicas until they are interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("number", type=int, nargs="?", default=2, help="of replicas (2)")
    options = parser.parse_args(arguments)
    with running_replicas(options.number) as replicas:
        print(f"{options.number} replicas answer at {replicas.url}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    sys.exit(main())
