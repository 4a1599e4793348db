"""Decode picture files of unknown origin safely."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

import numpy as np
from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
ANIMATED = ("PNG", "WEBP", "GIF")  # phones' JPEGs hold several pictures, too; their first is meant
MAX_PIXELS = 25_000_000  # phones take 12 or 24 million; as RGBA in memory this is 100 MB
MAX_TOTAL_PIXELS = 500_000_000  # of pictures brought at once, as they are decoded: some 15 seconds
MAX_FILE_BYTES = 20_000_000  # phones' photographs have 3 to 12 million
# Brands in the header of Apple's photographs (ISO/IEC 23008-12). Nothing here reads them.
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
PNG_START, JPEG_START, JPEG_END = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd9"
# PNG's chunks that pixels depend on, beside those in capitals; and what says which way is up.
PNG_PIXEL_CHUNKS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
PNG_EXIF = b"eXIf"
PNG_LAST = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
# JPEG's segments that pixels do not depend on: APP1 to APP13, APP15 and comments.
JPEG_METADATA = {*range(0xE1, 0xEE), 0xEF, 0xFE}
FILLERS = [bytes([bits]) * 2_000 for bits in (0xAA, 0x55, 0x33, 0x0F)]  # for missing pixels
JPEG_SCAN = 0xDA  # the marker before the pixels
WEBP_METADATA, WEBP_METADATA_FLAGS = (b"ICCP", b"EXIF", b"XMP "), 0x2C
ORIENTATION = 0x0112  # the tag of EXIF that says which way is up, and how to turn each
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Longer side in pixels at which ink is looked for: in a photograph of a whole A4 sheet a pen's
# line, 0.5 mm, is then 2 pixels wide; from smaller pictures smooth edges are made.
MIN_SIDE, MAX_SIDE = 256, 1024
LIGHT_PAINT = 200  # grey levels: on white it would hardly be seen


class PictureError(ValueError):
    """A picture that cannot be used; the message is a sentence that says why and what to do."""


def decode_image(content: bytes, name: str) -> Image.Image:
    """Decode a picture file of unknown origin, upright.

    What tells only about the picture, such as EXIF, a colour profile or a comment, may be damaged,
    and the marks at the file's end may be missing.

    Args:
        content: The file: PNG, JPEG, WebP or a GIF of one frame.
        name: What to call it in messages.

    Raises:
        PictureError: The file is empty, of another format, damaged, animated, or has more than
            `MAX_PIXELS` pixels; none of these is decoded.
    """
    picture = _read_header(content, name)
    check_pixel_count(picture.width * picture.height, name)
    try:
        frames = getattr(picture, "n_frames", 1)
        if frames <= 1 or picture.format not in ANIMATED:
            return _turned_upright(_load(picture, content))
    except Exception as cause:  # Pillow answers damaged files with many kinds of exception
        raise PictureError(
            f"{name} is damaged or incomplete after {len(content):,} bytes; "
            "save or send the picture again."
        ) from cause
    raise PictureError(
        f"{name} is animated ({frames} frames); save one frame as PNG and choose that."
    )


def count_pixels(content: bytes, name: str) -> int:
    """Return how many pixels of a picture file of unknown origin are decoded, from its header.

    Raises:
        PictureError: It is empty, of another format, or has more than `MAX_PIXELS` pixels.
    """
    picture = _read_header(content, name)
    check_pixel_count(picture.width * picture.height, name)
    _shrink(picture)
    return picture.width * picture.height


def _read_header(content: bytes, name: str) -> Image.Image:
    """Read the header alone; pixels are decoded later."""
    if not content:
        raise PictureError(f"{name} is empty (0 bytes); choose the picture again.")
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        raise PictureError(f"{name} is a HEIC photograph; save it as JPEG and choose that.")
    try:
        try:
            return Image.open(BytesIO(content), formats=FORMATS)
        except (ValueError, OSError, SyntaxError):
            return Image.open(BytesIO(_without_metadata(content)), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large(f"more than {Image.MAX_IMAGE_PIXELS:,}", name)) from None
    except Exception as cause:
        raise PictureError(
            f"{name} ({len(content):,} bytes) is not a PNG, JPEG, WebP or GIF picture; "
            "save it as PNG or JPEG."
        ) from cause


def _shrink(picture: Image.Image) -> None:
    """Let a JPEG be decoded at a half, a quarter or an eighth: less memory, less time."""
    picture.draft(None, (MAX_SIDE, MAX_SIDE))


def _load(picture: Image.Image, content: bytes) -> Image.Image:
    """Decode an opened picture's pixels, or if that fails those of the file with its faults mended.

    Raises:
        Exception: Of any kind; the pixels are damaged.
    """
    try:
        _shrink(picture)
        picture.load()
        return picture
    except Exception:
        with suppress(Exception):
            return _decode_plainly(_without_metadata(content))
        return _decode_without_end(content)


def _decode_plainly(content: bytes) -> Image.Image:
    picture = Image.open(BytesIO(content), formats=FORMATS)
    _shrink(picture)
    picture.load()
    return picture


def _decode_without_end(content: bytes) -> Image.Image:
    """Decode a JPEG file that lacks its end marker and nothing else.

    A decoder makes up pixels that are missing before the marker. So what is decoded must not depend
    on the bits that stand there.

    Raises:
        ValueError: More is missing, or it is another file.
    """
    if not content.startswith(JPEG_START):
        raise ValueError("not a JPEG file")
    bare = _without_metadata(content).rstrip(b"\xff")  # half of the marker
    pictures = [_decode_plainly(bare + bits + JPEG_END) for bits in (b"", *FILLERS)]
    # Of a progressive file whole scans may be missing, and nothing would show it.
    if "progressive" in pictures[0].info or len({picture.tobytes() for picture in pictures}) > 1:
        raise ValueError("pixels are missing")
    return pictures[0]


def _turned_upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF says, where that can be read."""
    turn = None
    with suppress(Exception):
        turn = TURNS.get(picture.getexif().get(ORIENTATION, 1))
    return picture if turn is None else picture.transpose(turn)


