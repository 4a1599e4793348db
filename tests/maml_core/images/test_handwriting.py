"""Strokes and ink of any place, size and pen become characters like Omniglot's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from maml_core.config import EpisodeSpec
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import (
    CHARACTER,
    PEN,
    as_character,
    centred,
    character_of,
    draw,
    network_input,
    signed_depth,
    stroke_width,
)
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
    return stroke_width(signed_depth(np.pad(ink > 0, 2)))


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
    ink = draw([[(20 / 105, 40 / 105), (80 / 105, 70 / 105)]], pen=9)
    y, x = np.mgrid[:105, :105] + 0.5
    along = (((x - 20) * 60 + (y - 40) * 30) / (60**2 + 30**2)).clip(0, 1)
    distance = np.hypot(x - 20 - 60 * along, y - 40 - 30 * along)
    assert ink.dtype == np.uint8
    assert set(np.unique(ink)) == {0, 255}
    assert (ink[distance < 4] == 255).all()
    assert (ink[distance > 5] == 0).all()


def test_one_point_is_a_dot():
    ink = draw([[(0.5, 0.5)]], pen=11)
    assert (ink > 0).sum() == pytest.approx(np.pi * 5.5**2, rel=0.1)
    assert longer_side(draw(centred([[(0.1, 0.9)]]))) < 2 * PEN


def test_a_pen_that_leaves_the_square_stays_at_its_border():
    assert draw([[(-1.0, 0.5), (2.0, 0.5)]])[50:55].all()


@pytest.mark.parametrize("strokes", [[], [[]], [[], []]])
def test_no_stroke(strokes):
    with pytest.raises(PictureError, match=r"no ink; draw a line\.$"):
        character_of(strokes)


@pytest.mark.parametrize(
    "point", [(float("nan"), 0.5), (float("inf"), 0.5), (0.5,), (1, 2, 3), ("a", "b"), None]
)
def test_no_point(point):
    with pytest.raises(PictureError, match=r"no pair of numbers; draw it again\.$"):
        draw([[(0.5, 0.5), point]])


def test_too_many_points():
    with pytest.raises(PictureError, match=r"50,001 points.*at most 50,000\.$"):
        draw([[(0.5, 0.5)] * 50_001])


@pytest.mark.parametrize(
    ("scale", "right", "down"), [(1, 0.1, -0.1), (0.5, 0, 0.4), (0.4, 0.5, 0), (1.2, 0, 0)]
)
def test_strokes_give_the_same_character_wherever_and_however_large(scale, right, down):
    plain = character_of(STROKES)
    assert overlap(character_of(moved(STROKES, scale, right, down)), plain) > 0.9
    assert longer_side(plain) == pytest.approx(CHARACTER, abs=1.5)


def test_a_short_line_stays_shorter_than_a_character():
    assert longer_side(character_of([[(0.5, 0.5), (0.55, 0.5)]])) < CHARACTER / 2


# Ink


def test_depth_is_the_distance_to_the_edge():
    ink = np.random.default_rng(0).random((19, 23)) < 0.4
    inside, outside = np.argwhere(ink), np.argwhere(~ink)
    for (y, x), depth in np.ndenumerate(signed_depth(ink)):
        other = outside if ink[y, x] else inside
        nearest = np.hypot(*(other - (y, x)).T).min()
        assert depth == pytest.approx((nearest - 0.5) * (1 if ink[y, x] else -1))


@pytest.mark.parametrize("width", [4, 7, 12])
def test_the_width_of_a_line(width):
    """The oracle: the mean depth of a line with round ends, integrated by hand."""
    length, r = 105 * np.hypot(0.6, 0.3), width / 2
    mean_depth = (length * r**2 + np.pi * r**3 / 3) / (2 * length * r + np.pi * r**2)
    found = stroke_width(signed_depth(draw_line(width) > 0))
    assert found == pytest.approx(4 * mean_depth, abs=0.75)  # pixels have corners


def draw_line(width):
    return draw([[(0.2, 0.3), (0.8, 0.6)]], pen=width)


@pytest.mark.parametrize("pen", [2, 3, 5, 8, 10])
@pytest.mark.parametrize("scale", [0.7, 1.0, 3.0])
def test_any_pen_and_size_give_nearly_the_same_character(pen, scale):
    character = as_character(resized(draw(STROKES, pen), scale))
    assert overlap(character, character_of(STROKES)) > 0.65
    assert width_of(character) == pytest.approx(PEN, rel=0.25)
    assert longer_side(character) == pytest.approx(CHARACTER, abs=4)
    top, bottom, left, right = box(character)
    assert (top + bottom) / 2 == pytest.approx(52.5, abs=1.5)
    assert (left + right) / 2 == pytest.approx(52.5, abs=1.5)


def test_a_thin_line_beside_a_thick_one_stays():
    ink = np.zeros((200, 200), dtype=np.uint8)
    ink[20:180, 20:50] = 255
    ink[20:180, 150:154] = 255
    assert as_character(ink)[40:65, 60:].any(axis=1).all()


def test_blots_and_dots_are_not_blown_up():
    y, x = np.mgrid[:300, :300]
    blot = np.where(np.hypot(y - 100, x - 200) < 40, 255, 0).astype(np.uint8)
    assert PEN < longer_side(as_character(blot)) < CHARACTER / 3
    assert longer_side(as_character(blot[60:141, 160:241])) < CHARACTER / 3


def test_no_ink():
    with pytest.raises(PictureError, match="no ink"):
        as_character(np.zeros((30, 30), dtype=np.uint8))


def test_files_pictures_and_strokes_become_one_character(tmp_path):
    photograph = on_paper(draw(STROKES), np.random.default_rng(0))
    photograph.save(tmp_path / "r.png")
    from_file = character_of((tmp_path / "r.png").read_bytes(), "r.png")
    np.testing.assert_array_equal(from_file, character_of(photograph))
    assert overlap(from_file, character_of(STROKES)) > 0.75


def test_the_network_sees_the_mean_ink():
    character = character_of(STROKES)
    x = network_input(character)
    assert x.shape == (1, 28, 28)
    assert x.dtype == torch.float32
    assert 0 <= x.min() <= x.max() <= 1
    assert float(x.mean()) == pytest.approx(character.mean() / 255, abs=0.005)


# Real characters

RENDERINGS = {
    "as they are": lambda ink, rng: as_character(ink),
    "half as large": lambda ink, rng: as_character(resized(ink, 0.5)),
    "larger and elsewhere": lambda ink, rng: as_character(
        np.pad(resized(ink, 2.5), ((0, 99), (30, 0)))
    ),
    "thin": lambda ink, rng: as_character(with_pen(ink, -2)),
    "thick": lambda ink, rng: as_character(with_pen(ink, 2.5)),
    "on paper": lambda ink, rng: character_of(on_paper(ink, rng)),
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
        support = [network_input(as_character(data.picture(i))) for i in episode.support.ravel()]
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
            query_x = torch.stack([network_input(character) for character in query])
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
