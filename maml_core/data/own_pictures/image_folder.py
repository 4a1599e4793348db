"""Any pictures, one folder per class: mini-ImageNet in its usual layout, or somebody's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from maml_core.config import AS_THEY_ARE, HANDWRITING, check_choice
from maml_core.data.character_set import CharacterSet, ClassName, DataError, ReportProgress
from maml_core.data.own_pictures.layouts import (
    MIN_PICTURES,
    PARTS,
    UNREADABLE_REMEDY,
    PictureFile,
    check_exists,
    find_pictures,
    join_names,
)
from maml_core.data.own_pictures.same_files import DIGEST_BYTES, file_digests, same_files_notice
from maml_core.data.storage.archives import fingerprint, open_archive
from maml_core.data.storage.disk_cache import default_data_dir, memory_mapped
from maml_core.images import handwriting
from maml_core.images.decoding import (
    MAX_TOTAL_PIXELS,
    PictureError,
    count_pixels,
    decode_image,
    flatten,
    pad_to_square,
    too_many_pixels,
)
from maml_core.images.file_names import printable
from maml_core.images.ink import looks_like_ink
from maml_core.images.ink_mask import border_mask
from maml_core.images.network_input import to_network_input

NO_TEST_CLASSES = (
    "There are no classes for testing: choose those for training, or add others in a folder "
    "“test” or a table test.csv."
)
VERSION = 5  # Raise it when the same file comes to give other pixels: caches are keyed by it.
SIDE = 84  # Finn et al. 2017 shrink mini-ImageNet's pictures to 84x84, whatever their shape.
BORDER = 3  # pixels of the border that says whether the ground is light
COLOUR = "colour"
DATASETS = {COLOUR: "folder", AS_THEY_ARE: "folder-28", HANDWRITING: "folder-handwriting"}
SAMPLE = 9  # pictures that tell what kind a set's pictures are
MIN_RANGE = 16  # grey levels: a picture with less shows one shade


@dataclass(frozen=True)
class SampledPicture:
    """One of a set's pictures, before the set is read.

    Attributes:
        name: Its file.
        picture: uint8 [SIDE, SIDE, 3], padded to a square.
        as_they_are: uint8 [28, 28], what a network sees of it; 255 is ink.
        handwriting: Likewise as handwriting; None where it shows no ink.
        looks_like_ink: Whether it is of ink on a ground.
    """

    name: str
    picture: np.ndarray
    as_they_are: np.ndarray
    handwriting: np.ndarray | None
    looks_like_ink: bool


def load(
    root: Path,
    data_dir: Path | None = None,
    *,
    view: str = COLOUR,
    progress: ReportProgress | None = None,
) -> CharacterSet:
    """Read a folder or zip of pictures, from the cache when it is unchanged.

    The pictures lie in one file on disk and are mapped into memory, 21 kB each or as handwriting
    1.5: mini-ImageNet's 60,000 take 1.3 GB of disk, and of memory what `make_pool` copies, one
    part of the split.

    Args:
        root: The folder, or a zip of it.
        data_dir: Where the cache lies; `default_data_dir()` if None.
        view: 'colour': a network sees the pictures squeezed to [3, 84, 84]. 'as-they-are': like
            Omniglot's characters, grey, [28, 28], padded to a square, with 255 for ink: reversed
            where most of the pictures have a light border. 'handwriting': likewise, but the ink
            is found in each and given the place, size and pen of Omniglot's characters.
        progress: Told after each picture that is read how many are and how many there are; of a
            set in the cache none are.

    Returns:
        Of the first two layouts three alphabets, 'train', 'validation' and 'test', which the
        'alphabets' split keeps apart; else one, all of it for testing, and the split 'classes'
        divides it. Classes and pictures sorted by name; those of a class need not be equally many.
        As handwriting, pictures without ink are left out. The notice names them, or as they are
        those of one shade; files that are not used; files with the same bytes; and says where
        there are no classes for testing.

    Raises:
        ValueError: There is no such view.
        DataError: Something is missing or cannot be used; the message names the class or file.
    """
    check_choice("view", view, DATASETS)
    key = f"version {VERSION}, side {SIDE}, {fingerprint([check_exists(root)], UNREADABLE_REMEDY)}"
    with open_archive(root, UNREADABLE_REMEDY) as (sizes, read):
        found = find_pictures(root, sizes, read)
    entries = found.entries
    decode, shape = (
        (_handwriting_bits, (handwriting.SIDE, -(-handwriting.SIDE // 8)))
        if view == HANDWRITING
        else (partial(_colour_pixels, view == COLOUR), (3, SIDE, SIDE))
    )
    n, folder = len(entries), data_dir or default_data_dir()
    pixels = memory_mapped(
        {COLOUR: "pictures", AS_THEY_ARE: "padded", HANDWRITING: "handwriting"}[view],
        key,
        folder,
        (n, *shape),
        partial(_decode, root, entries, decode, progress),
    )
    digests = memory_mapped(
        "digests", key, folder, (n, DIGEST_BYTES), partial(file_digests, root, entries)
    )
    data = _as_seen(root, entries, view, pixels)
    untested = "" if data.evaluation_alphabets else NO_TEST_CLASSES
    notices = [untested, data.notice, same_files_notice(entries, digests), found.notice]
    return replace(data, notice=" ".join(filter(None, notices)))


def _as_seen(root: Path, entries: list[PictureFile], view: str, pixels: np.ndarray) -> CharacterSet:
    """Return the set of the pictures' pixels, as `_decode` has made them for a view."""
    if view == HANDWRITING:
        return _as_handwriting(root, entries, pixels)
    if view == COLOUR:
        return _character_set(entries, view, inputs=pixels, side=SIDE, pictures=pixels)
    inputs = to_character_inputs(pixels)
    blank = np.ptp(inputs, axis=(1, 2)) < MIN_RANGE
    notice = _blank_notice(entries, blank, "one shade only", "choose “as handwriting”")
    return _character_set(entries, view, inputs=inputs, side=SIDE, pictures=pixels, notice=notice)


