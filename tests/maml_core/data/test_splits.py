"""The parts of a split: disjoint, complete, seeded, and of the published sizes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest
import torch

from maml_core.config import PARTS, SPLITS
from maml_core.data.character_set import CharacterSet, ClassName
from maml_core.data.splits import MIN_VALIDATION_CLASSES, has_split, split_classes

SEEDED = ("alphabets", "paper", "classes")
# The alphabets and numbers of characters in the official repository's
# python/images_background_small1.zip and python/images_background_small2.zip.
SMALL = {
    "minimal-1": {"Balinese": 24, "Early_Aramaic": 22, "Greek": 24, "Korean": 40, "Latin": 26},
    "minimal-2": {
        **{"Greek": 24, "Japanese_(katakana)": 47, "Latin": 26, "Sanskrit": 42, "Tagalog": 17},
    },
}


def characters(alphabet_sizes, n_evaluation, names=()):
    """A set with one blank picture a class; the last `n_evaluation` alphabets are for testing."""
    names = [*names, *(f"Alphabet {number:02}" for number in range(len(alphabet_sizes)))]
    classes = tuple(
        ClassName(name, f"character{number:02}")
        for name, size in zip(names, alphabet_sizes, strict=False)
        for number in range(size)
    )
    return CharacterSet(
        name="tiny",
        classes=classes,
        starts=np.arange(len(classes) + 1),
        drawers=np.ones(len(classes), dtype=np.int64),
        inputs=np.zeros((len(classes), 28, 28), dtype=np.uint8),
        bits=np.zeros((len(classes), 1, 1), dtype=np.uint8),
        side=1,
        evaluation_alphabets=tuple(names[len(alphabet_sizes) - n_evaluation : len(alphabet_sizes)]),
    )


@pytest.fixture(scope="module")
def like_omniglot():
    """1,623 classes in 50 alphabets of 14 to 55, of which 20 with 659 are for testing."""
    rng = np.random.default_rng(5)

    def sizes(n_alphabets, total):
        found = np.full(n_alphabets, 14)
        while found.sum() < total:
            found[rng.choice(np.flatnonzero(found < 55))] += 1
        return found.tolist()

    names = {**SMALL["minimal-1"], **SMALL["minimal-2"]}
    background = [*names.values(), *sizes(30 - len(names), 964 - sum(names.values()))]
    return characters(background + sizes(20, 659), n_evaluation=20, names=names)


def parts_of(data, split, seed=0):
    return {part: split_classes(data, split, part, seed) for part in PARTS}


def alphabets_of(data, classes):
    return {data.classes[index].alphabet for index in classes}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_parts_are_disjoint_and_cover_everything(split, seed, like_omniglot):
    parts = parts_of(like_omniglot, split, seed)
    assert sorted(chain.from_iterable(parts.values())) == list(range(1_623))
    assert all(classes == sorted(classes) for classes in parts.values())


@pytest.mark.parametrize("split", SEEDED)
def test_the_seed_decides(split, like_omniglot):
    again, other = (parts_of(like_omniglot, split, seed) for seed in (0, 1))
    assert parts_of(like_omniglot, split, 0) == again
    assert again["validation"] != other["validation"]


def test_no_global_random_state_is_touched(like_omniglot):
    before = torch.get_rng_state()
    for split in SPLITS:
        split_classes(like_omniglot, split, "train", seed=7)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_alphabets_stay_whole(seed, like_omniglot):
    parts = parts_of(like_omniglot, "alphabets", seed)
    found = {part: alphabets_of(like_omniglot, classes) for part, classes in parts.items()}
    for one, other in combinations(PARTS, 2):
        assert not found[one] & found[other]
    assert found["test"] == set(like_omniglot.evaluation_alphabets)
    assert len(parts["test"]) == 659


@pytest.mark.parametrize("seed", range(10))
def test_validation_alphabets_have_a_hundred_classes_and_no_alphabet_too_many(seed, like_omniglot):
    validation = split_classes(like_omniglot, "alphabets", "validation", seed)
    assert len(validation) >= MIN_VALIDATION_CLASSES
    sizes = [len(like_omniglot.alphabets[name]) for name in alphabets_of(like_omniglot, validation)]
    assert sum(sizes) - max(sizes) < MIN_VALIDATION_CLASSES


@pytest.mark.parametrize("split", SMALL)
def test_the_minimal_splits_train_on_five_alphabets(split, like_omniglot):
    assert {*SPLITS} == {*SEEDED, *SMALL}
    parts = parts_of(like_omniglot, split)
    assert alphabets_of(like_omniglot, parts["train"]) == SMALL[split].keys()
    assert len(parts["train"]) == sum(SMALL[split].values())
    assert parts["test"] == split_classes(like_omniglot, "alphabets", "test")
    assert parts == parts_of(like_omniglot, split, seed=1)


@pytest.mark.parametrize("split", SMALL)
def test_the_real_minimal_splits_are_the_official_files(split, real_omniglot):
    parts = parts_of(real_omniglot, split)
    trained = Counter(real_omniglot.classes[index].alphabet for index in parts["train"])
    assert trained == SMALL[split]
    assert len(parts["validation"]) == 964 - sum(SMALL[split].values())
    assert parts["test"] == list(range(964, 964 + 659))


def test_a_minimal_split_needs_its_alphabets_for_training():
    data = characters([3] * 9, n_evaluation=1, names=[*SMALL["minimal-1"]])
    assert has_split(data, "minimal-1")
    assert not has_split(data, "minimal-2")
    assert len(split_classes(data, "minimal-1", "train")) == 15
    for lacking in (characters([3] * 5, 0), replace(data, evaluation_alphabets=("Greek",))):
        with pytest.raises(ValueError, match="trains on Omniglot's Balinese, Early_Aramaic, "):
            split_classes(lacking, "minimal-1", "train")


def test_the_papers_sizes(like_omniglot):
    # Finn et al. 2017: 1,200 characters for training, of which 100 for validation; 423 for test.
    sizes = {part: len(classes) for part, classes in parts_of(like_omniglot, "paper").items()}
    assert sizes == {"train": 1_100, "validation": 100, "test": 423}


def test_the_papers_split_mixes_alphabets(like_omniglot):
    parts = parts_of(like_omniglot, "paper")
    assert alphabets_of(like_omniglot, parts["train"]) & alphabets_of(like_omniglot, parts["test"])


@pytest.mark.parametrize("n_classes", [100, 811, 3_000])
def test_the_papers_proportions_hold_for_other_sizes(n_classes):
    parts = parts_of(characters([n_classes], 0), "paper")
    shares = {"train": 1_100 / 1_623, "validation": 100 / 1_623, "test": 423 / 1_623}
    for part, share in shares.items():
        assert abs(len(parts[part]) - share * n_classes) <= 1


def test_unknown_choices_are_named(like_omniglot):
    with pytest.raises(ValueError, match="split is 'random'; choose one of alphabets, paper"):
        split_classes(like_omniglot, "random", "train")
    with pytest.raises(ValueError, match="part is 'dev'; choose one of train, validation, test"):
        split_classes(like_omniglot, "paper", "dev")


def test_the_real_split_by_alphabets(real_omniglot):
    parts = parts_of(real_omniglot, "alphabets")
    # Lake et al. 2015: the 659 characters of the 20 evaluation alphabets.
    assert parts["test"] == list(range(964, 964 + 659))
    assert len(parts["train"]) + len(parts["validation"]) == 964


def test_classes_are_cut_as_mini_imagenet_is():
    data = characters([100], n_evaluation=1)
    sizes = {part: len(classes) for part, classes in parts_of(data, "classes").items()}
    assert sizes == {"train": 64, "validation": 16, "test": 20}


def test_a_set_that_names_its_validation_classes_keeps_them():
    data = replace(
        characters([3, 4, 5], n_evaluation=1),
        evaluation_alphabets=("Alphabet 02",),
        validation_alphabets=("Alphabet 00",),
    )
    parts = parts_of(data, "alphabets")
    assert {part: alphabets_of(data, found) for part, found in parts.items()} == {
        "train": {"Alphabet 01"},
        "validation": {"Alphabet 00"},
        "test": {"Alphabet 02"},
    }
