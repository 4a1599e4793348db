"""Invents characters as stroke programs: an alphabet's style, strokes placed relative to others.

As in Lake et al. 2015 (Science 350:1332, figure 3) a character is parts and relations: each
stroke stands alone, or starts, ends or crosses on an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from maml_core.data.glyphs.strokes import FAMILIES, LINES, Motif, invent_motif, vary_motif

MAX_STROKES = 5
# Characters an alphabet in Omniglot: 14 to 55, mean 32.5, standard deviation 10.8.
MIN_CHARACTERS, MAX_CHARACTERS, MEAN_CHARACTERS, SD_CHARACTERS = 14, 55, 32.5, 10.8

# In Omniglot the longer side is 67 px on average, with a standard deviation of 7 between
# alphabets and 11 between characters; log(height / width) is 0.08, with 0.27 and 0.42. Tuned so
# that the drawings, which are a little larger than their programs, come out like that.
MEAN_SIZE, ALPHABET_SIZE_SD, CHARACTER_SIZE_SD = 57.5, 6.0, 8.0
MIN_SIZE, MAX_SIZE = 28.0, 86.0
MEAN_ASPECT, ALPHABET_ASPECT_SD, CHARACTER_ASPECT_SD = 0.22, 0.4, 0.12
PLACE_SD = 1.9  # pixels; a character's mean place in Omniglot's pictures varies by 1.9 to 2.4

# What makes a character legible with a pen 5 px wide; set by eye and by the share of Omniglot's
# pictures with holes.
NEAR, FAR = 8.0, 20.0  # pixels between parts of a curve: across the paper, and along the curve
MAX_CROWDING = 0.52
MIN_LENGTH, MAX_LENGTH = 40.0, 450.0  # pixels of curve
NARROW, NARROW_SHARE = 14.0, 0.1  # few of Omniglot's characters are narrower than 20 px
MIN_DIFFERENCE = 0.4  # characters that differ in a smaller share of their curve count as one
CELL, CELLS = 7.0, 15  # pixels, and cells a side: 105 px

# Characters are composed in units of the first stroke's longer side.
STEP = 0.1  # between curve points
CROWDED = 0.2  # nearer than this to other strokes a curve point is hard to tell from them
CANDIDATES = 5  # places tried for each stroke; the clearest is kept


@dataclass(frozen=True)
class Junction:
    """A junction: the point at fraction `own` of a stroke is that at fraction `at` of `parent`."""

    own: float
    parent: int
    at: float


@dataclass(frozen=True, eq=False)
class Stroke:
    """A motif in its place.

    Attributes:
        points: float [n, 2], control points (x right, y down).
        sharp: bool [n], where the pen turns a corner instead of a curve.
        junctions: At most two junctions with earlier strokes.
    """

    points: np.ndarray
    sharp: np.ndarray
    junctions: tuple[Junction, ...] = ()

    @cached_property
    def curve(self) -> np.ndarray:
        """Points `STEP` apart, float [m, 2]."""
        return _resample(self.points, STEP)


Program = tuple[Stroke, ...]


def _resample(points: np.ndarray, step: float) -> np.ndarray:
    """Return points about `step` apart on the lines from control point to control point, [m, 2]."""
    corners = points @ np.array([1, 1j])
    way = np.append(0, np.cumsum(np.abs(np.diff(corners))))
    steps = int(way[-1] / step) + 1
    curve = np.interp(np.arange(steps + 1) * (way[-1] / steps), way, corners)
    return np.stack([curve.real, curve.imag], axis=1)


def _point_at(curve: np.ndarray, fraction: float) -> np.ndarray:
    point: np.ndarray = curve[round(fraction * (len(curve) - 1))]
    return point


def _choose_junction(strokes: Sequence[Stroke], rng: Generator) -> tuple[int, float]:
    """Choose an earlier stroke and the fraction of it where a junction lies."""
    kind = rng.random()
    at = 0.0 if kind < 0.3 else 1.0 if kind < 0.6 else 0.5 if kind < 0.8 else rng.uniform(0.1, 0.9)
    return int(rng.integers(len(strokes))), at


def _attach(
    stroke: Stroke, own: float, place: tuple[int, float], strokes: Sequence[Stroke]
) -> Stroke:
    """Move a stroke so that its point at fraction `own` lies at a place of an earlier one."""
    parent, at = place
    shift = _point_at(strokes[parent].curve, at) - _point_at(stroke.curve, own)
    return Stroke(stroke.points + shift, stroke.sharp, (Junction(own, parent, at),))


def _shrunk_stroke(motif: Motif, rng: Generator) -> Stroke:
    """Return a variation of a motif at 40 to 100 % of the first stroke's size."""
    return Stroke(vary_motif(motif, rng) * rng.uniform(0.4, 1.0), motif.sharp)


