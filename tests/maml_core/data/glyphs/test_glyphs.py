"""Glyphs: reproducible, distinct, drawn like handwriting and measured like Omniglot."""

from __future__ import annotations

import io
import os
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from maml_core.data.character_set import CharacterSet
from maml_core.data.glyphs import dataset
from maml_core.data.glyphs.strokes import spline_basis
from maml_core.images.network_input import to_network_input

N_DRAWERS = 20
OMNIGLOT_DIR = os.environ.get("OMNIGLOT_DIR", "")  # read before the tests' fixtures hide it


@pytest.fixture(scope="module")
def data() -> CharacterSet:
    return dataset.generate(n_alphabets=5)


def pictures(data: CharacterSet) -> np.ndarray:
    return np.stack([data.picture(i) for i in range(len(data.bits))]) // 255


def box(picture: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    return int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def test_same_seed_gives_the_same_pictures_and_another_seed_others(data: CharacterSet) -> None:
    again, other = dataset.generate(2), dataset.generate(1, seed=1)
    n = len(again.bits)
    assert again.classes == data.classes[: len(again.classes)]
    np.testing.assert_array_equal(again.bits, data.bits[:n])
    np.testing.assert_array_equal(again.inputs, data.inputs[:n])
    assert {c.alphabet for c in other.classes}.isdisjoint(data.alphabets)
    shared = min(n, len(other.bits))
    assert not np.array_equal(other.bits[:shared], again.bits[:shared])


def test_fewer_drawers_are_the_first_of_more(data: CharacterSet) -> None:
    few = dataset.generate(1, n_drawers=3)
    assert few.drawers.tolist() == [1, 2, 3] * len(few.classes)
    for c in range(len(few.classes)):
        np.testing.assert_array_equal(few.bits[few.images_of(c)], data.bits[data.images_of(c)[:3]])


def test_no_global_generator_is_touched() -> None:
    legacy = np.random.mtrand._rand
    before = (random.getstate(), str(legacy.get_state()), torch.get_rng_state())
    dataset.generate(1, n_drawers=1)
    assert random.getstate() == before[0]
    assert str(legacy.get_state()) == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_records_fit_together(data: CharacterSet) -> None:
    assert data.name == "glyphs"
    assert data.starts.tolist() == list(range(0, len(data.bits) + 1, N_DRAWERS))
    assert data.drawers.tolist() == list(range(1, N_DRAWERS + 1)) * len(data.classes)
    assert data.starts.dtype == data.drawers.dtype == np.int64
    assert data.bits.shape == (len(data.bits), 105, 14)
    assert data.inputs.shape == (len(data.bits), 28, 28)
    assert data.evaluation_alphabets == tuple(data.alphabets)[3:]
    for index in range(0, len(data.bits), 37):
        np.testing.assert_array_equal(to_network_input(data.picture(index)), data.inputs[index])


def test_names_are_unique_and_alphabets_are_as_large_as_omniglots(data: CharacterSet) -> None:
    assert len(set(data.classes)) == len(data.classes)
    assert len(set(map(str, dataset._invent_names(0, 200)))) == 200
    for alphabet, members in data.alphabets.items():
        assert alphabet.isalpha()
        assert 14 <= len(members) <= 55
        expected = [f"character{i:02d}" for i in range(1, len(members) + 1)]
        assert [data.classes[c].name for c in members] == expected


def test_every_drawing_has_ink_away_from_the_border(data: CharacterSet) -> None:
    ink = pictures(data)
    share = ink.mean(axis=(1, 2))
    assert share.min() > 0.01
    assert share.max() < 0.3
    border = ink[:, [0, -1]].any(axis=(1, 2)) | ink[:, :, [0, -1]].any(axis=(1, 2))
    assert border.mean() < 0.05


def test_no_two_characters_of_an_alphabet_are_one(data: CharacterSet) -> None:
    for members in data.alphabets.values():
        means = np.stack([data.inputs[data.images_of(c)].mean(axis=0) for c in members])
        gaps = np.abs(means[:, None] - means).mean(axis=(2, 3))
        np.fill_diagonal(gaps, np.inf)
        assert gaps.min() > 2.0


def test_drawers_differ_and_keep_their_habits(data: CharacterSet) -> None:
    """A drawer's size, relative to the other drawers, carries over to another character."""
    sizes = np.array([np.hypot(*box(picture)) for picture in pictures(data)])
    for members in data.alphabets.values():
        log = np.log(np.stack([sizes[data.images_of(c)] for c in members]))
        relative = log - log.mean(axis=1, keepdims=True)
        assert relative.std() > 0.05
        half = len(members) // 2
        first, second = relative[:half].mean(axis=0), relative[half:].mean(axis=0)
        assert np.corrcoef(first, second)[0, 1] > 0.5
    for c in range(len(data.classes)):
        assert len(np.unique(data.bits[data.images_of(c)], axis=0)) == N_DRAWERS


def test_drawings_of_a_character_are_alike_but_not_trivially(data: CharacterSet) -> None:
    """5-way 1-shot nearest neighbour on pixels: well above chance, 0.2, and well below 1."""
    rng = np.random.default_rng(0)
    pixels = data.inputs.reshape(len(data.classes), N_DRAWERS, -1).astype(np.float64)
    right: list[np.ndarray] = []
    within, between = [], []
    for _ in range(400):
        classes = rng.choice(len(pixels), 5, replace=False)
        drawers = rng.choice(N_DRAWERS, 2, replace=False)
        support, query = pixels[classes, drawers[0]], pixels[classes, drawers[1]]
        distance = np.linalg.norm(query[:, None] - support, axis=2)
        right.append(distance.argmin(axis=1) == np.arange(5))
        within.append(np.diag(distance).mean())
        between.append(distance[~np.eye(5, dtype=bool)].mean())
    assert 0.35 < np.mean(right) < 0.85
    assert np.mean(within) < np.mean(between)


def test_spline_passes_its_control_points_and_keeps_lines_and_corners() -> None:
    corner = np.array([[0.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    sharp, smooth = spline_basis(corner, np.array([False, True, False]), step=1.0)
    path = sharp @ corner
    np.testing.assert_allclose(np.minimum(path[:, 0], 10 - path[:, 1]), 0, atol=1e-12)
    np.testing.assert_allclose((smooth @ corner)[[0, 10, -1]], corner, atol=1e-12)
    angles = np.linspace(0, np.pi, 5)
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for matrix in spline_basis(arc, np.zeros(5, dtype=bool), step=0.05):
        np.testing.assert_allclose(matrix.sum(axis=1), 1)
        np.testing.assert_allclose(np.linalg.norm(matrix @ arc, axis=1), 1, atol=0.03)


@pytest.mark.parametrize("counts", [{"n_alphabets": 0}, {"n_drawers": 0}, {"seed": -1}])
def test_bad_counts_are_named(counts: dict[str, int]) -> None:
    ((name, value),) = counts.items()
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        dataset.generate(**counts)


@pytest.mark.skipif(not OMNIGLOT_DIR, reason="OMNIGLOT_DIR is not set: nothing to compare with")
def test_ink_and_size_are_omniglots() -> None:
    """Medians agree with Omniglot's background set within 15 %.

    20 alphabets, because height over width varies by 0.28 (log) between them: the median height
    then has a standard error of about 3 %, but 7 % with five.
    """
    real = []
    with zipfile.ZipFile(Path(OMNIGLOT_DIR) / "images_background.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        for name in names[::40]:
            with Image.open(io.BytesIO(archive.read(name))) as picture:
                real.append(1 - np.asarray(picture.convert("1"), dtype=np.uint8))
    ours = pictures(dataset.generate(n_alphabets=20, n_drawers=1))
    for measure in (np.mean, lambda p: box(p)[0], lambda p: box(p)[1]):
        measured = np.median([measure(picture) for picture in ours])
        assert measured == pytest.approx(np.median([measure(p) for p in real]), rel=0.15)
