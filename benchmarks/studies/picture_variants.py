"""The same characters as pictures that people's phones, scanners and programs make of them.

Every variant is a function of a character (uint8 [105, 105], 255 is ink) and a random generator,
and returns a file: what is read back goes the way of a stranger's picture.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image
from scipy import ndimage

Variant = Callable[[np.ndarray, np.random.Generator], bytes]

ORIENTATION = 0x0112  # of EXIF
ROTATED_BY_EXIF = {3: 180, 6: 90, 8: 270}  # degrees anticlockwise in which the file then lies
# Ink and paper as children's sets, markers and forms have them; some are as light as each other.
COLOURS = (
    ((190, 30, 40), (250, 235, 150)),
    ((30, 60, 160), (245, 190, 205)),
    ((240, 200, 30), (255, 255, 255)),
    ((230, 60, 60), (70, 150, 90)),
    ((250, 240, 120), (40, 70, 150)),
    ((60, 140, 70), (235, 170, 110)),
)


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return a picture as a file."""
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def coverage(ink: np.ndarray, scale: float = 1.0, pad: float = 0.0) -> np.ndarray:
    """Return how far each pixel is covered by ink, float [height, width], 0 to 1.

    Args:
        ink: uint8 [height, width]; 255 is ink.
        scale: How much larger.
        pad: Bare paper on each side, as a share of the width.
    """
    margin = round(pad * max(ink.shape))
    padded = Image.fromarray(np.pad(ink, margin))
    size = tuple(round(scale * side) for side in padded.size)
    return np.asarray(padded.resize(size, Image.Resampling.BICUBIC), dtype=float) / 255


def written(cover: np.ndarray, paper: float, pen: float) -> np.ndarray:
    """Return grey values, float [height, width], of ink on paper."""
    return paper + (pen - paper) * cover


