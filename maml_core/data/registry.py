"""Where characters come from: Omniglot, glyphs, boards, MNIST, or a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maml_core.config import (
    AS_THEY_ARE,
    DATASETS,
    HANDWRITING,
    MAX_BOARDS,
    MIN_BOARDS,
    VISITOR_ZIP_PREFIX,
    check_choice,
)
from maml_core.data import mnist, omniglot
from maml_core.data.character_set import CharacterSet, ClassName, DataError, ReportProgress
from maml_core.data.omniglot import omniglot_root
from maml_core.data.storage.archives import fingerprint
from maml_core.data.storage.disk_cache import default_data_dir, load_or_build

if TYPE_CHECKING:
    from maml_core.data.own_pictures.image_folder import SampledPicture

__all__ = [
    "CharacterSet",
    "ClassName",
    "DataError",
    "DatasetStatus",
    "default_data_dir",
    "drawings_root",
    "load",
    "load_or_glyphs",
    "omniglot_root",
    "pictures_root",
    "status",
]

# As many alphabets and drawers as Omniglot has.
GLYPHS = {"n_alphabets": 50, "n_drawers": 20, "seed": 0}


FOLDER_VIEWS = {AS_THEY_ARE: "folder-28", HANDWRITING: "folder-handwriting"}


@dataclass(frozen=True)
class DatasetStatus:
    """Whether a data set can be loaded.

    Attributes:
        name: One of `config.DATASETS`; 'folder' speaks for its other views, too.
        available: True if its files are there; damage within a file shows when it is loaded.
        where: The folder, or 'built in'.
        detail: A sentence: what is there, or what is missing and what to do.
        n_classes: Its characters; None when only loading tells.
        n_images: Its pictures; None when only loading tells.
    """

    name: str
    available: bool
    where: str
    detail: str
    n_classes: int | None = None
    n_images: int | None = None


def load(
    name: str, data_dir: Path | None = None, progress: ReportProgress | None = None
) -> CharacterSet:
    """Load a data set by its name.

    Args:
        name: 'omniglot', 'glyphs', 'drawings', 'mnist', or a folder of pictures: 'folder' as
            they are, in colour, 'folder-28' grey and as small as characters, 'folder-handwriting'
            with their ink made like Omniglot's. Or the name of a visitor's zip,
            see `own_pictures.visitor_zips`.
        data_dir: Where downloads and caches lie; `default_data_dir()` if None.
        progress: Told how far it is where that takes long; what it raises ends the reading.

    Raises:
        ValueError: There is no data set of that name.
        DataError: Its files are missing or unusable.
    """
    data_dir = data_dir or default_data_dir()
    if name.startswith(VISITOR_ZIP_PREFIX):
        from maml_core.data.own_pictures import visitor_zips  # Imported only where needed.

        return visitor_zips.load(name, data_dir, progress)
    check_choice("name", name, DATASETS)
    return LOADERS[name](data_dir, progress)


def edition(name: str, data_dir: Path | None = None) -> str:
    """Return what says whether a data set has changed, by its files' names, sizes and times.

    Raises:
        ValueError: There is no data set of that name.
        DataError: Its files are missing, or cannot be looked at.
    """
    data_dir = data_dir or default_data_dir()
    if name.startswith(VISITOR_ZIP_PREFIX):
        from maml_core.data.own_pictures import visitor_zips  # Imported only where needed.

        return visitor_zips.edition(name, data_dir)
    check_choice("name", name, DATASETS)
    return EDITIONS[name](data_dir)


def sample_pictures(name: str, data_dir: Path | None = None) -> list[SampledPicture]:
    """Return some pictures of the folder or a visitor's zip, before all of them are read.

    Raises:
        DataError: There are none, or one of them cannot be used.
    """
    from maml_core.data.own_pictures import image_folder, visitor_zips  # Only where needed.

    data_dir = data_dir or default_data_dir()
    if name.startswith(VISITOR_ZIP_PREFIX):
        return image_folder.sample(visitor_zips.kept_zip(name, data_dir))
    return image_folder.sample(pictures_root(data_dir))


def best_view(name: str, data_dir: Path | None = None) -> str:
    """Return 'handwriting' where the pictures of a folder or zip look like ink on a ground.

    Raises:
        DataError: There are none, or one of those looked at cannot be used.
    """
    from maml_core.data.own_pictures import image_folder  # Only where needed.

    return image_folder.best_view(sample_pictures(name, data_dir))


def with_view(name: str, view: str) -> str:
    """Return the name of the data set that reads the same folder or zip in another way.

    Args:
        name: 'folder-28', 'folder-handwriting' or the name of a visitor's zip.
        view: 'as-they-are' or 'handwriting'.
    """
    from maml_core.data.own_pictures import visitor_zips  # Only where needed.

    check_choice("view", view, (AS_THEY_ARE, HANDWRITING))
    if name.startswith(VISITOR_ZIP_PREFIX):
        return visitor_zips.with_view(name, view)
    check_choice("name", name, FOLDER_VIEWS.values())
    return FOLDER_VIEWS[view]


def load_or_glyphs(name: str, data_dir: Path | None = None) -> CharacterSet:
    """Load a data set, or the built-in glyphs with a `notice` that says why and what to do.

    Raises:
        ValueError: There is no data set of that name.
    """
    try:
        return load(name, data_dir)
    except DataError as error:
        return replace(load("glyphs", data_dir), notice=stand_in_notice(error))


def stand_in_notice(error: DataError) -> str:
    """Say that the glyphs stand in for a data set, and why."""
    return f"These are the built-in glyphs. {error}"


def status(data_dir: Path | None = None) -> list[DatasetStatus]:
    """Say for each data set whether it can be loaded, without decoding a picture."""
    root = omniglot_root(data_dir)
    try:
        n_classes, n_images = omniglot.count_classes_and_images(root)
    except DataError as error:
        omniglot_status = DatasetStatus("omniglot", False, str(root), str(error))
    else:
        detail = f"{n_classes:,} characters in {n_images:,} pictures."
        omniglot_status = DatasetStatus("omniglot", True, str(root), detail, n_classes, n_images)
    detail = "Characters that the program draws itself; nothing to download."
    return [
        omniglot_status,
        DatasetStatus("glyphs", True, "built in", detail),
        _drawings_status(drawings_root(data_dir)),
        _mnist_status(mnist.mnist_root(data_dir)),
        _image_folder_status(pictures_root(data_dir)),
    ]


def drawings_root(data_dir: Path | None = None) -> Path:
    """Return the folder of the boards that make the data set of drawings."""
    return (data_dir or default_data_dir()) / "drawings"


def pictures_root(data_dir: Path | None = None) -> Path:
    """Return the folder or zip of pictures: `PICTURES_DIR`, or 'pictures' in `data_dir`."""
    chosen = os.environ.get("PICTURES_DIR")
    return Path(chosen).expanduser() if chosen else (data_dir or default_data_dir()) / "pictures"


def _mnist_status(root: Path) -> DatasetStatus:
    try:
        pairs = mnist.find_pairs(root)
    except DataError as error:
        return DatasetStatus("mnist", False, str(root), str(error))
    names = " and ".join(images.name for images, _ in pairs)
    return DatasetStatus("mnist", True, str(root), f"{root} holds {names}.")


def _image_folder_status(root: Path) -> DatasetStatus:
    detail = f"Pictures are read from {root}."
    if not root.exists():
        detail = (
            f"There is no {root}: put pictures there, one folder per class, or set PICTURES_DIR."
        )
    return DatasetStatus("folder", root.exists(), str(root), detail)


def _drawings_status(root: Path) -> DatasetStatus:
    boards = len(list(root.glob("*.json")))
    available = MIN_BOARDS <= boards <= MAX_BOARDS
    detail = f"{root} holds {boards} boards"
    if not available:
        detail += f"; {MIN_BOARDS} to {MAX_BOARDS} make a data set: save them on the Draw page"
    return DatasetStatus("drawings", available, str(root), f"{detail}.")


def _load_omniglot(data_dir: Path, progress: ReportProgress | None) -> CharacterSet:
    return omniglot.load(omniglot_root(data_dir), data_dir, progress)


def _glyphs_edition(_: Path) -> str:
    from maml_core.data.glyphs import dataset  # Imported only where needed.

    return f"version {dataset.VERSION}, {GLYPHS}"


def _load_glyphs(data_dir: Path, progress: ReportProgress | None) -> CharacterSet:
    from maml_core.data.glyphs import dataset  # Imported only where needed.

    return load_or_build(
        "glyphs",
        _glyphs_edition(data_dir),
        data_dir,
        lambda: dataset.generate(**GLYPHS, progress=progress),
    )


def _load_drawings(data_dir: Path, _: ReportProgress | None) -> CharacterSet:
    from maml_core.data import drawn_boards  # Here: it imports torch.

    return drawn_boards.load(drawings_root(data_dir))


def _drawings_edition(data_dir: Path) -> str:
    return fingerprint(sorted(drawings_root(data_dir).glob("*.json")), "take it out of the folder")


def _load_mnist(data_dir: Path, _: ReportProgress | None) -> CharacterSet:
    return mnist.load(mnist.mnist_root(data_dir))


def _mnist_edition(data_dir: Path) -> str:
    pairs = mnist.find_pairs(mnist.mnist_root(data_dir))
    return fingerprint([path for pair in pairs for path in pair], mnist.REMEDY)


def _load_folder(data_dir: Path, progress: ReportProgress | None, view: str) -> CharacterSet:
    from maml_core.data.own_pictures import image_folder  # Imported only where needed.

    return image_folder.load(pictures_root(data_dir), data_dir, view=view, progress=progress)


def _folder_edition(data_dir: Path) -> str:
    from maml_core.data.own_pictures.layouts import UNREADABLE_REMEDY, check_exists

    return fingerprint([check_exists(pictures_root(data_dir))], UNREADABLE_REMEDY)


LOADERS: dict[str, Callable[[Path, ReportProgress | None], CharacterSet]] = {
    "omniglot": _load_omniglot,
    "glyphs": _load_glyphs,
    "drawings": _load_drawings,
    "mnist": _load_mnist,
    "folder": partial(_load_folder, view="colour"),
    **{name: partial(_load_folder, view=view) for view, name in FOLDER_VIEWS.items()},
}
EDITIONS: dict[str, Callable[[Path], str]] = {
    "omniglot": lambda data_dir: omniglot.edition(omniglot_root(data_dir)),
    "glyphs": _glyphs_edition,
    "drawings": _drawings_edition,
    "mnist": _mnist_edition,
    **dict.fromkeys(("folder", *FOLDER_VIEWS.values()), _folder_edition),
}