def sample(
    root: Path, count: int = SAMPLE, progress: ReportProgress | None = None
) -> list[SampledPicture]:
    """Return some of a folder's or zip's pictures, from all over it, and what a network sees.

    Args:
        root: The folder, or a zip of it.
        count: How many.
        progress: Told before each that none is read yet, so that it can end this.

    Raises:
        DataError: As `load`, for these pictures.
    """
    check_exists(root)
    with open_archive(root, UNREADABLE_REMEDY) as (sizes, read):
        entries = find_pictures(root, sizes, read).entries
        chosen = np.linspace(0, len(entries) - 1, min(count, len(entries))).round().astype(int)
        looked_at = []
        for index in chosen:
            if progress:
                progress(0, len(entries))
            picture = _decoded(root, entries[index], read)  # one at a time: it may be large
            seen = _colour_pixels(False, picture), _handwriting_input(picture)
            looked_at.append((entries[index].path, *seen, looks_like_ink(picture)))
    as_they_are = to_character_inputs(np.stack([padded for _, padded, *_ in looked_at]))
    return [
        SampledPicture(path, np.moveaxis(padded, 0, -1), grey, handwritten, inky)
        for (path, padded, handwritten, inky), grey in zip(looked_at, as_they_are, strict=True)
    ]


def check_pixels(root: Path, progress: ReportProgress | None = None) -> None:
    """Refuse pictures that would take long to decode, before any of them is.

    Args:
        root: A folder or zip.
        progress: As for `sample`.

    Raises:
        DataError: They have too many pixels, one of them or all together; or as `load`.
    """
    total = 0
    with open_archive(root, UNREADABLE_REMEDY) as (sizes, read):
        entries = find_pictures(root, sizes, read).entries
        for entry in entries:
            if progress:
                progress(0, len(entries))
            with _naming_the_remedy():
                total += count_pixels(read(entry.path), f"{entry.path} in {root}")
            if total > MAX_TOTAL_PIXELS:
                raise DataError(too_many_pixels(str(root)))


def best_view(sampled: list[SampledPicture]) -> str:
    """Return 'handwriting' where most of a sample look like ink on a ground."""
    inky = sum(one.looks_like_ink and one.handwriting is not None for one in sampled)
    return HANDWRITING if 2 * inky > len(sampled) else AS_THEY_ARE


def _character_set(
    entries: list[PictureFile],
    view: str,
    kept: np.ndarray | None = None,
    **fields: Any,
) -> CharacterSet:
    """Return a set of the pictures' classes; pictures that are not kept count for nothing."""
    names = [ClassName(printable(entry.group), printable(entry.label)) for entry in entries]
    counts = dict.fromkeys(names, 0)
    counts |= Counter(name for i, name in enumerate(names) if kept is None or kept[i])
    groups = {name.alphabet for name in counts}
    divided = groups <= set(PARTS.values())
    return CharacterSet(
        name=DATASETS[view],
        classes=tuple(counts),
        starts=np.cumsum([0, *counts.values()], dtype=np.int64),
        drawers=np.concatenate([np.arange(1, count + 1) for count in counts.values()]),
        evaluation_alphabets=tuple({"test"} & groups if divided else groups),
        validation_alphabets=tuple({"validation"} & groups if divided else ()),
        has_drawers=False,
        **fields,
    )


