"""Reading pictures from strangers, and finding ink on paper, screens and transparency."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from maml_core.data.splits import split_classes
from maml_core.images.decoding import PictureError, read_picture
from maml_core.images.ink import connected, ink_of_picture, without_specks
from maml_core.images.network_input import ink_crop, to_input

SIZE = 300


def figure(size=SIZE, width=16):
    """An R without symmetry as a mask, bool [size, size]."""
    picture = Image.new("L", (size, size))
    brush = ImageDraw.Draw(picture)
    at = [(0.3, 0.8), (0.3, 0.2), (0.65, 0.25), (0.65, 0.45), (0.3, 0.5), (0.7, 0.8)]
    path = [(size * x, size * y) for x, y in at]
    brush.line(path, fill=255, width=width, joint="curve")
    return np.asarray(picture) > 0


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def grey(values):
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def refusal(act, *arguments):
    with pytest.raises(PictureError) as caught:
        act(*arguments)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def png_header(width, height):
    """A PNG that promises so many pixels and holds none."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_each_format_is_read(kind):
    picture = read_picture(encoded(grey(255 - 255 * figure()), kind), "r")
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
    found = np.asarray(read_picture(content, "photo").convert("L"))
    assert overlap(found < 128, figure()) > 0.95


def test_a_phone_photograph_that_holds_several_pictures_is_no_animation():
    picture = grey(255 - 255 * figure()).convert("RGB")
    content = encoded(picture, "MPO", save_all=True, append_images=[picture])
    assert read_picture(content, "photo").size == (SIZE, SIZE)


def test_no_bytes():
    assert "r.png is empty (0 bytes)" in refusal(read_picture, b"", "r.png")


@pytest.mark.parametrize("content", [b"hello", b"%PDF-1.7", b"<svg/>", b"\x89PNG\r\n\x1a\n"])
def test_no_picture(content):
    sentence = refusal(read_picture, content, "r.txt")
    assert f"r.txt ({len(content)} bytes) is no PNG" in sentence
    assert "save it as PNG or JPEG" in sentence


def test_heic_photographs_say_what_to_do():
    content = b"\0\0\0\x18ftypheic" + bytes(40)
    assert "r.heic is a HEIC photograph; save it as JPEG" in refusal(
        read_picture, content, "r.heic"
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_file(kind):
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    half = content[: len(content) // 2]
    sentence = refusal(read_picture, half, "r")
    assert f"{len(half):,} bytes" in sentence


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation(kind):
    frames = [grey(255 * figure()).convert("RGB"), grey(255 - 255 * figure()).convert("RGB")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert "r is animated (2 frames)" in refusal(read_picture, content, "r")


@pytest.mark.parametrize("side", [5_001, 10_000, 30_000])
def test_a_bomb_is_refused_undecoded(side):
    tracemalloc.start()
    sentence = refusal(read_picture, png_header(side, side), "bomb.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert "bomb.png has" in sentence
    assert "25,000,000 at most" in sentence
    if side == 5_001:
        assert "25,010,001 pixels" in sentence


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_one_shade_is_no_ink(shade):
    plain = Image.new("L", (80, 60), shade)
    assert "r shows no ink" in refusal(ink_of_picture, plain, "r")


def test_nothing_on_transparency_is_no_ink():
    assert "no ink" in refusal(ink_of_picture, Image.new("RGBA", (80, 60)))


def test_bare_paper_is_no_ink():
    noise = np.random.default_rng(1).normal(200, 6, (400, 400))
    assert "no ink" in refusal(ink_of_picture, grey(noise))


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (0, 255), (210, 120), (110, 30), (40, 170)])
def test_dark_on_light_and_light_on_dark(paper, pen):
    picture = grey(np.where(figure(), pen, paper))
    assert overlap(ink_of_picture(picture) > 0, figure()) > 0.95


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 30, 30)])
def test_strokes_on_transparency(colour):
    layers = np.zeros((SIZE, SIZE, 4), dtype=np.uint8)
    layers[..., :3] = colour
    layers[..., 3] = 255 * figure()
    assert overlap(ink_of_picture(Image.fromarray(layers)) > 0, figure()) > 0.95


def test_a_card_on_transparency_is_paper():
    layers = np.full((SIZE, SIZE, 4), 255, dtype=np.uint8)
    layers[figure(), :3] = 0
    layers[:20, :, 3] = layers[-20:, :, 3] = layers[:, :20, 3] = layers[:, -20:, 3] = 0
    assert overlap(ink_of_picture(Image.fromarray(layers)) > 0, figure()) > 0.95


