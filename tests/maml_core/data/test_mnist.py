"""MNIST: files written by hand come back digit by digit, and bad ones are told in a sentence."""

from __future__ import annotations

import gzip
import struct
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from maml_core.data import mnist, registry
from maml_core.data.character_set import DataError
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool

LABELS = {"train": [3, 0, 3, 1], "t10k": [1, 0]}


def pictures_of(part: str) -> np.ndarray:
    shape = (len(LABELS[part]), 28, 28)
    return np.random.default_rng(len(part)).integers(0, 256, shape, dtype=np.uint8)


def write(folder: Path, part: str, packed: bool = True) -> None:
    """Write the two files of a part as LeCun describes them."""
    folder.mkdir(parents=True, exist_ok=True)
    labels, pictures = LABELS[part], pictures_of(part)
    contents = {
        "images-idx3": struct.pack(">4i", 2051, len(pictures), 28, 28) + pictures.tobytes(),
        "labels-idx1": struct.pack(">2i", 2049, len(labels)) + bytes(labels),
    }
    for what, content in contents.items():
        path = folder / f"{part}-{what}-ubyte"
        if packed:
            path = path.with_name(path.name + ".gz")
            content = gzip.compress(content)
        path.write_bytes(content)


def test_digits_come_back_by_class_training_pictures_first(data_dir):
    write(data_dir / "mnist" / "MNIST" / "raw", "train", packed=False)
    write(data_dir / "mnist", "t10k")
    data = registry.load("mnist")
    assert [name.name for name in data.classes] == ["0", "1", "3"]
    train, test = pictures_of("train"), pictures_of("t10k")
    expected = [[train[1], test[1]], [train[3], test[0]], [train[0], train[2]]]
    for number, pictures in enumerate(expected):
        own = data.images_of(number)
        np.testing.assert_array_equal(data.inputs[own], pictures)
        np.testing.assert_array_equal(data.picture(own[0]), pictures[0])
        assert [data.class_of(image) for image in own] == [number] * 2
    assert data.input_shape == (1, 28, 28)
    status = {one.name: one for one in registry.status()}["mnist"]
    assert status.available


def test_all_digits_are_for_testing_and_another_split_divides_them(data_dir):
    write(data_dir / "mnist", "train")
    data = registry.load("mnist")
    assert split_classes(data, "alphabets", "test") == [0, 1, 2]
    parts = [split_classes(data, "classes", part) for part in ("train", "validation", "test")]
    assert sorted(chain.from_iterable(parts)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not a file of MNIST, or incomplete"),
        (struct.pack(">4i", 2051, 9, 28, 28) + bytes(100), "is not a file of MNIST, or incomplete"),
        (struct.pack(">4i", 2051, 1, 28, 28) + bytes(784), "1 pictures and 4 labels up to 3"),
    ],
    ids=["empty", "cut short", "of other pictures"],
)
def test_damaged_files_are_told_in_a_sentence(content, sentence, data_dir):
    write(data_dir / "mnist", "train", packed=False)
    (data_dir / "mnist" / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        registry.load("mnist")
    assert "MNIST_DIR" in str(caught.value)


def test_a_file_that_is_no_gzip_and_a_folder_without_files(data_dir, monkeypatch):
    write(data_dir / "mnist", "train")
    (data_dir / "mnist" / "train-labels-idx1-ubyte.gz").write_bytes(b"half")
    with pytest.raises(DataError, match=r"labels-idx1-ubyte.gz is damaged or cannot be read"):
        registry.load("mnist")
    monkeypatch.setenv("MNIST_DIR", str(data_dir / "elsewhere"))
    with pytest.raises(DataError, match=r"elsewhere does not hold MNIST: run .*data fetch mnist"):
        registry.load("mnist")


def test_a_file_that_unpacks_to_more_than_mnist_holds_is_not_read_to_its_end(data_dir, monkeypatch):
    write(data_dir / "mnist", "train")
    monkeypatch.setattr(mnist, "MAX_IMAGES", 2)
    with pytest.raises(DataError, match="is not a file of MNIST, or incomplete"):
        registry.load("mnist")


def test_the_real_digits(real_mnist_root, monkeypatch):
    """All of them are there, as ink on paper."""
    data = mnist.load(real_mnist_root)
    pool = make_pool(data, list(range(10)))
    assert pool.counts.sum() == len(data.inputs) >= 10_000
    # A zero has a hole, a one has none: the centre tells them apart.
    centre = [data.inputs[data.images_of(digit), 13:15, 13:15].mean() for digit in (0, 1)]
    assert centre[0] < 40 < 200 < centre[1]
    assert data.inputs[:, 0, 0].max() == 0  # paper is 0
