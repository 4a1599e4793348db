"""An endless Omniglot-like set of invented characters, drawn by invented people.

Each character is a stroke program (`characters`) and each drawing one noisy run of it, as
the types and tokens of Lake et al. 2015 (Science 350:1332). Any drawing follows from (seed,
alphabet, character, drawer) alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from maml_core.data.character_set import CharacterSet, ClassName, ReportProgress
from maml_core.data.glyphs.characters import Program, Stroke, invent_alphabet
from maml_core.data.glyphs.strokes import spline_basis
from maml_core.images.network_input import to_network_input

VERSION = 1  # Raise it when the same seed comes to draw other pictures: caches are keyed by it.
SIDE = 105  # Omniglot's pictures are 105x105.
CENTRE = 50.4  # pixels; where Omniglot's drawings lie on average
MARGIN = 3.0  # pixels from the pen's centre to the border: 1.7 % of Omniglot's pictures touch it

# Standard deviations of rotation (rad), slant (shear), log size, log aspect, x and y (pixels):
# between drawers, and between one drawer's drawings. Omniglot's drawings of a character vary by
# 0.12 in log size (35 % of the variance is the drawers'), 0.17 in log aspect (15 %) and 5 px in
# place (23 %).
HABIT_SD = np.array([0.025, 0.045, 0.08, 0.075, 2.5, 2.5])
DRAWING_SD = np.array([0.03, 0.045, 0.06, 0.04, 3.2, 3.2])

# What one stroke does by itself. Tuned so that nearest neighbours on pictures normalised for
# place, size, aspect and slant are right as often as in Omniglot (90 to 91 %, 5-way 1-shot).
STROKE_TURN_SD = 0.05  # rad
STROKE_SCALE_SD = 0.06  # log
# Smooth displacements along the stroke: cosines of 0, 1, … half waves (place, turn and length,
# bulge, then finer), of the stroke's extent plus `BEND_FLOOR` pixels.
BEND_SD = np.array([0.042, 0.02, 0.03, 0.026, 0.023, 0.02, 0.018])
BEND_FLOOR = 8.0
WARP_SD = 0.045  # of the character's half extent: proportions of its left and right, top and bottom
GAP_SD = 1.7  # pixels at a junction
WOBBLE_SD = 0.2  # pixels at each node
ROUNDING_SD = 0.25  # 0 keeps corners, 1 makes them curves
DRAWER_LOOSENESS_SD, DRAWING_LOOSENESS_SD = 0.25, 0.25  # log, of the factor on all these

NODE_STEP = 4.0  # pixels between the points at which the pen is sampled
SUBSTEPS = 9  # points from one node to the next: at most a pixel apart
# Omniglot's lines are 5 px wide, half of its ink in runs of exactly 5: steeper or flatter lines
# than this slope are drawn so, oblique ones a little wider; by a heavy drawer, all are wider.
OBLIQUE = 0.5
HEAVY_SHARE = 0.15

CONSONANTS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "sh", "th")
VOWELS = ("a", "e", "i", "o", "u", "ai", "ei", "ou")
FINALS = ("", "", "", "n", "r", "s")


@dataclass(frozen=True, eq=False)
class Drawers:
    """The handwriting of each of an alphabet's drawers.

    Attributes:
        habit: float [n_drawers, 6], usual deviations in the order of `HABIT_SD`.
        rounding: float [n_drawers], 0 keeps corners, 1 makes them curves.
        looseness: float [n_drawers], > 0, multiplies the deviations of single strokes.
        heavy: bool [n_drawers], presses the pen: all lines are wide.
    """

    habit: np.ndarray
    rounding: np.ndarray
    looseness: np.ndarray
    heavy: np.ndarray


def _generator(seed: int, alphabet: int, character: int, drawer: int) -> Generator:
    """Return the generator of one drawing; 0 stands for what several drawings share."""
    return Generator(PCG64(SeedSequence(seed, spawn_key=(alphabet, character, drawer))))


def _standard_normal(rngs: Sequence[Generator], *shape: int) -> np.ndarray:
    """Return standard normal noise, float [len(rngs), *shape], a row from each generator."""
    return np.stack([rng.standard_normal(shape) for rng in rngs])


def _invent_drawers(rngs: Sequence[Generator]) -> Drawers:
    """Invent one drawer from each generator."""
    return Drawers(
        habit=HABIT_SD * _standard_normal(rngs, len(HABIT_SD)),
        rounding=np.minimum(ROUNDING_SD * np.abs(_standard_normal(rngs)), 1),
        looseness=np.exp(DRAWER_LOOSENESS_SD * _standard_normal(rngs)),
        heavy=np.array([rng.random() < HEAVY_SHARE for rng in rngs]),
    )


def draw_character(program: Program, drawers: Drawers, rngs: Sequence[Generator]) -> np.ndarray:
    """Draw a character once by each drawer.

    Args:
        program: The character.
        drawers: The n drawers.
        rngs: One generator a drawing, n in all; consumed.

    Returns:
        uint8 [n, 105, 105]; 1 is ink.
    """
    looseness = drawers.looseness * np.exp(DRAWING_LOOSENESS_SD * _standard_normal(rngs))
    loose = looseness[:, None, None]
    curves: list[np.ndarray] = []
    for stroke in program:
        corner, smooth = spline_basis(stroke.points, stroke.sharp, NODE_STEP)
        controls = _deform_stroke(stroke, loose, rngs)
        rounding = drawers.rounding[:, None, None]
        curve = (1 - rounding) * (corner @ controls) + rounding * (smooth @ controls)
        curves.append(_pull_to_junctions(curve, stroke, curves, GAP_SD * loose, rngs))
    points = _place_characters(np.concatenate(curves, axis=1), drawers.habit, rngs)
    nodes = np.rint(points + WOBBLE_SD * loose * _standard_normal(rngs, *points.shape[1:]))
    ends = np.cumsum([curve.shape[1] for curve in curves])[:-1]
    return _rasterise(np.split(nodes, ends, axis=1), drawers.heavy)


def _deform_stroke(stroke: Stroke, loose: np.ndarray, rngs: Sequence[Generator]) -> np.ndarray:
    """Return a stroke's control points turned, scaled and bent by each drawer, float [n, m, 2]."""
    centre = stroke.points.mean(axis=0)
    noise = loose[:, 0] * _standard_normal(rngs, 3)
    cos, sin = np.cos(STROKE_TURN_SD * noise[:, 0]), np.sin(STROKE_TURN_SD * noise[:, 0])
    turn = np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)
    scale = np.exp(STROKE_SCALE_SD * noise[:, None, 1:])

    chord = np.hypot(*np.diff(stroke.points, axis=0).T)
    along = np.append(0, np.cumsum(chord)) / chord.sum()
    waves = np.cos(np.pi * along[:, None] * np.arange(len(BEND_SD))) * BEND_SD
    bend = loose * (np.ptp(stroke.points, axis=0).max() + BEND_FLOOR)
    turned = (stroke.points - centre) @ turn * scale + centre
    deformed: np.ndarray = turned + bend * (waves @ _standard_normal(rngs, len(BEND_SD), 2))
    return deformed


