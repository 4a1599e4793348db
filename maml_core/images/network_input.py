"""From ink of any size to the 28 × 28 pixels that the networks read."""

from __future__ import annotations

import numpy as np
from PIL import Image

INPUT_SIZE = 28  # Vinyals et al. 2016 and Finn et al. 2017 downsample Omniglot to 28x28.
INK_CROP_SHARE = 20 / 28  # of an ink crop's width; MNIST's digits are in a box of 20 of 28 pixels
MAX_MAGNIFICATION = 2.5  # a dot stays a dot


def to_network_input(ink: np.ndarray) -> np.ndarray:
    """Shrink a square picture to what a network sees; `tensors` makes tensors of it.

    Args:
        ink: uint8 [side, side]; 255 is ink, 0 is paper.

    Returns:
        uint8 [28, 28]: each pixel is the mean of the picture's pixels whose centres lie in it
        (Pillow's box filter), so thin strokes turn grey and no ink disappears.
    """
    picture = Image.fromarray(ink)
    return np.asarray(picture.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BOX))


def ink_crop(ink: np.ndarray) -> np.ndarray:
    """Shrink the square around a picture's ink to what a network sees, as `to_network_input`.

    A quarter of Omniglot's evaluation characters are at most 55 of 105 pixels long, 15 of 28, which
    shows little of them; MNIST's digits are all scaled to one size (LeCun et al. 1998).

    Args:
        ink: uint8 [side, side]; 255 is ink, 0 is paper.

    Returns:
        uint8 [28, 28]: the longer side of the box around the ink is `INK_CROP_SHARE` of the width,
        or less, so that the picture is magnified `MAX_MAGNIFICATION` times at most; without ink
        the whole picture.
    """
    box = ink_bounding_box(ink >= 128)
    if box is None:
        return to_network_input(ink)
    left, top, right, bottom = box
    cut = ink[top:bottom, left:right]
    height, width = cut.shape
    side = round(max(max(cut.shape) / INK_CROP_SHARE, len(ink) / MAX_MAGNIFICATION))
    y, x = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side), dtype=np.uint8)
    square[y : y + height, x : x + width] = cut
    return to_network_input(square)


def ink_bounding_box(ink: np.ndarray) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of the box around ink, bool [height, width], or None."""
    return Image.fromarray(ink.astype(np.uint8)).getbbox()