def _without_metadata(content: bytes) -> bytes:
    """Return a picture file without what its pixels do not depend on; of other files a copy.

    Raises:
        struct.error, ValueError: It is not made of whole parts.
    """
    if content.startswith(PNG_START):
        kept = [chunk for kind, chunk in _png_chunks(content) if _is_needed(kind, chunk)]
        return PNG_START + b"".join(kept) + PNG_LAST
    if content.startswith(JPEG_START):
        return _jpeg_without_metadata(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _webp_without_metadata(content)
    return content


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and all bytes of each chunk before the last.

    Raises:
        ValueError: One that pixels depend on is cut off.
    """
    start = len(PNG_START)
    while start + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, start)
        if kind == b"IEND":
            return
        chunk = content[start : start + 12 + size]
        if len(chunk) == 12 + size:
            yield kind, chunk
        elif _is_needed(kind, chunk):
            raise ValueError("pixels are missing")
        start += 12 + size


def _is_needed(kind: bytes, chunk: bytes) -> bool:
    if kind == PNG_EXIF:
        return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
    return kind[:1].isupper() or kind in PNG_PIXEL_CHUNKS


def _jpeg_without_metadata(content: bytes) -> bytes:
    kept, start = [JPEG_START], len(JPEG_START)
    while True:
        fill, marker, size = struct.unpack_from(">BBH", content, start)
        if fill != 0xFF:
            raise ValueError("no marker where one should be")
        if marker == JPEG_SCAN:
            return b"".join([*kept, content[start:]])
        if marker not in JPEG_METADATA:
            kept.append(content[start : start + 2 + size])
        start += 2 + size


def _webp_without_metadata(content: bytes) -> bytes:
    kept, start = b"", 12
    while start + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, start)
        chunk = bytearray(content[start : start + 8 + size + size % 2])
        if kind == b"VP8X":
            chunk[8] &= ~WEBP_METADATA_FLAGS
        if kind not in WEBP_METADATA:
            kept += chunk
        start += 8 + size + size % 2
    return struct.pack("<4sI4s", b"RIFF", 4 + len(kept), b"WEBP") + kept


def check_pixel_count(pixels: int, name: str) -> None:
    """Refuse a picture of more than `MAX_PIXELS` pixels.

    Raises:
        PictureError: It has more.
    """
    if pixels > MAX_PIXELS:
        raise PictureError(_too_large(f"{pixels:,}", name))


def too_many_pixels(name: str) -> str:
    """Return a sentence about pictures that have more than `MAX_TOTAL_PIXELS` together."""
    return (
        f"{name} would be decoded to more than {MAX_TOTAL_PIXELS:,} pixels in all; make the "
        "pictures smaller or take fewer."
    )


def _too_large(pixels: str, name: str) -> str:
    return f"{name} has {pixels} pixels; crop it or make it smaller, to {MAX_PIXELS:,} at most."


def to_8_bit(picture: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a channel; one of 16 bits, which `convert` clips, is scaled."""
    if not picture.mode.startswith("I"):
        return picture
    return Image.fromarray((np.asarray(picture) // 256).clip(0, 255).astype(np.uint8))


def flatten(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB; what is transparent is white, or black where all paint is light."""
    layers = to_8_bit(picture).convert("RGBA")
    opaque = np.asarray(layers.getchannel("A")) >= 128
    paint = np.asarray(layers.convert("L"))[opaque]
    light = not opaque.all() and len(paint) > 0 and np.percentile(paint, 5) >= LIGHT_PAINT
    ground = Image.new("RGBA", layers.size, "black" if light else "white")
    return Image.alpha_composite(ground, layers).convert("RGB")


def pad_to_square(picture: Image.Image, side: int) -> Image.Image:
    """Shrink an RGB picture into the middle of a square of `side` pixels, its shape kept.

    What is around it has the median colour of its border, which is that of its ground.
    """
    width, height = picture.size
    scale = side / max(width, height)
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(picture)
    border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    colour = np.median(np.concatenate(border), axis=0).astype(np.uint8)
    square = Image.new("RGB", (side, side), tuple(colour.tolist()))
    square.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square