def _join_at_end(motif: Motif, strokes: Sequence[Stroke], rng: Generator) -> Stroke:
    """Let a motif start, or less often end, on an earlier stroke."""
    own = float(rng.random() < 0.3)
    return _attach(_shrunk_stroke(motif, rng), own, _choose_junction(strokes, rng), strokes)


def _cross(motif: Motif, strokes: Sequence[Stroke], rng: Generator) -> Stroke:
    """Lay a motif across an earlier stroke."""
    place = (int(rng.integers(len(strokes))), rng.uniform(0.2, 0.8))
    return _attach(_shrunk_stroke(motif, rng), rng.uniform(0.3, 0.7), place, strokes)


def _bridge(motif: Motif, strokes: Sequence[Stroke], rng: Generator) -> Stroke:
    """Stretch a motif between two points of earlier strokes, or join it if its ends nearly meet."""
    first, second = _choose_junction(strokes, rng), _choose_junction(strokes, rng)
    start, end = (_point_at(strokes[parent].curve, at) for parent, at in (first, second))
    own = motif.points[-1] - motif.points[0]
    if np.hypot(*(end - start)) < 0.3 or np.hypot(*own) < 0.45:
        return _join_at_end(motif, strokes, rng)
    ratio = complex(*(end - start)) / complex(*own)
    turn = np.array([[ratio.real, ratio.imag], [-ratio.imag, ratio.real]])
    points = (motif.points - motif.points[0]) @ turn + start
    return Stroke(points, motif.sharp, (Junction(0.0, *first), Junction(1.0, *second)))


def _repeat_stroke(motif: Motif, strokes: Sequence[Stroke], rng: Generator) -> Stroke:
    """Repeat an earlier stroke: elsewhere on its parent, or beside itself."""
    like = strokes[int(rng.integers(len(strokes)))]
    if like.junctions:
        old = like.junctions[0]
        place = (old.parent, (old.at + rng.uniform(0.3, 0.7)) % 1)
        return _attach(like, old.own, place, strokes)
    extent = np.ptp(like.points, axis=0)
    thin = np.arange(2) == extent.argmin()
    shift = thin * rng.choice([-1, 1]) * (extent / 2 + rng.uniform(0.2, 0.4))
    return Stroke(like.points + shift, like.sharp)


def _place_apart(motif: Motif, strokes: Sequence[Stroke], rng: Generator) -> Stroke:
    """Place a motif beside, above or below all others."""
    ink = np.vstack([stroke.curve for stroke in strokes])
    low, high = ink.min(axis=0), ink.max(axis=0)
    stroke = _shrunk_stroke(motif, rng)
    axis = int(rng.random() < 0.4)
    reach = (high - low + np.ptp(stroke.points, axis=0)) / 2 + rng.uniform(0.12, 0.25)
    shift = rng.uniform(-0.2, 0.2, 2)
    shift[axis] = rng.choice([-1, 1]) * reach[axis]
    return Stroke(stroke.points + (low + high) / 2 + shift, stroke.sharp)


def _circle(diameter: float, start: float) -> np.ndarray:
    """Return control points of a circle that begins at an angle, float [7, 2]."""
    angles = start + np.linspace(0, 2 * np.pi, 7)
    return diameter / 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _place_dot(motif: Motif, strokes: Sequence[Stroke], rng: Generator) -> Stroke:
    """Put a dot on the character or just beside it."""
    ink = np.vstack([stroke.curve for stroke in strokes])
    place = rng.uniform(ink.min(axis=0) - 0.2, ink.max(axis=0) + 0.2)
    points = _circle(rng.uniform(0.03, 0.08), 0.0) + place
    return Stroke(points, np.zeros(len(points), dtype=bool))


