"""An endless Omniglot-like set of invented characters, drawn by invented hands.

Each character is a stroke program (`glyph_strokes`) and each drawing one noisy run of it, the
idea of Lake et al. 2015 (Science 350:1332): a type (the character) and its tokens (drawings).
Any drawing follows from (seed, alphabet, character, drawer) alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, PCG64, SeedSequence

from maml_core.datasets.base import CharacterSet, ClassName, to_input
from maml_core.datasets.glyph_strokes import Program, Stroke, invent_program, invent_style, crowding, sized, spline_basis

SIDE = 105  # Omniglot's pictures are 105x105.
EVALUATION_SHARE = 0.4  # Omniglot keeps 20 of its 50 alphabets for evaluation.
# Characters an alphabet in Omniglot: 14 to 55, mean 32, standard deviation 11.
MIN_CHARACTERS, MAX_CHARACTERS, MEAN_CHARACTERS, SD_CHARACTERS = 14, 55, 32.3, 10.8
CENTRE, CENTRE_LOW, CENTRE_HIGH = 50.4, 3.0, 101.0
NODE_STEP = 4.0  # pixels between the points a drawer's pointer is sampled at
SUBSTEPS = 9  # points filled in between two nodes: at most a pixel apart
# A line whose slope is less (or more than its inverse) is drawn as wide as an upright one: so
# 51 % of ink lies in runs of exactly 5 pixels, as in Omniglot.
OBLIQUE = 0.5
MODES = 7  # smooth deformations of a stroke: cosines of 0 to 6 half waves along it


@dataclass(frozen=True, eq=False)
class Hands:
    """How each of the drawers of one alphabet writes, as noise in standard units.

    Attributes:
        habit: float [n_drawers, 6], each one's usual rotation, slant, size, aspect and place.
        rounding: float [n_drawers], 0 keeps corners, 1 makes them curves.
        looseness: float [n_drawers], multiplies all deviations from the program.
        heavy: bool [n_drawers], presses a square rather than a round pen point.
    """

    habit: np.ndarray
    rounding: np.ndarray
    looseness: np.ndarray
    heavy: np.ndarray


# Standard deviations of rotation (rad), slant (shear), log size, log aspect, x and y (pixels):
# between drawers, and between one drawer's drawings.
HABIT_SD = np.array([0.04, 0.06, 0.08, 0.09, 2.6, 2.6])
DRAWING_SD = np.array([0.06, 0.07, 0.075, 0.05, 3.6, 3.6])
WARP_SD = 0.04
STROKE_TURN_SD, STROKE_SCALE_SD = 0.06, 0.06
BEND_SD = 0.04
GAP_SD = 1.3
WOBBLE_SD = 0.2


def _generator(seed: int, *key: int) -> Generator:
    return Generator(PCG64(SeedSequence(seed, spawn_key=key)))


def _normal(rngs: Sequence[Generator], *shape: int) -> np.ndarray:
    """Return standard normal noise, float [len(rngs), *shape]."""
    return np.stack([rng.standard_normal(shape) for rng in rngs])


def _hands(seed: int, alphabet: int, n_drawers: int) -> Hands:
    rngs = [_generator(seed, alphabet, 0, drawer) for drawer in range(1, n_drawers + 1)]
    noise = _normal(rngs, 9)
    return Hands(
        habit=noise[:, :6] * HABIT_SD,
        rounding=np.minimum(0.25 * np.abs(noise[:, 6]), 0.8),
        looseness=np.exp(0.25 * noise[:, 7]),
        heavy=noise[:, 8] > 1.04,
    )


def draw(program: Program, hands: Hands, rngs: Sequence[Generator]) -> np.ndarray:
    """Draw a character once with each hand.

    Args:
        program: The character.
        hands: The n drawers.
        rngs: One generator a drawing, n in all; consumed.

    Returns:
        uint8 [n, 105, 105]; 1 is ink.
    """
    looseness = hands.looseness * np.exp(0.2 * _normal(rngs))
    curves: list[np.ndarray] = []
    for stroke in program:
        curves.append(_stroke(stroke, curves, hands.rounding, looseness, rngs))
    points = _posed(np.concatenate(curves, axis=1), hands, rngs)
    points = np.rint(points + WOBBLE_SD * looseness[:, None, None] * _normal(rngs, *points.shape[1:]))
    ends = np.cumsum([curve.shape[1] for curve in curves])[:-1]
    return _ink(np.split(points, ends, axis=1), hands.heavy)


def _stroke(
    stroke: Stroke,
    curves: list[np.ndarray],
    rounding: np.ndarray,
    looseness: np.ndarray,
    rngs: Sequence[Generator],
) -> np.ndarray:
    """Return one stroke as each hand draws it, float [n, m, 2], joined to the earlier `curves`."""
    corner, smooth = spline_basis(stroke.points, stroke.sharp, NODE_STEP)
    centre = stroke.points.mean(axis=0)
    noise = _normal(rngs, 4) * looseness[:, None]
    turn, scale = STROKE_TURN_SD * noise[:, 0], np.exp(STROKE_SCALE_SD * noise[:, 1:3])
    cos, sin = np.cos(turn), np.sin(turn)
    affine = np.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2) * scale[:, None]
    controls = (stroke.points - centre) @ affine + centre

    extent = np.ptp(stroke.points, axis=0).max()
    chord = np.linalg.norm(np.diff(stroke.points, axis=0), axis=1)
    along = np.append(0, np.cumsum(chord)) / chord.sum()
    waves = np.cos(np.pi * along[:, None] * np.arange(MODES)) / (1 + 0.4 * np.arange(MODES))
    bend = BEND_SD * (extent + 8) * looseness[:, None, None]
    controls = controls + bend * (waves @ _normal(rngs, MODES, 2))
    curve = corner @ controls + rounding[:, None, None] * ((smooth - corner) @ controls)
    if not stroke.pins:
        return curve
    pulls = []
    for pin in stroke.pins:
        parent = curves[pin.parent]
        target = parent[:, round(pin.at * (parent.shape[1] - 1))]
        gap = GAP_SD * looseness[:, None] * _normal(rngs, 2)
        pulls.append(target + gap - curve[:, round(pin.own * (curve.shape[1] - 1))])
    share = np.linspace(0, 1, curve.shape[1])[:, None]
    return curve + (1 - share) * pulls[0][:, None] + share * pulls[-1][:, None]


def _posed(points: np.ndarray, hands: Hands, rngs: Sequence[Generator]) -> np.ndarray:
    """Warp, turn, slant, scale and place whole characters, [n, m, 2], inside the picture."""
    half = np.abs(points).max(axis=(1, 2), keepdims=True)
    x, y = (points / half)[..., 0], (points / half)[..., 1]
    squares = np.stack([x * x, x * y, y * y], axis=2)
    points = points + half * WARP_SD * (squares @ _normal(rngs, 3, 2))

    rotation, slant, size, aspect, right, down = (hands.habit + DRAWING_SD * _normal(rngs, 6)).T
    cos, sin = np.cos(rotation), np.sin(rotation)
    wide, high = np.exp(size + aspect / 2), np.exp(size - aspect / 2)
    matrix = np.stack([wide * cos, wide * sin, high * (slant * cos - sin), high * (slant * sin + cos)], axis=1)
    points = points @ matrix.reshape(-1, 2, 2)

    low, top = points.min(axis=1), points.max(axis=1)
    middle = (low + top) / 2
    room = CENTRE_HIGH - CENTRE_LOW
    shrink = np.minimum(1, room / (top - low).max(axis=1))[:, None]
    reach = shrink * (top - low) / 2
    centre = CENTRE + middle + np.stack([right, down], axis=1)
    centre = np.clip(centre, CENTRE_LOW + reach, CENTRE_HIGH - reach)
    placed: np.ndarray = (points - middle[:, None]) * shrink[:, None] + centre[:, None]
    return placed


def _ink(curves: Sequence[np.ndarray], heavy: np.ndarray) -> np.ndarray:
    """Ink strokes given as whole-pixel nodes, [n, m, 2] each, with a pen 5 pixels wide.

    An upright or level line is 5 pixels wide however it steps, an oblique one a little more.
    """
    paper = np.zeros((2, len(heavy), SIDE + 4, SIDE + 4), dtype=np.uint8)
    drawing = np.arange(len(heavy))[:, None, None]
    share = np.linspace(0, 1, SUBSTEPS)[:, None]
    for curve in curves:
        move = np.diff(curve, axis=1)
        way = np.rint(curve[:, :-1, None] + move[:, :, None] * share)
        x, y = np.moveaxis(np.clip(way, 0, SIDE - 1).astype(int) + 2, -1, 0)
        across, along = np.sort(np.abs(move), axis=2)[..., None].transpose(2, 0, 1, 3)
        full = (across > OBLIQUE * along) | heavy[:, None, None]
        paper[full.astype(int), drawing, y, x] = 1
    thin, full = _plus(paper)
    level = full[:, :, 1:-1] | full[:, :, :-2] | full[:, :, 2:]
    ink: np.ndarray = _plus(thin | full) | level[:, :-2] | level[:, 2:]
    return ink


def _plus(ink: np.ndarray) -> np.ndarray:
    """Widen ink by a pixel to each of four sides; the picture loses a pixel at each edge."""
    upright = ink[..., :-2, 1:-1] | ink[..., 1:-1, 1:-1] | ink[..., 2:, 1:-1]
    widened: np.ndarray = upright | ink[..., 1:-1, :-2] | ink[..., 1:-1, 2:]
    return widened


MAX_CROWDING = 0.5
MIN_BREADTH = 20.0
MIN_INK, MAX_INK = 0.02, 0.17
# Two characters whose coarse pictures differ by less than this share of their ink are one.
MIN_DIFFERENCE = 0.4
COARSE = 15


def _programs(seed: int, alphabet: int) -> list[Program]:
    """Invent an alphabet's characters, each distinct from the others and neither faint nor black."""
    rng = _generator(seed, alphabet, 0, 0)
    style = invent_style(rng)
    wanted = round(rng.normal(MEAN_CHARACTERS, SD_CHARACTERS))
    sketches: list[Program] = []
    programs: list[Program] = []
    known: list[np.ndarray] = []
    while len(programs) < min(max(wanted, MIN_CHARACTERS), MAX_CHARACTERS):
        sketch = invent_program(style, sketches, rng)
        program = sized(sketch, style, rng)
        if crowding(program) > MAX_CROWDING:
            continue
        points = np.vstack([stroke.points for stroke in program])
        if np.ptp(points, axis=0).min() < MIN_BREADTH and rng.random() < 0.9:
            continue
        ink = _plain(program)
        coarse = ink.reshape(COARSE, SIDE // COARSE, COARSE, -1).mean(axis=(1, 3))
        if not MIN_INK < ink.mean() < MAX_INK:
            continue
        if any(np.abs(coarse - other).sum() < MIN_DIFFERENCE * coarse.sum() for other in known):
            continue
        sketches.append(sketch)
        programs.append(program)
        known.append(coarse)
    return programs


def _plain(program: Program) -> np.ndarray:
    """Draw a character exactly as its program says, uint8 [105, 105]."""
    curves = [spline_basis(s.points, s.sharp, NODE_STEP)[0] @ s.points for s in program]
    ink: np.ndarray = _ink([np.rint(c[None] + CENTRE) for c in curves], np.zeros(1, dtype=bool))[0]
    return ink


CONSONANTS = "b d f g h k l m n p r s t v y z ch sh th kr tr".split()
VOWELS = "a e i o u ai ei ou".split()


def _names(seed: int, count: int) -> list[str]:
    rng = _generator(seed, 0, 0, 0)
    names: list[str] = []
    while len(names) < count:
        syllables = [rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.integers(2, 4))]
        name = "".join(syllables).capitalize() + str(rng.choice(["", "", "n", "r", "s"]))
        if name not in names:
            names.append(name)
    return names


