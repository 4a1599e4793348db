"""One way from a drawing, a photograph or a picture file to a character like Omniglot's.

Omniglot's characters were drawn in a browser with one pen at about one size. What a person
brings has any size, place and pen; it is given those of Omniglot's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from maml_core.images.decoding import PictureError, decode_image
from maml_core.images.ink import find_ink
from maml_core.images.network_input import ink_bounding_box

Stroke = Sequence[tuple[float, float]]
"""Points (x, y) of one line without lifting the pen, each 0 (left, top) to 1 (right, bottom)."""

SIDE = 105  # Omniglot's pictures are 105x105.
# Medians over 2,000 pictures of Omniglot's training classes (alphabet split): the longer side of
# the box around the ink (5 to 95 %: 46 to 88 pixels) and `stroke_width` (4.8 to 5.7).
CHARACTER_SIDE = 69.0
PEN = 5.1
# The width of the widest line that a drawing may have after scaling, in pens: a dot or a short
# line made as large as a character would have a wider one.
MAX_PENS = 3.0
GRID_SIDE = 160  # pixels of the longer side at which distances are measured
MARGIN = 12  # pixels around it at least, more than half a pen
MAX_POINTS = 50_000  # the pad gives some 60 a second
BAD_POINT = "The drawing holds a point that is not a pair of numbers; draw it again."
OVERSAMPLING = 4  # subpixels along each side when strokes are drawn


def draw_strokes(strokes: Sequence[Stroke], pen: float = PEN, side: int = SIDE) -> np.ndarray:
    """Draw strokes with a round pen.

    Args:
        strokes: Lines; one point is a dot. What leaves the square is clipped to its border.
        pen: Width of the lines in pixels, > 0.
        side: Width and height of the picture in pixels.

    Returns:
        uint8 [side, side]; 255 is ink, 0 is paper.

    Raises:
        PictureError: No point, too many, or one that is not a pair of finite numbers.
    """
    paper = Image.new("L", (OVERSAMPLING * side, OVERSAMPLING * side))
    brush = ImageDraw.Draw(paper)
    width = OVERSAMPLING * pen
    for points in validate_strokes(strokes):
        # Pillow's pixel i covers i to i + 1, and its coordinates name pixels' centres.
        path = [tuple(point) for point in OVERSAMPLING * side * points.clip(0, 1) - 0.5]
        brush.line(path, fill=255, width=round(width))
        for x, y in path:
            r = (width - 1) / 2
            brush.ellipse((x - r, y - r, x + r, y + r), fill=255)
    small = np.asarray(paper.reduce(OVERSAMPLING))
    return np.where(small >= 128, 255, 0).astype(np.uint8)


def validate_strokes(strokes: Sequence[Stroke]) -> list[np.ndarray]:
    """Return strokes as float [n, 2] arrays, n ≥ 1; empty ones are left out.

    Raises:
        PictureError: No point, too many, or one that is not a pair of finite numbers.
    """
    try:
        count = sum(len(stroke) for stroke in strokes)
    except TypeError:
        raise PictureError(BAD_POINT) from None
    if not count:
        raise PictureError("The drawing has no ink; draw a line.")
    if count > MAX_POINTS:
        raise PictureError(
            f"The drawing has {count:,} points; clear it and draw with at most {MAX_POINTS:,}."
        )
    try:
        arrays = [np.array(stroke, dtype=float) for stroke in strokes if len(stroke)]
        pairs = all(points.ndim == 2 and points.shape[1] == 2 for points in arrays)
    except (OverflowError, TypeError, ValueError):
        pairs = False
    if not pairs or not all(np.isfinite(points).all() for points in arrays):
        raise PictureError(BAD_POINT)
    return arrays


def centre_strokes(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Move and scale strokes to where and how large Omniglot's are, in the middle of the square.

    Raises:
        PictureError: As `draw_strokes`.
    """
    arrays = [points.clip(0, 1) for points in validate_strokes(strokes)]
    low = np.min([points.min(axis=0) for points in arrays], axis=0)
    high = np.max([points.max(axis=0) for points in arrays], axis=0)
    zoom = _scale_to_side(SIDE * float((high - low).max()), PEN)
    return [[(x, y) for x, y in zoom * (points - (low + high) / 2) + 0.5] for points in arrays]


def _scale_to_side(
    extent: float, pen: float, wanted_pen: float = PEN, side: float = CHARACTER_SIDE
) -> float:
    """Return the factor that makes a drawing as large as is wanted.

    Args:
        extent: Longer side of the box around the pen's way, without its width, ≥ 0, pixels.
        pen: Width of the lines, > 0, pixels.
        wanted_pen: What that width becomes, pixels of the result.
        side: Longer side of the box around the ink, likewise; Omniglot's unless given.
    """
    largest = MAX_PENS * wanted_pen / pen
    return min((side - wanted_pen) / extent, largest) if extent > 0 else largest


