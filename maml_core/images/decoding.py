"""Decode picture files of unknown origin safely."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
ANIMATED = ("PNG", "WEBP", "GIF")  # phones' JPEGs hold several pictures, too; their first is meant
MAX_PIXELS = 25_000_000  # phones take 12 or 24 million; as RGBA in memory this is 100 MB
# Brands in the header of Apple's photographs (ISO/IEC 23008-12). Nothing here reads them.
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
# Longer side in pixels at which ink is looked for: in a photograph of a whole A4 sheet a pen's
# line, 0.5 mm, is then 2 pixels wide; from smaller pictures smooth edges are made.
MIN_SIDE, MAX_SIDE = 256, 1024
LIGHT_PAINT = 200  # grey levels: on white it would hardly be seen


class PictureError(ValueError):
    """A picture that cannot be used; the message is a sentence that says why and what to do."""


def decode_image(content: bytes, name: str) -> Image.Image:
    """Decode a picture file of unknown origin, upright.

    Args:
        content: The file: PNG, JPEG, WebP or a GIF of one frame.
        name: What to call it in messages.

    Raises:
        PictureError: The file is empty, of another format, damaged, animated, or has more than
            `MAX_PIXELS` pixels; none of these is decoded.
    """
    if not content:
        raise PictureError(f"{name} is empty (0 bytes); choose the picture again.")
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        raise PictureError(f"{name} is a HEIC photograph; save it as JPEG and choose that.")
    picture = _read_header(content, name)
    check_pixel_count(picture.width * picture.height, name)
    frames = getattr(picture, "n_frames", 1)
    if picture.format in ANIMATED and frames > 1:
        raise PictureError(
            f"{name} is animated ({frames} frames); save one frame as PNG and choose that."
        )
    try:
        # Lets a JPEG be decoded at a half, a quarter or an eighth: less memory, less time.
        picture.draft(None, (MAX_SIDE, MAX_SIDE))
        return ImageOps.exif_transpose(picture)
    except Exception as cause:  # Pillow answers damaged files with many kinds of exception
        raise PictureError(
            f"{name} is damaged or incomplete after {len(content):,} bytes; "
            "save or send the picture again."
        ) from cause


def _read_header(content: bytes, name: str) -> Image.Image:
    """Read the header alone; pixels are decoded later."""
    try:
        return Image.open(BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large(f"more than {Image.MAX_IMAGE_PIXELS:,}", name)) from None
    except Exception as cause:
        raise PictureError(
            f"{name} ({len(content):,} bytes) is not a PNG, JPEG, WebP or GIF picture; "
            "save it as PNG or JPEG."
        ) from cause


def check_pixel_count(pixels: int, name: str) -> None:
    """Refuse a picture of more than `MAX_PIXELS` pixels.

    Raises:
        PictureError: It has more.
    """
    if pixels > MAX_PIXELS:
        raise PictureError(_too_large(f"{pixels:,}", name))


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
