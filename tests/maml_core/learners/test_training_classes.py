"""Which test classes weights were trained on, counted against the pictures' own class names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maml_core.data.splits import split_classes
from maml_core.evaluation import results_table
from maml_core.learners import checkpoints
from maml_core.learners.provenance import Provenance
from maml_core.learners.training_classes import (
    SeenClassesWarning,
    TrainingSplit,
    check_unseen,
    describe_seen,
    seen_in_training,
    splits_trained_on,
    warn_of_seen_classes,
)
from maml_core.methods.catalogue import weights_of
from maml_core.paths import WEIGHTS

SHIPPED = [
    (split, path.stem)
    for split in results_table.TABLE_SPLITS
    for path in sorted((WEIGHTS / split).glob("*.safetensors"))
]


def names(data, split, part, seed=0):
    """The names of a part's classes, which say what was seen without any class number."""
    return {str(data.classes[c]) for c in split_classes(data, split, part, seed)}


def read(values):
    """What is read of a file that says this of its training."""
    return Provenance.from_json({"method": "maml", "model": {}, "inner_lrs": {}} | values)


@pytest.fixture
def data(make_characters):
    return replace(make_characters((10,) * 13), name="omniglot")


def test_seen_classes_are_those_in_both_parts(data):
    test = split_classes(data, "paper", "test", 1)
    seen = seen_in_training([TrainingSplit("omniglot", "paper", 0)], data, test)
    both = names(data, "paper", "train", 0) & names(data, "paper", "test", 1)
    assert {str(data.classes[c]) for c in seen} == both != set()
    assert set(seen) < set(test)


def test_weights_know_no_class_of_another_data_set_or_of_their_own_test_part(data):
    test = split_classes(data, "paper", "test")
    trained_on = [TrainingSplit("omniglot", "paper", 0)]
    assert seen_in_training(trained_on, data, test) == []
    other = split_classes(data, "paper", "test", 1)
    assert seen_in_training(trained_on, replace(data, name="glyphs"), other) == []


def test_weights_that_name_a_split_which_the_set_cannot_have_know_none_of_its_classes(data):
    """A stranger's file may say anything; this set has none of Omniglot's alphabets."""
    trained_on = [TrainingSplit("omniglot", "minimal-1", 0)]
    assert seen_in_training(trained_on, data, range(len(data.classes))) == []


def test_weights_of_a_minimal_split_know_five_alphabets(real_omniglot):
    trained_on = [TrainingSplit("omniglot", "minimal-2", 0)]
    seen = seen_in_training(trained_on, real_omniglot, range(len(real_omniglot.classes)))
    alphabets = {real_omniglot.classes[c].alphabet for c in seen}
    assert alphabets == {"Greek", "Japanese_(katakana)", "Latin", "Sanskrit", "Tagalog"}


def test_a_folder_has_the_same_classes_in_colour_and_in_grey(data):
    folder = replace(data, name="folder-28")
    train = split_classes(folder, "classes", "train")
    assert seen_in_training([TrainingSplit("folder", "classes", 0)], folder, train) == train


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [
        ({}, []),
        ({"dataset": "omniglot", "split": None}, []),
        (
            {"dataset": "glyphs", "split": "paper", "split_seed": 4},
            [("glyphs", "paper", 4, "train")],
        ),
        # A file from before `start_trained_on`: its start was this project's own.
        (
            {"dataset": "glyphs", "split": "alphabets", "start": "pretrained.safetensors"},
            [("glyphs", "alphabets", 0, "train"), ("omniglot", "alphabets", 0, "train")],
        ),
        (
            {
                "dataset": "glyphs",
                "split": "classes",
                "split_seed": 1,
                "start": "x",
                "start_trained_on": [["omniglot", "paper", 3], ["glyphs", "classes", 1]],
            },
            [("glyphs", "classes", 1, "train"), ("omniglot", "paper", 3, "train")],
        ),
        (
            {
                "dataset": "omniglot",
                "split": "paper",
                "with_validation": True,
                "start_trained_on": [["omniglot", "paper", 0, "train"]],
            },
            [("omniglot", "paper", 0, "train"), ("omniglot", "paper", 0, "validation")],
        ),
        (
            {
                "dataset": "glyphs",
                "split": "paper",
                "start_trained_on": [["omniglot", "paper", 0, "validation"]],
            },
            [("glyphs", "paper", 0, "train"), ("omniglot", "paper", 0, "validation")],
        ),
        # A stranger's file.
        (
            {"dataset": "glyphs", "split": "paper", "split_seed": "x"},
            [("glyphs", "paper", 0, "train")],
        ),
        (
            {
                "dataset": "glyphs",
                "split": "paper",
                "start_trained_on": [3, ["a", "b", 1], "cat", ["a", "paper", 1, "x"]],
            },
            [("glyphs", "paper", 0, "train")],
        ),
    ],
)
def test_weights_were_trained_on_their_split_and_on_those_of_their_start(provenance, expected):
    assert splits_trained_on(read(provenance)) == expected
    assert splits_trained_on(None) == []


