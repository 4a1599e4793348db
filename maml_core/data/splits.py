"""Which classes are for training, for validation and for test; the three never overlap."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from maml_core.config import PARTS, SPLITS, check_choice
from maml_core.data.character_set import CharacterSet

# Finn et al. 2017 train on 1,200 of the 1,623 characters and test on the other 423;
# Vinyals et al. 2016 hold 100 of the 1,200 out for validation.
PAPER_TRAIN, PAPER_VALIDATION = 1_100, 100
PAPER_TOTAL = 1_623
MIN_VALIDATION_CLASSES = 100
# As mini-ImageNet is divided (Ravi & Larochelle 2017): 64, 16 and 20 classes of 100.
TRAIN_SHARE, VALIDATION_SHARE = 0.64, 0.16
# The "minimal" splits of Lake et al. 2019 (arXiv:1902.03477), as the official repository has them:
# images_background_small1.zip and images_background_small2.zip of github.com/brendenlake/omniglot.
MINIMAL = {
    "minimal-1": ("Balinese", "Early_Aramaic", "Greek", "Korean", "Latin"),
    "minimal-2": ("Greek", "Japanese_(katakana)", "Latin", "Sanskrit", "Tagalog"),
}


def split_classes(data: CharacterSet, split: str, part: str, seed: int = 0) -> list[int]:
    """Return the class numbers of one part of a split, ascending.

    Args:
        data: The characters to divide.
        split: 'alphabets' keeps whole alphabets apart: `data.evaluation_alphabets` are the
            test part, and `data.validation_alphabets` or else seeded alphabets of the others,
            100 characters or just more, are the validation part. 'paper' shuffles all
            characters regardless of alphabet and cuts them 1,100 / 100 / 423 (Finn et al. 2017),
            in these proportions when there are more or fewer than 1,623. 'classes' shuffles them
            likewise and cuts them 64 / 16 / 20 %: for sets of fewer classes. 'minimal-1' and
            'minimal-2' have five of Omniglot's background alphabets for training, the others for
            validation, and `data.evaluation_alphabets` for testing.
        part: 'train', 'validation' or 'test'.
        seed: Chooses the shuffle; the minimal splits have none.

    Raises:
        ValueError: An unknown split or part, or a minimal split of another set than Omniglot.
    """
    check_choice("split", split, SPLITS)
    check_choice("part", part, PARTS)
    if not has_split(data, split):
        raise ValueError(
            f"Split {split} trains on Omniglot's {', '.join(MINIMAL[split])}; {data.name} lacks "
            "some of them as background alphabets: choose another split."
        )
    generator = torch.Generator().manual_seed(seed)
    return sorted(DIVISIONS[split](data, generator)[part])


def has_split(data: CharacterSet, split: str) -> bool:
    """Say whether a set can be divided so: a minimal split needs its five background alphabets."""
    background = data.alphabets.keys() - set(data.evaluation_alphabets)
    return background.issuperset(MINIMAL.get(split, ()))


def _minimal(
    alphabets: tuple[str, ...], data: CharacterSet, _: torch.Generator
) -> dict[str, list[int]]:
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    for name, classes in data.alphabets.items():
        is_test = name in data.evaluation_alphabets
        parts["test" if is_test else "train" if name in alphabets else "validation"] += classes
    return parts


def _by_alphabet(data: CharacterSet, generator: torch.Generator) -> dict[str, list[int]]:
    test = [c for a in data.evaluation_alphabets for c in data.alphabets[a]]
    validation = [c for a in data.validation_alphabets for c in data.alphabets[a]]
    kept = {*data.evaluation_alphabets, *data.validation_alphabets}
    background = [a for a in data.alphabets if a not in kept]
    if validation:
        train = [c for a in background for c in data.alphabets[a]]
        return {"train": train, "validation": validation, "test": test}
    train = []
    for i in torch.randperm(len(background), generator=generator).tolist():
        chosen = validation if len(validation) < MIN_VALIDATION_CLASSES else train
        chosen += data.alphabets[background[i]]
    return {"train": train, "validation": validation, "test": test}


def _like_the_paper(data: CharacterSet, generator: torch.Generator) -> dict[str, list[int]]:
    return _cut(data, generator, PAPER_TRAIN / PAPER_TOTAL, PAPER_VALIDATION / PAPER_TOTAL)


def _by_class(data: CharacterSet, generator: torch.Generator) -> dict[str, list[int]]:
    return _cut(data, generator, TRAIN_SHARE, VALIDATION_SHARE)


def _cut(
    data: CharacterSet, generator: torch.Generator, train_share: float, validation_share: float
) -> dict[str, list[int]]:
    """Shuffle all classes and cut them; what is over is for testing."""
    order = torch.randperm(len(data.classes), generator=generator).tolist()
    train = round(len(order) * train_share)
    validation = train + round(len(order) * validation_share)
    return {
        "train": order[:train],
        "validation": order[train:validation],
        "test": order[validation:],
    }


DIVISIONS: dict[str, Callable[[CharacterSet, torch.Generator], dict[str, list[int]]]] = {
    "alphabets": _by_alphabet,
    "paper": _like_the_paper,
    "classes": _by_class,
    **{split: partial(_minimal, alphabets) for split, alphabets in MINIMAL.items()},
}
