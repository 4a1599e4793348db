"""Find the ink in a picture of writing: which pixels are strokes, whatever paper and light."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from maml_core.images.decoding import (
    MAX_SIDE,
    MIN_SIDE,
    PictureError,
    check_pixel_count,
    to_8_bit,
)
from maml_core.images.ink_mask import ink_on_paper
from maml_core.images.network_input import ink_bounding_box
from maml_core.images.page import upright_page
from maml_core.images.polarity import dark_on_light, darkness

# Of the variance of darkness around the ink, the share between ink and paper.
MIN_EXPLAINED = 0.7
SHARPENING_RADIUS = 0.7  # pixels of a picture that was enlarged
MAX_INK_SHARE = 0.6  # of the box around it; a letter has a third


def find_ink(picture: Image.Image, name: str = "The picture") -> np.ndarray:
    """Find the ink: dark on light or light on dark, on paper, a screen or transparency.

    Args:
        picture: Of any size up to `MAX_PIXELS` and any mode.
        name: What to call it in messages.

    Returns:
        uint8 [height, width], longer side `MIN_SIDE` to `MAX_SIDE`; 255 is ink, 0 is paper.

    Raises:
        PictureError: There is no ink, or there are too many pixels.
    """
    check_pixel_count(picture.width * picture.height, name)
    layers, page = _page_or_all(picture)
    ink = np.zeros(layers.size[::-1], dtype=bool)
    left, top, right, bottom = page
    ink[top:bottom, left:right] = ink_on_paper(_darkness(layers.crop(page)))
    if not ink.any():
        raise PictureError(
            f"{name} shows no ink, only one shade; choose one of a dark line on light paper or "
            "the reverse."
        )
    return 255 * ink.astype(np.uint8)


def looks_like_ink(picture: Image.Image) -> bool:
    """Say whether a picture is of ink on a ground, two shades, rather than a photograph of things.

    Args:
        picture: As `find_ink` takes it.
    """
    layers, page = _page_or_all(picture)
    missing = _darkness(layers.crop(page))
    ink = ink_on_paper(missing)
    box = ink_bounding_box(ink)
    if box is None:
        return False
    # A straight line fills its box; with a margin there may be a frame in it.
    return any(_is_two_shades(missing, ink, box, share) for share in (0.0, 0.25))


def _is_two_shades(
    missing: np.ndarray, ink: np.ndarray, box: tuple[int, int, int, int], margin_share: float
) -> bool:
    """Say whether ink and ground explain how dark the pixels in a box and a margin are."""
    left, top, right, bottom = box
    margin = round(margin_share * max(right - left, bottom - top))
    around = np.s_[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin]
    missing, ink = missing[around], ink[around]
    share = float(ink.mean())
    if share > MAX_INK_SHARE:
        return False
    between = share * (1 - share) * (missing[ink].mean() - missing[~ink].mean()) ** 2
    return bool(between >= MIN_EXPLAINED * missing.var())


def _page_or_all(picture: Image.Image) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Return a picture at the size at which ink is looked for, RGBA, and the box to look in."""
    longer = max(picture.size)
    scale = min(max(longer, MIN_SIDE), MAX_SIDE) / longer
    width, height = (max(1, round(scale * side)) for side in picture.size)
    layers = to_8_bit(picture).convert("RGBA").resize((width, height), Image.Resampling.LANCZOS)
    if scale > 1:
        # A pixel is the mean of what lies in it: gaps as narrow as one are half as dark as ink.
        layers = layers.filter(ImageFilter.UnsharpMask(SHARPENING_RADIUS * scale, 100, 0))
    return upright_page(layers) or (layers, (0, 0, width, height))


def _darkness(layers: Image.Image) -> np.ndarray:
    """Return how dark each pixel is for the light there, float32 [height, width]."""
    return darkness(dark_on_light(layers))
