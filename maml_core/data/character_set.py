"""The interface of every data set: named classes, drawers, network inputs, full-size pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Told while a set is read: of how many pictures or other parts how many are.
ReportProgress = Callable[[int, int], None]


class DataError(Exception):
    """Data that cannot be used; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class ClassName:
    """One class: its alphabet, or the group that stands for one, and its name within it."""

    alphabet: str
    name: str

    def __str__(self) -> str:
        return f"{self.alphabet.replace('_', ' ')} · {self.name}"


@dataclass(frozen=True, eq=False)
class CharacterSet:
    """Characters grouped in alphabets, each drawn by several people; or classes of pictures.

    Pictures stand one class after the other. Arrays are read-only: one copy serves
    every session.

    Attributes:
        name: One of `config.DATASETS`, or that of a visitor's zip or a class's drawings.
        classes: One name a class, `n_classes` in all.
        starts: int64 [n_classes + 1]; class c owns the pictures starts[c] to starts[c + 1] - 1.
        drawers: int64 [n_images], who drew it: a person's number within the alphabet, from 1;
            without `has_drawers` the picture's number within its class.
        inputs: uint8 [n_images, height, width] or [n_images, channels, height, width], what a
            network sees. Of characters 28x28, see `network_input.to_network_input`; 255 is full
            ink, 0 is paper.
        bits: uint8 [n_images, side, ceil(side / 8)], the full-size pictures, `np.packbits` along
            rows, 1 is ink; None where `pictures` holds them.
        side: Width and height of a full-size picture, pixels.
        evaluation_alphabets: The alphabets that the 'alphabets' split keeps for testing.
        validation_alphabets: Those that it keeps for validation; empty: it draws them itself.
        notice: A sentence for the person when this set stands in for another, or when pictures of
            it show nothing; empty when not.
        pictures: uint8 [n_images, side, side], 255 is ink, or [n_images, 3, side, side], red,
            green and blue; the full-size pictures in place of `bits`. May lie on disk.
        has_drawers: Whether it is known who drew what, as in Omniglot. Only then do quarter
            turns make new classes: a 6 becomes a 9, but a turned photograph is nothing new.
        drawer_names: What the drawers are called, the first one's first; empty: by their numbers.
    """

    name: str
    classes: tuple[ClassName, ...]
    starts: np.ndarray
    drawers: np.ndarray
    inputs: np.ndarray
    bits: np.ndarray | None = None
    side: int = 105
    evaluation_alphabets: tuple[str, ...] = ()
    validation_alphabets: tuple[str, ...] = ()
    notice: str = ""
    pictures: np.ndarray | None = None
    has_drawers: bool = True
    drawer_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.starts, self.drawers, self.inputs, self.bits, self.pictures):
            if array is not None:
                array.setflags(write=False)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of what a network sees."""
        channels, height, width = (1, *self.inputs.shape[1:])[-3:]
        return channels, height, width

    def images_of(self, class_index: int) -> np.ndarray:
        """Return the picture numbers of one class, int64 [n], ascending without a gap."""
        return np.arange(self.starts[class_index], self.starts[class_index + 1])

    def class_of(self, image_index: int) -> int:
        """Return the number of the class that owns a picture."""
        return int(np.searchsorted(self.starts, image_index, side="right")) - 1

    def drawer_of(self, image_index: int) -> str:
        """Return what is said of who drew a picture: a name, or a number."""
        number = int(self.drawers[image_index])
        return self.drawer_names[number - 1] if self.drawer_names else str(number)

    @cached_property
    def alphabets(self) -> dict[str, list[int]]:
        """The class numbers of each alphabet, in the order of `classes`."""
        classes: dict[str, list[int]] = {}
        for index, class_name in enumerate(self.classes):
            classes.setdefault(class_name.alphabet, []).append(index)
        return classes

    def picture(self, image_index: int) -> np.ndarray:
        """Return a full-size picture.

        Returns:
            uint8 [side, side], 255 is ink, 0 is paper; in colour [3, side, side].
        """
        if self.pictures is not None:
            return np.asarray(self.pictures[image_index])
        assert self.bits is not None
        return np.unpackbits(self.bits[image_index], axis=-1, count=self.side) * 255

    def ink(self, image_index: int) -> np.ndarray:
        """Return a picture as ink: full-size, or where pictures are in colour what a network sees.

        Returns:
            uint8 [height, width]; 255 is ink, 0 is paper.

        Raises:
            ValueError: A network sees it in colour.
        """
        ink = self.picture(image_index)
        if ink.ndim == 3:
            ink = np.asarray(self.inputs[image_index])
        if ink.ndim == 3:
            raise ValueError(f"The pictures of {self.name} are in colour and show no ink.")
        return ink
