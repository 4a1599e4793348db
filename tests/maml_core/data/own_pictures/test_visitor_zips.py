"""A zip of pictures that a visitor uploaded: kept by a digest, limited, and removed in the end."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.character_set import DataError
from maml_core.data.own_pictures import image_folder, visitor_zips
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.full((20, 20), 255, dtype=np.uint8)
    pixels[5:15, 5:15] = shade
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(
                zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED
            )  # of a fixed date
    return buffer.getvalue()


def pets(shade: int = 0) -> bytes:
    return packed({f"pets/{name}/{i}.png": png(shade) for name in ("cat", "dog") for i in range(3)})


def kept(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "brought").iterdir())


@pytest.mark.parametrize("view", ["as-they-are", "handwriting"])
def test_it_is_a_data_set_by_its_name(view, tmp_path, data_dir):
    added = visitor_zips.add(pets(), "pets.zip", data_dir).name
    assert added.endswith("-handwriting"), "its pictures are of ink on paper"
    name = registry.with_view(added, view)
    assert (name == added) == (view == "handwriting")
    found = registry.load(name, data_dir)
    assert found.name == name
    assert [str(one) for one in found.classes] == ["pictures · cat", "pictures · dog"]
    path = tmp_path / "pets.zip"
    path.write_bytes(pets())
    np.testing.assert_array_equal(found.inputs, image_folder.load(path, tmp_path, view=view).inputs)
    pool = make_pool(found, split_classes(found, "alphabets", "test"))
    assert sample_episode(pool, EpisodeSpec(2, 1, 2), seed=0).support.shape == (2, 1)


def test_the_same_again_is_one_and_another_is_another(data_dir):
    first, same, other = (
        visitor_zips.add(pets(shade), "a.zip", data_dir).name for shade in (0, 0, 9)
    )
    assert first == same != other
    assert len(kept(data_dir)) == 2


def test_each_picture_that_is_read_is_reported_once(data_dir):
    told: list[tuple[int, int]] = []
    visitor_zips.add(pets(), "pets.zip", data_dir, lambda *numbers: told.append(numbers))
    looks = 6 + 6  # at their sizes, and at the sample of at most nine
    assert told == looks * [(0, 6)] + [(number, 6) for number in range(1, 7)]
    told.clear()
    visitor_zips.add(pets(), "pets.zip", data_dir, lambda *numbers: told.append(numbers))
    assert told == looks * [(0, 6)], "it is read from the cache"


def test_what_is_decoded_lies_beside_it_and_goes_with_it(data_dir, monkeypatch):
    monkeypatch.setattr(visitor_zips, "MAX_KEPT", 2)
    first, second, third = (
        visitor_zips.add(pets(shade), "p.zip", data_dir).name for shade in range(3)
    )
    assert [one.name for one in kept(data_dir)] == sorted(
        registry.with_view(name, "as-they-are").removeprefix("zip-") for name in (second, third)
    )
    assert not list(data_dir.glob("pictures-*.npy")), "a visitor's do not push out the owner's"
    with pytest.raises(DataError, match="no longer on this server; upload them again"):
        registry.load(first, data_dir)
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 1, "n_drawers": 1, "seed": 0})
    assert "upload them again" in registry.load_or_glyphs(first, data_dir).notice


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no zip", "mine.zip is damaged or cannot be read"),
        (packed({"cat/1.png": png(0)}), "mine.zip holds 1 classes"),
        (packed({f"{c}/{i}.png": b"x" for c in ("cat", "dog") for i in "12"}), "is not a PNG"),
        (pets() + b"x" * 10, None),  # bytes after the end do no harm
        (b"x" * 1_000_001, "mine.zip has 1,000,001 bytes; upload at most 1 MB"),
        (packed({f"{i}/1.png": b"" for i in range(8)}), "mine.zip holds 8 files"),
        (packed({"a/1.png": bytes(2_000_001), "b/1.png": b""}), "files of 2,000,001 bytes"),
    ],
)
def test_what_cannot_be_used_is_told_by_its_own_name_and_not_kept(
    content, sentence, data_dir, monkeypatch
):
    monkeypatch.setattr(visitor_zips, "MAX_MEGABYTES", 1)
    monkeypatch.setattr(visitor_zips, "MAX_UNPACKED_MEGABYTES", 2)
    monkeypatch.setattr(visitor_zips, "MAX_PICTURES", 7)
    if sentence is None:
        visitor_zips.add(content, "mine.zip", data_dir)
        return
    with pytest.raises(DataError) as refused:
        visitor_zips.add(content, "mine.zip", data_dir)
    assert sentence in str(refused.value)
    assert str(data_dir) not in str(refused.value)
    assert not list(data_dir.glob("brought/*"))


@pytest.mark.parametrize(
    "name",
    ["zip-", "zip-../../etc", "zip-0123456789abcdeg", "zip-0/x", "zip--handwriting"],
)
def test_names_lead_nowhere_else(name, data_dir):
    with pytest.raises(DataError, match="does not name a zip"):
        registry.load(name, data_dir)


def test_a_server_that_cannot_keep_it_says_so(tmp_path):
    (tmp_path / "brought").write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"mine.zip cannot be kept on this server"):
        visitor_zips.add(pets(), "mine.zip", tmp_path)


class Ended(BaseException):
    pass


@pytest.mark.parametrize("at", [(0, 6), (1, 6), (6, 6)])
def test_a_reading_that_is_ended_leaves_nothing(at, data_dir):
    def end(*numbers):
        if numbers == at:
            raise Ended

    with pytest.raises(Ended):
        visitor_zips.add(pets(), "pets.zip", data_dir, end)
    assert not [path for path in data_dir.rglob("*") if path != data_dir / "brought"]


def test_a_reading_that_is_ended_leaves_what_another_visitor_has(data_dir):
    def end(*numbers):
        raise Ended

    name = visitor_zips.add(pets(), "pets.zip", data_dir).name
    with pytest.raises(Ended):
        visitor_zips.add(pets(), "mine.zip", data_dir, end)
    assert registry.load(name, data_dir).name == name


def age(name: str, data_dir: Path, seconds: float) -> None:
    """Let a zip's visitor have been seen so long ago."""
    folder = visitor_zips.kept_zip(name, data_dir).parent
    for path in (folder, folder / visitor_zips.IN_USE):
        if path.exists():
            then = path.stat().st_mtime - seconds
            os.utime(path, (then, then))