def _pull_to_junctions(
    curve: np.ndarray,
    stroke: Stroke,
    earlier: Sequence[np.ndarray],
    gap: np.ndarray,
    rngs: Sequence[Generator],
) -> np.ndarray:
    """Move a curve, [n, m, 2], onto its junctions: one shifts it, two also stretch it."""
    if not stroke.junctions:
        return curve
    pulls = []
    for junction in stroke.junctions:
        parent = earlier[junction.parent]
        target = parent[:, [round(junction.at * (parent.shape[1] - 1))]]
        own = curve[:, [round(junction.own * (curve.shape[1] - 1))]]
        pulls.append(target - own + gap * _standard_normal(rngs, 1, 2))
    share = np.linspace(0, 1, curve.shape[1])[:, None]
    pulled: np.ndarray = curve + (1 - share) * pulls[0] + share * pulls[-1]
    return pulled


def _place_characters(
    points: np.ndarray, habit: np.ndarray, rngs: Sequence[Generator]
) -> np.ndarray:
    """Warp, turn, slant, scale and place whole characters, [n, m, 2], inside the picture."""
    half = np.abs(points).max(axis=(1, 2), keepdims=True)
    x, y = np.moveaxis(points / half, 2, 0)
    squares = np.stack([x * x, x * y, y * y], axis=2)
    points = points + WARP_SD * half * (squares @ _standard_normal(rngs, 3, 2))

    rotation, slant, size, aspect, right, down = (habit + DRAWING_SD * _standard_normal(rngs, 6)).T
    across = np.exp(size - aspect / 2) * np.stack([np.cos(rotation), np.sin(rotation)])
    along = np.exp(size + aspect / 2) * np.stack([-np.sin(rotation), np.cos(rotation)])
    matrix = np.stack([across, along + slant * across]).transpose(2, 0, 1)  # [n, 2, 2]
    points = points @ matrix

    low, high = points.min(axis=1), points.max(axis=1)
    middle = (low + high) / 2
    shrink = np.minimum(1, (SIDE - 1 - 2 * MARGIN) / (high - low).max(axis=1))[:, None]
    reach = shrink * (high - low) / 2 + MARGIN
    place = np.clip(CENTRE + middle + np.stack([right, down], axis=1), reach, SIDE - 1 - reach)
    posed: np.ndarray = (points - middle[:, None]) * shrink[:, None] + place[:, None]
    return posed


