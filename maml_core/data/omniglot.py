"""Omniglot (Lake et al. 2015): 1,623 characters of 50 alphabets, 20 drawers each.

Reads the official zips, zips packed anew with the same paths inside, or the unpacked folders:
`images_background/<alphabet>/<character>/<number>_<drawer>.png`, black ink on white.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from maml_core.data.character_set import CharacterSet, ClassName, DataError, ReportProgress
from maml_core.data.storage.archives import fingerprint, open_archive
from maml_core.data.storage.disk_cache import default_data_dir, load_or_build
from maml_core.images.network_input import to_network_input

BACKGROUND, EVALUATION = "images_background", "images_evaluation"
PARTS = (BACKGROUND, EVALUATION)
ZIP_NAMES = (f"{BACKGROUND}.zip", f"{EVALUATION}.zip")
SIDE = 105  # Pixels; every official picture is SIDE x SIDE.
MODES = ("1", "L", "P", "RGB")  # Those that say what is ink without transparency.
MAX_PNG_BYTES = 1_000_000  # The largest official picture has 522 bytes.

REMEDY = (
    f"download Omniglot, put {ZIP_NAMES[0]} and {ZIP_NAMES[1]} into it, or let OMNIGLOT_DIR "
    "name the folder that holds them"
)
REMEDY_FILE = "replace it by the official file"


@dataclass(frozen=True, order=True)
class _PictureFile:
    """Where a picture belongs, in the order of the set, and where it lies in its source."""

    alphabet: str
    character: str
    drawer: int
    path: str


def omniglot_root(data_dir: Path | None = None) -> Path:
    """Return the folder to read Omniglot from: `OMNIGLOT_DIR`, or 'omniglot' in `data_dir`."""
    chosen = os.environ.get("OMNIGLOT_DIR")
    if chosen:
        return Path(chosen).expanduser()
    return (data_dir or default_data_dir()) / "omniglot"


def load(
    root: Path, data_dir: Path | None = None, progress: ReportProgress | None = None
) -> CharacterSet:
    """Read all of Omniglot, from the cache when the source is unchanged.

    Args:
        root: Holds images_background and images_evaluation, each as a zip or as a folder,
            in itself or in a folder in it (torchvision makes 'omniglot-py'). Where both
            are there, the zip is read.
        data_dir: Where the cache lies; `default_data_dir()` if None.
        progress: Told after each picture that is decoded; of a set in the cache none are.

    Returns:
        The background classes, then the evaluation classes, each sorted by alphabet and
        character; the pictures of a class sorted by drawer.

    Raises:
        DataError: Something is missing, damaged, or not Omniglot.
    """
    sources = _find_sources(root)
    return load_or_build(
        "omniglot",
        fingerprint(sources.values(), REMEDY_FILE),
        data_dir or default_data_dir(),
        lambda: _build(sources, progress),
    )


def edition(root: Path) -> str:
    """Return a digest of what lies in `root`, which changes with it.

    Raises:
        DataError: As `load`, as far as it shows without decoding.
    """
    return fingerprint(_find_sources(root).values(), REMEDY_FILE)


def count_classes_and_images(root: Path) -> tuple[int, int]:
    """Count the classes and pictures in `root` from their names alone, without decoding.

    Raises:
        DataError: Something is missing, damaged, or not Omniglot.
    """
    sources = _find_sources(root)
    return _count_once(tuple(sources.items()), fingerprint(sources.values(), REMEDY_FILE))


@lru_cache(maxsize=4)  # of a zip the names alone take 0.3 s
def _count_once(sources: tuple[tuple[str, Path], ...], _fingerprint: str) -> tuple[int, int]:
    return _count(dict(sources))


def _count(sources: dict[str, Path]) -> tuple[int, int]:
    classes, images = 0, 0
    for part, source in sources.items():
        with open_archive(source, REMEDY_FILE) as (sizes, _):
            entries = _find_pictures(part, source, sizes)
            classes += len({(entry.alphabet, entry.character) for entry in entries})
            images += len(entries)
    return classes, images


def _find_sources(root: Path) -> dict[str, Path]:
    """Return the zip or folder of each of the two parts."""
    sources: dict[str, Path] = {}
    try:
        folders = [root, *sorted(p for p in root.iterdir() if p.is_dir())]
        for part in PARTS:
            zips = [z for folder in folders if (z := folder / f"{part}.zip").is_file()]
            unpacked = [u for folder in folders if (u := folder / part).is_dir()]
            if zips or unpacked:
                sources[part] = (zips + unpacked)[0]
    except FileNotFoundError:
        raise DataError(f"The folder {root} does not exist: {REMEDY}.") from None
    except OSError as cause:
        raise DataError(
            f"The folder {root} cannot be read ({cause.strerror}): {REMEDY}."
        ) from cause
    if not sources:
        raise DataError(f"The folder {root} does not hold Omniglot: {REMEDY}.")
    for part in PARTS:
        if part not in sources:
            raise DataError(
                f"The folder {root} lacks {part}.zip, one half of Omniglot: put it there, too."
            )
    return sources


def _build(sources: dict[str, Path], progress: ReportProgress | None) -> CharacterSet:
    counts: Counter[ClassName] = Counter()
    drawers: list[int] = []
    inputs: list[np.ndarray] = []
    bits: list[np.ndarray] = []
    alphabets: dict[str, set[str]] = {}
    total = _count(sources)[1] if progress else 0
    for part, source in sources.items():
        alphabets[part] = set()
        for entry, ink in _read_pictures(part, source):
            alphabets[part].add(entry.alphabet)
            counts[ClassName(entry.alphabet, entry.character)] += 1
            drawers.append(entry.drawer)
            inputs.append(to_network_input(255 * ink))
            bits.append(np.packbits(ink, axis=-1))
            if progress:
                progress(len(inputs), total)
    _check_complete(sources, counts, alphabets[BACKGROUND] & alphabets[EVALUATION])
    return CharacterSet(
        name="omniglot",
        classes=tuple(counts),
        starts=np.cumsum([0, *counts.values()], dtype=np.int64),
        drawers=np.array(drawers, dtype=np.int64),
        inputs=np.stack(inputs),
        bits=np.stack(bits),
        side=SIDE,
        evaluation_alphabets=tuple(sorted(alphabets[EVALUATION])),
    )


def _check_complete(sources: dict[str, Path], counts: Counter[ClassName], shared: set[str]) -> None:
    """Refuse two halves that overlap, and classes cut short by an interrupted unpacking."""
    both = " and ".join(str(source) for source in sources.values())
    if shared:
        raise DataError(
            f"{both} both hold the alphabet {min(shared)}; in Omniglot none is in both: "
            "replace them by the official files."
        )
    most = max(counts.values())
    for class_name, count in counts.items():
        if count < most:
            raise DataError(
                f"{class_name} has {count} pictures where others have {most}: {both} are not "
                "whole; replace them by the official zips."
            )


def _read_pictures(part: str, source: Path) -> Iterator[tuple[_PictureFile, np.ndarray]]:
    """Yield each picture of a part in order, as uint8 [SIDE, SIDE] with 1 for ink."""
    with open_archive(source, REMEDY_FILE) as (sizes, read):
        for entry in _find_pictures(part, source, sizes):
            where = f"{entry.path} in {source if source.is_file() else source.parent}"
            if sizes[entry.path] > MAX_PNG_BYTES:
                raise DataError(
                    f"{where} has {sizes[entry.path]:,} bytes; a picture of Omniglot has under "
                    f"{MAX_PNG_BYTES:,}: replace it by the official one."
                )
            yield entry, _decode(read(entry.path), where)


def _find_pictures(part: str, source: Path, paths: Iterable[str]) -> list[_PictureFile]:
    """Return where the pictures of a part belong, in order; other files are ignored."""
    pattern = re.compile(rf"(?:^|/){part}/([^/]+)/([^/]+)/[0-9]+_([0-9]{{1,4}})\.png$")
    matches = [match for path in paths if (match := pattern.search(path))]
    if not matches:
        raise DataError(
            f"{source} holds no {part}/<alphabet>/<character>/<number>_<drawer>.png: "
            f"replace it by the official {part}.zip."
        )
    return sorted(_PictureFile(m[1], m[2], int(m[3]), m.string) for m in matches)


def _decode(png: bytes, where: str) -> np.ndarray:
    """Return a picture as uint8 [SIDE, SIDE] with 1 for ink.

    A picture of another size is refused rather than resized: no Omniglot has one.
    """
    try:
        with Image.open(BytesIO(png), formats=("PNG",)) as picture:
            size, mode = picture.size, picture.mode
            # Looked at before anything is decoded: a small PNG can hold millions of pixels.
            if size == (SIDE, SIDE) and mode in MODES:
                return (np.asarray(picture.convert("L")) < 128).astype(np.uint8)
    except Exception as cause:
        # Pillow answers damaged and oversized PNGs with many kinds of exception.
        raise DataError(
            f"{where} is not a readable PNG: replace it by the official one."
        ) from cause
    raise DataError(
        f"{where} has {size[0]}x{size[1]} pixels in mode {mode}; a picture of Omniglot has "
        f"{SIDE}x{SIDE} in black and white: replace it by the official one."
    )