def _place_ring(motif: Motif, strokes: Sequence[Stroke], rng: Generator) -> Stroke:
    """Put a small ring on the end of an earlier stroke, outside it."""
    parent, at = int(rng.integers(len(strokes))), int(rng.integers(2))
    curve = strokes[parent].curve if at else strokes[parent].curve[::-1]
    x, y = curve[-1] - curve[-2]
    points = _circle(rng.uniform(0.15, 0.3), np.arctan2(-y, -x))
    return _attach(Stroke(points, np.zeros(len(points), dtype=bool)), 0.0, (parent, at), strokes)


# How common each relation is before an alphabet's preferences, set by eye beside Omniglot's sheets.
RELATIONS: tuple[tuple[float, Callable[[Motif, Sequence[Stroke], Generator], Stroke]], ...] = (
    (4.5, _join_at_end),
    (3.5, _bridge),
    (2.0, _cross),
    (0.7, _repeat_stroke),
    (0.6, _place_apart),
    (0.5, _place_dot),
    (0.3, _place_ring),
)


@dataclass(frozen=True, eq=False)
class AlphabetStyle:
    """What the characters of one alphabet have in common.

    Attributes:
        motifs: The alphabet's stock of stroke forms.
        motif_weights: float [n_motifs], how often each is used, sums to 1.
        relation_weights: float [len(RELATIONS)], sums to 1.
        extra_strokes: Mean number of strokes after the first.
        variant_probability: That a character is an earlier one with a stroke added or exchanged.
        size: Mean longer side of a character, pixels.
        aspect: Mean log(height / width) that characters are stretched by.
    """

    motifs: tuple[Motif, ...]
    motif_weights: np.ndarray
    relation_weights: np.ndarray
    extra_strokes: float
    variant_probability: float
    size: float
    aspect: float


def _random_preferences(prior: np.ndarray, rng: Generator) -> np.ndarray:
    """Return weights that sum to 1: a Dirichlet sample, which favours a few choices."""
    weights = rng.gamma(prior) + 1e-3
    shares: np.ndarray = weights / weights.sum()
    return shares


def _invent_alphabet_style(rng: Generator) -> AlphabetStyle:
    """Invent an alphabet's style; ranges set by eye beside sheets of Omniglot's alphabets."""
    families = _random_preferences(np.array([weight for weight, _ in FAMILIES]), rng)
    motifs = (*LINES, *(invent_motif(families, rng) for _ in range(rng.integers(8, 16))))
    return AlphabetStyle(
        motifs=motifs,
        motif_weights=_random_preferences(np.full(len(motifs), 2.0), rng),
        relation_weights=_random_preferences(np.array([weight for weight, _ in RELATIONS]), rng),
        extra_strokes=rng.uniform(1.0, 2.4),
        variant_probability=rng.uniform(0.3, 0.8),
        size=rng.normal(MEAN_SIZE, ALPHABET_SIZE_SD),
        aspect=rng.normal(MEAN_ASPECT, ALPHABET_ASPECT_SD),
    )


