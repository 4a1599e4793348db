"""More training classes than there are characters: mirrored ones, and two put together.

The more classes a classifier tells apart, the more its features tell apart of classes it never
saw; turned characters are the first such classes (Santoro et al. 2016, arXiv:1605.06065).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from maml_core.episodes.pool import TaskPool

CHUNK = 256  # classes composed at a time: 16 MB of floats of 20 pictures each


def augment_classes(pool: TaskPool, *, mirror: bool, spliced_per_class: int, seed: int) -> TaskPool:
    """Return a pool with its classes, their mirror images, and compositions of two of them.

    Args:
        pool: Characters, turned or not, with close-ups or not; stays as it is.
        mirror: Add each class seen in a mirror, before composing.
        spliced_per_class: How many spliced classes to add for each, see `spliced_classes`.
        seed: Chooses them.

    Raises:
        ValueError: Compositions of pictures that are not of drawers.
    """
    if pool.ink_crops:
        alike = partial(
            augment_classes, mirror=mirror, spliced_per_class=spliced_per_class, seed=seed
        )
        return replace(alike(replace(pool, ink_crops=None)), ink_crops=alike(pool.ink_crops))
    if mirror:
        pool = _together(pool, replace(pool, pixels=pool.pixels.flip(-1)))
    if spliced_per_class:
        pool = _together(pool, spliced_classes(pool, spliced_per_class * len(pool.classes), seed))
    return pool


def spliced_classes(pool: TaskPool, count: int, seed: int) -> TaskPool:
    """Return classes of one part of a character and the other part of another one.

    Both are of one alphabet at one rotation where that has two. A straight cut, the same for all
    pictures of a class, goes in a random direction through the middle of the ink that the two
    have on average; of each drawer one side shows the first character and the other side the
    second. So drawers differ as they do, and a class has neighbours with which it shares a part.

    Args:
        pool: Characters.
        count: How many classes to make.
        seed: Chooses the characters and the cuts.

    Returns:
        A pool whose class, picture and alphabet numbers are those of the first characters.

    Raises:
        ValueError: The pictures are not of drawers.
    """
    if not pool.data.has_drawers:
        raise ValueError(
            "composed_per_class puts together what one drawer drew, but these pictures have no "
            "drawers; take 0, or a data set of characters."
        )
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(len(pool.classes), (count,), generator=generator)
    angles = torch.rand(count, generator=generator) * 2 * math.pi
    each = int(pool.counts.min())  # pictures a class, by the same drawers
    pixels = []
    for some in torch.split(torch.arange(count), CHUNK):
        second = _partners(pool, first[some], generator)
        pixels.append(_splice(pool, first[some], second, angles[some], each))
    images = pool.images[first]
    images[:, each:] = -1
    return TaskPool(
        data=pool.data,
        classes=pool.classes[first],
        rotations=pool.rotations[first],
        alphabets=pool.alphabets[first],
        counts=torch.full((count,), each),
        images=images,
        pixels=torch.cat(pixels),
    )


def _partners(pool: TaskPool, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Return another class for each row, of the same alphabet where it has another, [n]."""
    keys = torch.rand(len(rows), len(pool.classes), generator=generator)
    keys += pool.alphabets[rows][:, None] != pool.alphabets
    keys[torch.arange(len(rows)), rows] += 2
    return keys.argmin(1)


def _splice(pool: TaskPool, first: Tensor, second: Tensor, angles: Tensor, each: int) -> Tensor:
    """Return the compositions' pictures, uint8 [n * each, channels, height, width]."""
    a, b = (
        pool.pixels[(pool.first[rows][:, None] + torch.arange(each)).to(pool.pixels.device)].float()
        for rows in (first, second)
    )
    ink = (a + b).mean(dim=(1, 2)).flatten(1)  # [n, height * width]
    shown = _sides(ink, angles.to(ink), a.shape[-2:])[:, None, None]
    return (b + shown * (a - b)).round().to(torch.uint8).flatten(0, 1)


def _sides(ink: Tensor, angles: Tensor, size: torch.Size) -> Tensor:
    """Return 1 on one side of a cut that halves the ink and 0 on the other, [n, height, width].

    The pixels on the cut itself have the share of them that lies on the first side.
    """
    height, width = size
    y = torch.arange(height, device=ink.device) - (height - 1) / 2
    x = torch.arange(width, device=ink.device) - (width - 1) / 2
    along_x, along_y = angles.cos()[:, None, None] * x, angles.sin()[:, None, None] * y[:, None]
    distances = (along_x + along_y).flatten(1)
    ordered, order = distances.sort(1)
    so_far = ink.gather(1, order).cumsum(1)
    middle = (so_far < so_far[:, -1:] / 2).sum(1, keepdim=True).clamp(max=ink.shape[1] - 1)
    cut = ordered.gather(1, middle)
    return (distances - cut + 0.5).clamp(0, 1).reshape(-1, height, width)


def _together(pool: TaskPool, other: TaskPool) -> TaskPool:
    """Return both pools' classes as one pool; no alphabet of one is an alphabet of the other."""
    return TaskPool(
        data=pool.data,
        classes=torch.cat([pool.classes, other.classes]),
        rotations=torch.cat([pool.rotations, other.rotations]),
        alphabets=torch.cat([pool.alphabets, other.alphabets + int(pool.alphabets.max()) + 1]),
        counts=torch.cat([pool.counts, other.counts]),
        images=torch.cat([pool.images, other.images]),
        pixels=torch.cat([pool.pixels, other.pixels]),
    )
