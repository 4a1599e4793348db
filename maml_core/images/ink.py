"""Find the ink in a picture of writing: which pixels are strokes, whatever paper and light."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from maml_core.images.decoding import (
    MAX_SIDE,
    MIN_SIDE,
    PictureError,
    check_pixel_count,
    to_8_bit,
)

BORDER_SHARE = 0.03  # of the shorter side: the frame that says what is paper
UNIFORM_RANGE = 64  # grey levels: strokes of one colour on transparency vary by less
ILLUMINATION_SIDE = 64  # pixels of the longer side at which the light on the paper is estimated
WIDEST_STROKE = 21  # of these pixels: a third of the picture, so that bold strokes are no shadow
NOISE_SDS = 5.0  # standard deviations: paper has fewer than one pixel in a million above
MIN_DARKNESS = 0.1  # of the paper's brightness; a soft pencil takes away 0.3 or more
MIN_COMPONENT_SHARE = 0.005  # of all ink: the dot of an i is 1 % or more, dust far less
COMPONENT_SIDE = 256  # pixels of the longer side at which pieces of ink are told apart


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
    darkness = _darkness(_dark_on_light(layers))
    # The standard deviation, from the median absolute deviation: ink does not count.
    noise = 1.4826 * float(np.median(np.abs(darkness - np.median(darkness))))
    visible = darkness[darkness > max(MIN_DARKNESS, NOISE_SDS * noise)]
    if not len(visible):
        raise PictureError(
            f"{name} shows no ink, only one shade; choose one of a dark line on light paper or "
            "the reverse."
        )
    # Half of what full ink takes away; edges and faint marks, as ruled lines, are less.
    level = max(MIN_DARKNESS, NOISE_SDS * noise, np.percentile(visible, 90) / 2)
    return 255 * remove_small_components(darkness > level).astype(np.uint8)


def _border_pixels(values: np.ndarray) -> np.ndarray:
    """Return the pixels [n] of the frame of a picture [height, width]."""
    frame = max(1, round(BORDER_SHARE * min(values.shape)))
    inner = np.zeros(values.shape, dtype=bool)
    inner[frame:-frame, frame:-frame] = True
    return values[~inner]


def _dark_on_light(layers: Image.Image) -> np.ndarray:
    """Return an RGBA picture as grey, float32 [height, width], 0 to 255, ink darker than paper."""
    alpha = np.asarray(layers.getchannel("A"))
    if np.median(_border_pixels(alpha)) < 128:
        shades = np.asarray(layers.convert("L"))[alpha >= 128]
        if len(shades) and np.ptp(np.percentile(shades, (5, 95))) < UNIFORM_RANGE:
            # Strokes of one colour, perhaps white, on nothing: where there is paint is ink.
            return 255 - alpha.astype(np.float32)
    paper = Image.new("RGBA", layers.size, "white")
    # A little blur takes away the noise of a camera; lines are 2 pixels wide or more.
    flat = Image.alpha_composite(paper, layers).convert("L").filter(ImageFilter.GaussianBlur(0.7))
    grey = np.asarray(flat, dtype=np.float32)
    middle = (grey.min() + grey.max()) / 2
    return grey if np.median(_border_pixels(grey)) >= middle else 255 - grey


def _darkness(grey: np.ndarray) -> np.ndarray:
    """Return the share of the light that is missing, float32 [height, width], 0 (paper) to 1."""
    light = illumination(grey)
    darkness: np.ndarray = ((light - grey) / np.maximum(light, 1)).clip(0, 1)
    return darkness


def illumination(grey: np.ndarray) -> np.ndarray:
    """Estimate the light on bare paper at each pixel, by a grey closing (Serra 1982).

    A closing paints over every dark thing narrower than `WIDEST_STROKE`; slopes of the light
    survive it unchanged.

    Args:
        grey: float32 [height, width], 0 to 255, ink darker than paper.

    Returns:
        The same shape, estimated at `ILLUMINATION_SIDE` and interpolated.
    """
    height, width = grey.shape
    scale = ILLUMINATION_SIDE / max(grey.shape)
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    small = Image.fromarray(grey).resize(size, Image.Resampling.BOX)
    closed = ndimage.grey_closing(np.asarray(small), size=(WIDEST_STROKE, WIDEST_STROKE))
    smooth = Image.fromarray(closed).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(smooth)


def remove_small_components(ink: np.ndarray) -> np.ndarray:
    """Remove pieces of ink that hold less than `MIN_COMPONENT_SHARE` of it.

    Args:
        ink: bool [height, width]; pixels that touch at a side or a corner are one piece. Pieces
            are told apart at `COMPONENT_SIDE`, a pixel of which holds ink if any of its own does.

    Returns:
        bool [height, width].
    """
    height, width = ink.shape
    step = math.ceil(max(ink.shape) / COMPONENT_SIDE)
    padded = np.pad(ink, ((0, -height % step), (0, -width % step)))
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    area = padded.reshape(rows, step, columns, step).sum(axis=(1, 3))
    pieces, _ = ndimage.label(area, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel(), weights=area.ravel())
    keep = (sizes >= MIN_COMPONENT_SHARE * area.sum())[pieces]
    kept: np.ndarray = ink & keep.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
    return kept
