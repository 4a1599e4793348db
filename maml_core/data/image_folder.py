"""Any pictures, one folder per class: mini-ImageNet in its usual layout, or somebody's own.

Three layouts are read, from a folder or a zip:

* `images/` beside `train.csv`, `val.csv` and `test.csv`, each with the columns filename and label
  (mini-ImageNet as Ravi & Larochelle 2017 divide it);
* `train/`, `val/` and `test/`, each with one folder per class;
* one folder per class.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image
from tqdm import tqdm

from maml_core.data.character_set import CharacterSet, ClassName, DataError
from maml_core.data.storage.archives import fingerprint, open_archive
from maml_core.data.storage.disk_cache import default_data_dir, memory_mapped
from maml_core.images.decoding import PictureError, decode_image, to_8_bit
from maml_core.images.network_input import to_network_input

VERSION = 1  # Raise it when the same file comes to give other pixels: caches are keyed by it.
SIDE = 84  # Finn et al. 2017 shrink mini-ImageNet's pictures to 84x84, whatever their shape.
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
PARTS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
MAX_FILE_BYTES = 20_000_000
MAX_PICTURES = 200_000
BORDER = 3  # pixels of the border that says whether the ground is light
REMEDY = "see docs/data.md for how to lay out pictures, one folder per class"


@dataclass(frozen=True, order=True)
class _PictureFile:
    """Where a picture belongs, in the order of the set, and where it lies in its source."""

    group: str
    label: str
    path: str


def load(root: Path, data_dir: Path | None = None, *, colour: bool = True) -> CharacterSet:
    """Read a folder or zip of pictures, shrunk to 84x84, from the cache when it is unchanged.

    The pictures lie in one file on disk, 21 kB each, and are mapped into memory: mini-ImageNet's
    60,000 take 1.3 GB of disk, and of memory what `make_pool` copies, one part of the split.

    Args:
        root: The folder, or a zip of it.
        data_dir: Where the cache lies; `default_data_dir()` if None.
        colour: A network sees the pictures as they are, [3, 84, 84]. Otherwise like Omniglot's
            characters, grey, [28, 28], with 255 for ink: reversed where most of the pictures
            have a light border.

    Returns:
        Of the first two layouts three alphabets, 'train', 'validation' and 'test', which the
        'alphabets' split keeps apart; else one, all of it for testing, and the split 'classes'
        divides it. Classes and pictures sorted by name; those of a class need not be equally many.

    Raises:
        DataError: Something is missing or cannot be used; the message names the class or file.
    """
    key = f"version {VERSION}, side {SIDE}, {fingerprint([_check_exists(root)], REMEDY)}"
    with open_archive(root, REMEDY) as (sizes, read):
        entries = _find_pictures(root, sizes, read)
    pictures = memory_mapped(
        "pictures",
        key,
        data_dir or default_data_dir(),
        (len(entries), 3, SIDE, SIDE),
        partial(_decode_pictures, root, entries),
    )
    counts = Counter(ClassName(entry.group, entry.label) for entry in entries)
    groups = {name.alphabet for name in counts}
    divided = groups <= set(PARTS.values())
    return CharacterSet(
        name="folder" if colour else "folder-28",
        classes=tuple(counts),
        starts=np.cumsum([0, *counts.values()], dtype=np.int64),
        drawers=np.concatenate([np.arange(1, count + 1) for count in counts.values()]),
        inputs=pictures if colour else _to_character_inputs(pictures),
        side=SIDE,
        evaluation_alphabets=tuple({"test"} & groups if divided else groups),
        validation_alphabets=tuple({"validation"} & groups if divided else ()),
        pictures=pictures,
        has_drawers=False,
    )


def _check_exists(root: Path) -> Path:
    if not root.exists():
        raise DataError(
            f"There is no folder or zip {root}: put pictures there, one folder per class, or let "
            "PICTURES_DIR name the place."
        )
    return root


def _find_pictures(
    root: Path, sizes: Mapping[str, int], read: Callable[[str], bytes]
) -> list[_PictureFile]:
    """Return where each picture belongs, in order.

    Raises:
        DataError: The layout is none of the three, or the classes cannot be used.
    """
    paths = [path for path in sizes if _is_visible(path)]
    tables = [path for path in paths if PurePosixPath(path).stem in PARTS and path.endswith(".csv")]
    if tables:
        entries = [
            entry for table in tables for entry in _pictures_in_table(root, table, set(paths), read)
        ]
    else:
        entries = _pictures_in_folders(root, [p for p in paths if p.lower().endswith(SUFFIXES)])
    _check_classes(root, entries)
    for entry in entries:
        if sizes[entry.path] > MAX_FILE_BYTES:
            raise DataError(
                f"{entry.path} in {root} has {sizes[entry.path]:,} bytes; make it smaller, to "
                f"{MAX_FILE_BYTES:,} at most."
            )
    return sorted(entries)


def _is_visible(path: str) -> bool:
    """Say whether a path is a file, and not one that a system left behind."""
    parts = PurePosixPath(path).parts
    return not path.endswith("/") and not any(p.startswith((".", "__MACOSX")) for p in parts)


def _pictures_in_table(
    root: Path, table: str, paths: set[str], read: Callable[[str], bytes]
) -> Iterator[_PictureFile]:
    """Yield the pictures that one of mini-ImageNet's tables names."""
    where = PurePosixPath(table)
    rows = csv.DictReader(StringIO(read(table).decode("utf-8-sig")))
    if not {"filename", "label"} <= set(rows.fieldnames or ()):
        raise DataError(f"{table} in {root} lacks the columns filename and label: {REMEDY}.")
    for row in rows:
        path = str(where.parent / "images" / (row["filename"] or ""))
        if path not in paths:
            raise DataError(f"{table} in {root} names {path}, which is not there: {REMEDY}.")
        yield _PictureFile(PARTS[where.stem], row["label"] or "", path)


