"""Which pixels are ink, from how dark each is: threshold, frames, shadows, dust."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from maml_core.images.network_input import ink_bounding_box

NOISE_SDS = 5.0  # standard deviations: paper has fewer than one pixel in a million above
MIN_DARKNESS = 0.1  # of the paper's brightness; a soft pencil takes away 0.3 or more
MIN_COMPONENT_SHARE = 0.005  # of all ink: the dot of an i is 1 % or more, dust far less
COMPONENT_SIDE = 256  # pixels of the longer side at which pieces of ink are told apart
MIN_FRAME_CONTACT = 0.9  # of the shorter side: a desk or a scan's edge touches the border so far
MIN_CORNER_CONTACT = 0.25  # likewise, of what lies in all four corners, as where a page was turned
MIN_FRAMED_SIDE = 0.04  # of the longer side: what is smaller inside a frame is no writing
MIN_DARKER_SHARE = 0.5  # of all that is darker than paper: ink and its soft edges have more
FULL_PERCENTILE = 90  # of the darkness of ink: what full ink has
MIN_SHADE = 0.8  # of full ink's darkness: what comes in from the border with less is a shadow
MIN_CLEARANCE = 0.01  # of the longer side: between the border and writing inside a frame
MIN_FRAMED_SHARE = 0.01  # of all that is dark: what a frame leaves over is more
MIN_STROKE_SHARE = 0.1  # of all ink that the largest piece holds, where a frame was taken away


def ink_on_paper(darkness: np.ndarray, frame_contact: float = MIN_FRAME_CONTACT) -> np.ndarray:
    """Return which pixels are ink, none on bare paper.

    Args:
        darkness: float [height, width], the share of the light that is missing.
        frame_contact: As `remove_frame` takes it.

    Returns:
        bool [height, width].
    """
    cut = otsu_threshold(darkness)
    paper = darkness[darkness <= cut]
    bare = float(np.median(paper))
    # The standard deviation of the paper, from its median absolute deviation.
    noise = 1.4826 * float(np.median(np.abs(paper - bare)))
    least = bare + max(MIN_DARKNESS, NOISE_SDS * noise)
    ink = darkness > least
    darker = darkness > max(least, cut)
    # A grid may cover more than the ink, which it joins to the border: the darker part counts.
    on_grid = darker.sum() < MIN_DARKER_SHARE * ink.sum()
    # The darker part may as well be all of a desk around faint ink.
    if not on_grid or _has_frame(label_components(darker)[0], frame_contact):
        ink = darker = remove_frame(ink, frame_contact)
    if ink.any():
        # Half of what full ink takes away; edges and faint marks, as ruled lines, are less.
        full = np.percentile(darkness[darker], FULL_PERCENTILE)
        ink = remove_frame(ink & (darkness > max(least, (bare + full) / 2)), frame_contact)
        ink = remove_small_components(_remove_shadows(ink, darkness, full))
    return ink


def otsu_threshold(values: np.ndarray) -> float:
    """Return the value that best parts values in two, by Otsu's method (1979).

    Args:
        values: 0 to 1, of any shape.

    Returns:
        The upper end of the lower part's highest bin of 256: with it the variance between the
        means of the parts is largest.
    """
    counts, edges = np.histogram(values, bins=256, range=(0, 1))
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * (edges[:-1] + edges[1:]) / 2).cumsum()
    means = sums / np.maximum(below, 1), (sums[-1] - sums) / np.maximum(above, 1)
    return float(edges[1:][np.argmax(below * above * (means[0] - means[1]) ** 2.0)])


def _remove_shadows(ink: np.ndarray, darkness: np.ndarray, full: float) -> np.ndarray:
    """Remove what comes in from the border and is nowhere as dark as the ink inside.

    Where the edge of a shadow meets the border, its corner is too narrow to be taken for light.
    """
    pieces, area, step = label_components(ink)
    touching = np.setdiff1d(pieces[border_mask(pieces.shape)], 0)
    if not len(touching):
        return ink
    shades = _sums(ink * darkness, step) / np.maximum(area, 1)
    # The same percentile as that of all ink: edges are fainter than what lies between them.
    faint = [
        piece
        for piece in touching
        if np.percentile(shades[pieces == piece], FULL_PERCENTILE) < MIN_SHADE * full
    ]
    kept = ink & ~_enlarged(np.isin(pieces, faint), step, ink.shape)
    return kept if kept.any() else ink


def remove_frame(ink: np.ndarray, contact: float = MIN_FRAME_CONTACT) -> np.ndarray:
    """Remove what lies along the border: a dark desk, the edge of a scan, a turned page's corners.

    Where nothing of a character's size lies clear of the border, that is a crop around ink, and
    all of it stays.

    Args:
        ink: bool [height, width].
        contact: How far along the border something lies to be a frame, in shorter sides; less
            will do for what lies in all four corners.

    Returns:
        bool [height, width].
    """
    pieces, _, step = label_components(ink)
    if not _has_frame(pieces, contact):
        return ink
    touching = np.isin(pieces, pieces[border_mask(pieces.shape)])
    inner = remove_small_components(ink & ~_enlarged(touching, step, ink.shape))
    return inner if _is_writing(inner, ink.sum()) else ink


def _has_frame(pieces: np.ndarray, contact: float) -> bool:
    """Say whether a piece lies so far along the border that it is a frame."""
    in_corners = bool(pieces[[0, 0, -1, -1], [0, -1, 0, -1]].all())
    least = MIN_CORNER_CONTACT if in_corners else contact
    return bool(_longest_contact(pieces) >= least * min(pieces.shape))


def _is_writing(ink: np.ndarray, total: int) -> bool:
    """Say whether ink inside a frame is a character and not what noise or a grid leaves there.

    Args:
        ink: bool [height, width], without the frame.
        total: How many pixels were ink with the frame.
    """
    height, width = ink.shape
    left, top, right, bottom = ink_bounding_box(ink) or (0, 0, 0, 0)
    clear = min(left, top, width - right, height - bottom) >= MIN_CLEARANCE * max(ink.shape)
    large = max(right - left, bottom - top) >= MIN_FRAMED_SIDE * max(ink.shape)
    if not (clear and large and ink.sum() >= MIN_FRAMED_SHARE * total):
        return False
    pieces, area, _ = label_components(ink)
    sizes = np.bincount(pieces.ravel(), weights=area.ravel())
    return bool(sizes[1:].max() >= MIN_STROKE_SHARE * area.sum())


def _longest_contact(pieces: np.ndarray) -> int:
    """Return how many pixels of the border, one after the other, belong to one piece of ink."""
    around = [pieces[0], pieces[:, -1], pieces[-1, ::-1], pieces[::-1, 0]]
    longest = length = last = 0
    for piece in np.concatenate(around):
        length = length + 1 if piece == last else 1
        last = piece
        longest = max(longest, length if piece else 0)
    return longest


def remove_small_components(ink: np.ndarray) -> np.ndarray:
    """Remove pieces of ink that hold less than `MIN_COMPONENT_SHARE` of it.

    Args:
        ink: bool [height, width]; pixels that touch at a side or a corner are one piece. Pieces
            are told apart at `COMPONENT_SIDE`, a pixel of which holds ink if any of its own does.

    Returns:
        bool [height, width].
    """
    pieces, area, step = label_components(ink)
    sizes = np.bincount(pieces.ravel(), weights=area.ravel())
    keep = (sizes >= MIN_COMPONENT_SHARE * area.sum())[pieces]
    kept: np.ndarray = ink & _enlarged(keep, step, ink.shape)
    return kept


def label_components(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Tell the pieces of ink apart, at up to `COMPONENT_SIDE` pixels.

    Args:
        ink: bool [height, width]; pixels that touch at a side or a corner are one piece.

    Returns:
        At the lower resolution, where a pixel holds ink if any of its own does: the piece of each
        pixel, 0 for paper, how much ink it holds, and how many pixels wide it is.
    """
    step = math.ceil(max(ink.shape) / COMPONENT_SIDE)
    area = _sums(ink, step)
    pieces, _ = ndimage.label(area, structure=np.ones((3, 3)))
    return pieces, area, step


def _sums(values: np.ndarray, step: int) -> np.ndarray:
    """Return the sums of squares of `step` by `step` pixels, padded with nothing at the end."""
    height, width = values.shape
    padded = np.pad(values, ((0, -height % step), (0, -width % step)))
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    sums: np.ndarray = padded.reshape(rows, step, columns, step).sum(axis=(1, 3))
    return sums


def _enlarged(keep: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask at full resolution that was made at the lower one."""
    large: np.ndarray = keep.repeat(step, axis=0).repeat(step, axis=1)
    return large[: shape[0], : shape[1]]


def border_mask(shape: tuple[int, ...], width: int = 1) -> np.ndarray:
    """Return which pixels lie in the border of a picture, bool [height, width]."""
    border = np.ones(shape, dtype=bool)
    border[width:-width, width:-width] = False
    return border
