"""Omniglot read from zips and folders, its cache, and the sentences for what is unusable."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maml_core.data import omniglot
from maml_core.data.character_set import DataError
from maml_core.data.omniglot import PARTS
from maml_core.data.storage.disk_cache import default_data_dir
from maml_core.images.network_input import to_network_input

BACKGROUND, EVALUATION = PARTS


def lay_zips(fake, root):
    for part in PARTS:
        fake.pack(part, root)


def lay_folders(fake, root):
    for part in PARTS:
        fake.unpack(part, root)


def lay_like_torchvision(fake, root):
    for part in PARTS:
        fake.pack(part, root / "omniglot-py")
        fake.unpack(part, root / "omniglot-py")


def lay_folders_in_subfolder(fake, root):
    lay_folders(fake, root / "omniglot-py")


def lay_mixture(fake, root):
    fake.unpack(BACKGROUND, root / "here")
    fake.pack(EVALUATION, root)


def lay_folders_twice_nested(fake, root):
    for part in PARTS:
        fake.unpack(part, root / part)


LAYOUTS = [
    lay_zips,
    lay_folders,
    lay_like_torchvision,
    lay_folders_in_subfolder,
    lay_mixture,
    lay_folders_twice_nested,
]


def in_order(fake):
    """The paths as the set must hold them, sorted by plain Python, part by part."""
    return [path for part in PARTS for path in sorted(p for p in fake.ink if p.startswith(part))]


def assert_holds(data, fake):
    paths = in_order(fake)
    assert len(data.inputs) == len(paths)
    for index, path in enumerate(paths):
        _, alphabet, character, file = path.split("/")
        owner = data.classes[data.class_of(index)]
        assert (owner.alphabet, owner.name) == (alphabet, character)
        assert data.drawers[index] == int(file[5:7])
        np.testing.assert_array_equal(data.picture(index), 255 * fake.ink[path])
        np.testing.assert_array_equal(
            data.inputs[index], to_network_input(255 * fake.ink[path].astype(np.uint8))
        )


@pytest.mark.parametrize("lay", LAYOUTS)
def test_every_layout_gives_what_was_drawn(lay, fake_omniglot, tmp_path):
    lay(fake_omniglot, tmp_path / "source")
    data = omniglot.load(tmp_path / "source")
    assert_holds(data, fake_omniglot)
    assert data.name == "omniglot"
    assert data.evaluation_alphabets == ("Loops", "Zigzags")
    assert list(data.alphabets) == ["Angles", "Runes", "Loops", "Zigzags"]
    assert omniglot.count_classes_and_images(tmp_path / "source") == (
        len(data.classes),
        len(data.inputs),
    )


def test_what_is_added_is_counted(fake_omniglot, tmp_path):
    lay_folders(fake_omniglot, tmp_path)
    n_classes, n_images = omniglot.count_classes_and_images(tmp_path)
    there = tmp_path / BACKGROUND / "Runes" / "character01" / "0001_01.png"
    new = tmp_path / BACKGROUND / "Runes" / "character99" / "9999_01.png"
    new.parent.mkdir()
    new.write_bytes(there.read_bytes())
    assert omniglot.count_classes_and_images(tmp_path) == (n_classes + 1, n_images + 1)


def test_other_files_are_ignored(fake_omniglot, tmp_path):
    lay_folders(fake_omniglot, tmp_path)
    (tmp_path / BACKGROUND / ".DS_Store").write_bytes(b"?")
    (tmp_path / BACKGROUND / "Runes" / "character01" / "._0001_01.png").write_bytes(b"?")
    assert_holds(omniglot.load(tmp_path), fake_omniglot)


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_pictures_may_be_stored_in_other_modes(mode, fake_omniglot, tmp_path):
    lay_folders(fake_omniglot, tmp_path)
    for path in fake_omniglot.ink:
        with Image.open(tmp_path / path) as picture:
            picture.convert(mode).save(tmp_path / path)
    assert_holds(omniglot.load(tmp_path), fake_omniglot)


def test_an_input_is_the_mean_ink_of_the_pixels_it_covers(fake_omniglot, tmp_path):
    lay_zips(fake_omniglot, tmp_path)
    data = omniglot.load(tmp_path)
    # Pixel i of 28 covers those whose centres, (p + 1/2) / 105, lie above i / 28 and up to
    # (i + 1) / 28, so that each of the 105 counts once.
    owner = np.ceil((np.arange(105) + 0.5) * 28 / 105) - 1
    member = owner == np.arange(28)[:, None]
    share = member / member.sum(axis=1, keepdims=True)  # [28, 105]
    for index, path in enumerate(in_order(fake_omniglot)):
        mean = share @ (255.0 * fake_omniglot.ink[path]) @ share.T
        # Pillow rounds once along the rows and once along the columns.
        assert np.abs(data.inputs[index] - mean).max() <= 1.0


def test_arrays_are_read_only(fake_omniglot, tmp_path):
    lay_zips(fake_omniglot, tmp_path)
    for _ in ("built", "from the cache"):
        data = omniglot.load(tmp_path)
        for array in (data.inputs, data.bits, data.starts, data.drawers):
            assert not array.flags.writeable


# The cache


def forbid_decoding(monkeypatch):
    def fail(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr(omniglot, "_decode", fail)


@pytest.mark.parametrize("lay", [lay_zips, lay_folders])
def test_the_second_load_decodes_nothing(lay, fake_omniglot, tmp_path, data_dir, monkeypatch):
    lay(fake_omniglot, tmp_path / "source")
    first = omniglot.load(tmp_path / "source")
    forbid_decoding(monkeypatch)
    second = omniglot.load(tmp_path / "source")
    assert_holds(second, fake_omniglot)
    assert second.classes == first.classes
    assert second.evaluation_alphabets == first.evaluation_alphabets
    assert [file.name for file in data_dir.iterdir()] == ["omniglot.npz"]


def test_the_cache_lies_where_it_is_told(fake_omniglot, tmp_path, data_dir):
    lay_zips(fake_omniglot, tmp_path / "source")
    omniglot.load(tmp_path / "source", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "omniglot.npz").is_file()
    assert not data_dir.exists()


def test_the_cache_survives_a_move(fake_omniglot, tmp_path, monkeypatch):
    lay_zips(fake_omniglot, tmp_path / "source")
    omniglot.load(tmp_path / "source")
    os.replace(tmp_path / "source", tmp_path / "moved")
    forbid_decoding(monkeypatch)
    assert_holds(omniglot.load(tmp_path / "moved"), fake_omniglot)


@pytest.mark.parametrize("lay", [lay_zips, lay_folders])
def test_a_changed_source_outdates_the_cache(lay, fake_omniglot, tmp_path):
    lay(fake_omniglot, tmp_path)
    omniglot.load(tmp_path)
    path = next(iter(fake_omniglot.ink))
    fake_omniglot.ink[path] = ~fake_omniglot.ink[path]
    lay(fake_omniglot, tmp_path)
    assert_holds(omniglot.load(tmp_path), fake_omniglot)


def truncated(content):
    return content[: len(content) // 2]


def with_a_flipped_bit(content):
    """Damage the middle of the arrays, where only the checksum can tell."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def with_a_pickle(_):
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array([{"code": "run me"}], dtype=object))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage", [truncated, with_a_flipped_bit, with_a_pickle, lambda _: b"", lambda _: b"?"]
)
def test_a_damaged_cache_is_built_anew(damage, fake_omniglot, tmp_path, data_dir, monkeypatch):
    lay_zips(fake_omniglot, tmp_path)
    omniglot.load(tmp_path)
    cache = data_dir / "omniglot.npz"
    cache.write_bytes(damage(cache.read_bytes()))
    assert_holds(omniglot.load(tmp_path), fake_omniglot)
    forbid_decoding(monkeypatch)
    assert_holds(omniglot.load(tmp_path), fake_omniglot)


