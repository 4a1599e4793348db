"""A light page on a dark desk, as phones and scanners see it: cut out and turned upright."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from scipy import ndimage

from maml_core.images.decoding import flatten
from maml_core.images.ink_mask import border_mask, otsu_threshold

PAGE_SIDE = 256  # pixels of the longer side at which the page is looked for
MIN_DESK = 0.95  # of the border: the desk is all around
MIN_PAGE = 0.25  # of the picture
MIN_RECTANGULAR = 0.94  # of the smallest rectangle around it that a page fills
MAX_WRITTEN = 0.3  # of a page: what is darker inside a ring, as of an O, is more
ANGLE_STEP = 0.5  # degrees
MAX_ANGLE = 30  # degrees; which side of what lies turned by more is up is not certain
EDGE = 2  # pixels at PAGE_SIDE that are cut off all around: shade of the desk is in them


def upright_page(layers: Image.Image) -> tuple[Image.Image, tuple[int, int, int, int]] | None:
    """Turn a picture so that the page in it is upright.

    A page is a light rectangle with something written on it, with something darker all around.

    Args:
        layers: RGBA.

    Returns:
        The picture turned, of the same size, and left, top, right and bottom of the page in it;
        None where there is no page.
    """
    grey = flatten(layers).convert("L")
    scale = min(1.0, PAGE_SIDE / max(grey.size))
    size = [max(1, round(scale * side)) for side in grey.size]
    small = np.asarray(grey.resize(size, Image.Resampling.BOX), dtype=np.float32) / 255
    page = _page(small <= otsu_threshold(small))
    if page is None:
        return None
    angle, (left, top, right, bottom) = smallest_rectangle(page)
    area = (right - left) * (bottom - top)
    if page.sum() < MIN_RECTANGULAR * area:
        return None
    width, height = layers.size
    box = (
        max(0, round(width / 2 + (left + EDGE) / scale)),
        max(0, round(height / 2 + (top + EDGE) / scale)),
        min(width, round(width / 2 + (right - EDGE) / scale)),
        min(height, round(height / 2 + (bottom - EDGE) / scale)),
    )
    return layers.rotate(angle, Image.Resampling.BICUBIC) if angle else layers, box


def _page(dark: np.ndarray) -> np.ndarray | None:
    """Return which pixels are a page with writing, bool [height, width]."""
    pieces, _ = ndimage.label(dark, structure=np.ones((3, 3)))
    border = border_mask(dark.shape)
    if dark[border].mean() < MIN_DESK:
        return None
    desk = np.isin(pieces, np.setdiff1d(pieces[border], 0))
    sheets, count = ndimage.label(~desk)
    if not count:
        return None
    page = sheets == 1 + int(np.argmax(np.bincount(sheets.ravel())[1:]))
    written = float(dark[page].mean())
    return page if page.mean() >= MIN_PAGE and 0 < written <= MAX_WRITTEN else None


def smallest_rectangle(mask: np.ndarray) -> tuple[float, tuple[float, float, float, float]]:
    """Return the smallest rectangle around a shape.

    Args:
        mask: bool [height, width], not empty.

    Returns:
        The angle, degrees, by which the picture has to be turned anticlockwise about its middle for
        the rectangle to be upright, and then its left, top, right and bottom, pixels from there.
    """
    edge = mask & ~ndimage.binary_erosion(mask)
    y, x = (
        axis + 0.5 - length / 2 for axis, length in zip(np.nonzero(edge), mask.shape, strict=True)
    )
    found = []
    for angle in np.arange(-MAX_ANGLE, MAX_ANGLE + ANGLE_STEP, ANGLE_STEP):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        u, v = cos * x + sin * y, cos * y - sin * x
        low, high = np.array([u.min(), v.min()]) - 0.5, np.array([u.max(), v.max()]) + 0.5
        found.append((float(np.prod(high - low)), abs(angle), angle, (*low, *high)))
    _, _, angle, box = min(found)
    return angle, box