def _rasterise(curves: Sequence[np.ndarray], heavy: np.ndarray) -> np.ndarray:
    """Draw curves with a pen 5 pixels wide.

    Args:
        curves: Whole-pixel nodes (x, y) of each stroke, float [n, m, 2].
        heavy: bool [n], drawings with every line wide.

    Returns:
        uint8 [n, 105, 105]; 1 is ink.
    """
    paper = np.zeros((2, len(heavy), SIDE + 4, SIDE + 4), dtype=np.uint8)
    drawing = np.arange(len(heavy))[:, None, None]
    share = np.linspace(0, 1, SUBSTEPS)[:, None]
    for curve in curves:
        move = np.diff(curve, axis=1)
        way = np.rint(curve[:, :-1, None] + move[:, :, None] * share)
        x, y = np.moveaxis(np.clip(way, 0, SIDE - 1).astype(np.intp) + 2, 3, 0)
        shorter, longer = np.moveaxis(np.sort(np.abs(move), axis=2)[:, :, None], 3, 0)
        wide = (shorter > OBLIQUE * longer) | heavy[:, None, None]
        paper[wide.astype(np.intp), drawing, y, x] = 1
    thin, thick = _dilate(paper)
    level = thick[:, :, 1:-1] | thick[:, :, :-2] | thick[:, :, 2:]
    ink: np.ndarray = _dilate(thin | thick) | level[:, :-2] | level[:, 2:]
    return ink


def _dilate(ink: np.ndarray) -> np.ndarray:
    """Dilate ink by a pixel to four sides, [..., h, w] to [..., h - 2, w - 2]."""
    vertical = ink[..., :-2, 1:-1] | ink[..., 1:-1, 1:-1] | ink[..., 2:, 1:-1]
    dilated: np.ndarray = vertical | ink[..., 1:-1, :-2] | ink[..., 1:-1, 2:]
    return dilated


def _invent_names(seed: int, count: int) -> list[str]:
    """Invent pronounceable names, no two alike."""
    rng = _generator(seed, 0, 0, 0)
    names: list[str] = []
    while len(names) < count:
        n_syllables = rng.integers(2, 4)
        starts, vowels = rng.choice(CONSONANTS, n_syllables), rng.choice(VOWELS, n_syllables)
        name = "".join(c + v for c, v in zip(starts, vowels, strict=True)) + rng.choice(FINALS)
        if name.capitalize() not in names:
            names.append(name.capitalize())
    return names


def generate(
    n_alphabets: int = 50,
    n_drawers: int = 20,
    seed: int = 0,
    progress: ReportProgress | None = None,
) -> CharacterSet:
    """Invent alphabets; every drawer draws each of their characters once.

    Args:
        n_alphabets: How many alphabets, ≥ 1; fewer are the first of more.
        n_drawers: How many drawers an alphabet has, ≥ 1; fewer are the first of more.
        seed: Chooses everything, ≥ 0.
        progress: Told after each alphabet.

    Returns:
        Alphabets of 14 to 55 characters, `n_drawers` pictures a character. The last 2/5 of the
        alphabets are `evaluation_alphabets`, as 20 of Omniglot's 50 are.

    Raises:
        ValueError: A count below 1, or a seed below 0.
    """
    least = {"n_alphabets": (n_alphabets, 1), "n_drawers": (n_drawers, 1), "seed": (seed, 0)}
    for name, (value, minimum) in least.items():
        if value < minimum:
            raise ValueError(f"{name} is {value}; choose a value of at least {minimum}.")
    alphabets = _invent_names(seed, n_alphabets)
    drawer_numbers = range(1, n_drawers + 1)
    classes: list[ClassName] = []
    bits: list[np.ndarray] = []
    inputs: list[np.ndarray] = []
    for a, alphabet in enumerate(alphabets, start=1):
        drawers = _invent_drawers([_generator(seed, a, 0, d) for d in drawer_numbers])
        for c, program in enumerate(invent_alphabet(_generator(seed, a, 0, 0)), start=1):
            ink = draw_character(
                program, drawers, [_generator(seed, a, c, d) for d in drawer_numbers]
            )
            classes.append(ClassName(alphabet, f"character{c:02d}"))
            bits.append(np.packbits(ink, axis=-1))
            inputs += [to_network_input(255 * picture) for picture in ink]
        if progress:
            progress(a, n_alphabets)
    return CharacterSet(
        name="glyphs",
        classes=tuple(classes),
        starts=np.arange(len(classes) + 1) * n_drawers,
        drawers=np.tile(drawer_numbers, len(classes)),
        inputs=np.stack(inputs),
        bits=np.concatenate(bits),
        evaluation_alphabets=tuple(alphabets[n_alphabets - 2 * n_alphabets // 5 :]),
    )
