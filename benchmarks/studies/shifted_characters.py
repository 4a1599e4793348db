"""Characters further and further from Omniglot's: other pens, other sizes, other hands.

Every set is the test characters of one of the project's data sets, drawn again with another pen or
seen in another frame. Pictures are uint8 [side, side], 255 is ink; drawn again [105, 105].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
from PIL import Image

from benchmarks.studies.picture_variants import tight
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.data.storage.disk_cache import default_data_dir, memory_mapped
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.images.handwriting import (
    PEN,
    SIDE,
    normalise_ink,
    redraw_ink,
    signed_distance,
    stroke_width,
)
from maml_core.images.network_input import ink_bounding_box, to_network_input

SPLIT = "alphabets"
SMALL = 0.5
# The last of each class: a shot, ten queries and one to spare; drawing them again takes its time.
# MNIST's are all of its test files, which hold 892 of each digit and more.
PICTURES = {"omniglot": 12, "glyphs": 12, "mnist": 300}


@dataclass(frozen=True)
class Variant:
    """A set to be measured.

    Attributes:
        name: What it is called.
        source: The data set whose test characters these are.
        pen: The lines are drawn again so many of 105 pixels wide; None: as they are.
        frame: What of the picture is seen: all of it; the square around the ink, which widens the
            lines, too; all of it at half its size; or the ink drawn again in the place, the size
            and the pen of Omniglot's.
    """

    name: str
    source: str
    pen: float | None = None
    frame: Literal["whole", "cropped", "small", "omniglot"] = "whole"

    @property
    def classes(self) -> int:
        """How many classes it has."""
        return len(test_characters(self.source).classes)


THIN, THICK, VERY_THICK = PEN / 2, 2 * PEN, 3 * PEN
VARIANTS = (
    Variant("Omniglot", "omniglot"),
    Variant("Omniglot, thin", "omniglot", THIN),
    Variant("Omniglot, thick", "omniglot", THICK),
    Variant("Omniglot, very thick", "omniglot", VERY_THICK),
    Variant("Omniglot, small", "omniglot", None, "small"),
    Variant("Omniglot, cropped", "omniglot", None, "cropped"),
    Variant("Omniglot, thin and cropped", "omniglot", THIN, "cropped"),
    Variant("Omniglot, thick and cropped", "omniglot", THICK, "cropped"),
    Variant("Omniglot, very thick and cropped", "omniglot", VERY_THICK, "cropped"),
    Variant("Glyphs", "glyphs"),
    Variant("Glyphs, thin", "glyphs", THIN),
    Variant("Glyphs, thick", "glyphs", THICK),
    Variant("Glyphs, thick and cropped", "glyphs", THICK, "cropped"),
    Variant("MNIST", "mnist"),
    Variant("MNIST, Omniglot's size and pen", "mnist", None, "omniglot"),
    Variant("MNIST, thick and cropped", "mnist", THICK, "cropped"),
)


def make_set(wanted: Variant) -> TaskPool:
    """Return the test characters of a set, changed as it says."""
    data = test_characters(wanted.source)
    if wanted.pen is not None or wanted.frame != "whole":
        pictures = _changed_pictures(wanted, data)
        inputs = np.stack([to_network_input(picture) for picture in pictures])
        data = replace(data, inputs=inputs, pictures=pictures, bits=None, side=SIDE)
    return make_pool(data, list(range(len(data.classes))))


def _changed_pictures(wanted: Variant, data: CharacterSet) -> np.ndarray:
    """Return a set's pictures, [n, 105, 105], from the disk where they were made before."""
    count, drawn = len(data.drawers), data.picture
    if wanted.pen is not None and wanted.frame != "whole":
        drawn = _changed_pictures(replace(wanted, frame="whole"), data).__getitem__
    changed = (change(drawn(number), wanted) for number in range(count))
    what = f"{wanted.source}-{wanted.pen or 'own'}-{wanted.frame}".replace(".", "_")
    shape = (count, SIDE, SIDE)
    return memory_mapped(what, f"{what} {count}", default_data_dir(), shape, lambda: changed)


def change(ink: np.ndarray, wanted: Variant) -> np.ndarray:
    """Return a picture as a set has it, [105, 105]; for another frame it has the pen already."""
    if wanted.frame == "omniglot":
        return normalise_ink(ink)
    ink = _resized(ink, SIDE)
    if wanted.frame == "cropped":
        return cropped(ink)
    if wanted.frame == "small":
        return small(ink)
    return ink if wanted.pen is None else with_pen(ink, wanted.pen)


def with_pen(ink: np.ndarray, pen: float) -> np.ndarray:
    """Draw the same lines, where they are, `pen` of 105 pixels wide."""
    box = ink_bounding_box(ink >= 128)
    assert box  # every picture of these sets has ink
    left, top, right, bottom = box
    way = max(right - left, bottom - top) - stroke_width(signed_distance(ink >= 128))
    return redraw_ink(ink, pen, max(way, 0) + pen, ((left + right) / 2, (top + bottom) / 2))


def cropped(ink: np.ndarray) -> np.ndarray:
    """Return the square around the ink, as large as the picture."""
    cut = tight(np.where(ink >= 128, 255, 0).astype(np.uint8))
    height, width = cut.shape
    longer = max(cut.shape)
    y, x = (longer - height) // 2, (longer - width) // 2
    square = np.zeros((longer, longer), dtype=np.uint8)
    square[y : y + height, x : x + width] = cut
    return _resized(square, SIDE)


def small(ink: np.ndarray) -> np.ndarray:
    """Return the whole picture at half its size, in the middle of a new one."""
    side = round(SMALL * SIDE)
    page = np.zeros((SIDE, SIDE), dtype=np.uint8)
    start = (SIDE - side) // 2
    page[start : start + side, start : start + side] = _resized(ink, side)
    return page


def _resized(ink: np.ndarray, side: int) -> np.ndarray:
    found = Image.fromarray(ink).resize((side, side), Image.Resampling.BILINEAR)
    return np.where(np.asarray(found) >= 128, 255, 0).astype(np.uint8)


def part_of(data: CharacterSet, classes: list[int], most: int | None = None) -> CharacterSet:
    """Return some classes of a set, and of each the last `most` pictures, or all."""
    chosen = [data.images_of(c)[-most if most else None :] for c in classes]
    images = np.concatenate(chosen)
    return replace(
        data,
        classes=tuple(data.classes[c] for c in classes),
        starts=np.cumsum([0, *map(len, chosen)]),
        drawers=data.drawers[images],
        inputs=np.asarray(data.inputs)[images],
        bits=None if data.bits is None else data.bits[images],
        pictures=None if data.pictures is None else np.asarray(data.pictures)[images],
    )


@cache
def test_characters(source: str) -> CharacterSet:
    """Return pictures of a data set's test characters; of MNIST of the test files' digits."""
    data = registry.load(source)
    classes = split_classes(data, SPLIT, "test")
    return part_of(data, classes, PICTURES[source])
