"""Strokes and ink of any place, size and pen become characters like Omniglot's."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from maml_core.config import EpisodeSpec
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.images import handwriting
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import (
    CHARACTER_SIDE,
    PEN,
    centre_strokes,
    draw_strokes,
    normalise_ink,
    signed_distance,
    stroke_width,
    to_character,
)
from maml_core.images.tensors import character_to_tensor
from maml_core.learners.checkpoints import shipped
from maml_core.methods.inner_loop import adapt
from maml_core.networks.functional import for_n_way, query_logits

STROKES = [
    [(0.3, 0.8), (0.3, 0.2), (0.62, 0.25), (0.65, 0.45), (0.3, 0.5)],
    [(0.45, 0.5), (0.7, 0.8)],
]


def moved(strokes, scale=1.0, right=0.0, down=0.0):
    return [[(scale * x + right, scale * y + down) for x, y in stroke] for stroke in strokes]


def overlap(a, b):
    return ((a > 0) & (b > 0)).sum() / ((a > 0) | (b > 0)).sum()


def box(ink):
    rows, columns = (np.flatnonzero((ink > 0).any(axis=axis)) for axis in (1, 0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def longer_side(ink):
    top, bottom, left, right = box(ink)
    return max(bottom - top, right - left)


def width_of(ink):
    return stroke_width(signed_distance(np.pad(ink > 0, 2)))


def resized(ink, scale):
    size = round(scale * len(ink))
    soft = Image.fromarray(ink).resize((size, size), Image.Resampling.BILINEAR)
    return np.where(np.asarray(soft) >= 128, 255, 0).astype(np.uint8)


def on_paper(ink, rng):
    """A photograph of ink: four times as large, uneven light, the grain of paper."""
    large = np.asarray(
        Image.fromarray(ink).resize((420, 420), Image.Resampling.BILINEAR), dtype=float
    )
    values = 225 * (1 - 0.65 * np.pad(large, 40) / 255)
    y, x = np.mgrid[:500, :500] / 500 - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    values *= 1 - 0.4 * (np.cos(angle) * x + np.sin(angle) * y + 0.7) / 1.4
    return Image.fromarray((values + rng.normal(0, 5, values.shape)).clip(0, 255).astype(np.uint8))


def with_pen(ink, change):
    """Move the edge of the ink outwards by `change` / 2 pixels: a disc drawn along it."""
    large = resized(np.pad(ink, 10), 2) > 0
    reach = int(abs(change))
    offsets = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    disc = [tuple(o) for o in offsets if np.hypot(*o) <= abs(change)]
    spread = large if change > 0 else ~large  # the margin is paper: what comes round is paper too
    near = np.logical_or.reduce([np.roll(spread, offset, (0, 1)) for offset in disc])
    return np.where(near if change > 0 else ~near, 255, 0).astype(np.uint8)


# Drawing


def test_the_pen_is_round_and_as_wide_as_told():
    """The oracle: the distance of each pixel to the line from (20, 40) to (80, 70)."""
    ink = draw_strokes([[(20 / 105, 40 / 105), (80 / 105, 70 / 105)]], pen=9)
    y, x = np.mgrid[:105, :105] + 0.5
    along = (((x - 20) * 60 + (y - 40) * 30) / (60**2 + 30**2)).clip(0, 1)
    distance = np.hypot(x - 20 - 60 * along, y - 40 - 30 * along)
    assert ink.dtype == np.uint8
    assert set(np.unique(ink)) == {0, 255}
    assert (ink[distance < 4] == 255).all()
    assert (ink[distance > 5] == 0).all()


def test_one_point_is_a_dot():
    ink = draw_strokes([[(0.5, 0.5)]], pen=11)
    assert (ink > 0).sum() == pytest.approx(np.pi * 5.5**2, rel=0.1)
    assert longer_side(draw_strokes(centre_strokes([[(0.1, 0.9)]]))) < 2 * PEN


def test_a_pen_that_leaves_the_square_stays_at_its_border():
    assert draw_strokes([[(-1.0, 0.5), (2.0, 0.5)]])[50:55].all()


@pytest.mark.parametrize("strokes", [[], [[]], [[], []]])
def test_no_stroke(strokes):
    with pytest.raises(PictureError, match=r"no ink; draw a line\.$"):
        to_character(strokes)


@pytest.mark.parametrize(
    "point", [(float("nan"), 0.5), (float("inf"), 0.5), (0.5,), (1, 2, 3), ("a", "b"), None]
)
def test_no_point(point):
    with pytest.raises(PictureError, match=r"not a pair of numbers; draw it again\.$"):
        draw_strokes([[(0.5, 0.5), point]])


def test_too_many_points():
    with pytest.raises(PictureError, match=r"50,001 points.*at most 50,000\.$"):
        draw_strokes([[(0.5, 0.5)] * 50_001])


@pytest.mark.parametrize(
    ("scale", "right", "down"), [(1, 0.1, -0.1), (0.5, 0, 0.4), (0.4, 0.5, 0), (1.2, 0, 0)]
)
def test_strokes_give_the_same_character_wherever_and_however_large(scale, right, down):
    plain = to_character(STROKES)
    assert overlap(to_character(moved(STROKES, scale, right, down)), plain) > 0.9
    assert longer_side(plain) == pytest.approx(CHARACTER_SIDE, abs=1.5)


def test_a_short_line_stays_shorter_than_a_character():
    assert longer_side(to_character([[(0.5, 0.5), (0.55, 0.5)]])) < CHARACTER_SIDE / 2


# Ink


def test_depth_is_the_distance_to_the_edge():
    ink = np.random.default_rng(0).random((19, 23)) < 0.4
    inside, outside = np.argwhere(ink), np.argwhere(~ink)
    for (y, x), depth in np.ndenumerate(signed_distance(ink)):
        other = outside if ink[y, x] else inside
        nearest = np.hypot(*(other - (y, x)).T).min()
        assert depth == pytest.approx((nearest - 0.5) * (1 if ink[y, x] else -1))


def distances_by_loop(inside):
    """Return each pixel's distance to the nearest pixel that is not inside."""
    outside = np.argwhere(~inside)
    found = np.zeros(inside.shape)
    for y, x in np.argwhere(inside):
        found[y, x] = np.sqrt(((outside - (y, x)) ** 2).sum(1).min())
    return found


