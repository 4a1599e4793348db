"""The random deformations: which ones are drawn, and that pictures are resampled as said."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maml_core.images.augmentation import random_affine, random_elastic

SIZE = 28
CENTRES = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1  # of the pixels, where the picture spans -1 to 1


def coordinates(n):
    """Pictures whose pixels hold their own x, and likewise y: [n, 1, 28, 28] each."""
    x, y = np.meshgrid(CENTRES, CENTRES)
    return (torch.from_numpy(c).expand(n, 1, SIZE, SIZE).clone() for c in (x, y))


def drawn_maps(n, seed):
    """Return the maps from output to input coordinates, [n, 2, 3], read off the result itself.

    Bilinear resampling of a linear picture is exact, so a bent picture of coordinates says where
    each pixel came from; the centre never comes from outside.
    """
    x, y = coordinates(n)
    centre = slice(10, 18)
    columns, rows = np.meshgrid(CENTRES[centre], CENTRES[centre])
    basis = np.stack([columns.ravel(), rows.ravel(), np.ones(columns.size)], axis=1)
    maps = []
    for picture in (x, y):
        bent = random_affine(picture, torch.Generator().manual_seed(seed))
        values = bent[:, 0, centre, centre].reshape(n, -1).numpy().T
        solution, residual, *_ = np.linalg.lstsq(basis, values, rcond=None)
        assert residual.max() < 1e-10
        maps.append(solution.T)
    return np.stack(maps, axis=1)


def test_maps_fill_the_stated_ranges_and_never_leave_them():
    """Rotation ±15°, scales and shear ±0.15, shifts ±2 pixels, from a QR decomposition."""
    maps = drawn_maps(500, seed=0)
    angle, width, height, shear = [], [], [], []
    for linear in maps[:, :, :2]:
        q, r = np.linalg.qr(linear)
        q, r = q * np.sign(np.diag(r)), r * np.sign(np.diag(r))[:, None]
        assert np.linalg.det(q) == pytest.approx(1)  # never mirrored
        angle.append(math.degrees(math.atan2(q[1, 0], q[0, 0])))
        width.append(r[0, 0] - 1)
        height.append(r[1, 1] - 1)
        shear.append(r[0, 1] / r[1, 1])
    shift_x, shift_y = maps[:, 0, 2] * SIZE / 2, maps[:, 1, 2] * SIZE / 2
    bounds = [(angle, 15), (width, 0.15), (height, 0.15), (shear, 0.15), (shift_x, 2), (shift_y, 2)]
    for values, bound in bounds:
        assert np.max(np.abs(values)) <= bound * (1 + 1e-6)
        # All of 500 uniform draws miss an outer twentieth with probability e^-12.
        assert np.min(values) < -0.9 * bound
        assert np.max(values) > 0.9 * bound
    effects = np.corrcoef([values for values, _ in bounds])
    assert np.abs(effects - np.eye(len(bounds))).max() < 5 / 500**0.5  # independent draws


def bilinear(picture, places):
    """Resample one picture at [28, 28, 2] places, x and y, by a plain loop; outside it is 0."""
    result = np.zeros_like(picture)
    for i, row in enumerate(places):
        for j, (x, y) in enumerate(row):
            left, top = ((x + 1) * SIZE - 1) / 2, ((y + 1) * SIZE - 1) / 2
            for m in (math.floor(top), math.floor(top) + 1):
                for n in (math.floor(left), math.floor(left) + 1):
                    if 0 <= m < SIZE and 0 <= n < SIZE:
                        weight = (1 - abs(top - m)) * (1 - abs(left - n))
                        result[i, j] += weight * picture[m, n]
    return result


def test_pictures_are_resampled_as_a_plain_loop_does():
    x = torch.rand(3, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1)).double()
    found = random_affine(x, torch.Generator().manual_seed(4))
    columns, rows = np.meshgrid(CENTRES, CENTRES)
    grid = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    for picture, bent, matrix in zip(x, found, drawn_maps(3, seed=4), strict=True):
        expected = bilinear(picture[0].numpy(), grid @ matrix.T)
        np.testing.assert_allclose(bent[0].numpy(), expected, atol=1e-9)


def elastic_places(n, seed):
    """Return where each pixel came from, [n, 28, 28, 2], read off bent pictures of coordinates.

    Only where nothing from outside comes in: not at the edge.
    """
    bent = [random_elastic(p, torch.Generator().manual_seed(seed))[:, 0] for p in coordinates(n)]
    return torch.stack(bent, -1).numpy()


INSIDE = slice(5, 23)


def test_elastic_shifts_are_small_smooth_and_of_every_part_its_own():
    """At a point of the coarse grid a shift is a normal draw of 0.7 of 28 pixels."""
    places = elastic_places(500, seed=0)
    here = np.stack(np.meshgrid(CENTRES, CENTRES), axis=-1)
    shifts = (places - here)[:, INSIDE, INSIDE] * SIZE / 2
    spread = shifts.std(axis=0)
    assert spread.min() > 0.3  # between two points of the grid the mean of several draws
    assert spread.max() == pytest.approx(0.7, rel=0.1)
    assert np.abs(shifts.mean(axis=0)).max() < 5 * 0.7 / 500**0.5
    neighbours = np.diff(shifts, axis=1)
    assert neighbours.std() < 0.5 * shifts.std()
    one, other = shifts[:, 0, 0], shifts[:, -1, -1]  # three grid points apart
    effects = np.corrcoef(np.concatenate([one, other], axis=1).T)
    assert np.abs(effects - np.eye(4)).max() < 5 / 500**0.5


def test_elastic_pictures_are_resampled_as_a_plain_loop_does():
    x = torch.rand(3, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1)).double()
    found = random_elastic(x, torch.Generator().manual_seed(4))
    for picture, bent, places in zip(x, found, elastic_places(3, seed=4), strict=True):
        expected = bilinear(picture[0].numpy(), places)[INSIDE, INSIDE]
        np.testing.assert_allclose(bent[0].numpy()[INSIDE, INSIDE], expected, atol=1e-9)


@pytest.mark.parametrize("deform", [random_affine, random_elastic])
def test_ink_stays_between_paper_and_full_ink_and_paper_stays_paper(deform):
    x = torch.zeros(50, 1, SIZE, SIZE)
    x[:25] = 1
    bent = deform(x, torch.Generator().manual_seed(0))
    assert bent.dtype == x.dtype
    assert bent.min() == 0
    assert bent.max() <= 1 + 1e-6
    assert bent[25:].count_nonzero() == 0
    assert (bent[:25] < 0.5).any()  # paper came in from outside


@pytest.mark.parametrize("deform", [random_affine, random_elastic])
@pytest.mark.usefixtures("untouched_global_rng")
def test_the_generator_alone_chooses_the_maps_and_the_argument_stays(deform):
    x = torch.rand(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    before = x.clone()
    one, same, other = (deform(x, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(x, before)


@pytest.mark.parametrize("deform", [random_affine, random_elastic])
def test_in_colour_the_edge_goes_on_outside(deform):
    """Of pictures of one colour each nothing changes, where paper would come in at the corners."""
    x = torch.tensor([[0.2, 0.5, 0.9], [1.0, 0.0, 0.3]])[..., None, None].expand(2, 3, SIZE, SIZE)
    bent = deform(x, torch.Generator().manual_seed(3))
    torch.testing.assert_close(bent, x)
