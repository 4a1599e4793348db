"""MNIST (LeCun et al. 1998): handwritten digits, ten classes of thousands of pictures each.

Reads the official files, as downloaded or unpacked: `train-images-idx3-ubyte.gz` and its labels,
`t10k-…` and its labels, or one of the two pairs alone.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from maml_core.data.character_set import CharacterSet, ClassName, DataError
from maml_core.data.storage.disk_cache import default_data_dir

PARTS = ("train", "t10k")
SIDE = 28  # pixels
ALPHABET = "Digits"
IMAGES, LABELS = 0x0803, 0x0801  # what the files begin with: bytes in three dimensions, in one
MAX_IMAGES = 100_000  # pictures in a file; the official ones hold 60,000 and 10,000

REMEDY = (
    "run `python -m maml_core data fetch mnist`, or let MNIST_DIR name the folder that holds "
    "t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz, or the training files, or all four"
)


def mnist_root(data_dir: Path | None = None) -> Path:
    """Return the folder to read MNIST from: `MNIST_DIR`, or 'mnist' in `data_dir`."""
    chosen = os.environ.get("MNIST_DIR")
    return Path(chosen).expanduser() if chosen else (data_dir or default_data_dir()) / "mnist"


def find_pairs(root: Path) -> list[tuple[Path, Path]]:
    """Return the files of pictures and labels below a folder, the training files first.

    Raises:
        DataError: There is no pair of files here.
    """
    pairs = []
    for part in PARTS:
        pair = [_find_file(root, f"{part}-{what}-ubyte") for what in ("images-idx3", "labels-idx1")]
        if pair[0] and pair[1]:
            pairs.append((pair[0], pair[1]))
    if not pairs:
        raise DataError(f"The folder {root} does not hold MNIST: {REMEDY}.")
    return pairs


def load(root: Path) -> CharacterSet:
    """Read all digits that are there.

    Args:
        root: Holds the files, in itself or in a folder in it.

    Returns:
        One alphabet of the ten digits, all of it for testing; of each digit the training
        pictures come first. It is not known who drew what.

    Raises:
        DataError: The files are missing, damaged, or not MNIST.
    """
    pairs = find_pairs(root)
    pictures = np.concatenate([_read_idx(images, IMAGES, (SIDE, SIDE)) for images, _ in pairs])
    labels = np.concatenate([_read_idx(names, LABELS, ()) for _, names in pairs])
    if len(pictures) != len(labels) or labels.max(initial=0) > 9:
        raise DataError(
            f"The files in {root} hold {len(pictures):,} pictures and {len(labels):,} labels up "
            f"to {labels.max(initial=0)}, not as many labels from 0 to 9: {REMEDY}."
        )
    order = np.argsort(labels, kind="stable")
    digits, counts = np.unique(labels, return_counts=True)
    pictures = pictures[order]
    return CharacterSet(
        name="mnist",
        classes=tuple(ClassName(ALPHABET, str(digit)) for digit in digits),
        starts=np.cumsum([0, *counts], dtype=np.int64),
        drawers=np.concatenate([np.arange(1, count + 1) for count in counts]),
        inputs=pictures,
        side=SIDE,
        evaluation_alphabets=(ALPHABET,),
        pictures=pictures,
        has_drawers=False,
    )


def _find_file(root: Path, stem: str) -> Path | None:
    """Return the file of a name, packed or not, in a folder or below it."""
    names = (f"{stem}.gz", stem, stem.replace("-idx", ".idx"))
    return next((path for name in names for path in sorted(root.rglob(name))), None)


def _read_idx(path: Path, magic: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return what an IDX file of bytes holds, uint8 [n, *shape]."""
    size = int(np.prod(shape, dtype=int))
    most = 8 + 4 * len(shape) + MAX_IMAGES * size
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(most + 1)  # a small file may unpack to anything
    except (OSError, EOFError, zlib.error) as cause:
        raise DataError(f"{path} is damaged or cannot be read ({cause}): {REMEDY}.") from cause
    count = int.from_bytes(content[4:8], "big")
    head = [magic, count, *shape]
    begin = b"".join(value.to_bytes(4, "big") for value in head)
    if content[: len(begin)] != begin or len(content) != len(begin) + count * size:
        raise DataError(f"{path} is not a file of MNIST, or incomplete: {REMEDY}.")
    return np.frombuffer(content, np.uint8, offset=len(begin)).reshape(count, *shape)
