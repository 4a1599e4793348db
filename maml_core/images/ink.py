"""Find the ink in a picture of writing: which pixels are strokes, whatever paper and light."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from maml_core.images.decoding import LEAST_SIDE, MOST_SIDE, PictureError, check_size

BORDER = 0.03  # of the shorter side: the frame that says what is paper
PLAIN = 64  # grey levels: what is visible of strokes on transparency varies by less than this
LIGHT_SIDE = 64  # pixels of the longer side at which the light on the paper is estimated
WIDEST_STROKE = 21  # of these pixels: a third of the picture, so that bold strokes are no shadow
NOISE = 5.0  # standard deviations: paper has fewer than one pixel in a million above
FAINTEST = 0.1  # of the paper's brightness; a soft pencil takes away 0.3 or more
SPECK = 0.005  # of all ink: the dot of an i is 1 % or more, dust far less
SPECK_SIDE = 256  # pixels of the longer side at which pieces of ink are told apart


def ink_of_picture(picture: Image.Image, name: str = "The picture") -> np.ndarray:
    """Find the ink: dark on light or light on dark, on paper, a screen or transparency.

    Args:
        picture: Of any size up to `MAX_PIXELS` and any mode.
        name: What to call it in messages.

    Returns:
        uint8 [height, width], longer side `LEAST_SIDE` to `MOST_SIDE`; 255 is ink, 0 is paper.

    Raises:
        PictureError: There is no ink, or there are too many pixels.
    """
    check_size(picture.width * picture.height, name)
    longer = max(picture.size)
    scale = min(max(longer, LEAST_SIDE), MOST_SIDE) / longer
    if picture.mode.startswith("I"):  # 16 bits a pixel, which `convert` would clip, not scale
        picture = Image.fromarray((np.asarray(picture) // 256).clip(0, 255).astype(np.uint8))
    width, height = (max(1, round(scale * side)) for side in picture.size)
    layers = picture.convert("RGBA").resize((width, height), Image.Resampling.BICUBIC)
    darkness = _darkness(_dark_on_light(layers))
    noise = 1.4826 * float(np.median(np.abs(darkness - np.median(darkness))))  # from the quartiles
    visible = darkness[darkness > max(FAINTEST, NOISE * noise)]
    if not len(visible):
        raise PictureError(
            f"{name} shows no ink, only one shade; choose one of a dark line on light paper or "
            "the reverse."
        )
    # Half of what full ink takes away; edges and faint marks, as ruled lines, are less.
    level = max(FAINTEST, NOISE * noise, np.percentile(visible, 90) / 2)
    return 255 * without_specks(darkness > level).astype(np.uint8)


def _border(values: np.ndarray) -> np.ndarray:
    """Return the pixels [n] of the frame of a picture [height, width]."""
    frame = max(1, round(BORDER * min(values.shape)))
    inner = np.zeros(values.shape, dtype=bool)
    inner[frame:-frame, frame:-frame] = True
    return values[~inner]


def _dark_on_light(layers: Image.Image) -> np.ndarray:
    """Return an RGBA picture as grey, float32 [height, width], 0 to 255, ink darker than paper."""
    alpha = np.asarray(layers.getchannel("A"))
    if np.median(_border(alpha)) < 128:
        shades = np.asarray(layers.convert("L"))[alpha >= 128]
        if len(shades) and np.ptp(np.percentile(shades, (5, 95))) < PLAIN:
            # Strokes of one colour, perhaps white, on nothing: where there is paint is ink.
            return 255 - alpha.astype(np.float32)
    paper = Image.new("RGBA", layers.size, "white")
    # A little blur takes away the noise of a camera; lines are 2 pixels wide or more.
    flat = Image.alpha_composite(paper, layers).convert("L").filter(ImageFilter.GaussianBlur(0.7))
    grey = np.asarray(flat, dtype=np.float32)
    middle = (grey.min() + grey.max()) / 2
    return grey if np.median(_border(grey)) >= middle else 255 - grey


def _darkness(grey: np.ndarray) -> np.ndarray:
    """Return how much of the light is missing, float32 [height, width], 0 (paper) to 1.

    The light on the paper is the grey closing: what is left when every dark thing narrower
    than `WIDEST_STROKE` is painted over. Slopes of the light survive it unchanged.
    """
    height, width = grey.shape
    scale = LIGHT_SIDE / max(grey.shape)
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    small = Image.fromarray(grey).resize(size, Image.Resampling.BOX)
    closed = _closed(np.asarray(small), WIDEST_STROKE // 2)
    smooth = Image.fromarray(closed).resize((width, height), Image.Resampling.BILINEAR)
    light = np.asarray(smooth)
    darkness: np.ndarray = ((light - grey) / np.maximum(light, 1)).clip(0, 1)
    return darkness


def _closed(values: np.ndarray, radius: int) -> np.ndarray:
    """Return the greatest of each square window, and of that the least, [height, width]."""
    return -spread_maximum(-spread_maximum(values, radius), radius)


def spread_maximum(values: np.ndarray, radius: int) -> np.ndarray:
    """Return the maximum over the square of side 2 * radius + 1 around each pixel, [h, w]."""
    for axis in (0, 1):
        margin = [(radius, radius) if axis == other else (0, 0) for other in (0, 1)]
        rows = np.moveaxis(np.pad(values, margin, mode="edge"), axis, 0)
        length = values.shape[axis]
        greatest = rows[:length].copy()
        for shift in range(1, 2 * radius + 1):
            np.maximum(greatest, rows[shift : shift + length], out=greatest)
        values = np.moveaxis(greatest, 0, axis)
    return values


def without_specks(ink: np.ndarray) -> np.ndarray:
    """Remove pieces of ink that hold less than `SPECK` of it; bool [height, width]."""
    height, width = ink.shape
    step = math.ceil(max(ink.shape) / SPECK_SIDE)
    padded = np.pad(ink, ((0, -height % step), (0, -width % step)))
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    area = padded.reshape(rows, step, columns, step).sum(axis=(1, 3))
    pieces = connected(area > 0)
    sizes = np.bincount(pieces.ravel(), weights=area.ravel())
    keep = (sizes >= SPECK * area.sum())[pieces]
    kept: np.ndarray = ink & keep.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
    return kept


def connected(ink: np.ndarray) -> np.ndarray:
    """Number the connected pieces of ink, corners included.

    Args:
        ink: bool [height, width].

    Returns:
        int64 [height, width]: 0 on paper, on ink a number > 0 that its piece alone has.
    """
    # Each pixel points to one of its piece, at first to itself; all settle on the greatest.
    numbers = np.where(ink, np.arange(1, ink.size + 1).reshape(ink.shape), 0)
    while True:
        spread = np.where(ink, spread_maximum(numbers, 1), 0)
        spread = np.append(0, spread.ravel())[spread]  # follow the pointer: steps double
        if (spread == numbers).all():
            return numbers
        numbers = spread


def ink_box(ink: np.ndarray) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of the box around ink, bool [height, width], or None."""
    return Image.fromarray(ink.astype(np.uint8)).getbbox()
