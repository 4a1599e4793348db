"""Files from strangers: into rows, and no further than that."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from maml_core.images import uploads
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import draw_strokes, to_character
from maml_core.images.uploads import (
    Upload,
    character_from_file,
    characters_from_rows,
    group_into_rows,
    read_zip,
    without_system_files,
)

LINE = [[(0.2, 0.2), (0.8, 0.8)], [(0.2, 0.8), (0.5, 0.5)]]


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


GOOD = png(255 - draw_strokes(LINE))


def packed(files: dict[str, bytes]) -> Upload:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Upload("all.zip", buffer.getvalue())


def names(rows: list[list[Upload]]) -> list[list[str]]:
    return [[file.name for file in row] for row in rows]


def test_a_file_a_class_and_a_folder_a_class():
    files = [Upload(name, b"") for name in ("set/b/2.png", "z.png", "set/a/1.png", "set/b/1.png")]
    assert names(group_into_rows(files)) == [
        ["set/a/1.png"],
        ["set/b/1.png", "set/b/2.png"],
        ["z.png"],
    ]


def test_a_zip_gives_its_files_and_passes_over_what_systems_leave():
    upload = packed(
        {
            "b/1.png": b"1",
            "a/1.png": b"2",
            "__MACOSX/a/._1.png": b"3",
            "a/.DS_Store": b"4",
            "c/": b"",
            ".": b"",
        }
    )
    files, refused = read_zip(upload)
    assert files == [Upload("a/1.png", b"2"), Upload("b/1.png", b"1")]
    assert refused == []


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png"]
)
def test_a_name_that_leads_out_of_the_zip_is_refused_and_the_rest_is_read(name, tmp_path):
    files, (sentence,) = read_zip(packed({name: GOOD, "a.png": GOOD}))
    assert [file.name for file in files] == ["a.png"]
    assert "evil.png in all.zip leads out of the zip" in sentence
    assert list(tmp_path.parent.rglob("evil.png")) == []


def test_a_bomb_is_not_unpacked(monkeypatch):
    bomb = packed({f"{i}.png": bytes(4_000_000) for i in range(15)})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # nothing is to be read
    with pytest.raises(PictureError, match=r"all\.zip would unpack to 60,000,000 bytes"):
        read_zip(bomb)


def test_a_bomb_that_lies_about_its_size_is_damaged():
    honest = packed({"a.png": bytes(1_000_000), "b.png": GOOD})
    content = bytearray(honest.content)
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(signature) + offset
        content[place : place + 4] = (1_000).to_bytes(4, "little")
    files, (sentence,) = read_zip(Upload("all.zip", bytes(content)))
    assert [file.name for file in files] == ["b.png"]
    assert "a.png in all.zip is damaged" in sentence


def test_one_file_that_is_too_large_is_refused_and_the_rest_is_read():
    files, (sentence,) = read_zip(packed({"a.png": bytes(20_000_001), "b.png": GOOD}))
    assert [file.name for file in files] == ["b.png"]
    assert "a.png in all.zip has 20,000,001 bytes" in sentence


@pytest.mark.parametrize("count", [51, 1_001])
def test_too_many_files_are_counted_before_anything_is_read(count, monkeypatch):
    upload = packed({f"{i}.png": b"" for i in range(count)})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # nothing is to be read
    with pytest.raises(PictureError, match=rf"all\.zip holds {count:,} files; choose at most"):
        read_zip(upload)


def encrypted() -> bytes:
    content = bytearray(packed({"a.png": GOOD}).content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def test_an_encrypted_entry_is_refused():
    files, (sentence,) = read_zip(Upload("all.zip", encrypted()))
    assert files == []
    assert "a.png in all.zip is encrypted" in sentence


@pytest.mark.parametrize("content", [b"", b"no zip", packed({"a.png": GOOD}).content[:-30]])
def test_no_zip_is_a_sentence(content):
    with pytest.raises(PictureError, match=r"^all\.zip is not a zip, or a damaged one"):
        read_zip(Upload("all.zip", content))


def test_a_zip_without_files_is_a_sentence():
    for names in ([], ["a/"], ["__MACOSX/._a.png"]):
        with pytest.raises(PictureError, match=r"^all\.zip holds no files; choose another zip\.$"):
            read_zip(packed(dict.fromkeys(names, b"")))


def test_each_bad_file_has_its_sentence_and_the_others_are_read():
    rows = [
        [Upload("a/1.png", b""), Upload("a/2.png", GOOD)],
        [Upload("b.png", b"text")],
        [Upload("c.png", png(np.zeros((50, 50), np.uint8)))],
        [Upload("d.zip", packed({"a.png": GOOD}).content)],
    ]
    characters, refused = characters_from_rows(rows, 5, 2)
    assert [len(row) for row in characters] == [1, 0, 0, 0]
    np.testing.assert_array_equal(characters[0][0], to_character(GOOD))
    assert [sentence.split()[0] for sentence in refused] == ["a/1.png", "b.png", "c.png", "d.zip"]


def test_more_pictures_than_cells_are_left_out_and_said():
    row = [Upload(f"a/{i}.png", GOOD) for i in range(4)]
    characters, (sentence,) = characters_from_rows([row], 2, 3)
    assert len(characters[0]) == 3
    assert "a holds 4 pictures for a row of 3" in sentence
    assert characters_from_rows([row[:3]], 2, 3)[1] == []


def test_more_classes_than_rows_are_refused_as_a_whole(monkeypatch):
    monkeypatch.setattr(uploads, "character_from_file", None)  # nothing is to be read
    with pytest.raises(PictureError, match=r"There are 3 classes.*the board has 2 rows"):
        characters_from_rows([[Upload(f"{i}.png", GOOD)] for i in range(3)], 2, 1)


def test_a_file_that_is_too_large_is_not_read():
    with pytest.raises(PictureError, match=r"a\.png has 20,000,001 bytes"):
        character_from_file(Upload("a.png", bytes(20_000_001)))


def test_what_systems_leave_in_a_folder_is_passed_over():
    left = ("set/.DS_Store", "set/a/Thumbs.db", "set/desktop.ini", "set/__MACOSX/a/._1.png")
    files = [Upload(name, b"") for name in (*left, "set/a/1.png", "set/b/1.png")]
    assert names(group_into_rows(without_system_files(files))) == [["set/a/1.png"], ["set/b/1.png"]]


def test_pixels_are_counted_before_anything_is_decoded(monkeypatch):
    """Twenty-one files of 25 million pixels each."""
    buffer = io.BytesIO()
    Image.new("1", (5_000, 5_000)).save(buffer, "PNG")
    monkeypatch.setattr(uploads, "to_character", None)
    with pytest.raises(PictureError, match=r"decoded to more than 500,000,000.*Nothing was taken"):
        characters_from_rows([[Upload(f"{i}.png", buffer.getvalue()) for i in range(21)]], 2, 5)
