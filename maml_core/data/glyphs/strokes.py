"""The shapes of invented strokes: walks of a pen, and the splines drawn through them.

Motifs, which the characters of an alphabet share, are walks of straight, bent and kinked
pieces: the parts and sub-parts of Lake et al. 2015 (Science 350:1332, figure 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

SMOOTH_STEP = 45.0  # degrees a curve may turn between two control points


@dataclass(frozen=True, eq=False)
class Motif:
    """A stroke's shape without its place.

    Attributes:
        points: float [n, 2], control points (x right, y down), centred, longer side 1.
        sharp: bool [n], where the pen turns a corner instead of a curve.
    """

    points: np.ndarray
    sharp: np.ndarray


def spline_basis(
    points: np.ndarray, sharp: np.ndarray, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices that turn control points into points about `step` apart on the curve.

    A cubic Hermite spline through the control points with chord-length parabolic tangents;
    linear in the control points, so one matrix serves every deformation of a stroke.

    Args:
        points: float [n, 2], n ≥ 2; their distances choose the parametrisation.
        sharp: bool [n], where the first matrix keeps a corner.
        step: Distance between curve points, in the units of `points`.

    Returns:
        Two float [m, n] matrices: with corners, and with every corner rounded to a curve.
    """
    chord = np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=1), 1e-6)
    eye = np.eye(len(points))
    counts = np.maximum(1, np.ceil(chord / step)).astype(int)
    segment = np.repeat(np.arange(len(chord)), counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    u = ((np.arange(len(segment)) - starts) / counts[segment])[:, None]
    value = (1 + 2 * u) * (1 - u) ** 2 * eye[segment] + u**2 * (3 - 2 * u) * eye[segment + 1]
    start, end = u * (1 - u) ** 2 * chord[segment, None], u**2 * (1 - u) * chord[segment, None]
    matrices = []
    for corners in (sharp, np.zeros(len(sharp), dtype=bool)):
        leaving, arriving = _tangents(chord, corners)
        rows = value + start * leaving[segment] - end * arriving[segment + 1]
        matrices.append(np.vstack([rows, eye[-1:]]))
    return matrices[0], matrices[1]


def _tangents(chord: np.ndarray, sharp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the curve's direction after and before each control point, two [n, n] matrices."""
    secant = np.diff(np.eye(len(sharp)), axis=0) / chord[:, None]
    before, after = chord[:-1, None], chord[1:, None]
    leaving = np.empty((len(sharp), len(sharp)))
    leaving[1:-1] = (secant[:-1] * after + secant[1:] * before) / (before + after)
    arriving = leaving.copy()
    corner = np.flatnonzero(sharp[1:-1]) + 1
    leaving[corner], arriving[corner] = secant[corner], secant[corner - 1]
    if len(sharp) == 2:
        leaving[0], arriving[-1] = secant[0], secant[-1]
    else:
        leaving[0] = 1.5 * secant[0] - 0.5 * arriving[1]
        arriving[-1] = 1.5 * secant[-1] - 0.5 * leaving[-2]
    return leaving, arriving


# For each step of a pen: (turn in degrees, distance, whether the turn is a corner).
Walk = list[tuple[float, float, bool]]


def _straight(length: float) -> Walk:
    return [(0.0, length, False)]


def _bend(angle: float, length: float, growth: float = 1.0) -> Walk:
    steps = max(2, round(abs(angle) / SMOOTH_STEP))
    ways = growth ** (np.arange(steps) / steps)
    return [(angle / steps, float(way), False) for way in length * ways / ways.sum()]


def _kink(angle: float, walk: Walk) -> Walk:
    (turn, length, _), *rest = walk
    return [(turn + angle, length, True), *rest]


def _line(rng: Generator) -> Walk:
    return _straight(1)


def _bow(rng: Generator) -> Walk:
    return _bend(rng.uniform(40, 130), 1)


def _ring(rng: Generator) -> Walk:
    return _bend(rng.uniform(330, 390), 2)


def _spiral(rng: Generator) -> Walk:
    return _bend(rng.uniform(400, 600), 3, growth=rng.uniform(2.5, 5))


def _corner(rng: Generator) -> Walk:
    return _straight(1) + _kink(rng.uniform(60, 140), _straight(rng.uniform(0.4, 1.2)))


def _hook(rng: Generator) -> Walk:
    walk = _straight(1) + _bend(rng.uniform(90, 230), rng.uniform(0.3, 1.1))
    return walk + _straight(rng.uniform(0.1, 0.7)) if rng.random() < 0.4 else walk


def _cup(rng: Generator) -> Walk:
    legs = rng.uniform(0.05, 0.9, 2)
    return _straight(legs[0]) + _bend(rng.uniform(140, 220), 1) + _straight(legs[1])


def _zigzag(rng: Generator) -> Walk:
    angle, walk = rng.uniform(70, 150), _straight(1)
    for corner in range(rng.integers(2, 5)):
        walk += _kink(angle * (-1) ** corner, _straight(rng.uniform(0.5, 1.2)))
    return walk


def _box(rng: Generator) -> Walk:
    walk = _straight(rng.uniform(0.5, 1.5))
    for _ in range(rng.integers(2, 4)):
        walk += _kink(rng.normal(90, 6), _straight(rng.uniform(0.5, 1.5)))
    return walk


def _polygon(rng: Generator) -> Walk:
    corners = int(rng.integers(3, 5))
    walk = _straight(1)
    for _ in range(corners - 1):
        walk += _kink(360 / corners, _straight(1))
    return walk


def _snake(rng: Generator) -> Walk:
    angles, lengths = rng.uniform(80, 230, 2), rng.uniform(0.6, 1.2, 2)
    return _bend(angles[0], lengths[0]) + _bend(-angles[1], lengths[1])


def _loop(rng: Generator) -> Walk:
    ends = rng.uniform(0.2, 1.2, 2)
    turn = rng.uniform(230, 330)
    return _straight(ends[0]) + _bend(turn, rng.uniform(0.8, 1.8)) + _straight(ends[1])


def _humps(rng: Generator) -> Walk:
    angle, walk = rng.uniform(130, 220), _straight(rng.uniform(0.05, 0.8))
    for hump in range(rng.integers(2, 4)):
        bend = _bend(angle, rng.uniform(0.8, 1.2))
        walk += _kink(-angle, bend) if hump else bend
    return walk


def _flag(rng: Generator) -> Walk:
    bowl = _bend(rng.uniform(150, 250), rng.uniform(0.7, 1.6))
    return _straight(1) + _kink(rng.uniform(80, 170), bowl)


def _free(rng: Generator) -> Walk:
    walk: Walk = _straight(rng.uniform(0.3, 1))
    for _ in range(rng.integers(2, 5)):
        way, sign = rng.uniform(0.3, 1.2), rng.choice([-1, 1])
        if rng.random() < 0.5:
            walk += _bend(sign * rng.uniform(60, 230), way)
        else:
            walk += _kink(sign * rng.uniform(40, 150), _straight(way))
    return walk


def _compound(rng: Generator) -> Walk:
    families = (_hook, _cup, _snake, _loop, _flag, _box)
    first, second = (families[i](rng) for i in rng.integers(len(families), size=2))
    turned = [(-turn, way, sharp) for turn, way, sharp in second]
    joint = rng.choice([0, 90, 180], p=[0.5, 0.3, 0.2])
    return first + (_kink(joint, turned) if joint else turned)


# Families of stroke shapes and how common each is before an alphabet's preferences, set by eye
# beside sheets of Omniglot.
FAMILIES: tuple[tuple[float, Callable[[Generator], Walk]], ...] = (
    (3.0, _line),
    (0.7, _bow),
    (1.6, _corner),
    (1.8, _hook),
    (2.0, _cup),
    (1.5, _ring),
    (0.7, _zigzag),
    (1.4, _box),
    (0.5, _polygon),
    (1.3, _snake),
    (0.4, _spiral),
    (1.5, _loop),
    (1.2, _humps),
    (1.4, _flag),
    (2.5, _compound),
    (1.2, _free),
)

# Every script has vertical and horizontal lines.
LINES = (
    Motif(np.array([[0.0, -0.5], [0.0, 0.5]]), np.zeros(2, dtype=bool)),
    Motif(np.array([[-0.5, 0.0], [0.5, 0.0]]), np.zeros(2, dtype=bool)),
)


def invent_motif(family_weights: np.ndarray, rng: Generator) -> Motif:
    """Invent a motif of a random family, headed mostly down or right as pens are.

    Args:
        family_weights: float [len(FAMILIES)], sums to 1.
        rng: Consumed.
    """
    _, family = FAMILIES[rng.choice(len(FAMILIES), p=family_weights)]
    turns, ways, sharp = (np.array(column) for column in zip(*family(rng), strict=True))
    heading = rng.choice([0, 90, 45, 135, 180, 270], p=[0.33, 0.4, 0.07, 0.1, 0.06, 0.04])
    angles = np.radians(rng.normal(heading, 2) + rng.choice([-1, 1]) * np.cumsum(turns))
    moves = ways[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.vstack([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    low, high = points.min(axis=0), points.max(axis=0)
    return Motif((points - (low + high) / 2) / (high - low).max(), np.append(sharp, False))


def vary_motif(motif: Motif, rng: Generator) -> np.ndarray:
    """Return a motif's points for one character: stretched, at times mirrored or transposed."""
    points = motif.points * np.exp(rng.normal(0, 0.12, 2)) * np.where(rng.random(2) < 0.2, -1, 1)
    axes = [1, 0] if rng.random() < 0.12 else [0, 1]
    return np.take(points, axes, axis=1)
