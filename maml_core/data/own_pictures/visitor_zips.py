"""Zips of pictures that visitors uploaded to the app, kept by a digest of their content.

The name of one, 'zip-' and the digest, is known only to visitors who uploaded the same zip.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from maml_core.config import AS_THEY_ARE, HANDWRITING, VISITOR_ZIP_PREFIX
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.own_pictures.layouts import REMEDY
from maml_core.data.storage.archives import open_archive
from maml_core.data.storage.disk_cache import atomic_write, short_digest

HANDWRITING_SUFFIX = f"-{HANDWRITING}"
FOLDER = "brought"  # in the data folder; earlier versions kept zips there, too
MAX_MEGABYTES = 20  # of a zip
MAX_UNPACKED_MEGABYTES = 200
MAX_PICTURES = 2_000  # read in some seconds
MAX_KEPT = 20  # zips on this server; the oldest uploads are removed


def add(
    content: bytes,
    file: str,
    data_dir: Path,
    progress: Callable[[int, int], None] | None = None,
) -> CharacterSet:
    """Keep a zip of pictures, one folder per class, and read it as its pictures suggest.

    Args:
        content: All of the zip, of unknown origin.
        file: What to call it in messages; not where it is kept.
        data_dir: Where downloads and caches lie.
        progress: See `image_folder.load`.

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
        if not path.exists():  # the same again has been read already
            with atomic_write(path) as zipped:
                zipped.write(content)
        _check_size(path)
        from maml_core.data.own_pictures import image_folder  # Here: it loads scipy.

        image_folder.check_pixels(path)
        view = image_folder.best_view(image_folder.sample(path))
        data = load(with_view(name, view), data_dir, progress)
    except OSError as error:
        raise DataError(f"{file} cannot be kept on this server ({error.strerror}).") from error
    except DataError as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise DataError(str(error).replace(str(path), file)) from error
    _remove_oldest(path.parent)
    return data


def load(
    name: str, data_dir: Path, progress: Callable[[int, int], None] | None = None
) -> CharacterSet:
    """Read the pictures of a kept zip, as a network for characters sees them.

    Args:
        name: 'zip-' and the digest, then '-handwriting' where they are to be read as that.
        data_dir: Where downloads and caches lie.
        progress: See `image_folder.load`.

    Raises:
        DataError: It is no longer kept.
    """
    path = kept_zip(name, data_dir)
    if not path.exists():
        raise DataError("Your pictures are no longer on this server; upload them again.")
    # What is decoded lies beside the zip, and goes with it.
    view = HANDWRITING if name.endswith(HANDWRITING_SUFFIX) else AS_THEY_ARE
    from maml_core.data.own_pictures import image_folder  # Only where needed.

    return replace(image_folder.load(path, path.parent, view=view, progress=progress), name=name)


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