def _as_handwriting(root: Path, entries: list[PictureFile], bits: np.ndarray) -> CharacterSet:
    """Return the set of characters of one bit a pixel, without those that show nothing."""
    kept = np.array([character.any() for character in bits])
    counts = Counter({entry.label: 0 for entry in entries})
    counts.update(entry.label for entry, keep in zip(entries, kept, strict=True) if keep)
    few = sorted(label for label, count in counts.items() if count < MIN_PICTURES)
    if few:
        count = f"Only {counts[few[0]]}" if counts[few[0]] else "No"
        raise DataError(
            f"{count} picture of {few[0]} in {root} shows ink, a dark line on a light ground or "
            f"the reverse, and a class takes {MIN_PICTURES}; choose “as they are” (--pictures "
            "as-they-are) or take the class out."
        )
    characters = np.unpackbits(bits[kept], axis=-1, count=handwriting.SIDE) * 255
    notice = _blank_notice(entries, ~kept, "no ink and are left out", "choose “as they are”")
    return _character_set(
        entries,
        HANDWRITING,
        kept,
        inputs=np.stack([to_network_input(character) for character in characters]),
        bits=bits[kept],
        side=handwriting.SIDE,
        notice=notice,
    )


def _blank_notice(entries: list[PictureFile], blank: np.ndarray, how: str, remedy: str) -> str:
    """Return a sentence that names the pictures in which a network sees nothing; empty if none."""
    files = [entry.path for entry, is_blank in zip(entries, blank, strict=True) if is_blank]
    if not files:
        return ""
    return (
        f"{len(files)} of {len(entries)} pictures show {how}: {join_names(files)}; {remedy}, "
        "replace them or take them out."
    )


def _decode(
    root: Path,
    entries: list[PictureFile],
    convert: Callable[[Image.Image], np.ndarray],
    progress: ReportProgress | None,
) -> Iterator[np.ndarray]:
    """Yield each picture as `convert` makes it of the decoded file."""
    with open_archive(root, UNREADABLE_REMEDY) as (_, read):
        shown = tqdm(entries, "Reading pictures", unit="picture", disable=None, leave=False)
        for number, entry in enumerate(shown, 1):
            yield convert(_decoded(root, entry, read))
            if progress:
                progress(number, len(entries))


def _decoded(root: Path, entry: PictureFile, read: Callable[[str], bytes]) -> Image.Image:
    """Return a picture of an entry.

    Raises:
        DataError: It cannot be read.
    """
    with _naming_the_remedy():
        return decode_image(read(entry.path), f"{entry.path} in {root}")


@contextmanager
def _naming_the_remedy() -> Iterator[None]:
    """Turn what is wrong with one picture of a set into a `DataError`."""
    try:
        yield
    except PictureError as error:
        raise DataError(f"{error.args[0].rstrip('.')}; or take it out.") from error


def _colour_pixels(squeeze: bool, picture: Image.Image) -> np.ndarray:
    """Return a picture in colour, uint8 [3, SIDE, SIDE], squeezed or padded to a square."""
    flat = flatten(picture)
    if squeeze:
        square = flat.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    else:
        square = pad_to_square(flat, SIDE)
    return np.moveaxis(np.asarray(square), -1, 0)


def _handwriting_bits(picture: Image.Image) -> np.ndarray:
    """Return the character in a picture, uint8 [105, 14], of one bit a pixel; 0 without ink."""
    try:
        return np.packbits(handwriting.to_character(picture) > 0, axis=-1)
    except PictureError:
        return np.zeros((handwriting.SIDE, -(-handwriting.SIDE // 8)), dtype=np.uint8)


def _handwriting_input(picture: Image.Image) -> np.ndarray | None:
    """Return what a network sees of the character in a picture, None without ink."""
    try:
        return to_network_input(handwriting.to_character(picture))
    except PictureError:
        return None


def to_character_inputs(pictures: np.ndarray) -> np.ndarray:
    """Return colour pictures as a network for characters sees them, uint8 [n, 28, 28].

    Args:
        pictures: uint8 [n, 3, side, side].

    Returns:
        Grey, 255 for ink: reversed where most of the pictures have a light border.
    """
    greys = [np.asarray(Image.fromarray(np.moveaxis(p, 0, -1)).convert("L")) for p in pictures]
    inputs = np.stack([to_network_input(grey) for grey in greys])
    border = border_mask(greys[0].shape, BORDER)
    light = np.median([np.median(grey[border]) for grey in greys]) >= 128
    return 255 - inputs if light else inputs
