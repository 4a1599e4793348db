"""A zip of pictures that somebody brought to the app, kept by a digest of what it holds.

Its name, 'zip-' and the digest, is known to those alone who brought the same zip.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import replace
from pathlib import Path

from maml_core.config import BROUGHT
from maml_core.data.archives import opened
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.disk_cache import written_whole
from maml_core.data.image_folder import REMEDY
from maml_core.data.image_folder import load as read_folder

MAX_MEGABYTES = 20  # of a zip
MAX_UNPACKED_MEGABYTES = 200
MAX_PICTURES = 2_000  # some seconds' reading
KEPT = 20  # zips; of more, those that were brought the longest ago go


def add(content: bytes, file: str, data_dir: Path) -> CharacterSet:
    """Keep a zip of pictures, a folder a class, and read it.

    Args:
        content: All of the zip, of unknown origin.
        file: What to call it in messages; not where it is kept.
        data_dir: Where downloads and caches lie.

    Raises:
        DataError: It cannot be used or kept; the message says why.
    """
    if len(content) > 1_000_000 * MAX_MEGABYTES:
        raise DataError(
            f"{file} has {len(content):,} bytes; bring at most {MAX_MEGABYTES} MB, with fewer or "
            "smaller pictures."
        )
    name = BROUGHT + hashlib.sha256(content).hexdigest()[:16]
    path = _path(name, data_dir)
    try:
        with written_whole(path) as zipped:
            zipped.write(content)
        _check_size(path)
        found = load(name, data_dir)
    except OSError as error:
        raise DataError(f"{file} cannot be kept on this server ({error.strerror}).") from error
    except DataError as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise DataError(str(error).replace(str(path), file)) from error
    _forget_old_ones(path.parent)
    return found


def load(name: str, data_dir: Path) -> CharacterSet:
    """Read the pictures of a zip that was brought, as a network for characters sees them.

    Raises:
        DataError: It is not here any more.
    """
    path = _path(name, data_dir)
    if not path.exists():
        raise DataError("Your pictures are not on this server any more; bring them again.")
    # What is decoded lies beside the zip, and goes with it.
    return replace(read_folder(path, path.parent, colour=False), name=name)


def _path(name: str, data_dir: Path) -> Path:
    if not re.fullmatch(rf"{BROUGHT}[0-9a-f]{{16}}", name):
        raise DataError(f"{name!r} names no pictures; bring them again.")
    return data_dir / "brought" / name.removeprefix(BROUGHT) / "pictures.zip"


def _check_size(path: Path) -> None:
    """Refuse a zip that would take long, before any of its pictures is unpacked."""
    with opened(path, REMEDY) as (sizes, _):
        pass
    total = sum(sizes.values())
    if total > 1_000_000 * MAX_UNPACKED_MEGABYTES or len(sizes) > MAX_PICTURES:
        raise DataError(
            f"{path} holds {len(sizes):,} files of {total:,} bytes; bring at most "
            f"{MAX_PICTURES:,} pictures of {MAX_UNPACKED_MEGABYTES} MB in all."
        )


def _forget_old_ones(newest: Path) -> None:
    newest.touch()
    folders = sorted(newest.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in folders[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
