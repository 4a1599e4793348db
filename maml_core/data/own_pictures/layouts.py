"""Which pictures of a folder or zip belong to which class: three layouts.

* `images/` beside `train.csv`, `val.csv` and `test.csv`, each with the columns filename and label
  (mini-ImageNet as Ravi & Larochelle 2017 divide it);
* `train/`, `val/` and `test/`, each with one folder per class;
* one folder per class.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath

from maml_core.data.character_set import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
PARTS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
MAX_FILE_BYTES = 20_000_000
MAX_PICTURES = 200_000
REMEDY = "see docs/data.md for how to lay out pictures, one folder per class"


@dataclass(frozen=True, order=True)
class PictureFile:
    """Where a picture belongs, in the order of the set, and where it lies in its source."""

    group: str
    label: str
    path: str


def check_exists(root: Path) -> Path:
    if not root.exists():
        raise DataError(
            f"There is no folder or zip {root}: put pictures there, one folder per class, or let "
            "PICTURES_DIR name the place."
        )
    return root


def find_pictures(
    root: Path, sizes: Mapping[str, int], read: Callable[[str], bytes]
) -> list[PictureFile]:
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
) -> Iterator[PictureFile]:
    """Yield the pictures that one of mini-ImageNet's tables names."""
    where = PurePosixPath(table)
    rows = csv.DictReader(StringIO(read(table).decode("utf-8-sig")))
    if not {"filename", "label"} <= set(rows.fieldnames or ()):
        raise DataError(f"{table} in {root} lacks the columns filename and label: {REMEDY}.")
    for row in rows:
        path = str(where.parent / "images" / (row["filename"] or ""))
        if path not in paths:
            raise DataError(f"{table} in {root} names {path}, which is not there: {REMEDY}.")
        yield PictureFile(PARTS[where.stem], row["label"] or "", path)


def _pictures_in_folders(root: Path, paths: list[str]) -> list[PictureFile]:
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
        PictureFile(
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


def _check_classes(root: Path, entries: list[PictureFile]) -> None:
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
