"""Zips of pictures that visitors uploaded to the app, kept by a digest of their content.

The name of one, 'zip-' and the digest, is known only to visitors who uploaded the same zip.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from maml_core.config import AS_THEY_ARE, HANDWRITING, VISITOR_ZIP_PREFIX
from maml_core.data.character_set import CharacterSet, DataError, ReportProgress
from maml_core.data.own_pictures.layouts import UNREADABLE_REMEDY
from maml_core.data.storage.archives import open_archive
from maml_core.data.storage.disk_cache import atomic_write, lock_of, short_digest

HANDWRITING_SUFFIX = f"-{HANDWRITING}"
FOLDER = "brought"  # in the data folder; earlier versions kept zips there, too
MAX_MEGABYTES = 100  # of a zip: some 25 of a phone's photographs
MAX_UNPACKED_MEGABYTES = 200
MAX_PICTURES = 2_000  # read in some seconds
MAX_KEPT = 20  # zips on this server
IN_USE = "in-use"  # a file beside a zip: its time is when the zip's visitor was last seen
IN_USE_SECONDS = 120.0  # after which they have left, see `mark_in_use`
GONE = "Your pictures are no longer on this server; upload them again."

_room = threading.Lock()


def add(
    content: bytes, file: str, data_dir: Path, progress: ReportProgress | None = None
) -> CharacterSet:
    """Keep a zip of pictures, one folder per class, and read it as its pictures suggest.

    Args:
        content: All of the zip, of unknown origin.
        file: What to call it in messages; not where it is kept.
        data_dir: Where downloads and caches lie.
        progress: See `image_folder.load`; before that it is told that none is read. When it
            raises, nothing is kept.

    Raises:
        DataError: It cannot be used or kept; the message says why.
    """
    if len(content) > 1_000_000 * MAX_MEGABYTES:
        raise DataError(
            f"{file} has {len(content):,} bytes; upload at most {MAX_MEGABYTES} MB, with fewer or "
            "smaller pictures."
        )
    name = VISITOR_ZIP_PREFIX + short_digest(content)
    path = kept_zip(name, data_dir)
    try:
        with lock_of(path), _kept_if_usable(path, content):
            _check_size(path)
            from maml_core.data.own_pictures import image_folder  # Here: it loads scipy.

            image_folder.check_pixels(path, progress)
            view = image_folder.best_view(image_folder.sample(path, progress=progress))
            return load(with_view(name, view), data_dir, progress)
    except OSError as error:
        raise DataError(f"{file} cannot be kept on this server ({error.strerror}).") from error
    except DataError as error:
        raise DataError(str(error).replace(str(path), file)) from error


@contextmanager
def _kept_if_usable(path: Path, content: bytes) -> Iterator[None]:
    """Have a zip on disk; one that was not there before goes again when something is raised."""
    if path.exists():  # the same again, which has been read already
        path.parent.touch()
        yield
        return
    try:
        with _room:
            _make_room(path.parents[1])
            with atomic_write(path) as zipped:
                zipped.write(content)
        yield
    except BaseException:  # also what ends a reading that nobody waits for
        shutil.rmtree(path.parent, ignore_errors=True)
        raise


def load(name: str, data_dir: Path, progress: ReportProgress | None = None) -> CharacterSet:
    """Read the pictures of a kept zip, as a network for characters sees them.

    Args:
        name: 'zip-' and the digest, then '-handwriting' where they are to be read as that.
        data_dir: Where downloads and caches lie.
        progress: See `image_folder.load`.

    Raises:
        DataError: It is no longer kept.
    """
    edition(name, data_dir)
    path = kept_zip(name, data_dir)
    # What is decoded lies beside the zip, and goes with it.
    view = HANDWRITING if name.endswith(HANDWRITING_SUFFIX) else AS_THEY_ARE
    from maml_core.data.own_pictures import image_folder  # Only where needed.

    return replace(image_folder.load(path, path.parent, view=view, progress=progress), name=name)


def edition(name: str, data_dir: Path) -> str:
    """Return what `registry.edition` does: always the same, as a zip's name says what is in it.

    Raises:
        DataError: It is no longer kept.
    """
    if not kept_zip(name, data_dir).exists():
        raise DataError(GONE)
    return "as uploaded"


def with_view(name: str, view: str) -> str:
    """Return the name of a zip, whose pictures are to be read in some way."""
    name = name.removesuffix(HANDWRITING_SUFFIX)
    return name + HANDWRITING_SUFFIX if view == HANDWRITING else name


def kept_zip(name: str, data_dir: Path) -> Path:
    """Return where a zip is kept.

    Raises:
        DataError: The name is not one of a zip.
    """
    digest = name.removeprefix(VISITOR_ZIP_PREFIX).removesuffix(HANDWRITING_SUFFIX)
    if not (name.startswith(VISITOR_ZIP_PREFIX) and re.fullmatch("[0-9a-f]{16}", digest)):
        raise DataError(f"{name!r} does not name a zip of pictures; upload it again.")
    return data_dir / FOLDER / digest / "pictures.zip"


def _check_size(path: Path) -> None:
    """Refuse a zip that would take long, before any of its pictures is unpacked."""
    with open_archive(path, UNREADABLE_REMEDY) as (sizes, _):
        pass
    total = sum(sizes.values())
    if total > 1_000_000 * MAX_UNPACKED_MEGABYTES or len(sizes) > MAX_PICTURES:
        raise DataError(
            f"{path} holds {len(sizes):,} files of {total:,} bytes; upload at most "
            f"{MAX_PICTURES:,} pictures of {MAX_UNPACKED_MEGABYTES} MB in all."
        )


def mark_in_use(name: str, data_dir: Path) -> None:
    """Note that the visitor of a zip is there, to be repeated within `IN_USE_SECONDS`.

    The note is a file's time, so that it also speaks to other servers on the same folder.
    """
    with suppress(OSError):  # it is no longer kept
        (kept_zip(name, data_dir).parent / IN_USE).touch()


def mark_left(name: str, data_dir: Path) -> None:
    """Note that a zip's visitor has another one: it is the first to make room."""
    with suppress(OSError):  # it is no longer kept
        (kept_zip(name, data_dir).parent / IN_USE).unlink()


def remove_left(data_dir: Path, seconds: float) -> int:
    """Remove the zips whose visitors were last seen so long ago; return how many stay."""
    folders = _folders(data_dir / FOLDER)
    left = [folder for folder in folders if time.time() - _last_seen(folder) > seconds]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders) - len(left)


def _make_room(root: Path) -> None:
    """Remove zips of visitors who have left, the longest ago first, until there is room for one.

    Raises:
        DataError: The others are all in use.
    """
    folders = sorted(_folders(root), key=_last_seen)
    excess = len(folders) + 1 - MAX_KEPT
    left = [folder for folder in folders if not _is_in_use(folder)]
    if len(left) < excess:
        raise DataError(
            f"This server keeps the pictures of {MAX_KEPT} visitors at once, and all of them are "
            "here now; try again in some minutes."
        )
    for folder in left[: max(excess, 0)]:
        shutil.rmtree(folder, ignore_errors=True)


def _folders(root: Path) -> list[Path]:
    try:
        return [folder for folder in root.iterdir() if folder.is_dir()]
    except FileNotFoundError:
        return []


def _is_in_use(folder: Path) -> bool:
    marked = folder / IN_USE
    return marked.exists() and time.time() - _last_seen(folder) < IN_USE_SECONDS


def _last_seen(folder: Path) -> float:
    """Return when a zip was uploaded, or its visitor was last seen."""
    for path in (folder / IN_USE, folder):
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return 0.0