# What is unusable


def refusal(root):
    with pytest.raises(DataError) as caught:
        omniglot.load(root)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert not default_data_dir().exists()
    return sentence


def test_a_missing_folder(tmp_path):
    sentence = refusal(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in sentence
    assert "does not exist" in sentence
    assert "images_background.zip and images_evaluation.zip" in sentence
    assert "OMNIGLOT_DIR" in sentence


def test_a_file_instead_of_a_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert f"{tmp_path / 'file'} cannot be read" in refusal(tmp_path / "file")


def test_an_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    sentence = refusal(tmp_path / "empty")
    assert f"{tmp_path / 'empty'} does not hold Omniglot" in sentence
    assert "images_background.zip and images_evaluation.zip" in sentence


@pytest.mark.parametrize(("present", "missing"), [PARTS, PARTS[::-1]])
def test_one_half_only(present, missing, fake_omniglot, tmp_path):
    fake_omniglot.pack(present, tmp_path)
    assert f"{tmp_path} lacks {missing}.zip" in refusal(tmp_path)


def encrypted(content):
    """Set the flag 'encrypted' in the headers of all members."""
    content = bytearray(content)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(signature, at + 1)
    return bytes(content)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (truncated, "is damaged or cannot be read"),
        (encrypted, "is packed with a password"),
        (lambda _: b"", "is damaged or cannot be read"),
        (lambda _: b"<html>404</html>", "is damaged or cannot be read"),
    ],
)
def test_a_damaged_zip(damage, fault, fake_omniglot, tmp_path):
    lay_zips(fake_omniglot, tmp_path)
    damaged = tmp_path / "images_evaluation.zip"
    damaged.write_bytes(damage(damaged.read_bytes()))
    sentence = refusal(tmp_path)
    assert f"{damaged} {fault}" in sentence
    assert "replace it by the official file" in sentence


