"""Pictures made for tests, and what is compared of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from maml_core.images.decoding import PictureError

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