def test_sixteen_bits_a_pixel():
    values = np.where(figure(), 9_000, 60_000).astype(np.uint16)
    picture = read_picture(encoded(Image.fromarray(values)), "r")
    assert overlap(ink_of_picture(picture) > 0, figure()) > 0.95


@pytest.mark.parametrize("angle", [0.0, 1.0, 2.5, 4.0])
def test_uneven_light_and_paper_grain(angle):
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    light = 1 - 0.6 * (np.cos(angle) * x + np.sin(angle) * y + 0.7) / 1.4
    values = 230 * light * np.where(figure(), 0.65, 1)
    noisy = values + np.random.default_rng(2).normal(0, 5, values.shape)
    # A single threshold cannot do it: paper in the shade is darker than ink in the light.
    assert values[~figure()].min() < values[figure()].max()
    assert overlap(ink_of_picture(grey(noisy)) > 0, figure()) > 0.9


def test_specks_go_and_dots_stay():
    ink = figure()
    dusty = ink.copy()
    dusty[20:23, 200:203] = dusty[270:272, 30:33] = True
    dotted = dusty.copy()
    dotted[30:46, 100:116] = True
    np.testing.assert_array_equal(without_specks(dusty), ink)
    assert without_specks(dotted)[30:46, 100:116].all()
    assert without_specks(dotted).sum() == ink.sum() + 16 * 16


def test_connected_pieces_are_those_of_a_flood_fill():
    ink = np.random.default_rng(3).random((24, 31)) < 0.35
    numbers = connected(ink)
    assert not numbers[~ink].any()
    seen = set()
    for start in zip(*np.nonzero(ink), strict=True):
        if start in seen:
            continue
        piece, todo = {start}, [start]
        while todo:
            y, x = todo.pop()
            around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
            new = {p for p in around - piece if 0 <= p[0] < 24 and 0 <= p[1] < 31 and ink[p]}
            piece |= new
            todo += new
        seen |= piece
        assert {tuple(p) for p in np.argwhere(numbers == numbers[start])} == piece


def block(top, left, height, width, side=105):
    """A rectangle of ink as uint8 [side, side]."""
    ink = np.zeros((side, side), dtype=np.uint8)
    ink[top : top + height, left : left + width] = 255
    return ink


@pytest.mark.parametrize(("top", "left"), [(0, 0), (50, 20), (63, 65)])
@pytest.mark.parametrize(("height", "width"), [(42, 21), (30, 40), (35, 35)])
def test_a_close_up_shows_the_ink_in_the_middle_with_its_longer_side_at_20_of_28(
    top, left, height, width
):
    shown = ink_crop(block(top, left, height, width))
    assert shown.shape == (28, 28)
    longer = max(height, width)
    for axis, length in enumerate((height, width)):
        seen = np.flatnonzero(shown.any(axis=1 - axis))
        margin = (28 - 20 * length / longer) / 2
        assert seen[0] == pytest.approx(margin, abs=1)
        assert 27 - seen[-1] == pytest.approx(margin, abs=1)
    assert shown.sum() / 255 == pytest.approx(400 * height * width / longer**2, rel=0.05)


def test_a_close_up_does_not_depend_on_where_the_ink_is():
    shown = ink_crop(block(3, 60, 20, 37))
    assert np.array_equal(ink_crop(block(80, 1, 20, 37)), shown)


def test_a_dot_is_magnified_two_and_a_half_times_and_no_more():
    dot = block(45, 45, 15, 15)  # four by four of the 28 x 28 pixels, each of 3.75
    assert to_input(dot).sum() == 255 * 4**2
    assert ink_crop(dot).sum() == pytest.approx(255 * (2.5 * 4) ** 2, rel=0.02)


def test_what_fills_its_picture_is_shown_smaller_and_nothing_is_cut_off():
    shown = ink_crop(block(0, 0, 105, 105))
    assert shown.sum() / 255 == pytest.approx(20**2, rel=0.02)
    assert not shown[[0, -1]].any()
    assert not shown[:, [0, -1]].any()


def test_without_ink_a_close_up_is_the_picture():
    faint = np.full((105, 105), 20, dtype=np.uint8)
    assert np.array_equal(ink_crop(faint), to_input(faint))


def test_many_evaluation_characters_are_small(real_omniglot):
    """What README and the Evaluate page say of them."""

    def longer_side(number):
        ink = real_omniglot.picture(number) > 0
        return max(np.ptp(np.flatnonzero(ink.any(axis=axis))) + 1 for axis in (0, 1))

    classes = split_classes(real_omniglot, "alphabets", "test")
    sides = [longer_side(n) for c in classes for n in real_omniglot.images_of(c)]
    assert np.percentile(sides, [5, 25, 50]).tolist() == [43, 55, 65]
    assert 55 * 28 / 105 < 15
