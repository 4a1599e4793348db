"""Reads files from a zip or a folder through one interface."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from maml_core.data.character_set import DataError
from maml_core.images.file_names import ZIP_ERRORS, is_name_certain, member_path


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
        for path, status in sorted(files.items()):
            digest.update(
                f"{path} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape")
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
            sizes = {path: status.st_size for path, status in _files_below(source).items()}
            above = _absolute(source).parent
            yield sizes, lambda path: (above / path).read_bytes()
        else:
            with zipfile.ZipFile(source) as archive:
                members = _members(archive, source)
                # `read` never gives more than `file_size` bytes, whatever the data say.
                yield (
                    {path: info.file_size for path, info in members.items()},
                    lambda path: archive.read(members[path]),
                )


def uncertain_names(source: Path, remedy: str) -> list[str]:
    """Return the paths in a zip whose letters may be wrong, because it does not say its code.

    Raises:
        DataError: As `open_archive`.
    """
    if source.is_dir():
        return []
    with _translate_errors(source, remedy), zipfile.ZipFile(source) as archive:
        return [member_path(info) for info in archive.infolist() if not is_name_certain(info)]


def _members(archive: zipfile.ZipFile, source: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a zip by path, without its folders."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        path = member_path(info)
        if path.endswith("/"):
            continue
        if path.startswith(("/", ".")) or "//" in path or "/." in path:
            path = str(PurePosixPath(path.lstrip("/")))
        if path in ("", "."):  # the zip's own folder
            continue
        if path in members:
            raise DataError(f"{source} holds {path} twice; take one of them out.")
        members[path] = info
    return members


def _absolute(folder: Path) -> Path:
    """Return a folder by a path that ends with its name, as '..' does not."""
    return Path(os.path.abspath(folder))


def _files_below(folder: Path) -> dict[str, os.stat_result]:
    """Return every file below a folder by its path from the folder's parent.

    Symbolic links are followed.

    Raises:
        DataError: One leads nowhere or to a folder that it is in.
        OSError: A folder cannot be read.
    """
    found: dict[str, os.stat_result] = {}
    top = _absolute(folder)
    _collect(str(top), top.name, (), found)
    return found


def _collect(
    where: str, inside: str, above: tuple[str, ...], found: dict[str, os.stat_result]
) -> None:
    """Add the files of a folder and of those in it, whose real paths are not among `above`."""
    real = os.path.realpath(where)
    if real in above:
        raise DataError(f"{where} is a symbolic link to a folder that it is in; take it out.")
    # Plain strings: with 32,460 files, paths as objects take twice as long.
    with os.scandir(where) as entries:
        for entry in entries:
            path = f"{inside}/{entry.name}"
            if entry.is_symlink() and not os.path.exists(entry.path):
                raise DataError(f"{entry.path} is a symbolic link to nothing; take it out.")
            if entry.is_dir():
                _collect(entry.path, path, (*above, real), found)
            elif stat.S_ISREG((status := os.stat(entry.path)).st_mode):
                found[path] = status


@contextmanager
def _translate_errors(source: Path, remedy: str) -> Iterator[None]:
    """Turn errors of zipfile and of the file system into a `DataError`, a sentence."""
    try:
        yield
    except ZIP_ERRORS as cause:
        raise DataError(f"{source} {_fault(cause, remedy)}.") from cause


def _fault(cause: Exception, remedy: str) -> str:
    """Say what is wrong with a zip or folder and what to do, the rest of a sentence."""
    if isinstance(cause, NotImplementedError):
        return f"is packed by a method that cannot be read here: {remedy}"
    if isinstance(cause, RuntimeError) and "password" in str(cause):
        return f"is packed with a password, and can only be read without one: {remedy}"
    return f"is damaged or cannot be read ({cause}): {remedy}"
