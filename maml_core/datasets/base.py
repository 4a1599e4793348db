"""What every data set gives: named classes, drawers, network inputs and full-size pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


class DataError(Exception):
    """Data that cannot be used; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class ClassName:
    """One character: its alphabet and its name within it."""

    alphabet: str
    name: str

    def __str__(self) -> str:
        return f"{self.alphabet.replace('_', ' ')} · {self.name}"


@dataclass(frozen=True, eq=False)
class CharacterSet:
    """Characters grouped in alphabets, each drawn by several people.

    Pictures stand one class after the other. Arrays are read-only: one copy serves
    every session.

    Attributes:
        name: 'omniglot', 'glyphs' or 'drawings'.
        classes: One name a class, `n_classes` in all.
        starts: int64 [n_classes + 1]; class c owns the pictures starts[c] to starts[c + 1] - 1.
        drawers: int64 [n_images], who drew it: a person's number within the alphabet, from 1.
        inputs: uint8 [n_images, 28, 28], what a network sees, see `pictures.to_input`; 255 is
            full ink, 0 is paper.
        bits: uint8 [n_images, side, ceil(side / 8)], the full-size pictures, `np.packbits` along
            rows, 1 is ink.
        side: Width and height of a full-size picture, pixels.
        evaluation_alphabets: The alphabets that the 'alphabets' split keeps for testing.
        notice: A sentence for the person when this set stands in for another; empty when not.
    """

    name: str
    classes: tuple[ClassName, ...]
    starts: np.ndarray
    drawers: np.ndarray
    inputs: np.ndarray
    bits: np.ndarray
    side: int = 105
    evaluation_alphabets: tuple[str, ...] = ()
    notice: str = ""

    def __post_init__(self) -> None:
        for array in (self.starts, self.drawers, self.inputs, self.bits):
            array.setflags(write=False)

    def images_of(self, class_index: int) -> np.ndarray:
        """Return the picture numbers of one class, int64 [n_drawers]."""
        return np.arange(self.starts[class_index], self.starts[class_index + 1])

    def class_of(self, image_index: int) -> int:
        """Return the number of the class that owns a picture."""
        return int(np.searchsorted(self.starts, image_index, side="right")) - 1

    @cached_property
    def alphabets(self) -> dict[str, list[int]]:
        """The class numbers of each alphabet, in the order of `classes`."""
        found: dict[str, list[int]] = {}
        for index, class_name in enumerate(self.classes):
            found.setdefault(class_name.alphabet, []).append(index)
        return found

    def picture(self, image_index: int) -> np.ndarray:
        """Return a full-size picture, uint8 [side, side]; 255 is ink, 0 is paper."""
        return np.unpackbits(self.bits[image_index], axis=-1, count=self.side) * 255
