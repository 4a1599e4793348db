"""More classes: each mirror image is one, and compositions are parts of two, by one drawer each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.config import EpisodeSpec
from maml_core.episodes.class_augmentation import augment_classes, spliced_classes
from maml_core.episodes.pool import make_pool, picture_tensors
from maml_core.episodes.sampling import sample_episode

SIDE = 28


def painted(pool, values):
    """Return the pool with every picture of one grey value, `values` by class and picture."""
    flat = torch.cat([row[:count] for row, count in zip(values, pool.counts, strict=True)])
    pixels = flat.to(torch.uint8)[:, None, None, None].expand(-1, 1, SIDE, SIDE).contiguous()
    return replace(pool, pixels=pixels)


def pictures_of(pool, row):
    """All pictures of one class, as numpy bytes [n, 28, 28]."""
    images = pool.images[row][pool.images[row] >= 0]
    found = picture_tensors(pool, torch.full((len(images),), row), images)
    return (found[:, 0] * 255).round().to(torch.uint8).numpy()


@pytest.fixture
def two_kinds(make_characters):
    """One alphabet of one blank and one black class of three drawers: a composition is its cut."""
    pool = make_pool(make_characters((2,), n_drawers=3), [0, 1])
    return painted(pool, torch.tensor([[0] * 3, [255] * 3]))


def test_every_class_is_there_once_more_in_a_mirror(characters):
    pool = make_pool(characters, list(range(12)), rotate=True)
    found = augment_classes(pool, mirror=True, spliced_per_class=0, seed=0)
    assert len(found.classes) == 96
    for row in range(48):
        assert np.array_equal(pictures_of(found, row), pictures_of(pool, row))
        assert np.array_equal(pictures_of(found, 48 + row), pictures_of(pool, row)[..., ::-1])
    assert set(found.alphabets[:48].tolist()).isdisjoint(found.alphabets[48:].tolist())


def test_nothing_asked_for_adds_nothing(pool):
    assert augment_classes(pool, mirror=False, spliced_per_class=0, seed=0) is pool


def test_mirrored_classes_are_composed_too(pool):
    found = augment_classes(pool, mirror=True, spliced_per_class=2, seed=0)
    assert len(found.classes) == 38 * 2 * 3
    assert len(found.pixels) == int(found.counts.sum())


def test_ink_crops_get_the_same_new_classes(characters):
    pool = make_pool(characters, list(range(12)), rotate=True, ink_crops=True)
    options = {"mirror": True, "spliced_per_class": 1, "seed": 3}
    found = augment_classes(pool, **options)
    for seen, alone in ((found, replace(pool, ink_crops=None)), (found.ink_crops, pool.ink_crops)):
        expected = augment_classes(alone, **options)
        for name in ("classes", "rotations", "alphabets", "counts", "images", "pixels"):
            assert torch.equal(getattr(seen, name), getattr(expected, name))
    assert not torch.equal(found.pixels, found.ink_crops.pixels)


def test_a_cut_is_straight_halves_the_ink_and_is_the_same_for_all_pictures(two_kinds):
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    found = spliced_classes(two_kinds, 60, seed=0)
    for row in range(60):
        shown = pictures_of(found, row)
        assert (shown == shown[0]).all()
        black = shown[0] / 255
        # Uniform ink is halved by a line through the centre, which its own direction must tell.
        direction = np.array([(black * x).sum(), (black * y).sum()])
        along = (direction[0] * x + direction[1] * y) / np.linalg.norm(direction)
        assert black[along > 2.5].min() == 1
        assert black[along < -2.5].max() == 0
        assert black.sum() == pytest.approx(SIDE**2 / 2, abs=SIDE)


def test_where_the_ink_lies_to_one_side_there_lies_the_cut(make_characters):
    """Ink in the left eight columns only: an upright cut down the middle would part nothing."""
    pool = make_pool(make_characters((2,), n_drawers=3), [0, 1])
    pixels = torch.zeros_like(pool.pixels)
    pixels[..., :8] = 200
    pixels[3:, :, ::2] = 100  # the second class has other rows
    pool = replace(pool, pixels=pixels)
    upright = [pictures_of(pool, row)[0] for row in (0, 1)]
    found = spliced_classes(pool, 60, seed=1)
    for row in range(60):
        first = int(found.classes[row])
        own, other = upright[first], upright[1 - first]
        assert 0.1 < (pictures_of(found, row)[0] == own)[own != other].mean() < 0.9


def test_a_picture_is_of_one_drawer_and_of_two_characters_of_an_alphabet(make_characters):
    """Each picture's grey tells its class and its drawer."""
    upright = make_pool(make_characters((3, 4), n_drawers=5), list(range(7)), rotate=True)
    classes = torch.arange(28)[:, None]
    pool = painted(upright, 8 * classes + torch.arange(5))
    found = spliced_classes(pool, 200, seed=3)
    partners = set()
    for row in range(200):
        shown = pictures_of(found, row)
        for drawer in range(5):
            extremes = {int(shown[drawer].min()), int(shown[drawer].max())}
            (a, b) = sorted(value - drawer for value in extremes)
            assert a % 8 == b % 8 == 0
            assert pool.alphabets[a // 8] == pool.alphabets[b // 8]
        partners.add((a // 8, b // 8))
        assert found.classes[row] in (upright.classes[a // 8], upright.classes[b // 8])
        assert found.alphabets[row] == pool.alphabets[a // 8]
    # Of 4 x (3 + 6) pairs, 200 draws miss any one with a probability below 1 %.
    assert len(partners) > 30


def test_a_character_alone_in_its_alphabet_is_composed_with_one_of_another(make_characters):
    pool = make_pool(make_characters((1, 2), n_drawers=2), [0, 1, 2])
    pool = painted(pool, torch.tensor([[10, 10], [20, 20], [30, 30]]))
    found = spliced_classes(pool, 80, seed=0)
    alone = [row for row in range(80) if int(found.classes[row]) == 0]
    assert {int(pictures_of(found, row).max()) for row in alone} == {20, 30}
    others = [row for row in range(80) if int(found.classes[row]) != 0]
    assert {int(pictures_of(found, row).min()) for row in others} == {20}


def test_where_pictures_are_missing_compositions_have_as_many_as_the_fewest(make_characters):
    data = make_characters((3,), n_drawers=4)
    pool = make_pool(data, [0, 1, 2])
    keep = torch.tensor([True] * 4 + [True] * 2 + [False] * 2 + [True] * 4)
    images = pool.images.clone()
    images[1, 2:] = -1
    counts = torch.tensor([4, 2, 4])
    uneven = replace(pool, counts=counts, images=images, pixels=pool.pixels[keep])
    assert uneven.class_starts.tolist() == [0, 4, 6]
    found = augment_classes(uneven, mirror=False, spliced_per_class=1, seed=0)
    assert found.counts.tolist() == [4, 2, 4, 2, 2, 2]
    for row in range(3):
        assert np.array_equal(pictures_of(found, row), pictures_of(uneven, row))
    for row in range(3, 6):
        assert len(pictures_of(found, row)) == 2
    episode = sample_episode(found, EpisodeSpec(6, 1, 1), 0)
    assert episode.task.support_x.shape == (6, 1, SIDE, SIDE)


def test_the_seed_alone_chooses_them(pool, untouched_global_rng):
    one, again, other = (spliced_classes(pool, 30, seed) for seed in (4, 4, 5))
    assert torch.equal(one.pixels, again.pixels)
    assert not torch.equal(one.pixels, other.pixels)


def test_there_are_as_many_as_asked_for(pool):
    assert (
        len(spliced_classes(pool, 300, seed=0).classes) == 300
    )  # more than one chunk, with a rest


def test_the_pool_stays_as_it_is(pool):
    before = pool.pixels.clone(), pool.images.clone()
    augment_classes(pool, mirror=True, spliced_per_class=1, seed=0)
    assert torch.equal(pool.pixels, before[0])
    assert torch.equal(pool.images, before[1])


def test_pictures_of_no_drawers_are_not_put_together(make_characters):
    pool = make_pool(replace(make_characters((4,)), has_drawers=False), list(range(4)))
    with pytest.raises(ValueError, match="have no drawers; set it to 0, or choose a data set"):
        augment_classes(pool, mirror=False, spliced_per_class=1, seed=0)
