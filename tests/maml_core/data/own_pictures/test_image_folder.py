"""Pictures a folder a class: three layouts, in a folder and in a zip, and what cannot be used."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.character_set import DataError
from maml_core.data.own_pictures import image_folder, layouts
from maml_core.data.splits import split_classes
from maml_core.data.storage import disk_cache
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.images import decoding
from tests.support.picture_files import write_files, zip_files


def picture(seed: int, shape: tuple[int, ...] = (84, 84, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def table(labels: dict[str, str]) -> bytes:
    lines = ["filename,label", *(f"{name},{label}" for name, label in labels.items())]
    return "\n".join(lines).encode()


def plain() -> dict[str, bytes]:
    """Two cats, three dogs, and what a system left behind."""
    names = ["cat/2.png", "cat/1.png", "dog/a.png", "dog/b.png", "dog/c.png"]
    files = {name: png(picture(seed)) for seed, name in enumerate(names)}
    return {**files, "dog/.DS_Store": b"x", "notes.txt": b"mine"}


def by_part() -> dict[str, bytes]:
    return {
        f"{part}/{part}{label}/{number}.png": png(picture(number))
        for part in ("train", "val", "test")
        for label in "xy"
        for number in range(2)
    }


def mini_imagenet() -> dict[str, bytes]:
    """Its layout: the tables say which class and part a picture is of."""
    tables = {
        "train.csv": {"n1_1.jpg": "n1", "n2_1.jpg": "n2", "n1_2.jpg": "n1", "n2_2.jpg": "n2"},
        "val.csv": {"n3_1.jpg": "n3", "n3_2.jpg": "n3"},
        "test.csv": {"n4_1.jpg": "n4", "n4_2.jpg": "n4"},
    }
    names = [name for labels in tables.values() for name in labels]
    files = {f"images/{name}": png(picture(seed)) for seed, name in enumerate(names)}
    return {**files, **{name: table(labels) for name, labels in tables.items()}}


def names_of(data):
    return {str(name): len(data.images_of(i)) for i, name in enumerate(data.classes)}


@pytest.mark.parametrize("packed", ["folder", "zip", "zip of a folder"])
def test_a_folder_a_class_is_read_in_order(packed, tmp_path):
    if packed == "folder":
        root = write_files(tmp_path / "pets", plain())
    else:
        above = "" if packed == "zip" else "pets/"
        files = {above + name: content for name, content in plain().items()}
        root = zip_files(tmp_path / "pets.zip", files)
    data = image_folder.load(root)
    assert names_of(data) == {"pets · cat": 2, "pets · dog": 3}
    expected = np.moveaxis(np.stack([picture(seed) for seed in (1, 0, 2, 3, 4)]), -1, 1)
    np.testing.assert_array_equal(data.inputs, expected)
    np.testing.assert_array_equal(data.picture(4), expected[4])
    assert data.drawers.tolist() == [1, 2, 1, 2, 3]
    assert split_classes(data, "alphabets", "test") == [0, 1]
    assert data.input_shape == (3, 84, 84)


@pytest.mark.parametrize("layout", [by_part, mini_imagenet])
@pytest.mark.parametrize("above", ["", "miniImagenet/"])
def test_the_parts_that_it_comes_in_are_the_split(layout, above, tmp_path):
    data = image_folder.load(
        write_files(tmp_path / "set", {above + n: c for n, c in layout().items()})
    )
    parts = {
        part: [data.classes[c].name for c in split_classes(data, "alphabets", part)]
        for part in ("train", "validation", "test")
    }
    if layout is by_part:
        expected = {"train": ["trainx", "trainy"], "validation": ["valx", "valy"]}
        assert parts == {**expected, "test": ["testx", "testy"]}
    else:
        assert parts == {"train": ["n1", "n2"], "validation": ["n3"], "test": ["n4"]}
        n1 = data.images_of([name.name for name in data.classes].index("n1"))
        np.testing.assert_array_equal(data.inputs[n1[1]], np.moveaxis(picture(2), -1, 0))


def test_pictures_of_any_kind_become_84_by_84_in_colour(tmp_path):
    """One colour stays that colour, at whatever size, mode and transparency."""
    green = (10, 200, 30)
    clear = np.zeros((5, 9, 4), dtype=np.uint8)
    files = {
        "a/rgb.png": png(np.full((200, 100, 3), green, dtype=np.uint8)),
        "a/grey.png": png(np.full((30, 31), 77, dtype=np.uint8)),
        "b/clear.png": png(clear),
        "b/deep.png": png(np.full((40, 40), 77 * 256, dtype=np.uint16)),
    }
    data = image_folder.load(write_files(tmp_path / "mixed", files))
    means = [[77] * 3, list(green), [255] * 3, [77] * 3]
    for found, mean in zip(data.inputs, means, strict=True):
        np.testing.assert_array_equal(
            found, np.broadcast_to(np.reshape(mean, (3, 1, 1)), (3, 84, 84))
        )


@pytest.mark.parametrize("light", [True, False])
def test_grey_ones_are_ink_on_paper_whichever_is_darker(light, tmp_path):
    character = np.zeros((84, 84), dtype=np.uint8)
    character[30:33, 12:72] = 255  # whole pixels of 28: rows 10, columns 4 to 23
    files = {
        f"{c}/{i}.png": png(255 - character if light else character) for c in "ab" for i in "12"
    }
    data = image_folder.load(write_files(tmp_path / "characters", files), view="as-they-are")
    expected = np.zeros((28, 28), dtype=np.uint8)
    expected[10, 4:24] = 255
    np.testing.assert_array_equal(data.inputs, np.broadcast_to(expected, (4, 28, 28)))
    assert data.picture(0).shape == (3, 84, 84)
    assert data.name == "folder-28"


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PICTURES_DIR", str(write_files(tmp_path / "pets", plain())))
    assert registry.load("folder").input_shape == (3, 84, 84)
    assert registry.load("folder-28").input_shape == (1, 28, 28)
    assert {one.name: one.available for one in registry.status()}["folder"]


def test_a_class_with_too_few_pictures_for_the_episode_is_named(tmp_path):
    data = image_folder.load(write_files(tmp_path / "pets", plain()))
    pool = make_pool(data, [0, 1])
    with pytest.raises(ValueError, match=r"1 support and 2 query .* 2 there are of pets · cat;"):
        sample_episode(pool, EpisodeSpec(2, 1, 2), 0)
    with pytest.raises(ValueError, match="n_way is 3, but there are only 2 classes; lower n_way"):
        sample_episode(pool, EpisodeSpec(3, 1, 1), 0)


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in names}


BAD = {
    "nothing": ({"notes.txt": b"x"}, r"holds 0 classes; it takes at least 2"),
    "one class": ({"cat/1.png": png(picture(0))}, r"holds 1 classes \(cat\); it takes at least 2"),
    "no picture": (
        {**plain(), "cat/3.png": b"hello"},
        r"set/cat/3\.png in .* is not a PNG, JPEG.*take it",
    ),
    "cut short": (
        {**plain(), "cat/3.png": png(picture(0))[:900]},
        r"set/cat/3\.png in .* is damaged or incomplete",
    ),
    "beside": ({**plain(), "stray.png": b""}, r"set/stray\.png in .* lies beside the classes'"),
    "in two parts": (
        {**by_part(), "test/trainx/1.png": b""},
        r"class trainx in .* is in test and train; .* leave it in one",
    ),
    "missing": (
        without(mini_imagenet(), "images/n2_1.jpg"),
        r"train\.csv in .* names set/images/n2_1\.jpg, which is not there",
    ),
    "no columns": (
        {**mini_imagenet(), "train.csv": b"a,b\n1,2"},
        r"train\.csv in .* lacks the columns filename and label",
    ),
}


@pytest.mark.parametrize(("files", "sentence"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_told_in_a_sentence(files, sentence, tmp_path):
    with pytest.raises(DataError, match=sentence):
        image_folder.load(write_files(tmp_path / "set", files))
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_place_that_is_not_there_and_a_zip_that_is_none(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"no folder or zip .*nowhere: .* PICTURES_DIR"):
        image_folder.load(tmp_path / "nowhere")
    (tmp_path / "set.zip").write_bytes(b"PK half")
    with pytest.raises(
        DataError, match=r"set\.zip is damaged .*: repair it, or pack it anew as an ordinary zip\.$"
    ):
        image_folder.load(tmp_path / "set.zip")


@pytest.mark.parametrize(
    ("at", "value", "sentence"),
    [
        (
            6,
            1,
            "is packed with a password, and can only be read without one",
        ),  # general purpose bit flag
        (8, 99, "is packed by a method that cannot be read here"),
    ],
)
def test_a_whole_zip_that_cannot_be_read_says_why(at, value, sentence, tmp_path):
    path = zip_files(tmp_path / "set.zip", plain())
    content = bytearray(path.read_bytes())
    # APPNOTE.TXT, 4.3.7 and 4.3.12: before each file and in the directory at the end, 2 bytes on.
    for signature, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        start = content.find(signature)
        while start >= 0:
            content[start + at + shift] = value
            start = content.find(signature, start + 4)
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        image_folder.load(path)
    assert str(refused.value).startswith(f"{path} {sentence}: repair it, or pack it anew")


def test_large_files_and_bombs_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(layouts, "MAX_FILE_BYTES", 100_000)
    bomb = zip_files(tmp_path / "bomb.zip", {**plain(), "cat/3.png": bytes(200_000)})
    monkeypatch.setattr(image_folder, "decode_image", None)
    with pytest.raises(DataError, match=r"cat/3\.png in .* has 200,000 bytes; make it smaller"):
        image_folder.load(bomb)
    monkeypatch.setattr(layouts, "MAX_PICTURES", 4)
    with pytest.raises(DataError, match="holds 5 pictures; take at most 4"):
        image_folder.load(write_files(tmp_path / "set", plain()))


def test_pictures_are_decoded_once_and_anew_when_a_file_changes(tmp_path, data_dir, monkeypatch):
    root = write_files(tmp_path / "pets", plain())
    first = image_folder.load(root)
    read = decoding.decode_image
    monkeypatch.setattr(image_folder, "decode_image", None)
    again = image_folder.load(root)
    np.testing.assert_array_equal(again.inputs, first.inputs)
    assert isinstance(again.inputs, np.memmap)
    monkeypatch.setattr(image_folder, "decode_image", read)
    (root / "cat" / "1.png").write_bytes(png(picture(99)))
    np.testing.assert_array_equal(
        image_folder.load(root).inputs[0], np.moveaxis(picture(99), -1, 0)
    )
    assert len(list(data_dir.glob("pictures-*.npy"))) == 2


def test_mapped_arrays_survive_damage_and_folders_without_room(tmp_path, monkeypatch):
    rows = [np.full(3, value, dtype=np.uint8) for value in range(4)]

    def made(folder, source):
        return disk_cache.memory_mapped("rows", source, folder, (4, 3), lambda: iter(rows))

    for source in "abcde":
        np.testing.assert_array_equal(made(tmp_path / "cache", source), rows)
    files = sorted((tmp_path / "cache").glob("*"))
    assert len(files) == disk_cache.MAX_KEPT
    for file in files:
        file.write_bytes(file.read_bytes()[:-1])
    np.testing.assert_array_equal(made(tmp_path / "cache", "e"), rows)
    (tmp_path / "file").write_bytes(b"")  # where a file is, no folder can be made
    np.testing.assert_array_equal(made(tmp_path / "file", "a"), rows)


def letters(shade: int = 255) -> dict[str, bytes]:
    """A bar and a dash of one shade on nothing, wider than high; the last dash is missing.

    What does not show tells the files apart.
    """
    files = {}
    for name, where in (("bar", np.s_[20:100, 60:70]), ("dash", np.s_[55:65, 30:110])):
        for i in range(3):
            layers = np.full((120, 180, 4), shade, dtype=np.uint8)
            layers[..., 3] = 0
            layers[0, 0, :3] = i
            if (name, i) != ("dash", 2):
                layers[..., 3][where] = 255
            files[f"{name}/{i}.png"] = png(layers)
    return files


@pytest.mark.parametrize("shade", [0, 255])
def test_as_handwriting_ink_has_the_place_and_size_of_omniglots(shade, tmp_path):
    root = write_files(tmp_path / "letters", letters(shade))
    data = image_folder.load(root, view="handwriting")
    assert data.name == "folder-handwriting"
    assert names_of(data) == {"letters · bar": 3, "letters · dash": 2}
    assert data.notice == (
        "1 of 6 pictures show no ink and are left out: letters/dash/2.png; choose “as they are”, "
        "replace them or take them out."
    )
    bar, dash = data.picture(0) > 0, data.picture(3) > 0
    for ink, long_axis in ((bar, 1), (dash, 0)):
        lengths = [np.flatnonzero(ink.any(axis=axis)) for axis in (long_axis, 1 - long_axis)]
        assert len(lengths[0]) == pytest.approx(69, abs=2)
        assert len(lengths[1]) < 12
        for length in lengths:
            assert (length[0] + length[-1]) / 2 == pytest.approx(52, abs=1.5)
    assert image_folder.best_view(image_folder.sample(root)) == "handwriting"


@pytest.mark.parametrize("shade", [0, 255])
def test_as_they_are_pictures_keep_their_shape_and_show_white_paint(shade, tmp_path):
    """By hand: 180 x 120 pixels are 84 x 56 of 84 x 84, and 28 x 19 of 28 x 28."""
    data = image_folder.load(write_files(tmp_path / "letters", letters(shade)), view="as-they-are")
    assert names_of(data) == {"letters · bar": 3, "letters · dash": 3}
    bar = data.inputs[0] >= 128
    rows, columns = (np.flatnonzero(bar.any(axis=axis)) for axis in (1, 0))
    assert len(rows) == pytest.approx(80 * 28 / 180, abs=1)
    assert (rows[0] + rows[-1] + 1) / 2 == pytest.approx(14, abs=0.6)
    assert columns.mean() + 0.5 == pytest.approx(65 * 28 / 180, abs=0.6)
    assert "1 of 6 pictures show one shade only: letters/dash/2.png" in data.notice


def test_a_class_without_ink_is_named(tmp_path):
    blank = png(np.full((20, 20), 99, dtype=np.uint8))
    root = write_files(
        tmp_path / "set", {**letters(), "nothing/1.png": blank, "nothing/2.png": blank}
    )
    with pytest.raises(DataError, match=r"No picture of nothing in .* shows ink"):
        image_folder.load(root, view="handwriting")
    assert len(image_folder.load(root, view="as-they-are").classes) == 3


def test_photographs_are_seen_as_they_are(tmp_path):
    root = write_files(tmp_path / "pets", plain())
    assert image_folder.best_view(image_folder.sample(root)) == "as-they-are"


def test_ways_of_seeing_share_nothing(tmp_path, monkeypatch):
    """The name says the way, and whatever is kept is kept by the name."""
    monkeypatch.setenv("PICTURES_DIR", str(write_files(tmp_path / "letters", letters())))
    names = [registry.with_view("folder-28", view) for view in ("as-they-are", "handwriting")]
    assert names == ["folder-28", "folder-handwriting"]
    for name in (*names, *reversed(names)):
        data = registry.load(name)
        assert data.name == name
        assert data.side == {"folder-28": 84, "folder-handwriting": 105}[name]
    assert registry.best_view("folder-28") == "handwriting"
