"""Stroke programs of invented characters: how an alphabet's style becomes strokes and junctions.

A character is a program, as in Lake et al. 2015 (Science 350:1332, figure 3): parts (motifs
shared within an alphabet), sub-parts (straight, bent and kinked pieces) and relations (a
stroke starts, ends or crosses on an earlier one, or stands apart).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

SMOOTH_STEP = 45.0  # degrees a curve may turn between two control points
SKETCH_STEP = 0.1  # spacing of curve points while composing; a first stroke is about 1 long


@dataclass(frozen=True, eq=False)
class Motif:
    """A stroke's form without its place.

    Attributes:
        points: float [n, 2], control points (x right, y down), centred, longer side 1.
        sharp: bool [n], where the pen turns a corner instead of a curve.
    """

    points: np.ndarray
    sharp: np.ndarray


@dataclass(frozen=True)
class Pin:
    """A junction: the point at fraction `own` of a stroke lies at fraction `at` of an earlier one."""

    own: float
    parent: int
    at: float


@dataclass(frozen=True, eq=False)
class Stroke:
    """A motif in its place: control points float [n, 2], corners bool [n], at most two pins."""

    points: np.ndarray
    sharp: np.ndarray
    pins: tuple[Pin, ...] = ()


Program = tuple[Stroke, ...]


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
    place = (1 + 2 * u) * (1 - u) ** 2 * eye[segment] + u**2 * (3 - 2 * u) * eye[segment + 1]
    start, end = u * (1 - u) ** 2 * chord[segment, None], u**2 * (1 - u) * chord[segment, None]
    matrices = []
    for corners in (sharp, np.zeros(len(sharp), dtype=bool)):
        leaving, arriving = _tangents(chord, corners)
        rows = place + start * leaving[segment] - end * arriving[segment + 1]
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


# A pen's walk: (turn in degrees, way to go, is the turn a corner) for each step.
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
    corners = rng.integers(3, 5)
    sides = (
        rng.uniform(0.8, 1.2, 3)
        if corners == 3
        else np.tile(rng.uniform(0.7, 1.3, 2), 2)
    )
    walk = _straight(float(sides[0]))
    for side in sides[1:]:
        walk += _kink(360 / corners, _straight(float(side)))
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
    pieces = [rng.choice([_hook, _cup, _snake, _loop, _flag, _box]) for _ in range(2)]
    first, second = (piece(rng) for piece in pieces)
    turned = [(-turn, way, sharp) for turn, way, sharp in second]
    joint = rng.choice([0, 90, 180], p=[0.5, 0.3, 0.2])
    return first + (_kink(joint, turned) if joint else turned)


# Family of a stroke's form and how common it is before an alphabet's taste, set by eye beside
# sheets of Omniglot.
FAMILIES: dict[str, tuple[float, Callable[[Generator], Walk]]] = {
    "line": (2.5, lambda rng: _straight(1)),
    "bow": (1.0, lambda rng: _bend(rng.uniform(40, 130), 1)),
    "corner": (1.2, _corner),
    "hook": (1.8, _hook),
    "cup": (2.0, _cup),
    "ring": (1.5, lambda rng: _bend(rng.uniform(330, 390), 2)),
    "zigzag": (0.7, _zigzag),
    "box": (1.0, _box),
    "polygon": (0.5, _polygon),
    "snake": (1.3, _snake),
    "spiral": (0.4, lambda rng: _bend(rng.uniform(400, 600), 3, rng.uniform(2.5, 5))),
    "loop": (1.5, _loop),
    "humps": (1.2, _humps),
    "flag": (1.4, _flag),
    "compound": (2.5, _compound),
    "free": (1.2, _free),
}


@dataclass(frozen=True, eq=False)
class Style:
    """What the characters of one alphabet have in common.

    Attributes:
        motifs: The alphabet's stock of stroke forms.
        motif_weights: float [n_motifs], how often each is used, sums to 1.
        relation_weights: float [len(RELATIONS)], sums to 1.
        extra_strokes: Mean number of strokes after the first.
        kinship: Chance that a character is an earlier one with its last stroke changed or one added.
        size: Mean longer side of a character in pixels.
    """

    motifs: tuple[Motif, ...]
    motif_weights: np.ndarray
    relation_weights: np.ndarray
    extra_strokes: float
    kinship: float
    size: float


MAX_STROKES = 5
# How common each relation is before an alphabet's taste, set by eye beside sheets of Omniglot.
RELATION_PRIOR = {
    "joined": 4.0, "bridge": 3.5, "cross": 2.0, "repeat": 0.8, "apart": 0.8, "dot": 0.5, "ring": 0.3,
}
RELATIONS = tuple(RELATION_PRIOR)
# The longer side of Omniglot's characters is 66 px on average, standard deviation 13 between
# characters (964 background characters, 20 drawings each).
MEAN_SIZE, ALPHABET_SIZE_SD, CHARACTER_SIZE_SD = 57.5, 5.0, 11.0
MIN_SIZE, MAX_SIZE = 26.0, 88.0
PLACE_SD = 1.9  # pixels; a character's mean place in Omniglot's pictures varies by 1.9 to 2.4


# Every script has upright and level lines.
LINES = tuple(Motif(np.array([[-0.5, 0.0], [0.5, 0.0]])[:, order], np.zeros(2, dtype=bool)) for order in ([0, 1], [1, 0]))


def invent_style(rng: Generator) -> Style:
    """Invent an alphabet's taste: its motifs, relations and size."""
    prior = np.array([weight for weight, _ in FAMILIES.values()])
    aspect = float(np.exp(rng.normal(-0.08, 0.15)))
    taste = rng.gamma(prior) + 1e-3
    n_motifs = int(rng.integers(8, 16))
    motifs = [_motif(taste / taste.sum(), aspect, rng) for _ in range(n_motifs)]
    relations = rng.gamma(1.2 * np.array(list(RELATION_PRIOR.values()))) + 1e-3
    return Style(
        motifs=(*LINES, *motifs),
        motif_weights=rng.dirichlet(np.full(len(LINES) + n_motifs, 2.0)),
        relation_weights=relations / relations.sum(),
        extra_strokes=float(rng.uniform(0.9, 2.2)),
        kinship=float(rng.uniform(0.3, 0.8)),
        size=float(rng.normal(MEAN_SIZE, ALPHABET_SIZE_SD)),
    )