def load(n_alphabets: int = 50, n_drawers: int = 20, seed: int = 0) -> CharacterSet:
    """Invent alphabets and draw each of their characters once by every drawer.

    Args:
        n_alphabets: How many alphabets, ≥ 1; fewer are the first of more.
        n_drawers: How many drawers an alphabet has, ≥ 1; fewer are the first of more.
        seed: Chooses everything, ≥ 0.

    Returns:
        Alphabets of 14 to 55 characters, `n_drawers` pictures a character; the last 2/5 of the
        alphabets are `evaluation_alphabets`.

    Raises:
        ValueError: A count below 1.
    """
    for what, count in (("n_alphabets", n_alphabets), ("n_drawers", n_drawers)):
        if count < 1:
            raise ValueError(f"{what} is {count}; choose a value of at least 1.")
    names = _names(seed, n_alphabets)
    classes: list[ClassName] = []
    bits: list[np.ndarray] = []
    inputs: list[np.ndarray] = []
    for alphabet, name in enumerate(names, start=1):
        hands = _hands(seed, alphabet, n_drawers)
        for character, program in enumerate(_programs(seed, alphabet), start=1):
            rngs = [_generator(seed, alphabet, character, d) for d in range(1, n_drawers + 1)]
            ink = draw(program, hands, rngs)
            classes.append(ClassName(name, f"character{character:02d}"))
            bits.append(np.packbits(ink, axis=-1))
            inputs += [to_input(picture) for picture in ink * np.uint8(255)]
    return CharacterSet(
        name="glyphs",
        classes=tuple(classes),
        starts=np.arange(len(classes) + 1) * n_drawers,
        drawers=np.tile(np.arange(1, n_drawers + 1), len(classes)),
        inputs=np.stack(inputs),
        bits=np.concatenate(bits),
        evaluation_alphabets=tuple(names[n_alphabets - int(EVALUATION_SHARE * n_alphabets):]),
    )
