"""Downloads the official files of Omniglot and MNIST with torchvision, whole or not at all."""

from __future__ import annotations

import os
import queue
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from maml_core.data import mnist
from maml_core.data.character_set import DataError
from maml_core.data.download.torchvision_import import import_torchvision_datasets
from maml_core.data.omniglot import PARTS, ZIP_NAMES, load, omniglot_root
from maml_core.data.storage.disk_cache import remove_abandoned, unfinished_name

TIMEOUT_SECONDS = 30.0  # without a byte, after which a download has failed
JOIN_SECONDS = 1.0  # that a cancelled download may take to end before it is left behind


@dataclass(frozen=True)
class Progress:
    """How far a download is.

    Attributes:
        done_bytes: Bytes received, of both archives.
        total_bytes: Bytes of both archives; None while unknown.
        message: What is being done, for the person who waits.
    """

    done_bytes: int
    total_bytes: int | None
    message: str


# What the downloading thread passes on: progress, its failure, or None at its end.
_Report = Progress | Exception | None

# What a thread does with the bytes that arrive in it; other downloads do nothing.
_on_bytes: ContextVar[Callable[[int], None]] = ContextVar("_on_bytes", default=lambda _: None)


class _Cancelled(Exception):
    """Whoever asked for the download no longer wants it."""


def fetch_omniglot(data_dir: Path | None = None) -> Iterator[Progress]:
    """Download Omniglot to where `load` looks for it, and report progress on the way.

    The archives arrive in a temporary folder beside the final one and are moved into place
    once both are complete and have been read. Closing the iterator ends the download; it
    leaves nothing behind. Omniglot that is already there is not downloaded again.

    Args:
        data_dir: As for `load`; the final folder is `omniglot_root(data_dir)`.

    Raises:
        DataError: The archives could not be fetched, checked or put in place.
    """
    final = omniglot_root(data_dir)
    try:
        if _is_readable(final, data_dir):
            yield Progress(0, 0, f"Omniglot is already in {final}")
            return
        with _folder_beside(final) as unfinished:
            yield Progress(0, None, "Connecting")
            yield from _download_archives(unfinished)
            size = _folder_size(unfinished)
            yield Progress(size, size, "Reading the pictures")
            load(unfinished, data_dir)
            _move_into_place(unfinished, final)
            yield Progress(size, size, f"Omniglot is in {final}")
    except (DataError, OSError) as cause:
        raise DataError(
            f"Omniglot could not be downloaded ({_reason(cause)}): check the connection, or put "
            f"{ZIP_NAMES[0]} and {ZIP_NAMES[1]} in {final}."
        ) from cause


def fetch_mnist(data_dir: Path | None = None) -> Path:
    """Download MNIST with torchvision to where `load` looks for it, whole or not at all.

    It shows its own progress bar. Where all four files are there and can be read, it does nothing.

    Returns:
        The folder.

    Raises:
        DataError: It could not be fetched or put in place.
    """
    final = mnist.mnist_root(data_dir)
    try:
        if not _is_whole_mnist(final):
            with _folder_beside(final) as unfinished:
                import_torchvision_datasets().MNIST(str(unfinished), download=True)
                mnist.load(unfinished)
                _move_into_place(unfinished, final)
    except (ImportError, RuntimeError, DataError, OSError) as cause:
        reason = " ".join(str(cause).split())  # torchvision names each mirror on a line
        raise DataError(
            f"MNIST could not be downloaded ({reason}): check the connection, or put its four "
            f"files in {final}."
        ) from cause
    return final


@contextmanager
def _folder_beside(final: Path) -> Iterator[Path]:
    """Give a folder to download into, beside the final one; what stays in it is removed."""
    unfinished = unfinished_name(final)
    try:
        remove_abandoned(final.parent)
        unfinished.mkdir(parents=True)
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _is_whole_mnist(root: Path) -> bool:
    try:
        mnist.load(root)
    except DataError:
        return False
    return len(mnist.find_pairs(root)) == len(mnist.PARTS)


def _is_readable(root: Path, data_dir: Path | None) -> bool:
    try:
        load(root, data_dir)
    except DataError:
        return False
    return True


def _move_into_place(unfinished: Path, final: Path) -> None:
    try:
        os.replace(unfinished, final)
    except OSError:  # Asked after the attempt: another download may just have ended there.
        if not final.is_dir():
            raise
        for file in filter(Path.is_file, sorted(unfinished.rglob("*"))):
            target = final / file.relative_to(unfinished)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)  # Whatever else lies in a person's folder stays.


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        return str(error.reason)
    return str(error).rstrip(".")


def _download_archives(folder: Path) -> Iterator[Progress]:
    """Run torchvision's download, which blocks, in a thread; yield what it reports."""
    try:
        datasets = import_torchvision_datasets()
    except (ImportError, RuntimeError) as cause:
        raise DataError(f"torchvision does not work here: {cause}") from cause
    stop = threading.Event()
    reports: queue.Queue[_Report] = queue.Queue()
    worker = threading.Thread(
        target=_download_in_thread, args=(datasets, folder, stop, reports), daemon=True
    )
    worker.start()
    try:
        while (report := reports.get(timeout=TIMEOUT_SECONDS)) is not None:
            if isinstance(report, Exception):
                raise DataError(_reason(report)) from report
            yield report
    except queue.Empty:
        raise DataError(f"nothing arrived for {TIMEOUT_SECONDS:.0f} seconds") from None
    finally:
        stop.set()
        worker.join(JOIN_SECONDS)


def _download_in_thread(
    datasets: Any, folder: Path, stop: threading.Event, reports: queue.Queue[_Report]
) -> None:
    # torchvision draws a tqdm bar on the terminal and cannot be told otherwise.
    datasets.utils.tqdm = _silent_bar
    try:
        urls = [f"{datasets.Omniglot.download_url_prefix}/{name}" for name in ZIP_NAMES]
        total = _total_bytes(urls)
        for part, name, url in zip(PARTS, ZIP_NAMES, urls, strict=True):
            _on_bytes.set(
                partial(_report_progress, folder, stop, reports, total, f"Downloading {name}")
            )
            _download(datasets, url, folder / name, datasets.Omniglot.zips_md5[part])
        reports.put(None)
    except Exception as error:  # Raised again where the reports are read.
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # It holds the connection.
        reports.put(error)
    finally:
        if stop.is_set():  # Nobody waits any more, and torchvision may have made it anew.
            shutil.rmtree(folder, ignore_errors=True)


def _report_progress(
    folder: Path,
    stop: threading.Event,
    reports: queue.Queue[_Report],
    total: int | None,
    message: str,
    _: int,
) -> None:
    if stop.is_set():
        raise _Cancelled
    # The files are measured, not the bytes added up: torchvision may begin a file anew.
    reports.put(Progress(_folder_size(folder), total, message))


def _folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


@contextmanager
def _silent_bar(**_: object) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(update=_on_bytes.get())


def _total_bytes(urls: list[str]) -> int | None:
    total = 0
    for url in urls:
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            if response.headers["Content-Length"] is None:
                return None
            total += int(response.headers["Content-Length"])
    return total


def _download(datasets: Any, url: str, file: Path, md5: str) -> None:
    try:
        datasets.utils.download_url(url, file.parent, filename=file.name, md5=md5)
    except RuntimeError:
        raise DataError(
            f"{file.name} arrived damaged: its md5 sum is not that of the official archive"
        ) from None
