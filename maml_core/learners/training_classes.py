"""Which classes weights were trained on: measured on those, accuracy says nothing of new ones."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from maml_core.config import SPLITS
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import has_split, split_classes
from maml_core.learners.provenance import Provenance

MAX_SEED = 2**63 - 1  # of a `torch.Generator`


class SeenClassesWarning(UserWarning):
    """Weights are measured on classes some of which they were trained on."""


class TrainingSplit(NamedTuple):
    """A part of a split that some weights were trained on."""

    dataset: str
    split: str
    split_seed: int
    part: str = "train"


# One folder of pictures, in colour, grey or as handwriting.
SAME_CLASSES = {"folder-28": "folder", "folder-handwriting": "folder"}


def splits_trained_on(provenance: Provenance | None) -> list[TrainingSplit]:
    """Return the splits that weights were trained on, those of the weights they began from too.

    Args:
        provenance: Of the weights. Older files lack `start_trained_on`; they began from weights
            that this project trained on Omniglot. A file that names no data set or no split of
            `config.SPLITS` says nothing, and so was trained on nothing known; None likewise.
    """
    if provenance is None or provenance.split not in SPLITS:
        return []
    split = provenance.split
    seed = _whole_number(provenance.split_seed)
    parts = ("train", "validation") if provenance.with_validation else ("train",)
    splits = [TrainingSplit(str(provenance.dataset), split, seed, part) for part in parts]
    inherited = provenance.start_trained_on
    if inherited is not None:
        splits += [
            TrainingSplit(str(entry[0]), entry[1], _whole_number(entry[2]), *entry[3:])
            for entry in inherited
            if isinstance(entry, Sequence) and len(entry) in (3, 4) and entry[1] in SPLITS
            if list(entry[3:]) in ([], ["train"], ["validation"])
        ]
    elif provenance.start not in (None, "random"):
        splits.append(TrainingSplit("omniglot", "paper" if split == "paper" else "alphabets", 0))
    return list(dict.fromkeys(splits))


def seen_in_training(
    trained_on: Iterable[TrainingSplit], data: CharacterSet, classes: Sequence[int]
) -> list[int]:
    """Return which of some classes weights were trained on, ascending.

    Args:
        trained_on: As `splits_trained_on` returns them.
        data: The data set.
        classes: Class numbers in it, as `split_classes` returns them.
    """
    trained: set[int] = set()
    for dataset, split, seed, part in trained_on:
        if _same_classes(dataset, data.name) and has_split(data, split):
            trained.update(split_classes(data, split, part, seed))
    return sorted(trained.intersection(classes))


def describe_seen(
    provenance: Provenance | None, data: CharacterSet, split: str, part: str, split_seed: int
) -> str:
    """Return a sentence that says how many classes of a part weights were trained on.

    It is empty where they were trained on none, and for the training part, which is asked for in
    order to see classes that the weights know.
    """
    classes = split_classes(data, split, part, split_seed)
    trained_on = splits_trained_on(provenance)
    seen = seen_in_training(trained_on, data, classes)
    if part == "train" or not seen:
        return ""
    splits = " and ".join(
        f"{trained.split} with seed {trained.split_seed}"
        + (", validation classes too" if trained.part == "validation" else "")
        for trained in trained_on
        if _same_classes(trained.dataset, data.name)
    )
    return (
        f"The weights were trained on {len(seen)} of the {len(classes)} {part} classes of split "
        f"{split} with seed {split_seed}: their own split is {splits}."
    )


def check_unseen(
    provenance: Provenance | None,
    data: CharacterSet,
    split: str,
    part: str = "test",
    split_seed: int = 0,
    remedy: str = "Evaluate them on their own split and seed.",
) -> None:
    """Raise `ValueError`, with a remedy, if weights know classes that are to be new to them."""
    sentence = describe_seen(provenance, data, split, part, split_seed)
    if sentence:
        raise ValueError(f"{sentence} {remedy}")


def warn_of_seen_classes(
    provenance: Provenance | None, data: CharacterSet, classes: Sequence[int]
) -> None:
    """Warn in capitals where weights know some of the classes and not others: nobody means that.

    A training part, of which they know all, is asked for on purpose.
    """
    seen = seen_in_training(splits_trained_on(provenance), data, classes)
    n_classes = len(set(classes))
    if 0 < len(seen) < n_classes:
        warnings.warn(
            f"THE WEIGHTS WERE TRAINED ON {len(seen)} OF THESE {n_classes} CLASSES: THEIR "
            "ACCURACY IS NOT THAT ON NEW ONES.",
            SeenClassesWarning,
            stacklevel=3,
        )


def _same_classes(dataset: str, other: str) -> bool:
    return SAME_CLASSES.get(dataset, dataset) == SAME_CLASSES.get(other, other)


def _whole_number(value: object) -> int:
    """Return a seed from a file, perhaps a stranger's; 0, the usual one, where it is not one."""
    return value if isinstance(value, int) and 0 <= value <= MAX_SEED else 0