def test_damage_anywhere_in_a_zip_is_refused_or_harmless(fake_omniglot, tmp_path):
    lay_zips(fake_omniglot, tmp_path)
    damaged = tmp_path / "images_background.zip"
    whole = damaged.read_bytes()
    rng = np.random.default_rng(2)
    for _ in range(60):
        content = bytearray(whole)
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        # Names, sizes and offsets of the members stand in the directory at the end.
        content[-int(rng.integers(1, 600))] ^= 255
        damaged.write_bytes(content)
        try:
            data = omniglot.load(tmp_path)
        except DataError:
            continue
        assert data.starts[-1] == len(data.inputs) == len(data.bits) == len(data.drawers)


def test_another_zip_under_that_name(fake_omniglot, tmp_path):
    lay_zips(fake_omniglot, tmp_path)
    wrong = tmp_path / "images_background.zip"
    shutil.copy(tmp_path / "images_evaluation.zip", wrong)
    sentence = refusal(tmp_path)
    assert f"{wrong} holds no images_background/<alphabet>/<character>/" in sentence
    assert "official images_background.zip" in sentence


def test_both_halves_with_the_same_alphabet(fake_omniglot, tmp_path):
    fake_omniglot.pack(BACKGROUND, tmp_path)
    for path, png in fake_omniglot.files(BACKGROUND).items():
        copy = tmp_path / path.replace(BACKGROUND, EVALUATION)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(png)
    assert "both hold the alphabet Angles" in refusal(tmp_path)


def test_an_interrupted_unpacking(fake_omniglot, tmp_path):
    lay_folders(fake_omniglot, tmp_path)
    (tmp_path / BACKGROUND / "Runes" / "character03" / "0003_03.png").unlink()
    assert "Runes · character03 has 2 pictures where others have 3" in refusal(tmp_path)


