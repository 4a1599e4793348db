"""Pictures that are there twice, under two names: support and query may then be the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from maml_core.data.own_pictures.layouts import (
    UNREADABLE_REMEDY,
    PictureFile,
    join_first,
    shortened,
)
from maml_core.data.storage.archives import open_archive

DIGEST_BYTES = 16
MAX_EQUAL = 3  # names of one picture that are shown


def file_digests(root: Path, entries: Sequence[PictureFile]) -> Iterator[np.ndarray]:
    """Yield a digest of each picture's file, uint8 [DIGEST_BYTES].

    Raises:
        DataError: One cannot be read.
    """
    with open_archive(root, UNREADABLE_REMEDY) as (_, read):
        for entry in entries:
            digest = hashlib.blake2b(read(entry.path), digest_size=DIGEST_BYTES).digest()
            yield np.frombuffer(digest, dtype=np.uint8)


def same_files_notice(entries: Sequence[PictureFile], digests: np.ndarray) -> str:
    """Return a sentence that names the files with the same bytes; empty if there are none.

    Args:
        entries: The pictures.
        digests: Of their files, uint8 [n, DIGEST_BYTES].
    """
    files: dict[bytes, list[str]] = {}
    for entry, digest in zip(entries, digests, strict=True):
        files.setdefault(digest.tobytes(), []).append(entry.path)
    same = [_equal(paths) for paths in files.values() if len(paths) > 1]
    if not same:
        return ""
    return (
        f"The same picture under several names, so that support and query may be one: "
        f"{join_first(same)}; take all but one out."
    )


def _equal(paths: Sequence[str]) -> str:
    """Return the first names of a picture, of each class one before others, and how many more."""
    first_of_class = {path.rpartition("/")[0]: path for path in reversed(paths)}.values()
    named = sorted(paths, key=lambda path: path not in first_of_class)[:MAX_EQUAL]
    more = len(paths) - len(named)
    return " = ".join(map(shortened, named)) + (f" and {more:,} more" if more else "")