def to_image(values: np.ndarray) -> Image.Image:
    """Return values of 0 to 255, [height, width] or [height, width, channels], as a picture."""
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def light(shape: tuple[int, ...], rng: np.random.Generator, loss: float = 0.5) -> np.ndarray:
    """Return light that falls off to one side, 1 to 1 - loss."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * x / shape[1] + np.sin(angle) * y / shape[0]
    return 1 - loss * (slope - slope.min()) / np.ptp(slope)


def photograph(values: np.ndarray, rng: np.random.Generator, loss: float = 0.4) -> bytes:
    """Return what a phone makes of a page: uneven light, a little blur, noise, JPEG."""
    values = values * light(values.shape, rng, loss)
    values = ndimage.gaussian_filter(values, 1) + rng.normal(0, 4, values.shape)
    return encode(to_image(values), "JPEG", quality=80)


def _plain(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return encode(Image.fromarray(255 - ink).convert("1"))


def _on_transparency(shade: int) -> Variant:
    def variant(ink: np.ndarray, rng: np.random.Generator) -> bytes:
        layers = np.full((*ink.shape, 4), shade, dtype=np.uint8)
        layers[..., 3] = ink
        return encode(Image.fromarray(layers))

    return variant


def _uneven_light(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(coverage(ink, 3, 0.2), 235, 80)
    values = values * light(values.shape, rng, 0.65) + rng.normal(0, 5, values.shape)
    return encode(to_image(values))


def _small_in_a_large_picture(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    page = np.full((600, 800), 255, dtype=np.uint8)
    y, x = rng.integers(0, 600 - 105), rng.integers(0, 800 - 105)
    page[y : y + 105, x : x + 105] = 255 - ink
    return encode(Image.fromarray(page))


def _either_polarity(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return encode(Image.fromarray(ink if rng.random() < 0.5 else 255 - ink))


def _grey_scan(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(coverage(ink, 2), rng.uniform(190, 225), rng.uniform(70, 110))
    return encode(to_image(values + rng.normal(0, 6, values.shape)))


def tight(ink: np.ndarray) -> np.ndarray:
    """Return the box around the ink and nothing else."""
    left, top, right, bottom = Image.fromarray(ink).getbbox()
    return ink[top:bottom, left:right]


def _tight_crop(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return encode(Image.fromarray(255 - tight(ink)))


def _tight_crop_of_a_photograph(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return photograph(written(coverage(tight(ink), 3), 225, 70), rng)


def _thumbnail(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return encode(to_image(255 * coverage(ink)).resize((20, 20), Image.Resampling.BOX))


def _dark_frame(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(coverage(ink, 3, 0.1), 225, 60)
    frame = rng.integers(6, 40)
    dark = np.pad(values[frame:-frame, frame:-frame], frame, constant_values=rng.uniform(15, 70))
    return encode(to_image(dark + rng.normal(0, 4, dark.shape)))


def _scan_edge(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(coverage(ink, 3, 0.1), 230, 70)
    for turn in rng.choice(4, size=rng.integers(1, 3), replace=False):
        turned = np.rot90(values, turn)  # a view: what is written to it is in `values`
        width = int(rng.integers(5, 30))
        turned[:width] = np.linspace(25, 60, width)[:, None]
    return encode(to_image(values + rng.normal(0, 4, values.shape)))


def _on_a_dark_desk(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    page = to_image(written(coverage(ink, 3, 0.15), 225, 60))
    desk = int(rng.integers(30, 80))
    page = page.rotate(rng.uniform(-10, 10), Image.Resampling.BICUBIC, expand=True, fillcolor=desk)
    values = np.pad(np.asarray(page, dtype=float), int(rng.integers(5, 50)), constant_values=desk)
    return photograph(values, rng, 0.3)


def _rotated(fill: int) -> Variant:
    def variant(ink: np.ndarray, rng: np.random.Generator) -> bytes:
        page = to_image(written(coverage(ink, 2, 0.1), 255, 20))
        angle = rng.uniform(2, 6) * rng.choice([-1, 1])
        return encode(page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=fill))

    return variant


def _lined(ink: np.ndarray, rng: np.random.Generator, squared: bool) -> bytes:
    cover = coverage(ink, 4, 0.4)
    values = written(cover, 230, 60)
    spacing, start = int(rng.integers(40, 70)), int(rng.integers(0, 40))
    ruled = np.zeros(values.shape, dtype=bool)
    ruled[start::spacing] = ruled[start + 1 :: spacing] = True
    if squared:
        ruled[:, start::spacing] = ruled[:, start + 1 :: spacing] = True
    return photograph(np.minimum(values, np.where(ruled, 165, 255)), rng)


def _shadow(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(coverage(ink, 3, 0.2), 225, 60)
    y, x = np.mgrid[: values.shape[0], : values.shape[1]] / len(values) - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    depth = np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-0.1, 0.3)
    values = values * (1 - rng.uniform(0.3, 0.55) / (1 + np.exp(-depth / 0.01)))
    return encode(to_image(values + rng.normal(0, 4, values.shape)), "JPEG", quality=85)


def _blurred(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return encode(to_image(ndimage.gaussian_filter(255.0 - ink, rng.uniform(1.0, 2.0))))


def _pencil(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    cover = coverage(ink, 3, 0.2)
    grain = ndimage.gaussian_filter(rng.normal(0, 1, cover.shape), 1.5)
    pressed = cover * np.clip(0.8 + 1.2 * grain, 0.3, 1)
    values = written(pressed, 225, rng.uniform(130, 165))
    return encode(to_image(values + rng.normal(0, 3, values.shape)))


def _coloured(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    pen, paper = COLOURS[rng.integers(len(COLOURS))]
    cover = coverage(ink, 2, 0.1)[..., None]
    values = np.array(paper) * (1 - cover) + np.array(pen) * cover
    return encode(to_image(values + rng.normal(0, 3, values.shape)), "JPEG", quality=80)


def _chalk(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return photograph(written(coverage(ink, 3, 0.2), 60, 200), rng)


def _jpeg_blocks(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    return encode(to_image(written(coverage(ink, 2), 240, 30)), "JPEG", quality=10)


def _rotated_by_exif(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    orientation = int(rng.choice(list(ROTATED_BY_EXIF)))
    page = to_image(written(coverage(ink, 2), 240, 40))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encode(page.rotate(ROTATED_BY_EXIF[orientation]), "JPEG", exif=exif, quality=90)


def _sixteen_bits(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(coverage(ink), 60_000, 9_000).clip(0, 65_535)
    return encode(Image.fromarray(values.astype(np.uint16)))


def _palette(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    picture = Image.fromarray((ink > 0).astype(np.uint8), "P")
    picture.putpalette([250, 240, 200, 60, 30, 120])
    return encode(picture, "GIF" if rng.random() < 0.5 else "PNG")


def _cmyk(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    page = to_image(written(coverage(ink, 2), 245, 30)).convert("RGB").convert("CMYK")
    return encode(page, "JPEG", quality=85)


def _webp_with_alpha(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    cover = coverage(ink, 2)
    layers = np.zeros((*cover.shape, 4))
    layers[..., :3] = rng.choice([20, 128, 245])
    layers[..., 3] = 255 * cover
    return encode(to_image(layers), "WEBP", quality=70)


def _wide(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(np.pad(coverage(ink), ((0, 0), (20, 250))), 255, 0)
    return encode(to_image(values))


def _with_dust(ink: np.ndarray, rng: np.random.Generator) -> bytes:
    values = written(coverage(ink, 3, 0.2), 235, 50)
    for y, x in rng.integers(0, len(values) - 4, (25, 2)):
        values[y : y + 3, x : x + 3] = rng.uniform(40, 160)
    return encode(to_image(values + rng.normal(0, 4, values.shape)))


def _pen(change: float) -> Variant:
    def variant(ink: np.ndarray, rng: np.random.Generator) -> bytes:
        soft = ndimage.gaussian_filter(coverage(ink, 4, 0.1), 4)
        return encode(to_image(np.where(soft > change, 30, 240)))

    return variant


VARIANTS: dict[str, Variant] = {
    "plain, as Omniglot's own": _plain,
    "white on transparent": _on_transparency(255),
    "black on transparent": _on_transparency(0),
    "WebP with alpha, three shades": _webp_with_alpha,
    "black and white mixed": _either_polarity,
    "small and off centre in 800 × 600": _small_in_a_large_picture,
    "wide picture, 375 × 105": _wide,
    "tight crop": _tight_crop,
    "tight crop of a photograph": _tight_crop_of_a_photograph,
    "thumbnail, 20 × 20": _thumbnail,
    "uneven light": _uneven_light,
    "shadow over a part": _shadow,
    "grey scan": _grey_scan,
    "dark frame": _dark_frame,
    "scan with a dark edge": _scan_edge,
    "photograph on a dark desk": _on_a_dark_desk,
    "rotated by 2 to 6°": _rotated(255),
    "rotated, black corners": _rotated(0),
    "photograph of lined paper": lambda ink, rng: _lined(ink, rng, squared=False),
    "photograph of squared paper": lambda ink, rng: _lined(ink, rng, squared=True),
    "chalk on a board": _chalk,
    "pencil, low contrast": _pencil,
    "coloured ink on coloured paper": _coloured,
    "specks of dust": _with_dust,
    "thin pen": _pen(0.7),
    "thick pen": _pen(0.2),
    "slight blur": _blurred,
    "JPEG blocks, quality 10": _jpeg_blocks,
    "JPEG turned by EXIF": _rotated_by_exif,
    "16 bits": _sixteen_bits,
    "palette, PNG or GIF": _palette,
    "CMYK": _cmyk,
}
