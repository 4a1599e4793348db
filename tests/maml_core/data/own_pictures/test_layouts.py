"""Folders and zips as people's programs write them: what is read, and what is named instead."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maml_core.data.character_set import DataError
from maml_core.data.own_pictures import image_folder, visitor_zips
from maml_core.data.own_pictures.layouts import REMEDY, FoundPictures, find_pictures
from maml_core.data.storage.archives import fingerprint, open_archive
from maml_core.images import decoding
from tests.support.picture_files import write_files, zip_files


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def classes(*names: str, suffix: str = "png") -> dict[str, bytes]:
    """Two files a class, each with other bytes."""
    paths = [f"{name}/{i}.{suffix}" for name in names for i in range(2)]
    return {path: png(zlib.crc32(path.encode())) for path in paths}


def tables(separator: str = ",", end: str = "\n", header: tuple[str, str] = ("filename", "label")):
    """A table a part with two classes of two pictures."""
    files = {}
    for part in ("train", "val", "test"):
        names = {f"{part}{label}{i}.png": part + label for label in "ab" for i in range(2)}
        lines = [header, *names.items()]
        files |= {f"images/{name}": png(zlib.crc32(name.encode())) for name in names}
        files[f"{part}.csv"] = "".join(separator.join(line) + end for line in lines).encode()
    return files


def renamed(path: Path, old: bytes, new: bytes) -> Path:
    """Change names in a zip, byte for byte and without the flag for UTF-8."""
    assert len(old) == len(new)
    path.write_bytes(path.read_bytes().replace(old, new))
    return path


def found_in(root: Path) -> FoundPictures:
    with open_archive(root, REMEDY) as (sizes, read):
        return find_pictures(root, sizes, read)


def labels(found: FoundPictures) -> dict[str, int]:
    names = [f"{entry.group}/{entry.label}" for entry in found.entries]
    return {name: names.count(name) for name in names}


def test_what_is_not_used_is_named_and_what_systems_leave_is_not(tmp_path):
    files = {
        **classes("a", "b"),
        **classes("owl", suffix="bmp"),
        "cat/1.HEIC": b"x",
        "a/notes.txt": b"x",
        ".old/a/1.png": b"x",
        "README": b"x",
        **dict.fromkeys(("a/.DS_Store", "b/Thumbs.db", "desktop.ini", "__MACOSX/a/._0.png"), b""),
    }
    for root in (zip_files(tmp_path / "set.zip", files), write_files(tmp_path / "set", files)):
        found = found_in(root)
        assert labels(found) == {"set/a": 2, "set/b": 2}
        names, _, rest = found.notice.removeprefix("Not used: ").partition("; ")
        assert set(names.split(", ")) == {
            "README", ".old/a/1.png", "cat/1.HEIC", "a/notes.txt", "2 .bmp files in owl"
        }  # fmt: skip
        assert rest == "a class is a folder of PNG, JPEG, WebP or GIF files."
    assert found_in(write_files(tmp_path / "whole", classes("a", "b"))).notice == ""


def test_a_set_of_which_too_little_can_be_used_says_what_is_not(tmp_path):
    files = {**classes("a"), **classes("owl", suffix="bmp")}
    with pytest.raises(DataError, match=r"holds 1 classes \(a\).*Not used: 2 \.bmp files in owl"):
        found_in(zip_files(tmp_path / "set.zip", files))


def test_the_notice_reaches_the_data_set(tmp_path):
    root = zip_files(tmp_path / "set.zip", {**classes("a", "b"), **classes("owl", suffix="bmp")})
    for view in ("as-they-are", "colour"):
        assert "2 .bmp files in owl" in image_folder.load(root, tmp_path, view=view).notice


def test_jfif_is_jpeg(tmp_path):
    files = {}
    for i, path in enumerate(classes("a", "b", suffix="jfif")):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), (40 * i, 0, 0)).save(buffer, "JPEG")
        files[path] = buffer.getvalue()
    data = image_folder.load(zip_files(tmp_path / "set.zip", files), tmp_path)
    assert len(data.inputs) == 4
    assert data.notice == ""


def test_symbolic_links_are_followed_but_not_in_circles(tmp_path):
    root = write_files(tmp_path / "set", classes("a", "b"))
    write_files(tmp_path / "elsewhere", classes("c"))
    os.symlink(tmp_path / "elsewhere" / "c", root / "c")
    before = fingerprint([root], REMEDY)
    assert labels(found_in(root)) == {"set/a": 2, "set/b": 2, "set/c": 2}
    (tmp_path / "elsewhere" / "c" / "0.png").write_bytes(b"another")
    assert fingerprint([root], REMEDY) != before
    os.symlink(root, root / "b" / "again")
    with pytest.raises(DataError, match=r"b/again is a symbolic link to a folder that it is in"):
        found_in(root)
    (root / "b" / "again").unlink()
    os.symlink(tmp_path / "nowhere", root / "b" / "lost")
    with pytest.raises(DataError, match=r"set/b/lost is a symbolic link to nothing; take it out"):
        found_in(root)


@pytest.mark.parametrize("name", [".hidden", ".."])
def test_a_hidden_folder_that_somebody_names_is_read(name, tmp_path, monkeypatch):
    root = write_files(tmp_path / ("pets" if name == ".." else name), classes("a", "b"))
    monkeypatch.chdir(root / "a" if name == ".." else tmp_path)
    group = "pets" if name == ".." else ".hidden"
    assert labels(found_in(Path(name))) == {f"{group}/a": 2, f"{group}/b": 2}
    assert len(image_folder.load(Path(name), tmp_path).inputs) == 4


@pytest.mark.parametrize(("train", "test"), [("Train", "Test"), ("TRAIN", "Valid")])
def test_parts_are_parts_in_capitals_too(train, test, tmp_path):
    root = write_files(tmp_path / "apart", {**classes(f"{train}/a", f"{train}/b", f"{test}/c")})
    part = {"Test": "test", "Valid": "validation"}[test]
    assert labels(found_in(root)) == {"train/a": 2, "train/b": 2, f"{part}/c": 2}
    with pytest.raises(DataError, match=f"The class a in .* is in {min(part, 'train')} and"):
        found_in(write_files(tmp_path / "both", classes(f"{train}/a", f"{test}/a", f"{test}/b")))


def test_folders_beside_those_of_the_parts_are_named(tmp_path):
    files = classes("train/a", "test/b", "extra/c")
    with pytest.raises(DataError, match="set has extra beside test, train: name each train, val"):
        found_in(write_files(tmp_path / "set", files))
    # Classes may be called so.
    assert labels(found_in(write_files(tmp_path / "cars", classes("train", "bus")))) == {
        "cars/bus": 2,
        "cars/train": 2,
    }


def test_backslashes_in_a_zip_divide_a_path(tmp_path):
    files = {name.replace("/", "\\"): content for name, content in classes("s/a", "s/b").items()}
    root = zip_files(tmp_path / "set.zip", {**files, "s\\": b""})
    assert labels(found_in(root)) == {"set/a": 2, "set/b": 2}
    assert len(image_folder.load(root, tmp_path).inputs) == 4


def test_names_in_utf8_without_the_flag(tmp_path):
    root = zip_files(tmp_path / "set.zip", classes("XX", "YYY", "ZZZ"))
    for old, new in ((b"XX/", "é/"), (b"YYY/", "猫/"), (b"ZZZ/", "e\u0301/")):
        renamed(root, old, new.encode())
    found = found_in(root)
    # Of é there are two spellings, of one code point and of two: one class.
    assert labels(found) == {"set/é": 4, "set/猫": 2}
    assert found.notice == ""


def test_names_of_another_code_are_said_to_be_uncertain(tmp_path):
    root = renamed(
        zip_files(tmp_path / "set.zip", classes("XXX", "b")), b"XXX", "кот".encode("cp866")
    )
    found = found_in(root)
    assert len(found.entries) == 4
    assert "does not say in which letters its names are written" in found.notice


def test_names_that_a_zip_repeats_in_utf8(tmp_path):
    raw, name = "кот/0.png".encode("cp866"), "кот/0.png".encode()
    field = b"\1" + zlib.crc32(raw).to_bytes(4, "little") + name
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for at, content in {**classes("b"), "XXX/0.png": b"1", "кот/1.png": b"2"}.items():
            info = zipfile.ZipInfo(at)
            if at.startswith("XXX"):
                info.extra = b"\x75\x70" + len(field).to_bytes(2, "little") + field
            archive.writestr(info, content)
    found = found_in(renamed(path, b"XXX/0.png", raw))
    assert labels(found) == {"set/b": 2, "set/кот": 2}
    assert found.notice == ""


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    files = {**classes("a", "b"), "a\\0.png": b"another"}
    with pytest.raises(DataError, match=r"set\.zip holds a/0\.png twice"):
        found_in(zip_files(tmp_path / "set.zip", files))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_tables_of_any_program_are_read(separator, end, tmp_path):
    files = tables(separator, end, (" FileName ", "Label"))
    found = found_in(zip_files(tmp_path / "set.zip", files))
    expected = {f"{p}/{q}{c}": 2 for p, q in (("test", "test"), ("train", "train"),
                ("validation", "val")) for c in "ab"}  # fmt: skip
    assert labels(found) == expected
    assert found.notice == ""


@pytest.mark.parametrize("code", ["utf-8-sig", "utf-16"])
def test_tables_with_a_mark_of_their_code_are_read(code, tmp_path):
    files = tables()
    files["train.csv"] = files["train.csv"].decode().encode(code)
    assert len(found_in(zip_files(tmp_path / "set.zip", files)).entries) == 12


BAD_TABLES = {
    "other columns": (
        b"file;class\na;b",
        r"lacks the columns filename and label, .* is “file;clas",
    ),
    "a column twice": (b"filename,label,label\na,b,c", "lacks the columns.*each once"),
    "empty": (b"", "lacks the columns filename and label"),
    "a header only": (
        b"filename,label\n\n",
        r"train\.csv .* names no picture below its first line",
    ),
    "not text": (b"filename,label\ncaf\xe9,b", r"is not text in UTF-8 \(its byte 19"),
    "half a line": (b"filename,label\ntraina0.png", r"Line 2 of .*train\.csv .* lacks a filename"),
    "a long field": (b"filename,label\n" + b"x" * 200_000, "cannot be read as a table"),
    "twice": (
        b"filename,label\ntraina0.png,a\n\ntraina0.png,a",
        r"images/traina0\.png .* twice, in line 2 of .*train\.csv and in line 4 of",
    ),
    "in two tables": (
        b"filename,label\ntesta0.png,a",
        r"images/testa0\.png .* twice, in line 2 of .*train\.csv and in line 2 of .*test\.csv",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_cannot_be_used_is_named_with_the_reason(content, sentence, tmp_path):
    with pytest.raises(DataError, match=rf"(?s)train\.csv.*{sentence}|{sentence}"):
        found_in(zip_files(tmp_path / "set.zip", {**tables(), "train.csv": content}))


def test_pictures_that_no_table_names_are_named(tmp_path):
    found = found_in(zip_files(tmp_path / "set.zip", {**tables(), "images/extra.png": b"x"}))
    assert found.notice.startswith("Not used: images/extra.png;")


def test_a_class_with_one_picture_is_named_with_what_to_do(tmp_path, data_dir):
    root = zip_files(tmp_path / "set.zip", {**classes("a", "b"), "gnu/1.png": png(0)})
    with pytest.raises(DataError, match=r"^gnu in set\.zip has 1 picture; .* at least 2.*add one"):
        visitor_zips.add(root.read_bytes(), "set.zip", data_dir)


def test_the_same_bytes_under_two_names_are_named(tmp_path):
    files = classes("train/a", "test/b", "test/c")
    files["test/b/0.png"] = files["train/a/1.png"]
    files["test/c/0.png"] = files["test/c/1.png"]
    root = zip_files(tmp_path / "set.zip", files)
    for _ in range(2):  # read, and from the cache
        notice = image_folder.load(root, tmp_path).notice
        assert "train/a/1.png" in notice
        assert "test/b/0.png = train/a/1.png" in notice
        assert "test/c/0.png = test/c/1.png" in notice


def test_names_steer_nothing_where_they_are_shown(tmp_path):
    root = zip_files(tmp_path / "set.zip", classes("a\u202egnp", "b\x1b[31m"))
    labels = [one.name for one in image_folder.load(root, tmp_path).classes]
    assert labels == ["a\ufffdgnp", "b\ufffd[31m"]


def test_of_long_names_the_ends_are_shown_and_marked_as_such(tmp_path):
    long = "a folder with a long name " * 4
    files = {f"{long}a/{i}.png": png(0) for i in range(2)} | classes("b")
    notice = image_folder.load(zip_files(tmp_path / "set.zip", files), tmp_path).notice
    first, second = (f"…{f'{long}a/{i}.png'[-79:]}" for i in range(2))
    assert f"{first} = {second}; take" in notice


def test_of_many_with_the_same_bytes_each_class_is_named_and_how_many_more(tmp_path):
    files = dict.fromkeys(classes("a", "b", "c"), png(0))
    per_class = len(files) // 3
    notice = image_folder.load(zip_files(tmp_path / "set.zip", files), tmp_path).notice
    named = f"a/0.png = b/0.png = c/0.png and {3 * per_class - 3} more; take all but one out"
    assert named in notice


def test_pixels_are_counted_before_anything_is_decoded(data_dir, tmp_path, monkeypatch):
    """Twenty-one blank pictures of 25 million pixels: a zip of some kilobytes."""
    buffer = io.BytesIO()
    Image.new("1", (5_000, 5_000)).save(buffer, "PNG")
    files = {f"{'ab'[i % 2]}/{i}.png": buffer.getvalue() for i in range(21)}
    monkeypatch.setattr(decoding, "_load", None)
    monkeypatch.setattr(image_folder, "decode_image", None)
    content = zip_files(tmp_path / "bomb.zip", files).read_bytes()
    with pytest.raises(DataError, match=r"^mine\.zip would be decoded to more than 500,000,000"):
        visitor_zips.add(content, "mine.zip", data_dir)
    assert not list(data_dir.glob("brought/*"))