def _pictures_in_folders(root: Path, paths: list[str]) -> list[_PictureFile]:
    """Return the pictures with their folders as classes, in the folders of the parts if any."""
    top = _common_folder(paths)
    inside = {path: PurePosixPath(path).relative_to(top).parts for path in paths}
    divided = bool(paths) and all(parts[0] in PARTS for parts in inside.values())
    depth = 2 if divided else 1
    above = {folder for path in paths for folder in PurePosixPath(path).parent.parents}
    for path, parts in inside.items():
        if len(parts) <= depth or PurePosixPath(path).parent in above:
            raise DataError(f"{path} in {root} lies beside the classes' folders: {REMEDY}.")
    return [
        _PictureFile(
            PARTS[parts[0]] if divided else root.stem,
            "/".join(parts[depth - 1 : -1]),
            path,
        )
        for path, parts in inside.items()
    ]


def _common_folder(paths: list[str]) -> PurePosixPath:
    """Return the deepest folder above all classes or parts."""
    folders = [PurePosixPath(path).parent.parent for path in paths]
    parents = [{folder, *folder.parents} for folder in folders]
    shared = set.intersection(*parents) if parents else {PurePosixPath()}
    top = max(shared, key=lambda folder: len(folder.parts))
    return top.parent if top.name in PARTS else top  # of the parts one alone is there


def _check_classes(root: Path, entries: list[_PictureFile]) -> None:
    groups: dict[str, set[str]] = {}
    for entry in entries:
        groups.setdefault(entry.label, set()).add(entry.group)
    if len(groups) < 2:
        names = f" ({next(iter(groups))})" if groups else ""
        raise DataError(
            f"{root} holds {len(groups)} classes{names}; it takes at least 2: {REMEDY}."
        )
    if len(entries) > MAX_PICTURES:
        raise DataError(f"{root} holds {len(entries):,} pictures; take at most {MAX_PICTURES:,}.")
    for label, parts in groups.items():
        if len(parts) > 1:
            raise DataError(
                f"The class {label} in {root} is in {' and '.join(sorted(parts))}; classes to be "
                "tested must not be seen in training: leave it in one of them."
            )


def _decode_pictures(root: Path, entries: list[_PictureFile]) -> Iterator[np.ndarray]:
    """Yield each picture, uint8 [3, SIDE, SIDE]."""
    with open_archive(root, REMEDY) as (_, read):
        for entry in tqdm(entries, "Reading pictures", unit="picture", disable=None, leave=False):
            name = f"{entry.path} in {root}"
            try:
                picture = _to_rgb(decode_image(read(entry.path), name))
            except PictureError as error:
                raise DataError(f"{error.args[0].rstrip('.')}; or take it out.") from error
            small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            yield np.moveaxis(np.asarray(small), -1, 0)


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, on white where it is transparent."""
    layers = to_8_bit(picture).convert("RGBA")
    ground = Image.new("RGBA", layers.size, "white")
    return Image.alpha_composite(ground, layers).convert("RGB")


def _to_character_inputs(pictures: np.ndarray) -> np.ndarray:
    """Return colour pictures as a network for characters sees them, uint8 [n, 28, 28]."""
    greys = [np.asarray(Image.fromarray(np.moveaxis(p, 0, -1)).convert("L")) for p in pictures]
    inputs = np.stack([to_network_input(grey) for grey in greys])
    borders = [np.median(np.delete(grey, np.s_[BORDER:-BORDER], axis=0)) for grey in greys]
    return 255 - inputs if np.median(borders) >= 128 else inputs