def _motif(family_weights: np.ndarray, aspect: float, rng: Generator) -> Motif:
    """Walk a form of a random family, headed mostly down or right as pens are."""
    family = list(FAMILIES)[rng.choice(len(FAMILIES), p=family_weights)]
    walk = FAMILIES[family][1](rng)
    heading = rng.choice([0, 90, 45, 135, 180, 270], p=[0.33, 0.4, 0.07, 0.1, 0.06, 0.04])
    turns, ways, sharp = (np.array(column) for column in zip(*walk, strict=True))
    turns = turns * rng.choice([-1, 1])
    angles = np.radians(rng.normal(heading, 4) + np.cumsum(turns))
    moves = ways[:, None] * np.stack([aspect * np.cos(angles), np.sin(angles)], axis=1)
    points = np.vstack([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    if family == "polygon":
        points[-1] = points[0]
    low, high = points.min(axis=0), points.max(axis=0)
    return Motif((points - (low + high) / 2) / (high - low).max(), np.append(sharp, False))


def _varied(motif: Motif, rng: Generator) -> np.ndarray:
    """Return a motif's points as one character has them: reproportioned, mirrored, turned."""
    points = motif.points * np.exp(rng.normal(0, 0.12, 2))
    points = points * rng.choice([1, -1], 2, p=[0.8, 0.2])
    if rng.random() < 0.12:
        points = points[:, ::-1]
    return points


def _curve(stroke: Stroke, step: float = SKETCH_STEP) -> np.ndarray:
    """Return points about `step` apart on the line through the control points, [m, 2]."""
    chord = np.hypot(*np.diff(stroke.points, axis=0).T)
    along = np.append(0.0, np.cumsum(chord))
    ways = np.linspace(0, along[-1], int(along[-1] / step) + 2)
    return np.stack([np.interp(ways, along, column) for column in stroke.points.T], axis=1)


def _at(curve: np.ndarray, fraction: float) -> np.ndarray:
    point: np.ndarray = curve[round(fraction * (len(curve) - 1))]
    return point


def _landing(rng: Generator) -> float:
    """Choose where on an earlier stroke a junction lies: an end, the middle, or anywhere."""
    return float(rng.choice([0.0, 1.0, 0.5, rng.uniform(0.1, 0.9)], p=[0.3, 0.3, 0.2, 0.2]))


Sketch = tuple[Sequence[Stroke], Sequence[np.ndarray]]  # strokes so far, and their curves
Place = Callable[[Motif, Sketch, Generator], Stroke]


def _joined(motif: Motif, sketch: Sketch, rng: Generator) -> Stroke:
    parent, at = int(rng.integers(len(sketch[1]))), _landing(rng)
    points = _varied(motif, rng) * rng.uniform(0.45, 1.0)
    own = float(rng.choice([0.0, 1.0], p=[0.7, 0.3]))
    shift = _at(sketch[1][parent], at) - points[-1 if own else 0]
    return Stroke(points + shift, motif.sharp, (Pin(own, parent, at),))


def _cross(motif: Motif, sketch: Sketch, rng: Generator) -> Stroke:
    parent, at = int(rng.integers(len(sketch[1]))), rng.uniform(0.2, 0.8)
    points = _varied(motif, rng) * rng.uniform(0.45, 1.0)
    own = rng.uniform(0.3, 0.7)
    shift = _at(sketch[1][parent], at) - _at(_curve(Stroke(points, motif.sharp)), own)
    return Stroke(points + shift, motif.sharp, (Pin(own, parent, at),))


def _bridge(motif: Motif, sketch: Sketch, rng: Generator) -> Stroke:
    """Stretch a motif between two points; one whose ends meet is joined instead."""
    ends = [(int(rng.integers(len(sketch[1]))), _landing(rng)) for _ in range(2)]
    start, end = (_at(sketch[1][parent], at) for parent, at in ends)
    own = motif.points[-1] - motif.points[0]
    if np.linalg.norm(end - start) < 0.3 or np.linalg.norm(own) < 0.45:
        return _joined(motif, sketch, rng)
    ratio = complex(*(end - start)) / complex(*own)
    turn = np.array([[ratio.real, ratio.imag], [-ratio.imag, ratio.real]])
    points = (motif.points - motif.points[0]) @ turn + start
    return Stroke(points, motif.sharp, (Pin(0.0, *ends[0]), Pin(1.0, *ends[1])))


def _repeat(motif: Motif, sketch: Sketch, rng: Generator) -> Stroke:
    """Draw an earlier stroke once more beside itself, on the same parent if it has one."""
    like = sketch[0][rng.integers(len(sketch[0]))]
    if like.pins:
        old = like.pins[0]
        at = (old.at + rng.uniform(0.3, 0.7)) % 1
        curve = sketch[1][old.parent]
        shift = _at(curve, at) - _at(curve, old.at)
        return Stroke(like.points + shift, like.sharp, (Pin(old.own, old.parent, at),))
    width, height = np.ptp(like.points, axis=0)
    gap = rng.uniform(0.2, 0.4)
    shift = np.array([width / 2 + gap, 0.0]) if width < height else np.array([0.0, height / 2 + gap])
    return Stroke(like.points + shift * rng.choice([-1, 1]), like.sharp)


def _apart(motif: Motif, sketch: Sketch, rng: Generator) -> Stroke:
    ink = np.vstack(sketch[1])
    low, high = ink.min(axis=0), ink.max(axis=0)
    points = _varied(motif, rng) * rng.uniform(0.3, 0.9)
    axis = int(rng.random() < 0.4)
    reach = (high - low) / 2 + np.ptp(points, axis=0) / 2 + rng.uniform(0.12, 0.25)
    shift = rng.uniform(-0.2, 0.2, 2)
    shift[axis] = rng.choice([-1, 1]) * reach[axis]
    return Stroke(points + (low + high) / 2 + shift, motif.sharp)


def _circle(diameter: float, rng: Generator) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 7) + rng.uniform(0, 2 * np.pi)
    return diameter / 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _dot(motif: Motif, sketch: Sketch, rng: Generator) -> Stroke:
    ink = np.vstack(sketch[1])
    points = _circle(rng.uniform(0.03, 0.08), rng)
    place = rng.uniform(ink.min(axis=0) - 0.2, ink.max(axis=0) + 0.2)
    return Stroke(points + place, np.zeros(len(points), dtype=bool))


def _ring(motif: Motif, sketch: Sketch, rng: Generator) -> Stroke:
    """Hang a small ring on a stroke's end, outside it."""
    parent, at = int(rng.integers(len(sketch[1]))), float(rng.integers(2))
    curve = sketch[1][parent] if at else sketch[1][parent][::-1]
    outward = curve[-1] - curve[-min(3, len(curve))]
    outward = outward / max(float(np.linalg.norm(outward)), 1e-6)
    points = _circle(rng.uniform(0.15, 0.3), rng)
    shift = curve[-1] - points[np.argmin(points @ outward)]
    first = int(np.argmin(points @ outward)) % (len(points) - 1)
    points = np.vstack([points[first:-1], points[: first + 1]])
    return Stroke(points + shift, np.zeros(len(points), dtype=bool), (Pin(0.0, parent, at),))


PLACES: dict[str, Place] = {
    "joined": _joined,
    "bridge": _bridge,
    "cross": _cross,
    "repeat": _repeat,
    "apart": _apart,
    "dot": _dot,
    "ring": _ring,
}
NEAR, FAR = 8.0, 20.0  # pixels: strokes 5 wide with a gap that a slip of the pen closes
CANDIDATES = 5  # places tried for each stroke; the clearest is kept
CROWDED = 0.2  # nearer than this to other strokes a curve point is hard to tell from them


def _clutter(stroke: Stroke, ink: np.ndarray) -> float:
    """Score a place: the share of the stroke that crowds other strokes, and how far it sprawls."""
    curve = _curve(stroke)
    gap = np.abs(curve[:, None] - ink[None]).max(axis=2).min(axis=1)
    sprawl = float(np.ptp(np.vstack([curve, ink]), axis=0).max())
    return float((gap < CROWDED).mean()) + max(0.0, sprawl - 1.2)


def _extended(strokes: list[Stroke], style: Style, rng: Generator) -> list[Stroke]:
    """Add one stroke, in the clearest of several places."""
    curves = [_curve(stroke) for stroke in strokes]
    ink = np.vstack(curves)
    motif = style.motifs[rng.choice(len(style.motifs), p=style.motif_weights)]
    place = PLACES[RELATIONS[rng.choice(len(RELATIONS), p=style.relation_weights)]]
    places = [place(motif, (strokes, curves), rng) for _ in range(CANDIDATES)]
    return [*strokes, min(places, key=lambda stroke: _clutter(stroke, ink))]


def invent_program(style: Style, relatives: Sequence[Program], rng: Generator) -> Program:
    """Compose a character of 1 to 5 strokes, new or akin to an earlier one.

    Args:
        style: Its alphabet's.
        relatives: The alphabet's characters so far.
        rng: Consumed.

    Returns:
        Its strokes, a longer side of about 1.
    """
    if relatives and rng.random() < style.kinship:
        strokes = list(relatives[rng.integers(len(relatives))])
        if len(strokes) == MAX_STROKES or (len(strokes) > 1 and rng.random() < 0.6):
            strokes.pop()
        return tuple(_extended(strokes, style, rng))
    motif = style.motifs[rng.choice(len(style.motifs), p=style.motif_weights)]
    strokes = [Stroke(_varied(motif, rng), motif.sharp)]
    for _ in range(min(rng.poisson(style.extra_strokes), MAX_STROKES - 1)):
        strokes = _extended(strokes, style, rng)
    return tuple(strokes)


def crowding(program: Program) -> float:
    """Return the share of a character's curve, 0 to 1, that lies too near to another part of it.

    Near is `NEAR` pixels or less; a part is another one if the way to it is `FAR` pixels or more.
    """
    curves = [_curve(stroke, NEAR / 2) for stroke in program]
    points = np.vstack(curves)
    stroke = np.repeat(np.arange(len(curves)), [len(curve) for curve in curves])
    order = np.arange(len(points)) * NEAR / 2
    other = (stroke[:, None] != stroke) | (np.abs(order[:, None] - order) >= FAR)
    near = np.abs(points[:, None] - points).max(axis=2) < NEAR
    return float((near & other).any(axis=1).mean())


def sized(program: Program, style: Style, rng: Generator) -> Program:
    """Return a character in pixels, its centre within a few pixels of 0."""
    ink = np.vstack([_curve(stroke) for stroke in program])
    low, high = ink.min(axis=0), ink.max(axis=0)
    size = np.clip(rng.normal(style.size, CHARACTER_SIZE_SD), MIN_SIZE, MAX_SIZE)
    scale = size / (high - low).max()
    shift = rng.normal(0, PLACE_SD, 2) - (low + high) / 2 * scale
    return tuple(Stroke(s.points * scale + shift, s.sharp, s.pins) for s in program)
