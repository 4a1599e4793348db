"""Class augmentation: mirrored and spliced characters as additional training classes.

The more classes a classifier is trained on, the better its features separate classes it has never
seen. Rotated characters are the best-known example (Santoro et al. 2016, arXiv:1605.06065).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from maml_core.config import SettingError
from maml_core.episodes.pool import TaskPool

CHUNK = 256  # classes spliced at a time: 16 MB of floats at 20 pictures each


def augment_classes(pool: TaskPool, *, mirror: bool, spliced_per_class: int, seed: int) -> TaskPool:
    """Return a pool with its own classes, their mirror images and classes spliced from two.

    Args:
        pool: Characters, with or without rotations and ink crops; not modified.
        mirror: Add the mirror image of each class, before splicing.
        spliced_per_class: How many spliced classes to add for each, see `spliced_classes`.
        seed: Chooses the characters and the cuts.

    Raises:
        ValueError: Splicing pictures that have no drawers.
    """
    if pool.ink_crops:
        augment = partial(
            augment_classes, mirror=mirror, spliced_per_class=spliced_per_class, seed=seed
        )
        return replace(augment(replace(pool, ink_crops=None)), ink_crops=augment(pool.ink_crops))
    if mirror:
        pool = _concatenate(pool, replace(pool, pixels=pool.pixels.flip(-1)))
    if spliced_per_class:
        pool = _concatenate(
            pool, spliced_classes(pool, spliced_per_class * len(pool.classes), seed)
        )
    return pool


def spliced_classes(pool: TaskPool, count: int, seed: int) -> TaskPool:
    """Return classes spliced from one part of a character and the other part of another.

    Both are from one alphabet at one rotation where that has at least two characters. A straight
    cut in a random direction, the same for all pictures of a class, halves the mean ink of the
    two characters. One side shows the first character and the other side the second, both by the
    same drawer. So a class varies between drawers as real ones do, and it has neighbours with
    which it shares a part.

    Args:
        pool: Characters.
        count: How many classes to make.
        seed: Chooses the characters and the cuts.

    Returns:
        A pool with the class, picture and alphabet numbers of the first character of each class.

    Raises:
        ValueError: The pictures have no drawers.
    """
    if not pool.data.has_drawers:
        raise SettingError(
            "{spliced_per_class} joins two characters by one drawer, but these pictures have no "
            "drawers; set it to 0, or choose a data set of characters."
        )
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(len(pool.classes), (count,), generator=generator)
    angles = torch.rand(count, generator=generator) * 2 * math.pi
    n_pictures = int(pool.counts.min())  # per class, by the same drawers
    pixels = []
    for chunk in torch.split(torch.arange(count), CHUNK):
        second = _sample_partners(pool, first[chunk], generator)
        pixels.append(_splice(pool, first[chunk], second, angles[chunk], n_pictures))
    images = pool.images[first]
    images[:, n_pictures:] = -1
    return TaskPool(
        data=pool.data,
        classes=pool.classes[first],
        rotations=pool.rotations[first],
        alphabets=pool.alphabets[first],
        counts=torch.full((count,), n_pictures),
        images=images,
        pixels=torch.cat(pixels),
    )


def _sample_partners(pool: TaskPool, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Sample another class for each row, from its own alphabet where that has another, [n]."""
    keys = torch.rand(len(rows), len(pool.classes), generator=generator)
    keys += pool.alphabets[rows][:, None] != pool.alphabets
    keys[torch.arange(len(rows)), rows] += 2
    return keys.argmin(1)


def _splice(
    pool: TaskPool, first: Tensor, second: Tensor, angles: Tensor, n_pictures: int
) -> Tensor:
    """Return the spliced pictures, uint8 [n * n_pictures, channels, height, width]."""

    def pixels_of(rows: Tensor) -> Tensor:
        positions = pool.class_starts[rows][:, None] + torch.arange(n_pictures)
        return pool.pixels[positions.to(pool.pixels.device)].float()

    a, b = pixels_of(first), pixels_of(second)
    ink = (a + b).mean(dim=(1, 2)).flatten(1)  # [n, height * width]
    mask = _first_side_mask(ink, angles.to(ink), a.shape[-2:])[:, None, None]
    return (b + mask * (a - b)).round().to(torch.uint8).flatten(0, 1)


def _first_side_mask(ink: Tensor, angles: Tensor, size: torch.Size) -> Tensor:
    """Return 1 on one side of a cut that halves the ink and 0 on the other, [n, height, width].

    Pixels on the cut have the fraction of their area that lies on the first side.
    """
    height, width = size
    y = torch.arange(height, device=ink.device) - (height - 1) / 2
    x = torch.arange(width, device=ink.device) - (width - 1) / 2
    along_x, along_y = angles.cos()[:, None, None] * x, angles.sin()[:, None, None] * y[:, None]
    distances = (along_x + along_y).flatten(1)
    ordered, order = distances.sort(1)
    ink_so_far = ink.gather(1, order).cumsum(1)
    middle = (ink_so_far < ink_so_far[:, -1:] / 2).sum(1, keepdim=True).clamp(max=ink.shape[1] - 1)
    cut = ordered.gather(1, middle)
    return (distances - cut + 0.5).clamp(0, 1).reshape(-1, height, width)


def _concatenate(pool: TaskPool, other: TaskPool) -> TaskPool:
    """Return the classes of both pools as one; alphabets of the two stay distinct."""
    return TaskPool(
        data=pool.data,
        classes=torch.cat([pool.classes, other.classes]),
        rotations=torch.cat([pool.rotations, other.rotations]),
        alphabets=torch.cat([pool.alphabets, other.alphabets + int(pool.alphabets.max()) + 1]),
        counts=torch.cat([pool.counts, other.counts]),
        images=torch.cat([pool.images, other.images]),
        pixels=torch.cat([pool.pixels, other.pixels]),
    )
