"""Data sets as files of packed arrays, which load faster than pictures decode."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from weakref import WeakValueDictionary

import numpy as np

from maml_core.data.character_set import CharacterSet, ClassName

FORMAT = 1  # Raise it when the arrays below change: older files are then built anew.
# Seconds without a write to a temporary file after which its process counts as dead.
ABANDONED_AFTER = 600
UNFINISHED = f".*-{32 * '[0-9a-f]'}.tmp"  # the names that `unfinished_name` gives
MAX_KEPT = 3  # memory-mapped arrays of one name; mini-ImageNet's has 1.3 GB

# Threads that want the same file at once wait for the first to build it; nobody else waits.
_locks: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()
_locks_lock = threading.Lock()


def lock_of(path: Path) -> threading.Lock:
    """Return the lock of who builds a file, the same for all of this process's threads."""
    with _locks_lock:
        return _locks.setdefault(path, threading.Lock())


def default_data_dir() -> Path:
    """Return the folder for downloads and caches: `MAML_DATA_DIR`, or one in the user's cache."""
    chosen = os.environ.get("MAML_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else Path.home() / ".cache") / "maml-core"


def short_digest(content: bytes) -> str:
    """Return 16 hexadecimal digits that name a content: the first of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def load_or_build(
    name: str, source: str, data_dir: Path, build: Callable[[], CharacterSet]
) -> CharacterSet:
    """Return a data set from its cache file, or build it and write the file.

    A missing, damaged or outdated file is built anew. A folder that cannot be written
    to only means that the next call builds again.

    Args:
        name: Names the file, '<name>.npz'.
        source: Identifies what the set is built from; another source outdates the file.
        data_dir: The folder of the file; made when missing.
        build: Makes the set.

    Raises:
        DataError: `build` finds its data unusable.
    """
    path = data_dir / f"{name}.npz"
    key = f"format {FORMAT}, {source}"
    with lock_of(path):
        data = _read_cache(path, key)
        if data is None:
            data = build()
            _write_cache(path, key, data)
    return data


def memory_mapped(
    name: str,
    source: str,
    data_dir: Path,
    shape: tuple[int, ...],
    rows: Callable[[], Iterable[np.ndarray]],
) -> np.ndarray:
    """Return rows of bytes as one memory-mapped array on disk; write it if missing.

    Where the file cannot be written the array is held in memory.

    Args:
        name: Begins the file's name; of several sources the last `MAX_KEPT` files are kept.
        source: Identifies what the rows are made from.
        data_dir: The folder of the file; made when missing.
        shape: Of the array, [n, …].
        rows: Makes the n rows, uint8.

    Raises:
        DataError: `rows` finds its data unusable.
    """
    path = data_dir / f"{name}-{short_digest(source.encode())}.npy"
    with lock_of(path):
        with suppress(OSError, ValueError):  # none yet, or a damaged one
            array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
            if array.shape == shape:
                return array
        try:
            _write_rows(path, shape, rows())
            _remove_older(data_dir.glob(f"{name}-*.npy"), path)
            written: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
            return written
        except OSError:
            return np.stack(list(rows()))


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which then replaces `path`: no reader ever sees half of it.

    Several may write to the same path at once; the last to finish wins. A file that is replaced
    keeps its mode, a new one has that of the process's umask; a symbolic link stays one.

    A process that is killed meanwhile leaves an unfinished file, which nothing reads and the next
    write into the folder removes once it is old. What replaces `path` is on the disk before, so
    that a power cut leaves the old file or the new one.

    Raises:
        OSError: There is no room or no permission; what was at `path` stays as it was.
    """
    path = Path(os.path.realpath(path))
    unfinished = unfinished_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path.parent)
        with unfinished.open("xb") as file:
            with suppress(OSError):  # none yet, or a file system without modes
                unfinished.chmod(stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        with suppress(OSError):
            unfinished.unlink()


def check_writable(path: Path) -> None:
    """Raise `ValueError` if `atomic_write` could not write to `path`; its folder is made.

    For work that takes long before it writes.
    """
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise ValueError(f"{path} is {kind}; name a file to write.")
        if path.exists() and not os.access(path, os.W_OK):
            raise ValueError(f"{path} is there and may not be written; name another file.")
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = unfinished_name(target)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        below = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "it lies below a file" if below else error.strerror
        raise ValueError(f"{path} cannot be written ({reason}); name another file.") from error


def unfinished_name(path: Path) -> Path:
    """Return a name beside `path`, which nothing has yet, for what is to become it."""
    return path.with_name(f".{path.stem}-{uuid.uuid4().hex}.tmp")


def _write_rows(path: Path, shape: tuple[int, ...], rows: Iterable[np.ndarray]) -> None:
    with atomic_write(path) as file:
        # Written and not mapped: a full disk is an error then, and not the process's end.
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            file.write(row.tobytes())


def _remove_older(files: Iterable[Path], newest: Path) -> None:
    """Remove all but the newest `MAX_KEPT` files; whoever has mapped one keeps its contents."""
    others = sorted((file for file in files if file != newest), key=lambda f: f.stat().st_mtime)
    for old in others[: len(others) + 1 - MAX_KEPT]:
        with suppress(FileNotFoundError):
            old.unlink()


def _read_cache(path: Path, key: str) -> CharacterSet | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if str(arrays["key"]) != key:
                return None
            return _from_arrays(dict(arrays))
    except Exception:
        # A damaged file fails in zipfile, zlib or NumPy, in more ways than can be listed;
        # whichever it is, the set is built anew.
        return None


def _write_cache(path: Path, key: str, data: CharacterSet) -> None:
    # Without room or permission the set is there all the same.
    with suppress(OSError), atomic_write(path) as file:
        np.savez(file, allow_pickle=False, key=np.array(key), **_to_arrays(data))


def remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files and folders in a folder whose processes have died.

    Raises:
        OSError: One cannot be removed.
    """
    for path in folder.glob(UNFINISHED):
        with suppress(FileNotFoundError):  # Another process may tidy up as well.
            if time.time() - _last_written(path) < ABANDONED_AFTER:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _last_written(path: Path) -> float:
    return max(file.stat().st_mtime for file in (path, *path.rglob("*")))


def _to_arrays(data: CharacterSet) -> dict[str, np.ndarray]:
    """Return a set of drawn characters; memory-mapped pictures are not kept here."""
    assert data.bits is not None
    return {
        "name": np.array(data.name),
        "class_alphabets": np.array([c.alphabet for c in data.classes], dtype=np.str_),
        "class_names": np.array([c.name for c in data.classes], dtype=np.str_),
        "starts": data.starts,
        "drawers": data.drawers,
        "inputs": data.inputs,
        "bits": data.bits,
        "side": np.array(data.side),
        "evaluation_alphabets": np.array(data.evaluation_alphabets, dtype=np.str_),
    }


def _from_arrays(arrays: dict[str, np.ndarray]) -> CharacterSet:
    names = zip(arrays["class_alphabets"].tolist(), arrays["class_names"].tolist(), strict=True)
    return CharacterSet(
        name=str(arrays["name"]),
        classes=tuple(ClassName(alphabet, name) for alphabet, name in names),
        starts=arrays["starts"],
        drawers=arrays["drawers"],
        inputs=arrays["inputs"],
        bits=arrays["bits"],
        side=int(arrays["side"]),
        evaluation_alphabets=tuple(arrays["evaluation_alphabets"].tolist()),
    )
