"""What a network sees of a picture, whole or around its ink, and the tensor it becomes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maml_core.data.splits import split_classes
from maml_core.images.network_input import ink_bounding_box, ink_crop, to_network_input
from maml_core.images.tensors import character_to_tensor, pixels_to_tensor


def block(top, left, height, width, side=105):
    """A rectangle of ink as uint8 [side, side]."""
    ink = np.zeros((side, side), dtype=np.uint8)
    ink[top : top + height, left : left + width] = 255
    return ink


@pytest.mark.parametrize(("top", "left"), [(0, 0), (50, 20), (63, 65)])
@pytest.mark.parametrize(("height", "width"), [(42, 21), (30, 40), (35, 35)])
def test_an_ink_crop_shows_the_ink_in_the_middle_with_its_longer_side_at_20_of_28(
    top, left, height, width
):
    shown = ink_crop(block(top, left, height, width))
    assert shown.shape == (28, 28)
    longer = max(height, width)
    for axis, length in enumerate((height, width)):
        seen = np.flatnonzero(shown.any(axis=1 - axis))
        margin = (28 - 20 * length / longer) / 2
        assert seen[0] == pytest.approx(margin, abs=1)
        assert 27 - seen[-1] == pytest.approx(margin, abs=1)
    assert shown.sum() / 255 == pytest.approx(400 * height * width / longer**2, rel=0.05)


def test_an_ink_crop_does_not_depend_on_where_the_ink_is():
    shown = ink_crop(block(3, 60, 20, 37))
    assert np.array_equal(ink_crop(block(80, 1, 20, 37)), shown)


def test_a_dot_is_magnified_two_and_a_half_times_and_no_more():
    dot = block(45, 45, 15, 15)  # four by four of the 28 x 28 pixels, each of 3.75
    assert to_network_input(dot).sum() == 255 * 4**2
    assert ink_crop(dot).sum() == pytest.approx(255 * (2.5 * 4) ** 2, rel=0.02)


def test_what_fills_its_picture_is_shown_smaller_and_nothing_is_cut_off():
    shown = ink_crop(block(0, 0, 105, 105))
    assert shown.sum() / 255 == pytest.approx(20**2, rel=0.02)
    assert not shown[[0, -1]].any()
    assert not shown[:, [0, -1]].any()


def test_without_ink_an_ink_crop_is_the_picture():
    faint = np.full((105, 105), 20, dtype=np.uint8)
    assert np.array_equal(ink_crop(faint), to_network_input(faint))


def test_many_evaluation_characters_are_small(real_omniglot):
    """What docs/results.md and the Evaluate page say of them."""

    def longer_side(number):
        ink = real_omniglot.picture(number) > 0
        return max(np.ptp(np.flatnonzero(ink.any(axis=axis))) + 1 for axis in (0, 1))

    classes = split_classes(real_omniglot, "alphabets", "test")
    sides = [longer_side(n) for c in classes for n in real_omniglot.images_of(c)]
    assert np.percentile(sides, [5, 25, 50]).tolist() == [43, 55, 65]
    assert 55 * 28 / 105 < 15


def test_an_input_is_the_mean_ink_of_each_pixel():
    """The oracle: where 28 divides the side, the mean of each square of pixels."""
    ink = np.random.default_rng(0).integers(0, 256, (84, 84), dtype=np.uint8)
    means = [
        [ink[3 * y : 3 * y + 3, 3 * x : 3 * x + 3].mean() for x in range(28)] for y in range(28)
    ]
    # Pillow rounds twice: along the rows, then along the columns.
    np.testing.assert_allclose(to_network_input(ink), means, atol=1)


def test_the_box_around_ink_is_the_smallest():
    ink = np.random.default_rng(1).random((30, 40)) < 0.003
    ink[[5, 20], [31, 8]] = True
    y, x = np.nonzero(ink)
    assert ink_bounding_box(ink) == (x.min(), y.min(), x.max() + 1, y.max() + 1)
    assert ink_bounding_box(np.zeros((3, 3), dtype=bool)) is None


def test_tensors_are_pixels_from_0_to_1():
    pixels = torch.arange(256, dtype=torch.uint8).reshape(2, 1, 8, 16)
    x = pixels_to_tensor(pixels)
    assert x.dtype == torch.float32
    assert x.flatten().tolist() == pytest.approx([value / 255 for value in range(256)])
    ink = block(40, 30, 20, 35)
    np.testing.assert_allclose(character_to_tensor(ink)[0], to_network_input(ink) / 255, rtol=1e-6)