def one_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_claiming(width, height):
    """A tiny PNG whose header promises width x height pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = one_chunk(b"IHDR", header) + one_chunk(b"IDAT", b"") + one_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_of(mode, side):
    buffer = io.BytesIO()
    Image.new(mode, (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


def gif():
    buffer = io.BytesIO()
    Image.new("L", (105, 105)).save(buffer, "GIF")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "not a readable PNG", id="empty"),
        pytest.param(b"not a picture", "not a readable PNG", id="text"),
        pytest.param(gif(), "not a readable PNG", id="gif"),
        pytest.param(png_of("L", 105)[:60], "not a readable PNG", id="cut"),
        pytest.param(png_claiming(105, 105), "not a readable PNG", id="no pixels"),
        pytest.param(png_of("L", 28), "28x28 pixels", id="small"),
        pytest.param(png_claiming(5_000, 5_000), "5000x5000 pixels", id="large"),
        pytest.param(png_claiming(12_000, 12_000), "not a readable PNG", id="144 million pixels"),
        pytest.param(png_claiming(90_000, 90_000), "not a readable PNG", id="8 billion pixels"),
        pytest.param(png_of("RGBA", 105), "mode RGBA", id="transparent"),
        pytest.param(bytes(1_000_001), "1,000,001 bytes", id="many bytes"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_bad_picture_is_named(content, reason, packed, fake_omniglot, tmp_path):
    lay_folders(fake_omniglot, tmp_path)
    bad = "images_evaluation/Loops/character02/0008_03.png"
    if packed:
        shutil.rmtree(tmp_path / EVALUATION)
        with zipfile.ZipFile(tmp_path / f"{EVALUATION}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path, png in fake_omniglot.files(EVALUATION).items():
                archive.writestr(path, content if path == bad else png)
    else:
        (tmp_path / bad).write_bytes(content)
    sentence = refusal(tmp_path)
    assert bad in sentence
    assert re.search(reason, sentence)


# The real Omniglot


def test_real_omniglot_is_complete(real_omniglot):
    background = [
        name
        for name in real_omniglot.classes
        if name.alphabet not in real_omniglot.evaluation_alphabets
    ]
    # Lake et al. 2015: 964 background and 659 evaluation characters, 20 drawers each.
    assert len(background) == 964
    assert len(real_omniglot.classes) == 964 + 659
    assert (len(real_omniglot.alphabets), len(real_omniglot.evaluation_alphabets)) == (50, 20)
    assert real_omniglot.inputs.shape == (32_460, 28, 28)
    assert real_omniglot.classes[:964] == tuple(background)
    drawers = real_omniglot.drawers.reshape(-1, 20)
    assert (drawers == np.arange(1, 21)).all()


def test_real_omniglot_is_what_the_zips_hold(real_omniglot, real_omniglot_root):
    rng = np.random.default_rng(3)
    for part in PARTS:
        with zipfile.ZipFile(real_omniglot_root / f"{part}.zip") as archive:
            names = [name for name in archive.namelist() if name.endswith(".png")]
            for name in rng.choice(names, 25, replace=False):
                with archive.open(name) as file, Image.open(file) as picture:
                    paper = np.asarray(picture.convert("L"))
                _, alphabet, character, file_name = name.split("/")
                (owner,) = (
                    index
                    for index, found in enumerate(real_omniglot.classes)
                    if (found.alphabet, found.name) == (alphabet, character)
                )
                drawer = int(Path(file_name).stem.split("_")[1])
                image = real_omniglot.images_of(owner)[drawer - 1]
                np.testing.assert_array_equal(real_omniglot.picture(image), 255 - paper)


def test_real_omniglot_is_mostly_paper(real_omniglot):
    ink = np.unpackbits(real_omniglot.bits, axis=-1, count=real_omniglot.side).mean()
    assert 0 < ink < 0.2
    assert abs(real_omniglot.inputs.mean() / 255 - ink) < 0.01
    assert set(Counter(real_omniglot.classes).values()) == {1}


def test_network_inputs_are_those_that_the_weights_were_trained_on(real_omniglot):
    digest = hashlib.sha256(real_omniglot.inputs.tobytes()).hexdigest()
    assert digest == "d76a1451bb8709f84cd8678e2c1e218339e26c1e23790e402fb39f8144e9a3db"