def _chebyshev_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the Chebyshev distances between points [n, 2] and [m, 2], [n, m]."""
    x, y = (np.abs(first[:, None, axis] - second[:, axis]) for axis in range(2))
    larger: np.ndarray = np.maximum(x, y)
    return larger


def _clutter(stroke: Stroke, ink: np.ndarray) -> float:
    """Score a place: the share of the stroke that crowds others, and how far it sprawls."""
    curve = stroke.curve
    crowded = _chebyshev_distances(curve, ink).min(axis=1) < CROWDED
    sprawl = np.ptp(np.vstack([curve, ink]), axis=0).max()
    return float(crowded.mean() + max(0.0, sprawl - 1.2))


def _add_stroke(strokes: list[Stroke], style: AlphabetStyle, rng: Generator) -> list[Stroke]:
    """Add one stroke at the least cluttered of several places."""
    ink = np.vstack([stroke.curve for stroke in strokes])
    motif = style.motifs[rng.choice(len(style.motifs), p=style.motif_weights)]
    _, place = RELATIONS[rng.choice(len(RELATIONS), p=style.relation_weights)]
    places = [place(motif, strokes, rng) for _ in range(CANDIDATES)]
    return [*strokes, min(places, key=lambda stroke: _clutter(stroke, ink))]


def _compose_character(
    style: AlphabetStyle, earlier_programs: Sequence[Program], rng: Generator
) -> Program:
    """Compose a character of 1 to 5 strokes, new or a variant of an earlier one."""
    if earlier_programs and rng.random() < style.variant_probability:
        strokes = list(earlier_programs[int(rng.integers(len(earlier_programs)))])
        if len(strokes) == MAX_STROKES or (len(strokes) > 1 and rng.random() < 0.5):
            strokes.pop()
        return tuple(_add_stroke(strokes, style, rng))
    motif = style.motifs[rng.choice(len(style.motifs), p=style.motif_weights)]
    strokes = [Stroke(vary_motif(motif, rng), motif.sharp)]
    for _ in range(min(rng.poisson(style.extra_strokes), MAX_STROKES - 1)):
        strokes = _add_stroke(strokes, style, rng)
    return tuple(strokes)


def _scale_to_pixels(program: Program, style: AlphabetStyle, rng: Generator) -> Program:
    """Return a character in pixels, its centre within a few pixels of 0."""
    aspect = rng.normal(style.aspect, CHARACTER_ASPECT_SD)
    ink = np.vstack([stroke.curve for stroke in program])
    low, high = ink.min(axis=0), ink.max(axis=0)
    stretch = np.exp([-aspect / 2, aspect / 2])
    size = np.clip(rng.normal(style.size, CHARACTER_SIZE_SD), MIN_SIZE, MAX_SIZE)
    scale = stretch * size / (stretch * (high - low)).max()
    shift = rng.normal(0, PLACE_SD, 2) - (low + high) / 2 * scale
    return tuple(Stroke(s.points * scale + shift, s.sharp, s.junctions) for s in program)


def _crowding(program: Program) -> float:
    """Return the share of a character's curve, 0 to 1, that lies too near to another part of it.

    Near is `NEAR` pixels or less; a part is another one if the way to it is `FAR` pixels or more.
    """
    curves = [_resample(stroke.points, NEAR / 2) for stroke in program]
    points = np.vstack(curves)
    stroke = np.repeat(np.arange(len(curves)), [len(curve) for curve in curves])
    way = np.arange(len(points)) * NEAR / 2
    other = (stroke[:, None] != stroke) | (np.abs(way[:, None] - way) >= FAR)
    return float((other & (_chebyshev_distances(points, points) < NEAR)).any(axis=1).mean())


def _coarse_histogram(program: Program) -> np.ndarray:
    """Return the pixels of curve in each of 15 x 15 cells around 0, int [15, 15]."""
    points = np.vstack([_resample(stroke.points, 1.0) for stroke in program])
    cells = np.clip(np.rint(points / CELL).astype(int) + CELLS // 2, 0, CELLS - 1)
    counts = np.bincount(cells[:, 1] * CELLS + cells[:, 0], minlength=CELLS**2)
    return counts.reshape(CELLS, CELLS)


def _is_legible(program: Program, rng: Generator) -> bool:
    """Return whether a character is neither a tangle nor a speck nor, with exceptions, a line."""
    points = np.vstack([stroke.points for stroke in program])
    if np.ptp(points, axis=0).min() < NARROW and rng.random() > NARROW_SHARE:
        return False
    length = sum(np.hypot(*np.diff(stroke.points, axis=0).T).sum() for stroke in program)
    return bool(MIN_LENGTH < length < MAX_LENGTH) and _crowding(program) < MAX_CROWDING


def invent_alphabet(rng: Generator) -> list[Program]:
    """Invent an alphabet: 14 to 55 legible characters in one style, no two nearly the same.

    Returns:
        Programs in pixels around 0.
    """
    style = _invent_alphabet_style(rng)
    wanted = round(rng.normal(MEAN_CHARACTERS, SD_CHARACTERS))
    wanted = min(max(wanted, MIN_CHARACTERS), MAX_CHARACTERS)
    sketches: list[Program] = []
    programs: list[Program] = []
    known: list[np.ndarray] = []
    while len(programs) < wanted:
        sketch = _compose_character(style, sketches, rng)
        program = _scale_to_pixels(sketch, style, rng)
        if not _is_legible(program, rng):
            continue
        coarse = _coarse_histogram(program)
        if all(np.abs(coarse - k).sum() > MIN_DIFFERENCE * coarse.sum() for k in known):
            sketches.append(sketch)
            programs.append(program)
            known.append(coarse)
    return programs
