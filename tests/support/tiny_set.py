"""The smallest data set, and how two are compared."""

from __future__ import annotations

import numpy as np

from maml_core.data.character_set import CharacterSet, ClassName


def tiny_set(name="glyphs", seed=0):
    """Two characters with one picture each."""
    rng = np.random.default_rng(seed)
    return CharacterSet(
        name=name,
        classes=(ClassName("Dots", "one"), ClassName("Dots", "two")),
        starts=np.array([0, 1, 2]),
        drawers=np.array([1, 1]),
        inputs=rng.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        bits=rng.integers(0, 256, (2, 105, 14), dtype=np.uint8),
    )


def assert_same(one, other):
    assert (one.name, one.classes, one.side) == (other.name, other.classes, other.side)
    assert one.evaluation_alphabets == other.evaluation_alphabets
    for field in ("starts", "drawers", "inputs", "bits"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