def test_what_visitors_are_using_makes_no_room(data_dir, monkeypatch):
    monkeypatch.setattr(visitor_zips, "MAX_KEPT", 2)
    first, second = (visitor_zips.add(pets(shade), "p.zip", data_dir).name for shade in (0, 1))
    for name in (first, second):
        visitor_zips.mark_in_use(name, data_dir)
    with pytest.raises(DataError, match="2 visitors at once, and all of them are here now"):
        visitor_zips.add(pets(2), "p.zip", data_dir)
    assert visitor_zips.add(pets(1), "p.zip", data_dir).name == second, "it is there already"
    assert len(kept(data_dir)) == 2
    age(first, data_dir, visitor_zips.IN_USE_SECONDS)
    third = visitor_zips.add(pets(2), "p.zip", data_dir).name
    with pytest.raises(DataError, match="no longer on this server"):
        registry.load(first, data_dir)
    for name in (second, third):
        assert registry.load(name, data_dir).name == name


def test_what_nobody_has_come_back_for_is_removed(data_dir):
    left, present = (visitor_zips.add(pets(shade), "p.zip", data_dir).name for shade in (0, 1))
    for name in (left, present):
        age(name, data_dir, 10_000)
    visitor_zips.mark_in_use(present, data_dir)
    assert visitor_zips.remove_left(data_dir, 20_000) == 2
    assert visitor_zips.remove_left(data_dir, 5_000) == 1
    assert registry.load(present, data_dir).name == present
    age(present, data_dir, 10_000)
    assert visitor_zips.remove_left(data_dir, 5_000) == 0
    assert visitor_zips.remove_left(data_dir / "nowhere", 0) == 0
