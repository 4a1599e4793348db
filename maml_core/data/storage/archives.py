"""Reads files from a zip or a folder through one interface."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from maml_core.data.character_set import DataError


def fingerprint(sources: Iterable[Path], remedy: str) -> str:
    """Return a digest of the names, sizes and times of a source's files: it changes with them.

    The path of the folder is left out, so that it can be moved and its cache stays valid.

    Args:
        sources: Zips or folders.
        remedy: What to do when one cannot be read, the end of a sentence.

    Raises:
        DataError: One cannot be read.
    """
    digest = hashlib.sha256()
    for source in sources:
        with _translate_errors(source, remedy):
            files = _files_below(source) if source.is_dir() else {source.name: source.stat()}
        for path, stat in sorted(files.items()):
            digest.update(
                f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode(errors="surrogateescape")
            )
    return digest.hexdigest()


@contextmanager
def open_archive(
    source: Path, remedy: str
) -> Iterator[tuple[dict[str, int], Callable[[str], bytes]]]:
    """Give the size of each file in a zip or folder and a function that reads one.

    Nothing is unpacked to disk, so that names in a zip that lead elsewhere have nowhere to lead.

    Args:
        source: The zip or folder; the paths of what is in a folder begin with its name.
        remedy: What to do when it cannot be read, the end of a sentence.

    Raises:
        DataError: It is damaged, encrypted or cannot be read.
    """
    with _translate_errors(source, remedy):
        if source.is_dir():
            sizes = {path: stat.st_size for path, stat in _files_below(source).items()}
            yield sizes, lambda path: (source.parent / path).read_bytes()
        else:
            with zipfile.ZipFile(source) as archive:
                # `read` never gives more than `file_size` bytes, whatever the data say.
                yield {info.filename: info.file_size for info in archive.infolist()}, archive.read


def _files_below(folder: Path) -> dict[str, os.stat_result]:
    """Return every file below a folder by its path from the folder's parent."""
    stats: dict[str, os.stat_result] = {}
    for where, _, names in os.walk(folder):
        inside = Path(where).relative_to(folder.parent).as_posix()
        # Plain strings: with 32,460 files, paths as objects take twice as long.
        stats.update({f"{inside}/{name}": os.stat(f"{where}/{name}") for name in names})
    return stats


@contextmanager
def _translate_errors(source: Path, remedy: str) -> Iterator[None]:
    """Turn errors of zipfile and of the file system into a `DataError`, a sentence."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        RuntimeError,  # Encrypted members, and kinds of compression that are not supported.
        ValueError,
    ) as cause:
        raise DataError(f"{source} is damaged or cannot be read ({cause}): {remedy}.") from cause
