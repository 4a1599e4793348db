"""From ink of any size to the 28 × 28 pixels that the networks read."""

from __future__ import annotations

import numpy as np
from PIL import Image

from maml_core.images.ink import ink_box

INPUT_SIZE = 28  # Vinyals et al. 2016 and Finn et al. 2017 downsample Omniglot to 28x28.
INK_CROP = 20 / 28  # of a close-up's width; MNIST's digits are in a box of 20 of 28 pixels
MOST_MAGNIFIED = 2.5  # a dot stays a dot


def to_input(ink: np.ndarray) -> np.ndarray:
    """Shrink a square picture to what a network sees: the one way from a picture to an input.

    Args:
        ink: uint8 [side, side]; 255 is ink, 0 is paper.

    Returns:
        uint8 [28, 28]: each pixel is the mean of the picture's pixels whose centres lie in it
        (Pillow's box filter), so thin strokes turn grey and no ink disappears.
    """
    picture = Image.fromarray(ink)
    return np.asarray(picture.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BOX))


def ink_crop(ink: np.ndarray) -> np.ndarray:
    """Shrink the square around a picture's ink to what a network sees, as `to_input`.

    A quarter of Omniglot's evaluation characters are at most 55 of 105 pixels long, 15 of 28, which
    shows little of them; MNIST's digits are all brought to one size (LeCun et al. 1998).

    Args:
        ink: uint8 [side, side]; 255 is ink, 0 is paper.

    Returns:
        uint8 [28, 28]: the longer side of the box around the ink is `INK_CROP` of the width, less
        only where the picture would be magnified more than `MOST_MAGNIFIED` times; without ink
        the whole picture.
    """
    box = ink_box(ink >= 128)
    if box is None:
        return to_input(ink)
    left, top, right, bottom = box
    cut = ink[top:bottom, left:right]
    height, width = cut.shape
    side = round(max(max(cut.shape) / INK_CROP, len(ink) / MOST_MAGNIFIED))
    y, x = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side), dtype=np.uint8)
    square[y : y + height, x : x + width] = cut
    return to_input(square)
