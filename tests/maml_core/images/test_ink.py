"""Finding ink on paper, screens and transparency."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from maml_core.images.decoding import decode_image
from maml_core.images.handwriting import normalise_ink
from maml_core.images.ink import find_ink, looks_like_ink
from maml_core.images.ink_mask import otsu_threshold, remove_small_components
from maml_core.images.polarity import illumination
from tests.support.pictures import SIZE, encoded, figure, grey, overlap, refusal


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_one_shade_is_no_ink(shade):
    plain = Image.new("L", (80, 60), shade)
    assert "r shows no ink" in refusal(find_ink, plain, "r")


def test_nothing_on_transparency_is_no_ink():
    assert "no ink" in refusal(find_ink, Image.new("RGBA", (80, 60)))


def test_bare_paper_is_no_ink():
    noise = np.random.default_rng(1).normal(200, 6, (400, 400))
    assert "no ink" in refusal(find_ink, grey(noise))


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (0, 255), (210, 120), (110, 30), (40, 170)])
def test_dark_on_light_and_light_on_dark(paper, pen):
    picture = grey(np.where(figure(), pen, paper))
    assert overlap(find_ink(picture) > 0, figure()) > 0.95


@pytest.mark.parametrize("character", ["ring", "corner"])
def test_chalk_on_a_board_is_light_on_dark(character):
    """The ground that strokes enclose is as sharp as they are where they are, and only there."""
    board = Image.new("L", (SIZE, SIZE), 60)
    brush = ImageDraw.Draw(board)
    if character == "ring":
        brush.ellipse((100, 100, 190, 190), outline=200, width=14)
    else:
        brush.line([(90, 100), (200, 100), (120, 200)], fill=200, width=14)
    truth = np.asarray(board) > 130
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    values = np.asarray(board) * (1 - 0.3 * x - 0.1 * y)
    noisy = values + np.random.default_rng(5).normal(0, 3, values.shape)
    assert overlap(find_ink(grey(noisy)) > 0, truth) > 0.9


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 30, 30)])
def test_strokes_on_transparency(colour):
    layers = np.zeros((SIZE, SIZE, 4), dtype=np.uint8)
    layers[..., :3] = colour
    layers[..., 3] = 255 * figure()
    assert overlap(find_ink(Image.fromarray(layers)) > 0, figure()) > 0.95


def test_a_card_on_transparency_is_paper():
    layers = np.full((SIZE, SIZE, 4), 255, dtype=np.uint8)
    layers[figure(), :3] = 0
    layers[:20, :, 3] = layers[-20:, :, 3] = layers[:, :20, 3] = layers[:, -20:, 3] = 0
    assert overlap(find_ink(Image.fromarray(layers)) > 0, figure()) > 0.95


def test_sixteen_bits_a_pixel():
    values = np.where(figure(), 9_000, 60_000).astype(np.uint16)
    picture = decode_image(encoded(Image.fromarray(values)), "r")
    assert overlap(find_ink(picture) > 0, figure()) > 0.95


@pytest.mark.parametrize("angle", [0.0, 1.0, 2.5, 4.0])
def test_uneven_light_and_paper_grain(angle):
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    light = 1 - 0.6 * (np.cos(angle) * x + np.sin(angle) * y + 0.7) / 1.4
    values = 230 * light * np.where(figure(), 0.65, 1)
    noisy = values + np.random.default_rng(2).normal(0, 5, values.shape)
    # A single threshold cannot do it: paper in the shade is darker than ink in the light.
    assert values[~figure()].min() < values[figure()].max()
    assert overlap(find_ink(grey(noisy)) > 0, figure()) > 0.9


def test_specks_go_and_dots_stay():
    ink = figure()
    dusty = ink.copy()
    dusty[20:23, 200:203] = dusty[270:272, 30:33] = True
    dotted = dusty.copy()
    dotted[30:46, 100:116] = True
    np.testing.assert_array_equal(remove_small_components(dusty), ink)
    assert remove_small_components(dotted)[30:46, 100:116].all()
    assert remove_small_components(dotted).sum() == ink.sum() + 16 * 16


def flood_fill(ink, start):
    """Return the pixels that are connected with one, corners included."""
    piece, todo = {start}, [start]
    while todo:
        y, x = todo.pop()
        around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
        height, width = ink.shape
        inside = {p for p in around if 0 <= p[0] < height and 0 <= p[1] < width}
        new = {p for p in inside - piece if ink[p]}
        piece |= new
        todo += new
    return piece


@pytest.mark.parametrize("seed", range(4))
def test_small_components_are_those_of_a_flood_fill(seed):
    rng = np.random.default_rng(seed)
    ink = rng.random((40, 51)) < rng.uniform(0.1, 0.35)
    ink[rng.integers(10, 30) :, 20:26] = True
    expected = np.zeros_like(ink)
    for start in zip(*np.nonzero(ink), strict=True):
        piece = flood_fill(ink, start)
        if len(piece) >= 0.005 * ink.sum():
            expected[tuple(np.transpose(list(piece)))] = True
    assert 0 < expected.sum() < ink.sum()
    np.testing.assert_array_equal(remove_small_components(ink), expected)


def window_extremes(values, radius, extreme):
    """Return the maximum or minimum of the square window around each pixel, by a plain loop."""
    found = np.empty_like(values)
    for y, x in np.ndindex(*values.shape):
        rows = slice(max(y - radius, 0), y + radius + 1)
        columns = slice(max(x - radius, 0), x + radius + 1)
        found[y, x] = extreme(values[rows, columns])
    return found


@pytest.mark.parametrize("shape", [(64, 40), (17, 64), (64, 64)])
def test_the_illumination_is_the_greatest_of_each_window_and_of_that_the_least(shape):
    values = np.random.default_rng(4).uniform(0, 255, shape).astype(np.float32)
    expected = window_extremes(window_extremes(values, 10, np.max), 10, np.min)
    np.testing.assert_array_equal(illumination(values), expected)


# What surrounds the ink, or does not


def test_crisp_ink_that_fills_its_frame():
    """Half of the pixels are ink: it must not count as noise."""
    rows, columns = (np.flatnonzero(figure(width=25).any(axis=axis)) for axis in (1, 0))
    ink = figure(width=25)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    for paper, pen in ((255, 0), (0, 255)):
        found = find_ink(grey(np.where(ink, pen, paper)))
        truth = np.asarray(Image.fromarray(ink).resize(found.shape[::-1]))
        assert overlap(found > 0, truth) > 0.9


@pytest.mark.parametrize("width", [6, 20, 35])
@pytest.mark.parametrize("sides", ["all", "one"])
@pytest.mark.parametrize("shade", [0, 60])
def test_a_dark_frame_is_no_ink(width, sides, shade):
    values = np.where(figure(), 40, 230)
    values[:width] = shade
    if sides == "all":
        values[-width:] = values[:, :width] = values[:, -width:] = shade
    assert overlap(find_ink(grey(values)) > 0, figure()) > 0.95


def test_the_corners_of_a_turned_page_are_no_ink():
    page = grey(np.where(figure(), 20, 255))
    turned = page.rotate(5, Image.Resampling.BICUBIC, fillcolor=0)
    truth = Image.fromarray(figure()).rotate(5, fillcolor=0)
    assert overlap(find_ink(turned) > 0, np.asarray(truth)) > 0.9


@pytest.mark.parametrize("start", [0, 17])
def test_the_grid_of_squared_paper_is_no_ink(start):
    """It covers more than the ink, which it joins to the border; at 0 a line runs along that."""
    ink = np.pad(figure(size=200, width=14), 280)
    values = np.where(ink, 60.0, 230)
    for offset in (start, start + 1):
        values[offset::50] = np.minimum(values[offset::50], 165)
        values[:, offset::50] = np.minimum(values[:, offset::50], 165)
    values *= 1 - 0.4 * np.linspace(0, 1, len(values))
    values = ndimage.gaussian_filter(values, 1)
    noisy = values + np.random.default_rng(7).normal(0, 4, values.shape)
    assert overlap(find_ink(grey(noisy)) > 0, ink) > 0.9


@pytest.mark.parametrize("angle", [-10, -3, 6.5, 20])
def test_a_page_that_lies_turned_on_a_desk_is_turned_upright(angle):
    """The desk is darker than the ink, and wider at the corners than any stroke."""
    page = grey(np.where(figure(), 60, 225))
    turned = page.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=40)
    photograph = np.pad(np.asarray(turned, dtype=float), 50, constant_values=40)
    photograph += np.random.default_rng(6).normal(0, 4, photograph.shape)
    found = normalise_ink(find_ink(grey(photograph)))
    assert overlap(found > 0, normalise_ink(np.uint8(255 * figure())) > 0) > 0.75


@pytest.mark.parametrize("side", [60, 200])
def test_an_empty_box_is_a_character_and_no_page(side):
    box = np.zeros((SIZE, SIZE), dtype=bool)
    low, high = (SIZE - side) // 2, (SIZE + side) // 2
    box[low:high, low:high] = True
    box[low + 12 : high - 12, low + 12 : high - 12] = False
    for paper, pen in ((230, 40), (0, 255)):
        assert overlap(find_ink(grey(np.where(box, pen, paper))) > 0, box) > 0.9


def test_ink_at_the_border_whose_edges_are_faint_is_no_shadow():
    """At 20 × 20 a stroke is seldom a whole pixel: its mean is far from full ink's."""
    y, x = np.mgrid[:200, :200]
    fine = (y >= 60) & (abs(x - 80 - 0.3 * (y - 60)) < 6)
    fine[20:45, 60:140] = True
    small = np.asarray(grey(255.0 * fine).resize((20, 20), Image.Resampling.BOX))
    found = find_ink(Image.fromarray(small)) > 0
    assert found[-40:].any(), "the stroke that meets the border"
    assert found[: len(found) // 4].any(), "and the one that does not"


@pytest.mark.parametrize("slope", [-0.4, 0.0, 0.7])
def test_the_edge_of_a_shadow_is_no_ink(slope):
    y, x = np.mgrid[:SIZE, :SIZE]
    values = np.where(figure(), 60, 225) * np.where(x + slope * y > 190, 0.55, 1)
    assert overlap(find_ink(grey(values)) > 0, figure()) > 0.9


@pytest.mark.parametrize(
    ("paper", "pen"), [((70, 150, 90), (230, 60, 60)), ((255, 255, 255), (240, 220, 30))]
)
def test_ink_nearly_as_light_as_its_ground(paper, pen):
    colours = np.where(figure()[..., None], pen, paper).astype(np.uint8)
    assert np.ptp(np.asarray(Image.fromarray(colours).convert("L"))) < 55, "little to see in grey"
    assert overlap(find_ink(Image.fromarray(colours)) > 0, figure()) > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_otsu_is_the_best_of_all_cuts(seed):
    """By trying them: the least variance within the two parts (Otsu 1979, equation 12)."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(0.2, 0.05, 400), rng.normal(0.7, 0.1, 90)]).clip(0, 1)
    within = {
        cut: sum(len(part) * part.var() for part in (values[values <= cut], values[values > cut]))
        for cut in np.arange(40, 200) / 256
    }
    assert within[otsu_threshold(values)] <= 1.01 * min(within.values())


def test_what_looks_like_ink():
    rng = np.random.default_rng(3)
    assert looks_like_ink(grey(np.where(figure(), 90, 210) + rng.normal(0, 5, (SIZE, SIZE))))
    assert looks_like_ink(grey(np.where(figure(), 255, 0)))
    line = np.full((100, 100), 255)
    line[45:55, 20:80] = 0
    assert looks_like_ink(grey(line))
    assert not looks_like_ink(grey(rng.uniform(0, 255, (84, 84))))
    assert not looks_like_ink(Image.new("L", (84, 84), 77))
    clouds = ndimage.gaussian_filter(rng.normal(0, 1, (200, 200)), 12)
    assert not looks_like_ink(grey(128 + 90 * clouds / np.abs(clouds).max()))
