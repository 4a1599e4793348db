"""Which pictures of a folder or zip belong to which class: three layouts.

* `images/` beside `train.csv`, `val.csv` and `test.csv`, each with the columns filename and label
  (mini-ImageNet as Ravi & Larochelle 2017 divide it);
* `train/`, `val/` and `test/`, each with one folder per class;
* one folder per class.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from maml_core.data.character_set import DataError
from maml_core.data.own_pictures.tables import read_table
from maml_core.data.storage.archives import uncertain_names
from maml_core.images.decoding import MAX_FILE_BYTES
from maml_core.images.file_names import is_picture, is_system_file

# What a part of the split is called, in small letters.
PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
MAX_PICTURES = 200_000
MIN_PICTURES = 2  # of a class: one to adapt to and one to ask about
MAX_NAMED = 5  # files in a sentence
MAX_NAME = 80  # letters of a file's name in it, the last
UNREADABLE_REMEDY = "repair it, or pack it anew as an ordinary zip"
REMEDY = "see docs/data.md for how to lay out pictures, one folder per class"


@dataclass(frozen=True, order=True)
class PictureFile:
    """Where a picture belongs, in the order of the set, and where it lies in its source."""

    group: str
    label: str
    path: str


@dataclass(frozen=True)
class FoundPictures:
    """The pictures of a folder or zip.

    Attributes:
        entries: In the order of the set.
        notice: Names the files that are not used, and what may be wrong; or empty.
    """

    entries: list[PictureFile]
    notice: str


def check_exists(root: Path) -> Path:
    if not root.exists():
        raise DataError(
            f"There is no folder or zip {root}: put pictures there, one folder per class, or let "
            "PICTURES_DIR name the place."
        )
    return root


def find_pictures(
    root: Path, sizes: Mapping[str, int], read: Callable[[str], bytes]
) -> FoundPictures:
    """Return where each picture belongs, and which files are not used.

    Raises:
        DataError: The layout is none of the three, or the classes cannot be used.
    """
    paths = [path for path in sizes if not is_system_file(path)]
    top = _shared_folder([PurePosixPath(path).parent for path in paths])
    visible = [p for p in paths if not _hidden_part(PurePosixPath(p).relative_to(top))]
    tables = [path for path in visible if _is_table(path)]
    if tables:
        entries = _pictures_in_tables(root, tables, visible, read)
    else:
        entries = _pictures_in_folders(root, [path for path in visible if is_picture(path)])
    used = {*tables, *(entry.path for entry in entries)}
    unused = _unused_notice(top, [path for path in paths if path not in used])
    _check_classes(root, entries, unused)
    for entry in entries:
        if sizes[entry.path] > MAX_FILE_BYTES:
            raise DataError(
                f"{entry.path} in {root} has {sizes[entry.path]:,} bytes; make it smaller, to "
                f"{MAX_FILE_BYTES:,} at most."
            )
    names = uncertain_names(root, UNREADABLE_REMEDY)
    return FoundPictures(sorted(entries), " ".join(filter(None, [unused, _names_notice(names)])))


def join_names(names: Sequence[str]) -> str:
    """Return the first names of a list, shortened, and how many more there are."""
    return join_first([shortened(name) for name in names])


def join_first(names: Sequence[str]) -> str:
    """Return the first names of a list as they are, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def shortened(name: str) -> str:
    """Return the end of a long name, marked as such."""
    return name if len(name) <= MAX_NAME else f"…{name[1 - MAX_NAME :]}"


def _part_of(name: str) -> str | None:
    return PARTS.get(name.casefold())


def _hidden_part(path: PurePosixPath) -> str:
    """Return the part of a path that hides it, empty if none does."""
    return next((part for part in path.parts if part.startswith(".")), "")


def _is_table(path: str) -> bool:
    name = PurePosixPath(path)
    return name.suffix.casefold() == ".csv" and _part_of(name.stem) is not None


def _class_name(name: str) -> str:
    """Return a name with its accents composed: macOS writes é as two characters, others as one."""
    return normalize("NFC", name)


def _pictures_in_tables(
    root: Path, tables: Sequence[str], paths: Iterable[str], read: Callable[[str], bytes]
) -> list[PictureFile]:
    """Return the pictures that mini-ImageNet's tables name, each once."""
    there = {_class_name(path): path for path in paths}
    found: dict[str, str] = {}  # where each is named
    entries = []
    for table in tables:
        where = PurePosixPath(table)
        part = _part_of(where.stem)
        assert part is not None  # `_is_table`
        for row in read_table(read(table), f"{table} in {root}"):
            named = str(where.parent / "images" / row.filename)
            path = there.get(_class_name(named))
            if path is None:
                raise DataError(f"{table} in {root} names {named}, which is not there: {REMEDY}.")
            line = f"line {row.line} of {table}"
            if path in found:
                raise DataError(
                    f"{path} in {root} is named twice, in {found[path]} and in {line}; a picture "
                    "is of one class and one part of the split: take one line out."
                )
            found[path] = line
            entries.append(PictureFile(part, _class_name(row.label), path))
            _check_count(root, len(entries))
    return entries


