"""What tells visitors apart: a number in a seed, a stroke and a class's name that nobody else has.

Each is searched for in the bytes that the other visitors get.
"""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
from PIL import Image

FIRST = (0.314, 0.159)  # where every marked stroke begins; its second point is the visitor's own
CLASS = "visitor"  # begins a marked class's name
MOST_VISITORS = 440
_MARKS = re.compile(
    rb"seed\W{1,3}(\d{6})(?!\d)|visitor(\d{6})|\[0\.314, 0\.159\], \[0\.(\d{3}), 0\.(\d{3})\]"
)
CLASSES, PICTURES, SIDE = 24, 8, 40


def mark_of(number: int) -> int:
    """Return the mark of a visitor by their number: six digits, neither half ending with a 0.

    Raises:
        ValueError: There are not so many.
    """
    if not 0 <= number < MOST_VISITORS:
        raise ValueError(f"There are marks for {MOST_VISITORS} visitors; {number} is too many.")
    return 1000 * (111 + 2 * number) + 337


def marks_in(message: bytes) -> set[int]:
    """Return the marks that can be read in a message; other seeds are not among them."""
    return {int(b"".join(groups)) for groups in _MARKS.findall(message)} & _ALL


_ALL = frozenset(map(mark_of, range(MOST_VISITORS)))


def stroke(mark: int) -> list[tuple[float, float]]:
    """Return a stroke that carries a mark."""
    return [FIRST, (mark // 1000 / 1000, mark % 1000 / 1000), (0.75, 0.8), (0.2, 0.85)]


def marked_zip(mark: int) -> bytes:
    """Return a zip of pictures that nobody else has, its classes named by the mark."""
    rng, buffer = np.random.default_rng(mark), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(CLASSES):
            shape = rng.integers(0, 256, (8, 8), dtype=np.uint8)
            for picture in range(PICTURES):
                noise = rng.integers(0, 40, (SIDE, SIDE))
                pixels = np.clip(np.kron(shape, np.ones((5, 5))) + noise, 0, 255)
                png = io.BytesIO()
                Image.fromarray(pixels.astype(np.uint8)).save(png, "PNG")
                archive.writestr(f"all/{CLASS}{mark} {number}/{picture}.png", png.getvalue())
    return buffer.getvalue()
