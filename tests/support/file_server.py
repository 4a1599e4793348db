"""A server on the loopback interface that serves files from memory, in two halves."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress


class Files(http.server.BaseHTTPRequestHandler):
    """Serves a file's first half, then waits until the second may go.

    Attributes:
        content: The files by path, '/name'.
        served_share: How much of a file is sent before the connection is closed.
        until: What the second half waits for.
        is_halfway: Set once a first half is sent.
    """

    content: dict[str, bytes]
    served_share: float
    until: threading.Event
    is_halfway: threading.Event

    def do_HEAD(self) -> None:
        self.start()

    def do_GET(self) -> None:
        content = self.start()
        if content is not None:
            half = len(content) // 2
            self.wfile.write(content[:half])
            self.is_halfway.set()
            self.until.wait(30)
            with suppress(ConnectionError):  # Nobody may be listening any more.
                self.wfile.write(content[half : round(self.served_share * len(content))])

    def start(self) -> bytes | None:
        content = self.content.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        return content

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def file_server(content: Mapping[str, bytes]) -> Iterator[tuple[str, type[Files]]]:
    """Serve files; yield the address and the handler, on which a test sets what goes wrong."""
    until = threading.Event()
    until.set()
    handler = type(
        "Handler",
        (Files,),
        {
            "content": dict(content),
            "served_share": 1.0,
            "until": until,
            "is_halfway": threading.Event(),
        },
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler
        finally:
            until.set()
            server.shutdown()
            thread.join()