def _pictures_in_folders(root: Path, paths: list[str]) -> list[PictureFile]:
    """Return the pictures with their folders as classes, in the folders of the parts if any."""
    top = _shared_folder([PurePosixPath(path).parent.parent for path in paths])
    if _part_of(top.name):  # of the parts one alone is there
        top = top.parent
    inside = {path: PurePosixPath(path).relative_to(top).parts for path in paths}
    divided = bool(paths) and all(_part_of(parts[0]) for parts in inside.values())
    if not divided:
        _check_undivided(root, inside.values())
    depth = 2 if divided else 1
    above = {folder for path in paths for folder in PurePosixPath(path).parent.parents}
    for path, parts in inside.items():
        if len(parts) <= depth or PurePosixPath(path).parent in above:
            raise DataError(f"{path} in {root} lies beside the classes' folders: {REMEDY}.")
    return [
        PictureFile(
            (_part_of(parts[0]) or "") if divided else Path(os.path.abspath(root)).stem,
            _class_name("/".join(parts[depth - 1 : -1])),
            path,
        )
        for path, parts in inside.items()
    ]


def _check_undivided(root: Path, inside: Iterable[tuple[str, ...]]) -> None:
    """Refuse folders of classes for training or testing beside some that are for neither."""
    folders = {parts[0]: parts for parts in inside if len(parts) > 2}
    named = sorted(folder for folder in folders if _part_of(folder))
    others = sorted(folder for folder in folders if not _part_of(folder))
    if named and others:
        raise DataError(
            f"{root} has {join_names(others)} beside {join_names(named)}: name each train, val or "
            "test, or take it out."
        )


def _shared_folder(folders: Sequence[PurePosixPath]) -> PurePosixPath:
    """Return the deepest folder that is, or is above, each of some folders."""
    parents = [{folder, *folder.parents} for folder in set(folders)]
    shared = set.intersection(*parents) if parents else {PurePosixPath()}
    return max(shared, key=lambda folder: len(folder.parts), default=PurePosixPath())


def _unused_notice(top: PurePosixPath, paths: Sequence[str]) -> str:
    """Return a sentence that names files below a folder that are not used; empty if none."""
    groups: dict[str, list[str]] = {}
    for path in paths:
        inside = PurePosixPath(path).relative_to(top)
        hidden = _hidden_part(inside.parent)
        kind = f"{inside.suffix} files".strip()
        place = f"the hidden folder {hidden}" if hidden else str(inside.parent)
        groups.setdefault(f"{kind} in {place}".removesuffix(" in ."), []).append(str(inside))
    names = [
        f"{len(files):,} {group}" if len(files) > 1 else files[0]
        for group, files in sorted(groups.items())
    ]
    if not names:
        return ""
    return f"Not used: {join_names(names)}; a class is a folder of PNG, JPEG, WebP or GIF files."


def _names_notice(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    return (
        f"The zip does not say in which letters its names are written, so some may look wrong "
        f"({shortened(paths[0])}); pack it anew with names in UTF-8."
    )


def _check_count(root: Path, pictures: int) -> None:
    if pictures > MAX_PICTURES:
        raise DataError(f"{root} holds {pictures:,} pictures; take at most {MAX_PICTURES:,}.")


def _check_classes(root: Path, entries: list[PictureFile], unused: str) -> None:
    groups: dict[str, set[str]] = {}
    for entry in entries:
        groups.setdefault(entry.label, set()).add(entry.group)
    if len(groups) < 2:
        names = f" ({next(iter(groups))})" if groups else ""
        raise DataError(
            f"{root} holds {len(groups)} classes{names}; it takes at least 2: {REMEDY}. "
            f"{unused}".rstrip()
        )
    _check_count(root, len(entries))
    for label, parts in groups.items():
        if len(parts) > 1:
            raise DataError(
                f"The class {label} in {root} is in {' and '.join(sorted(parts))}; classes to be "
                "tested must not be seen in training: leave it in one of them."
            )
    counts = Counter(entry.label for entry in entries)
    few = sorted(label for label, count in counts.items() if count < MIN_PICTURES)
    if few:
        has = "has" if len(few) == 1 else "have"
        raise DataError(
            f"{join_names(few)} in {root} {has} 1 picture; a class takes at least {MIN_PICTURES}, "
            f"one to adapt to and one to ask about: add one or take the class out. "
            f"{unused}".rstrip()
        )
