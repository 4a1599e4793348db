"""Find the ink in a picture of writing: which pixels are strokes, whatever paper and light."""

from __future__ import annotations

import numpy as np
from PIL import Image

from maml_core.images.decoding import (
    MAX_SIDE,
    MIN_SIDE,
    PictureError,
    check_pixel_count,
    to_8_bit,
)
from maml_core.images.ink_mask import ink_on_paper
from maml_core.images.polarity import dark_on_light, darkness


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
    longer = max(picture.size)
    scale = min(max(longer, MIN_SIDE), MAX_SIDE) / longer
    width, height = (max(1, round(scale * side)) for side in picture.size)
    layers = to_8_bit(picture).convert("RGBA").resize((width, height), Image.Resampling.BICUBIC)
    ink = ink_on_paper(darkness(dark_on_light(layers)))
    if not ink.any():
        raise PictureError(
            f"{name} shows no ink, only one shade; choose one of a dark line on light paper or "
            "the reverse."
        )
    return 255 * ink.astype(np.uint8)
