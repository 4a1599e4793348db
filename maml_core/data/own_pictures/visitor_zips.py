"""Zips of pictures that visitors uploaded to the app, kept by a digest of their content.

The name of one, 'zip-' and the digest, is known only to visitors who uploaded the same zip.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from maml_core.config import VISITOR_ZIP_PREFIX
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.own_pictures.image_folder import load as read_folder
from maml_core.data.own_pictures.layouts import REMEDY
from maml_core.data.storage.archives import open_archive
from maml_core.data.storage.disk_cache import atomic_write, short_digest

FOLDER = "brought"  # in the data folder; earlier versions kept zips there, too
MAX_MEGABYTES = 20  # of a zip
MAX_UNPACKED_MEGABYTES = 200
MAX_PICTURES = 2_000  # read in some seconds
MAX_KEPT = 20  # zips on this server; the oldest uploads are removed


def add(content: bytes, file: str, data_dir: Path) -> CharacterSet:
    """Keep a zip of pictures, one folder per class, and read it.

    Args:
        content: All of the zip, of unknown origin.
        file: What to call it in messages; not where it is kept.
        data_dir: Where downloads and caches lie.

    Raises:
        DataError: It cannot be used or kept; the message says why.
    """
    if len(content) > 1_000_000 * MAX_MEGABYTES:
        raise DataError(
            f"{file} has {len(content):,} bytes; upload at most {MAX_MEGABYTES} MB, with fewer or "
            "smaller pictures."
        )
    name = VISITOR_ZIP_PREFIX + short_digest(content)
    path = _path(name, data_dir)
    try:
        with atomic_write(path) as zipped:
            zipped.write(content)
        _check_size(path)
        data = load(name, data_dir)
    except OSError as error:
        raise DataError(f"{file} cannot be kept on this server ({error.strerror}).") from error
    except DataError as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise DataError(str(error).replace(str(path), file)) from error
    _remove_oldest(path.parent)
    return data


def load(name: str, data_dir: Path) -> CharacterSet:
    """Read the pictures of a kept zip, as a network for characters sees them.

    Raises:
        DataError: It is no longer kept.
    """
    path = _path(name, data_dir)
    if not path.exists():
        raise DataError("Your pictures are no longer on this server; upload them again.")
    # What is decoded lies beside the zip, and goes with it.
    return replace(read_folder(path, path.parent, colour=False), name=name)


def _path(name: str, data_dir: Path) -> Path:
    if not re.fullmatch(rf"{VISITOR_ZIP_PREFIX}[0-9a-f]{{16}}", name):
        raise DataError(f"{name!r} does not name a zip of pictures; upload it again.")
    return data_dir / FOLDER / name.removeprefix(VISITOR_ZIP_PREFIX) / "pictures.zip"


def _check_size(path: Path) -> None:
    """Refuse a zip that would take long, before any of its pictures is unpacked."""
    with open_archive(path, REMEDY) as (sizes, _):
        pass
    total = sum(sizes.values())
    if total > 1_000_000 * MAX_UNPACKED_MEGABYTES or len(sizes) > MAX_PICTURES:
        raise DataError(
            f"{path} holds {len(sizes):,} files of {total:,} bytes; upload at most "
            f"{MAX_PICTURES:,} pictures of {MAX_UNPACKED_MEGABYTES} MB in all."
        )


def _remove_oldest(newest: Path) -> None:
    newest.touch()
    folders = sorted(newest.parent.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for old in folders[:-MAX_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