def test_who_was_trained_on_validation_classes_may_be_tested_but_not_validated(data):
    provenance = read({"dataset": "omniglot", "split": "paper", "with_validation": True})
    n_classes = len(split_classes(data, "paper", "validation"))
    sentence = describe_seen(provenance, data, "paper", "validation", 0)
    assert f"{n_classes} of the {n_classes} validation classes" in sentence
    assert describe_seen(provenance, data, "paper", "test", 0) == ""
    alone = read({"dataset": "omniglot", "split": "paper"})
    assert describe_seen(alone, data, "paper", "validation", 0) == ""


def test_the_sentence_names_the_numbers_and_both_splits(data):
    provenance = read({"dataset": "omniglot", "split": "paper", "split_seed": 0})
    both = names(data, "paper", "train", 0) & names(data, "alphabets", "test")
    sentence = describe_seen(provenance, data, "alphabets", "test", 0)
    assert f"{len(both)} of the 10 test classes of split alphabets with seed 0" in sentence
    assert "paper with seed 0" in sentence
    assert describe_seen(provenance, data, "paper", "test", 0) == ""
    assert describe_seen(provenance, data, "paper", "train", 0) == ""
    assert describe_seen(read({}), data, "alphabets", "test", 0) == ""


def test_weights_that_know_some_of_the_classes_are_measured_with_a_warning_in_capitals(data):
    provenance = read({"dataset": "omniglot", "split": "paper", "split_seed": 0})
    mixed = split_classes(data, "alphabets", "test", 0)
    seen = set(mixed) & set(split_classes(data, "paper", "train", 0))
    assert 0 < len(seen) < len(mixed)
    sentence = f"TRAINED ON {len(seen)} OF THESE {len(mixed)} CLASSES"
    with pytest.warns(SeenClassesWarning, match=sentence):
        warn_of_seen_classes(provenance, data, mixed)
    for part in ("train", "test"):
        warn_of_seen_classes(provenance, data, split_classes(data, "paper", part, 0))
    warn_of_seen_classes(None, data, mixed)


def test_weights_are_refused_where_they_know_the_classes_and_only_there(data):
    provenance = read({"dataset": "omniglot", "split": "paper", "split_seed": 0})
    sentence = describe_seen(provenance, data, "alphabets", "test", 0)
    with pytest.raises(ValueError, match="Evaluate them on their own split and seed") as refusal:
        check_unseen(provenance, data, "alphabets")
    assert str(refusal.value).startswith(sentence)
    check_unseen(provenance, data, "paper")
    check_unseen(None, data, "alphabets")


@pytest.mark.parametrize(
    ("trained", "split", "seed", "numbers"),
    [
        ("paper", "paper", 1, "291 of the 423"),
        ("paper", "alphabets", 0, "459 of the 659"),
    ],
)
def test_shipped_weights_on_another_split_of_omniglot(trained, split, seed, numbers, real_omniglot):
    provenance = checkpoints.shipped("maml", trained).provenance
    assert numbers in describe_seen(provenance, real_omniglot, split, "test", seed)


@pytest.mark.parametrize(("split", "name"), SHIPPED)
def test_no_shipped_weights_were_trained_on_the_test_classes_of_their_split(
    split, name, real_omniglot
):
    provenance = checkpoints.shipped(name, split).provenance
    assert splits_trained_on(provenance)
    assert describe_seen(provenance, real_omniglot, split, "test", 0) == ""


def test_every_row_of_the_table_is_measured_on_classes_new_to_its_weights():
    for row in results_table.table_rows():
        for name in row.members or [row.method]:
            weights = weights_of(name)
            if weights not in (None, "random"):
                provenance = checkpoints.shipped(weights, row.split).provenance
                assert {one.split for one in splits_trained_on(provenance)} == {row.split}
