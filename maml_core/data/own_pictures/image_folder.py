"""Any pictures, one folder per class: mini-ImageNet in its usual layout, or somebody's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from maml_core.data.character_set import CharacterSet, ClassName, DataError
from maml_core.data.own_pictures.layouts import (
    PARTS,
    REMEDY,
    PictureFile,
    check_exists,
    find_pictures,
)
from maml_core.data.storage.archives import fingerprint, open_archive
from maml_core.data.storage.disk_cache import default_data_dir, memory_mapped
from maml_core.images.decoding import PictureError, decode_image, to_8_bit
from maml_core.images.network_input import to_network_input

VERSION = 1  # Raise it when the same file comes to give other pixels: caches are keyed by it.
SIDE = 84  # Finn et al. 2017 shrink mini-ImageNet's pictures to 84x84, whatever their shape.
BORDER = 3  # pixels of the border that says whether the ground is light


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
    key = f"version {VERSION}, side {SIDE}, {fingerprint([check_exists(root)], REMEDY)}"
    with open_archive(root, REMEDY) as (sizes, read):
        entries = find_pictures(root, sizes, read)
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


def _decode_pictures(root: Path, entries: list[PictureFile]) -> Iterator[np.ndarray]:
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