def normalise_ink(ink: np.ndarray) -> np.ndarray:
    """Give ink the place, the size and the pen width of Omniglot's characters, see `redraw_ink`."""
    return redraw_ink(ink, PEN, CHARACTER_SIDE)


def redraw_ink(
    ink: np.ndarray,
    pen: float,
    side: float,
    centre: tuple[float, float] = (SIDE / 2, SIDE / 2),
) -> np.ndarray:
    """Draw the same lines in another place and size, with another pen.

    Args:
        ink: uint8 [height, width] of any size; 128 and more is ink.
        pen: Width of the lines, > 0, pixels of the result.
        side: Longer side of the box around the ink, > `pen`, likewise; what would take a pen that
            is magnified more than `MAX_PENS` times, as a dot, stays smaller.
        centre: Of that box, x and y, likewise.

    Returns:
        uint8 [105, 105]; 255 is ink, 0 is paper.

    Raises:
        PictureError: There is no ink.
    """
    # The new pen must fit beside the old ink.
    reach = GRID_SIDE * pen / 2 / max(side - pen, pen)
    distance = signed_distance(_crop_to_grid(ink, max(MARGIN, math.ceil(reach))))
    radius = stroke_width(distance) / 2
    box = ink_bounding_box(distance > 0)
    assert box  # `_crop_to_grid` refuses a picture without ink
    left, top, right, bottom = box
    extent = max(bottom - top, right - left) - 2 * radius
    zoom = _scale_to_side(extent, 2 * radius, pen, side)
    wanted_radius = pen / 2 / zoom
    # Each line's own radius: a thin line beside a thick one must not vanish with the
    # excess of the thick one. Junctions and blobs are wider than any line; there the mean counts.
    window = 2 * math.ceil(max(radius, wanted_radius)) + 1
    own_radius = ndimage.maximum_filter(distance, size=window)
    moved_edge = distance - np.minimum(own_radius, radius) + wanted_radius
    field = Image.fromarray(moved_edge.astype(np.float32))
    middle = (left + right) / 2, (top + bottom) / 2
    corner = [at - wanted / zoom for at, wanted in zip(middle, centre, strict=True)]
    mapping = (1 / zoom, 0, corner[0], 0, 1 / zoom, corner[1])
    sampled = field.transform(
        (SIDE, SIDE), Image.Transform.AFFINE, mapping, Image.Resampling.BILINEAR, fillcolor=-1
    )
    return np.where(np.asarray(sampled) > 0, 255, 0).astype(np.uint8)


def _crop_to_grid(ink: np.ndarray, margin: int) -> np.ndarray:
    """Cut ink out and scale it to `GRID_SIDE`, bool [≤ GRID + 2 * margin, ≤ GRID + 2 * margin]."""
    box = ink_bounding_box(ink >= 128)
    if box is None:
        raise PictureError("The picture has no ink; draw a line or choose another.")
    width, height = box[2] - box[0], box[3] - box[1]
    scale = GRID_SIDE / max(width, height)
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    cut = Image.fromarray(np.where(ink >= 128, np.float32(1), np.float32(0))).crop(box)
    cover = np.asarray(cut.resize(size, Image.Resampling.BILINEAR))
    # Half of a full pixel's cover, or of a line's that is narrower than a pixel.
    full = np.percentile(cover[cover > 0.01], 90)
    return np.pad(cover > full / 2, margin)


def signed_distance(ink: np.ndarray) -> np.ndarray:
    """Return the distance of each pixel's centre to the edge of the ink.

    Args:
        ink: bool [height, width], with both ink and paper.

    Returns:
        float64 [height, width], Euclidean, positive in the ink and negative on paper; the edge
        lies half a pixel before the nearest other pixel.
    """
    inside, outside = ndimage.distance_transform_edt(ink), ndimage.distance_transform_edt(~ink)
    distance: np.ndarray = np.where(ink, inside - 0.5, 0.5 - outside)
    return distance


def stroke_width(distance: np.ndarray) -> float:
    """Return the mean width of lines, pixels: four times the mean distance of ink to its edge.

    Args:
        distance: As `signed_distance` gives it.
    """
    return 4 * float(distance[distance > 0].mean())


def to_character(
    source: bytes | Image.Image | Sequence[Stroke], name: str = "The picture"
) -> np.ndarray:
    """Turn a file, a picture or strokes into a character like Omniglot's.

    Args:
        source: A picture file, a picture, or strokes.
        name: What to call it in messages.

    Returns:
        uint8 [105, 105]; 255 is ink, 0 is paper.

    Raises:
        PictureError: It cannot be read, or there is no ink.
    """
    if isinstance(source, bytes):
        source = decode_image(source, name)
    if isinstance(source, Image.Image):
        return normalise_ink(find_ink(source, name))
    return draw_strokes(centre_strokes(source))
