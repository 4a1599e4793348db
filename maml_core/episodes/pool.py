"""The classes that episodes are sampled from, with their pictures in one tensor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from maml_core.config import EpisodeSpec, SettingError
from maml_core.data.character_set import CharacterSet
from maml_core.images.augmentation import ALL, random_affine
from maml_core.images.network_input import INPUT_SIZE, ink_crop
from maml_core.images.tensors import pixels_to_tensor


@dataclass(frozen=True, eq=False)
class TaskPool:
    """The classes that tasks are sampled from, with their pictures on one device.

    A class is a character at one rotation; rotated by 90° it is another class
    (Santoro et al. 2016; Finn et al. 2017, section 5.2).

    Attributes:
        data: Where the pictures come from.
        classes: int64 [n_classes], the class numbers in `data`.
        rotations: int64 [n_classes], quarter turns, 0 to 3.
        alphabets: int64 [n_classes], the same for classes of one alphabet at one rotation.
        counts: int64 [n_classes], how many pictures each has.
        images: int64 [n_classes, the largest count], picture numbers in `data`; the row of a class
            with fewer pictures is padded with -1.
        pixels: uint8 [n, channels, height, width], all pictures, ordered by class.
        ink_crops: The same classes with each picture's ink crop, or None.
    """

    data: CharacterSet
    classes: Tensor
    rotations: Tensor
    alphabets: Tensor
    counts: Tensor
    images: Tensor
    pixels: Tensor
    ink_crops: TaskPool | None = None

    @cached_property
    def class_starts(self) -> Tensor:
        """The index in `pixels` of each class's first picture, int64 [n_classes]."""
        return self.counts.cumsum(0) - self.counts


def make_pool(
    data: CharacterSet,
    classes: list[int],
    *,
    rotate: bool = False,
    ink_crops: bool = False,
    device: torch.device | str = "cpu",
) -> TaskPool:
    """Gather the pictures of some classes for sampling.

    Args:
        data: The characters.
        classes: Class numbers, at least two.
        rotate: Make four classes of each, rotated by 0°, 90°, 180° and 270°.
        ink_crops: Make the ink crop of each picture as well, see `network_input.ink_crop`.
        device: Where the pictures are copied to, and the episodes sampled from them are.

    Raises:
        ValueError: Fewer than two classes, or ink crops of pictures that show no ink.
    """
    if len(classes) < 2:
        raise SettingError(
            "The number of classes to sample from is {count}, and an episode takes at least 2; "
            "choose another {split} or {part}.",
            count=len(classes),
        )
    turns = 4 if rotate else 1
    alphabet_number = {name: i for i, name in enumerate(data.alphabets)}
    alphabets = torch.tensor([alphabet_number[data.classes[c].alphabet] for c in classes])
    images = [torch.from_numpy(data.images_of(c)) for c in classes]
    numbers = torch.cat(images)
    upright = torch.from_numpy(np.asarray(data.inputs)[numbers.numpy()])
    pool = TaskPool(
        data=data,
        classes=torch.tensor(classes).repeat(turns),
        rotations=torch.arange(turns).repeat_interleave(len(classes)),
        alphabets=torch.cat([alphabets + turn * len(alphabet_number) for turn in range(turns)]),
        counts=torch.tensor([len(numbers_of_class) for numbers_of_class in images]).repeat(turns),
        images=pad_sequence(images, batch_first=True, padding_value=-1).repeat(turns, 1),
        pixels=_rotated(upright.reshape(-1, *data.input_shape).to(device), turns),
    )
    return _with_ink_crops(pool, numbers, turns) if ink_crops else pool


def fit_spec(pool: TaskPool, spec: EpisodeSpec) -> EpisodeSpec:
    """Return a spec whose N, K and Q are lowered to what a pool has classes and pictures for.

    `within_alphabet` is given up where no alphabet has so many classes. K goes before Q; both
    stay at least 1, also where a class has a single picture and no episode is possible.
    """
    pictures = int(pool.counts.min())
    n_way = min(spec.n_way, len(pool.classes))
    k_shot = max(1, min(spec.k_shot, pictures - 1))
    largest = int(torch.unique(pool.alphabets, return_counts=True)[1].max())
    return replace(
        spec,
        n_way=n_way,
        k_shot=k_shot,
        q_query=max(1, min(spec.q_query, pictures - k_shot)),
        within_alphabet=spec.within_alphabet and largest >= n_way,
    )


def _with_ink_crops(pool: TaskPool, numbers: Tensor, turns: int) -> TaskPool:
    """Return a pool with the ink crops of its upright pictures, rotated as the pictures are."""
    data = pool.data
    if data.input_shape != (1, INPUT_SIZE, INPUT_SIZE):
        raise ValueError(
            f"The pictures of {data.name} show no ink to crop to; leave ink crops out or choose a "
            "data set of characters."
        )
    crops = np.stack([ink_crop(data.ink(number)) for number in numbers.tolist()])
    pixels = _rotated(torch.from_numpy(crops)[:, None].to(pool.pixels.device), turns)
    return replace(pool, ink_crops=replace(pool, pixels=pixels))


def _rotated(upright: Tensor, turns: int) -> Tensor:
    """Return pictures [n, …] rotated by 0 to `turns` - 1 quarter turns, [turns * n, …]."""
    return torch.cat([torch.rot90(upright, turn, (-2, -1)) for turn in range(turns)])


def picture_tensors(
    pool: TaskPool,
    rows: Tensor,
    indices: Tensor,
    augment: torch.Generator | None = None,
    part: slice = ALL,
) -> Tensor:
    """Return some pictures as network inputs.

    Args:
        pool: Where they are.
        rows: int64 [n], the row of each in the pool, which sets its class and rotation.
        indices: int64 [n], picture numbers in the data set.
        augment: Where given, the source of a small random affine deformation of each.
        part: Which of the n pictures to return, as they are among all of them.

    Returns:
        float32 [n or fewer, channels, height, width], 0 to 1 with ink 1, on the pool's device.
    """
    positions = (pool.class_starts[rows] + indices - pool.images[rows, 0])[part]
    x = pixels_to_tensor(pool.pixels[positions.to(pool.pixels.device)])
    return x if augment is None else random_affine(x, augment, part, len(rows))