def maxima_by_loop(values, size):
    """Return the maximum of the square window of a side around each pixel."""
    radius = size // 2
    found = np.empty_like(values)
    for y, x in np.ndindex(*values.shape):
        rows = slice(max(y - radius, 0), y + radius + 1)
        found[y, x] = values[rows, max(x - radius, 0) : x + radius + 1].max()
    return found


def some_ink(kind):
    if kind == "drawn":
        return draw_strokes(STROKES, 7)
    rng = np.random.default_rng(5)
    blurred = Image.fromarray(rng.integers(0, 256, (12, 17), dtype=np.uint8)).resize((85, 60))
    return np.where(np.asarray(blurred) > 140, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("kind", ["drawn", "random"])
def test_a_character_is_the_same_by_plain_loops(monkeypatch, kind):
    ink = some_ink(kind)
    found = normalise_ink(ink)
    loops = SimpleNamespace(distance_transform_edt=distances_by_loop, maximum_filter=maxima_by_loop)
    monkeypatch.setattr(handwriting, "ndimage", loops)
    np.testing.assert_array_equal(found, normalise_ink(ink))


@pytest.mark.parametrize("width", [4, 7, 12])
def test_the_width_of_a_line(width):
    """The oracle: the mean depth of a line with round ends, integrated by hand."""
    length, r = 105 * np.hypot(0.6, 0.3), width / 2
    mean_depth = (length * r**2 + np.pi * r**3 / 3) / (2 * length * r + np.pi * r**2)
    found = stroke_width(signed_distance(draw_line(width) > 0))
    assert found == pytest.approx(4 * mean_depth, abs=0.75)  # pixels have corners


def draw_line(width):
    return draw_strokes([[(0.2, 0.3), (0.8, 0.6)]], pen=width)


@pytest.mark.parametrize("pen", [2, 3, 5, 8, 10])
@pytest.mark.parametrize("scale", [0.7, 1.0, 3.0])
def test_any_pen_and_size_give_nearly_the_same_character(pen, scale):
    character = normalise_ink(resized(draw_strokes(STROKES, pen), scale))
    assert overlap(character, to_character(STROKES)) > 0.65
    assert width_of(character) == pytest.approx(PEN, rel=0.25)
    assert longer_side(character) == pytest.approx(CHARACTER_SIDE, abs=4)
    top, bottom, left, right = box(character)
    assert (top + bottom) / 2 == pytest.approx(52.5, abs=1.5)
    assert (left + right) / 2 == pytest.approx(52.5, abs=1.5)


def test_a_thin_line_beside_a_thick_one_stays():
    ink = np.zeros((200, 200), dtype=np.uint8)
    ink[20:180, 20:50] = 255
    ink[20:180, 150:154] = 255
    assert normalise_ink(ink)[40:65, 60:].any(axis=1).all()


def test_blots_and_dots_are_not_blown_up():
    y, x = np.mgrid[:300, :300]
    blot = np.where(np.hypot(y - 100, x - 200) < 40, 255, 0).astype(np.uint8)
    assert PEN < longer_side(normalise_ink(blot)) < CHARACTER_SIDE / 3
    assert longer_side(normalise_ink(blot[60:141, 160:241])) < CHARACTER_SIDE / 3


def test_no_ink():
    with pytest.raises(PictureError, match="no ink"):
        normalise_ink(np.zeros((30, 30), dtype=np.uint8))


def test_files_pictures_and_strokes_become_one_character(tmp_path):
    photograph = on_paper(draw_strokes(STROKES), np.random.default_rng(0))
    photograph.save(tmp_path / "r.png")
    from_file = to_character((tmp_path / "r.png").read_bytes(), "r.png")
    np.testing.assert_array_equal(from_file, to_character(photograph))
    assert overlap(from_file, to_character(STROKES)) > 0.75


def test_the_network_sees_the_mean_ink():
    character = to_character(STROKES)
    x = character_to_tensor(character)
    assert x.shape == (1, 28, 28)
    assert x.dtype == torch.float32
    assert 0 <= x.min() <= x.max() <= 1
    assert float(x.mean()) == pytest.approx(character.mean() / 255, abs=0.005)


# Real characters

RENDERINGS = {
    "as they are": lambda ink, rng: normalise_ink(ink),
    "half as large": lambda ink, rng: normalise_ink(resized(ink, 0.5)),
    "larger and elsewhere": lambda ink, rng: normalise_ink(
        np.pad(resized(ink, 2.5), ((0, 99), (30, 0)))
    ),
    "thin": lambda ink, rng: normalise_ink(with_pen(ink, -2)),
    "thick": lambda ink, rng: normalise_ink(with_pen(ink, 2.5)),
    "on paper": lambda ink, rng: to_character(on_paper(ink, rng)),
}


def accuracies(data, names, episodes):
    """5-way 1-shot accuracy of MAML by rendering of the queries, each answered alone.

    Support and query go the same way, as in the app, where both are drawn or uploaded.
    """
    learner = shipped("maml")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    labels = torch.arange(5)
    right = {name: [] for name in names}
    for number in range(episodes):
        episode = sample_episode(pool, EpisodeSpec(5, 1, 2), 7, number)
        rng = np.random.default_rng(number)
        support = [
            character_to_tensor(normalise_ink(data.picture(i))) for i in episode.support.ravel()
        ]
        support_x = torch.stack(support)
        params = adapt(
            learner.model,
            for_n_way(learner.params, 5),
            support_x,
            labels,
            inner_lr=learner.inner_lr(5),
            inner_steps=5,
            differentiable=False,
            lr_multipliers=learner.lr_multipliers,
        )[-1]
        for name in names:
            query = [RENDERINGS[name](data.picture(i), rng) for i in episode.query.ravel()]
            query_x = torch.stack([character_to_tensor(character) for character in query])
            found = query_logits(learner.model, params, support_x, query_x, transductive=False)
            hits = found.argmax(1) == labels.repeat_interleave(2)
            right[name].append(float(hits.float().mean()))
    return {name: float(np.mean(values)) for name, values in right.items()}


def test_a_few_real_characters_are_recognised(real_omniglot):
    found = accuracies(real_omniglot, ["as they are", "larger and elsewhere"], 10)
    assert found["as they are"] >= 0.9
    assert found["larger and elsewhere"] >= found["as they are"] - 0.02


@pytest.mark.slow
def test_real_characters_are_recognised_however_they_are_drawn(real_omniglot):
    found = accuracies(real_omniglot, list(RENDERINGS), 100)
    assert found["as they are"] >= 0.95
    for name, accuracy in found.items():
        assert accuracy >= found["as they are"] - 0.02, (name, found)
