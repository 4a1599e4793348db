"""A picture of writing as grey with dark ink: its most telling colour, light, and polarity."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from maml_core.images.decoding import flatten
from maml_core.images.ink_mask import (
    MIN_CORNER_CONTACT,
    MIN_FRAME_CONTACT,
    border_mask,
    ink_on_paper,
    label_components,
)

BORDER_SHARE = 0.03  # of the shorter side: the frame that says what is transparent
UNIFORM_RANGE = 64  # grey levels: strokes of one colour on transparency vary by less
ILLUMINATION_SIDE = 256  # pixels of the longer side at which the light on the paper is estimated
WIDEST_STROKE = 1 / 3  # of the picture, so that bold strokes are no shadow
POLARITY_SIDE = 128  # pixels of the longer side at which ink and ground are told apart
MIN_COLOUR_GAIN = 1.3  # as much contrast as in the grey of all colours lets one of them be taken
# Area by width squared is length by width.
SLENDERNESS_POWER = 2.5
EDGE_POWER = 3
GROUND_CONTACT = 0.65  # of the border: what covers so much of it is no ink


def dark_on_light(layers: Image.Image) -> np.ndarray:
    """Return an RGBA picture as grey, float32 [height, width], 0 to 255, ink darker than paper."""
    alpha = np.asarray(layers.getchannel("A"))
    border = border_mask(alpha.shape, max(1, round(BORDER_SHARE * min(alpha.shape))))
    if np.median(alpha[border]) < 128:
        shades = np.asarray(layers.convert("L"))[alpha >= 128]
        if len(shades) and np.ptp(np.percentile(shades, (5, 95))) < UNIFORM_RANGE:
            # Strokes of one colour, perhaps white, on nothing: where there is paint is ink.
            return 255 - alpha.astype(np.float32)
    # A little blur takes away the noise of a camera; lines are 2 pixels wide or more.
    channel = _telling_channel(flatten(layers)).filter(ImageFilter.GaussianBlur(0.7))
    grey = np.asarray(channel, dtype=np.float32)
    return grey if _is_dark_on_light(channel) else 255 - grey


def _telling_channel(picture: Image.Image) -> Image.Image:
    """Return the grey of an RGB picture, or its red, green or blue if that shows far more.

    Red on green may be as light as its ground, and yellow nearly as light as white paper.
    """
    channels = [picture.convert("L"), *picture.split()]
    contrasts = [_contrast(channel) for channel in channels]
    best = int(np.argmax(contrasts))
    return channels[best if contrasts[best] > MIN_COLOUR_GAIN * contrasts[0] else 0]


def _contrast(channel: Image.Image) -> float:
    """Return by how many grey levels neighbouring parts of a picture differ, at most."""
    small = _shrunk(channel, POLARITY_SIDE)
    size = _window(small.shape)
    local = ndimage.grey_closing(small, size=size) - ndimage.grey_opening(small, size=size)
    return float(np.percentile(local, 99))


def _is_dark_on_light(channel: Image.Image) -> bool:
    """Say whether a grey picture is of dark ink on lighter paper, and not the reverse.

    What is as narrow as strokes is looked for in both. Of the wrong polarity that is the gaps
    within and between strokes, which are less slender and have fewer edges.
    """
    small = _shrunk(channel, POLARITY_SIDE)
    light = np.maximum(ndimage.grey_closing(small, _window(small.shape)), 1)
    return _resemblance_to_strokes(small, light) >= _resemblance_to_strokes(255 - small, light)


def _resemblance_to_strokes(grey: np.ndarray, light: np.ndarray) -> float:
    """Return how slender and sharp what is darker than its surroundings is.

    Args:
        grey: float [height, width], 0 to 255.
        light: Likewise, at least 1: what darkness is a share of.
    """
    difference = ndimage.grey_closing(grey, _window(grey.shape)) - grey
    scores = []
    # Parts of a desk or strokes at the edge of a crop: with and without them, whichever is more.
    for contact in (MIN_CORNER_CONTACT, MIN_FRAME_CONTACT):
        ink = ink_on_paper(difference / light, contact)
        pieces, _, _ = label_components(ink)
        frame = border_mask(pieces.shape)
        if (pieces[frame] > 0).mean() >= GROUND_CONTACT:
            ink = ink & ~np.isin(pieces, pieces[frame])
        scores.append(_edge_share(ink, -grey, difference) ** EDGE_POWER * _slenderness(ink))
    return max(scores)


def _edge_share(ink: np.ndarray, shade: np.ndarray, difference: np.ndarray) -> float:
    """Return how much of the way around would-be ink is an edge, 0 to 1.

    Strokes have one on both sides; a strip of ground beside a stroke, on one.

    Args:
        ink: bool [height, width].
        shade: float [height, width], larger in the ink than around it.
        difference: float [height, width], by how much it is larger there.
    """
    near = ndimage.binary_dilation(ink, iterations=1)
    around = ndimage.binary_dilation(near, iterations=1) & ~near
    if not around.any():
        return 0.0
    inside = ndimage.maximum_filter(np.where(ink, shade, -np.inf), 5)
    full = ndimage.maximum_filter(np.where(ink, difference, 0), 5)
    return float(((inside - shade)[around] >= full[around] / 2).mean())


def _slenderness(ink: np.ndarray) -> float:
    """Return how long strokes are for their width: their area by a power of that; 0 without ink."""
    if not ink.any():
        return 0.0
    # The edge of the ink lies half a pixel before the next pixel without any.
    depth = float(ndimage.distance_transform_edt(ink)[ink].mean()) - 0.5
    return float(ink.sum() / depth**SLENDERNESS_POWER)


def darkness(grey: np.ndarray) -> np.ndarray:
    """Return the share of the light that is missing, float32 [height, width], 0 (paper) to 1."""
    light = illumination(grey)
    missing: np.ndarray = ((light - grey) / np.maximum(light, 1)).clip(0, 1)
    return missing


def illumination(grey: np.ndarray) -> np.ndarray:
    """Estimate the light on bare paper at each pixel, by a grey closing (Serra 1982).

    A closing paints over every dark thing narrower than `WIDEST_STROKE`; slopes of the light and
    the edges of large shadows survive it unchanged.

    Args:
        grey: float32 [height, width], 0 to 255, ink darker than paper.

    Returns:
        The same shape, estimated at up to `ILLUMINATION_SIDE` pixels and interpolated.
    """
    small = _shrunk(Image.fromarray(grey), ILLUMINATION_SIDE)
    closed = ndimage.grey_closing(small, size=_window(small.shape))
    smooth = Image.fromarray(closed).resize(grey.shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(smooth)


def _shrunk(channel: Image.Image, side: int) -> np.ndarray:
    """Return a grey picture as float32 with `side` pixels at most on its longer side."""
    scale = min(1.0, side / max(channel.size))
    size = [max(1, round(scale * length)) for length in channel.size]
    return np.asarray(channel.resize(size, Image.Resampling.BOX), dtype=np.float32)


def _window(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the square window, an odd number of pixels, that is wider than any stroke."""
    side = 2 * round((WIDEST_STROKE * max(shape) - 1) / 2) + 1
    return side, side
