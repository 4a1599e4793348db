"""One way from a drawing, a photograph or a picture file to a character like Omniglot's.

Omniglot's characters were drawn in a browser with one pen at about one size. What a person
brings is of any size, anywhere in the picture, with any pen; it is brought to Omniglot's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from maml_core.images.decoding import PictureError, read_picture
from maml_core.images.ink import ink_box, ink_of_picture, spread_maximum
from maml_core.images.network_input import to_input

Stroke = Sequence[tuple[float, float]]
"""Points (x, y) of one line without lifting the pen, each 0 (left, top) to 1 (right, bottom)."""

SIDE = 105  # Omniglot's pictures are 105x105.
# Medians over 2,000 pictures of Omniglot's training classes (alphabet split): the longer side of
# the box around the ink (5 to 95 %: 46 to 88 pixels) and `stroke_width` (4.8 to 5.7).
CHARACTER = 69.0
PEN = 5.1
# The width of the widest line that a drawing may have after scaling, in pens: a dot or a short
# line made as large as a character would have a wider one.
MOST_PENS = 3.0
GRID = 160  # pixels of the longer side at which distances are measured
MARGIN = 12  # pixels around it, more than half a pen
MAX_POINTS = 50_000  # a pad gives some 60 a second; more is no drawing
NO_POINT = "The drawing holds a point that is no pair of numbers; draw it again."
OVERSAMPLING = 4  # subpixels along each side when strokes are drawn


def draw(strokes: Sequence[Stroke], pen: float = PEN, side: int = SIDE) -> np.ndarray:
    """Draw strokes with a round pen.

    Args:
        strokes: Lines; one point is a dot. What leaves the square is clipped to its border.
        pen: Width of the lines in pixels, > 0.
        side: Width and height of the picture in pixels.

    Returns:
        uint8 [side, side]; 255 is ink, 0 is paper.

    Raises:
        PictureError: No point, too many, or one that is no pair of finite numbers.
    """
    paper = Image.new("L", (OVERSAMPLING * side, OVERSAMPLING * side))
    brush = ImageDraw.Draw(paper)
    width = OVERSAMPLING * pen
    for points in checked(strokes):
        # Pillow's pixel i covers i to i + 1, and its coordinates name pixels' centres.
        path = [tuple(point) for point in OVERSAMPLING * side * points.clip(0, 1) - 0.5]
        brush.line(path, fill=255, width=round(width))
        for x, y in path:
            r = (width - 1) / 2
            brush.ellipse((x - r, y - r, x + r, y + r), fill=255)
    small = np.asarray(paper.reduce(OVERSAMPLING))
    return np.where(small >= 128, 255, 0).astype(np.uint8)


def checked(strokes: Sequence[Stroke]) -> list[np.ndarray]:
    """Return strokes as float [n, 2] arrays, n ≥ 1; empty ones are left out.

    Raises:
        PictureError: No point, too many, or one that is no pair of finite numbers.
    """
    try:
        count = sum(len(stroke) for stroke in strokes)
    except TypeError:
        raise PictureError(NO_POINT) from None
    if not count:
        raise PictureError("The drawing has no ink; draw a line.")
    if count > MAX_POINTS:
        raise PictureError(
            f"The drawing has {count:,} points; clear it and draw with at most {MAX_POINTS:,}."
        )
    try:
        arrays = [np.array(stroke, dtype=float) for stroke in strokes if len(stroke)]
        pairs = all(points.ndim == 2 and points.shape[1] == 2 for points in arrays)
    except (TypeError, ValueError):
        pairs = False
    if not pairs or not all(np.isfinite(points).all() for points in arrays):
        raise PictureError(NO_POINT)
    return arrays


def centred(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Move and scale strokes to where and how large Omniglot's are, in the middle of the square.

    Raises:
        PictureError: As `draw`.
    """
    arrays = [points.clip(0, 1) for points in checked(strokes)]
    low = np.min([points.min(axis=0) for points in arrays], axis=0)
    high = np.max([points.max(axis=0) for points in arrays], axis=0)
    zoom = _zoom(SIDE * float((high - low).max()), PEN)
    return [[(x, y) for x, y in zoom * (points - (low + high) / 2) + 0.5] for points in arrays]


def _zoom(extent: float, pen: float) -> float:
    """Return the factor that makes a drawing as large as Omniglot's characters.

    Args:
        extent: Longer side of the box around the pen's way, without its width, ≥ 0, pixels.
        pen: Width of the lines, > 0, pixels.
    """
    largest = MOST_PENS * PEN / pen
    return min((CHARACTER - PEN) / extent, largest) if extent > 0 else largest


