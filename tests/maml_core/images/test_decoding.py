"""Decoding picture files of unknown origin."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from maml_core.images.decoding import PictureError, decode_image, to_8_bit
from tests.support.pictures import SIZE, encoded, figure, grey, overlap, refusal


def png_header(width, height):
    """A PNG that promises so many pixels and holds none."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_each_format_is_read(kind):
    picture = decode_image(encoded(grey(255 - 255 * figure()), kind), "r")
    assert overlap(np.asarray(picture.convert("L")) < 128, figure()) > 0.95


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_upright(orientation):
    """The oracle: each EXIF orientation in numpy, undone before saving."""
    upright = 255 - 255 * figure().astype(np.uint8)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(np.ascontiguousarray(stored)), "JPEG", quality=95, exif=exif)
    found = np.asarray(decode_image(content, "photo").convert("L"))
    assert overlap(found < 128, figure()) > 0.95


def test_a_phone_photograph_that_holds_several_pictures_is_no_animation():
    picture = grey(255 - 255 * figure()).convert("RGB")
    content = encoded(picture, "MPO", save_all=True, append_images=[picture])
    assert decode_image(content, "photo").size == (SIZE, SIZE)


def test_no_bytes():
    assert "r.png is empty (0 bytes)" in refusal(decode_image, b"", "r.png")


@pytest.mark.parametrize("content", [b"hello", b"%PDF-1.7", b"<svg/>", b"\x89PNG\r\n\x1a\n"])
def test_no_picture(content):
    sentence = refusal(decode_image, content, "r.txt")
    assert f"r.txt ({len(content)} bytes) is not a PNG" in sentence
    assert "save it as PNG or JPEG" in sentence


def test_heic_photographs_say_what_to_do():
    content = b"\0\0\0\x18ftypheic" + bytes(40)
    assert "r.heic is a HEIC photograph; save it as JPEG" in refusal(
        decode_image, content, "r.heic"
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_file(kind):
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    half = content[: len(content) // 2]
    sentence = refusal(decode_image, half, "r")
    assert f"{len(half):,} bytes" in sentence


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation(kind):
    frames = [grey(255 * figure()).convert("RGB"), grey(255 - 255 * figure()).convert("RGB")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert "r is animated (2 frames)" in refusal(decode_image, content, "r")


@pytest.mark.parametrize("side", [5_001, 10_000, 30_000])
def test_a_bomb_is_refused_undecoded(side):
    tracemalloc.start()
    sentence = refusal(decode_image, png_header(side, side), "bomb.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert "bomb.png has" in sentence
    assert "25,000,000 at most" in sentence
    if side == 5_001:
        assert "25,010,001 pixels" in sentence


def test_sixteen_bits_are_scaled_to_eight():
    """The oracle: the upper byte of each value."""
    values = np.random.default_rng(0).integers(0, 2**16, (5, 7), dtype=np.uint16)
    picture = to_8_bit(decode_image(encoded(Image.fromarray(values)), "r"))
    expected = [[value >> 8 for value in row] for row in values.tolist()]
    np.testing.assert_array_equal(np.asarray(picture.convert("L")), expected)


def test_eight_bits_stay_as_they_are():
    picture = grey(255 * figure())
    assert to_8_bit(picture) is picture


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(png: bytes, extra: bytes, before_pixels: bool) -> bytes:
    place = png.index(b"IDAT" if before_pixels else b"IEND") - 4
    return png[:place] + extra + png[place:]


@pytest.mark.parametrize("before_pixels", [True, False])
@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(2_000_000))),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(2_000_000))),
        chunk(b"tEXt", b"note\0a")[:-1] + b"?",  # a wrong checksum
    ],
    ids=["a long text", "a long profile", "a damaged text"],
)
def test_pixels_are_read_whatever_is_said_about_them_in_a_png(extra, before_pixels):
    picture = grey(255 - 255 * figure())
    content = with_chunk(encoded(picture), extra, before_pixels)
    np.testing.assert_array_equal(decode_image(content, "r"), picture)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
@pytest.mark.parametrize("missing", [1, 2])
def test_the_mark_at_the_end_may_be_missing(kind, missing):
    content = encoded(grey(255 - 255 * figure()), kind)
    whole = decode_image(content, "r")
    half = decode_image(content[: -missing if kind != "GIF" else -1], "r")
    np.testing.assert_array_equal(half, whole)


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True})]
)
def test_no_pixel_is_made_up(kind, options):
    """Of every file that is cut short either all pixels are read or none."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind, **options)
    whole = decode_image(content, "r")
    taken = 0
    for missing in range(1, 200):
        try:
            np.testing.assert_array_equal(decode_image(content[:-missing], "r"), whole)
            taken += 1
        except PictureError:
            pass
    assert (0 if options else 2) <= taken < 30


def test_a_photograph_is_turned_upright_though_another_tag_is_damaged():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x" * 20
    stored = np.ascontiguousarray(np.rot90(255 - 255 * figure().astype(np.uint8)))
    content = bytearray(encoded(Image.fromarray(stored), "JPEG", quality=95, exif=exif))
    at = content.index(struct.pack(">HHI", 0x010E, 2, 21))
    content[at + 2 : at + 4] = b"\xff\xff"  # no such type
    found = np.asarray(decode_image(bytes(content), "photo").convert("L"))
    assert overlap(found < 128, figure()) > 0.95


def test_a_profile_that_is_cut_off_in_a_webp_is_passed_over():
    picture = grey(255 - 255 * figure()).convert("RGB")
    content = encoded(picture, "WEBP", lossless=True, exif=b"Exif\0\0" + bytes(40))
    np.testing.assert_array_equal(decode_image(content[:-20], "r").convert("RGB"), picture)