def as_character(ink: np.ndarray) -> np.ndarray:
    """Bring ink to the place, the size and the pen of Omniglot's characters.

    Args:
        ink: uint8 [height, width] of any size; 128 and more is ink.

    Returns:
        uint8 [105, 105]; 255 is ink, 0 is paper.

    Raises:
        PictureError: There is no ink.
    """
    depth = signed_depth(_on_grid(ink))
    radius = stroke_width(depth) / 2
    box = ink_box(depth > 0)
    assert box  # `_on_grid` refuses a picture without ink
    left, top, right, bottom = box
    zoom = _zoom(max(bottom - top, right - left) - 2 * radius, 2 * radius)
    wanted = PEN / 2 / zoom
    # Each line's own radius: a thin line beside a thick one is not to vanish with the excess
    # of the thick one. Junctions and blobs are wider than any line; there the mean counts.
    own = spread_maximum(depth, math.ceil(max(radius, wanted)))
    field = Image.fromarray((depth - np.minimum(own, radius) + wanted).astype(np.float32))
    corner = [(a + b) / 2 - SIDE / 2 / zoom for a, b in ((left, right), (top, bottom))]
    mapping = (1 / zoom, 0, corner[0], 0, 1 / zoom, corner[1])
    sampled = field.transform(
        (SIDE, SIDE), Image.Transform.AFFINE, mapping, Image.Resampling.BILINEAR, fillcolor=-1
    )
    return np.where(np.asarray(sampled) > 0, 255, 0).astype(np.uint8)


def _on_grid(ink: np.ndarray) -> np.ndarray:
    """Cut ink out and scale it to `GRID`, bool [≤ GRID + 2 * MARGIN, ≤ GRID + 2 * MARGIN]."""
    box = ink_box(ink >= 128)
    if box is None:
        raise PictureError("The picture has no ink; draw a line or choose another.")
    width, height = box[2] - box[0], box[3] - box[1]
    scale = GRID / max(width, height)
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    cut = Image.fromarray(np.where(ink >= 128, np.float32(1), np.float32(0))).crop(box)
    cover = np.asarray(cut.resize(size, Image.Resampling.BILINEAR))
    # Half of a full pixel's cover, or of a line's that is narrower than a pixel.
    full = np.percentile(cover[cover > 0.01], 90)
    return np.pad(cover > full / 2, MARGIN)


def signed_depth(ink: np.ndarray) -> np.ndarray:
    """Return how deep in the ink each pixel lies.

    Args:
        ink: bool [height, width], with both ink and paper.

    Returns:
        float64 [height, width]: from a pixel's centre to the edge of the ink, positive in the
        ink and negative on paper; the edge lies half a pixel before the nearest other pixel.
    """
    return np.where(ink, _distance(~ink) - 0.5, 0.5 - _distance(ink))


def _distance(to: np.ndarray) -> np.ndarray:
    """Return each pixel's distance to the nearest true one, exact, float64 [height, width]."""
    height, width = to.shape
    y, x = np.arange(height)[:, None], np.arange(width)
    above = np.maximum.accumulate(np.where(to, y, -height - width), axis=0)
    below = np.minimum.accumulate(np.where(to, y, 2 * height + width)[::-1], axis=0)[::-1]
    upright = np.minimum(y - above, below - y).astype(float) ** 2  # within each column
    across = (x[:, None] - x) ** 2
    return np.sqrt([(row + across).min(axis=1) for row in upright])


def stroke_width(depth: np.ndarray) -> float:
    """Return the mean width of lines, pixels: along a line the mean depth is a quarter of it.

    Args:
        depth: As `signed_depth` gives it.
    """
    return 4 * float(depth[depth > 0].mean())


def character_of(
    source: bytes | Image.Image | Sequence[Stroke], name: str = "The picture"
) -> np.ndarray:
    """Make a character of whatever a person brings.

    Args:
        source: A picture file, a picture, or strokes.
        name: What to call it in messages.

    Returns:
        uint8 [105, 105]; 255 is ink, 0 is paper.

    Raises:
        PictureError: It cannot be read, or there is no ink.
    """
    if isinstance(source, bytes):
        source = read_picture(source, name)
    if isinstance(source, Image.Image):
        return as_character(ink_of_picture(source, name))
    return draw(centred(source))


def network_input(character: np.ndarray) -> Tensor:
    """Return what a network sees of a character, float32 [1, 28, 28], ink 1, paper 0.

    Args:
        character: uint8 [105, 105]; 255 is ink, 0 is paper.
    """
    return torch.from_numpy(to_input(character).copy())[None].float() / 255
