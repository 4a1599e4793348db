"""Every setting has bounds or choices, and says both when it is given something else."""

from __future__ import annotations

import math
import re
from dataclasses import fields

import pytest

from maml_core.config import (
    DATASETS,
    META_METHODS,
    AdaptConfig,
    EpisodeSpec,
    PretrainConfig,
    TrainConfig,
    check_choice,
)
from maml_core.data.registry import LOADERS
from maml_core.methods.catalogue import BY_NAME, METHODS
from maml_core.methods.registry import META_GRADIENTS

# Record, setting, lowest value, highest value, a step beyond them.
RANGES = [
    (EpisodeSpec, "n_way", 2, 20, 1),
    (EpisodeSpec, "k_shot", 1, 10, 1),
    (EpisodeSpec, "q_query", 1, 19, 1),
    (AdaptConfig, "inner_steps", 0, 100, 1),
    (TrainConfig, "inner_steps", 1, 100, 1),
    (TrainConfig, "q_query", 1, 19, 1),
    (TrainConfig, "meta_batch_size", 1, 1_000, 1),
    (TrainConfig, "meta_steps", 1, 10_000_000, 1),
    (TrainConfig, "seed", 0, 2**32 - 1, 1),
    (PretrainConfig, "seed", 0, 2**32 - 1, 1),
    (PretrainConfig, "epochs", 1, 10_000, 1),
    (PretrainConfig, "batch_size", 2, 100_000, 1),
    (PretrainConfig, "weight_decay", 0, 1, 1e-9),
    *((config, "muon_lr", 0, 1, 1e-9) for config in (TrainConfig, PretrainConfig)),
    (PretrainConfig, "label_smoothing", 0, 0.99, 1e-9),
]
STEP_SIZES = [
    (AdaptConfig, "inner_lr"),
    (TrainConfig, "inner_lr"),
    (TrainConfig, "meta_lr"),
    (PretrainConfig, "lr"),
]


def named(record, setting):
    return f"{record.__name__}.{setting}"


RANGE_IDS = [named(*case[:2]) for case in RANGES]


@pytest.mark.parametrize(("record", "setting", "low", "high", "beyond"), RANGES, ids=RANGE_IDS)
def test_ends_of_a_range_are_allowed(record, setting, low, high, beyond):
    for value in (low, high):
        assert getattr(record(**{setting: value}), setting) == value


@pytest.mark.parametrize(("record", "setting", "low", "high", "beyond"), RANGES, ids=RANGE_IDS)
def test_beyond_a_range_value_and_range_are_told(record, setting, low, high, beyond):
    for value in (low - beyond, high + beyond, math.nan, math.inf):
        sentence = re.escape(f"{setting} is {value}; choose a value from {low} to {high}.")
        with pytest.raises(ValueError, match=sentence):
            record(**{setting: value})


@pytest.mark.parametrize(("record", "setting"), STEP_SIZES, ids=[named(*c) for c in STEP_SIZES])
def test_a_step_size_is_positive_and_finite(record, setting):
    assert getattr(record(**{setting: 1e-12}), setting) == 1e-12
    for value in (0.0, -0.1, math.nan, math.inf):
        sentence = re.escape(f"{setting} is {value}; choose a finite value above 0.")
        with pytest.raises(ValueError, match=sentence):
            record(**{setting: value})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n_ways": (5, 21)}, "n_way is 21"),
        ({"n_ways": (1, 5)}, "n_way is 1"),
        ({"k_shots": (1, 0)}, "k_shot is 0"),
        ({"k_shots": (11,)}, "k_shot is 11"),
        ({"n_ways": ()}, "n_ways is empty; give it at least one value"),
        ({"k_shots": ()}, "k_shots is empty; give it at least one value"),
    ],
)
def test_each_of_the_episode_shapes_is_checked(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(**settings)


def test_the_episode_shapes_are_all_pairs():
    config = TrainConfig(n_ways=(5, 20), k_shots=(1, 5), q_query=3)
    assert {(s.n_way, s.k_shot, s.q_query) for s in config.specs} == {
        (5, 1, 3),
        (5, 5, 3),
        (20, 1, 3),
        (20, 5, 3),
    }
    assert len(config.specs) == 4


def test_alpha_is_the_same_at_every_n_unless_it_is_scaled():
    config = TrainConfig(n_ways=(5, 20), inner_lr=0.4)
    assert {config.inner_lr_at(n_way) for n_way in range(2, 21)} == {0.4}


@pytest.mark.parametrize(
    ("n_ways", "expected"),
    [
        ((5,), {5: 0.04, 10: 0.08, 20: 0.16}),
        ((5, 20), {5: 0.04, 10: 0.08, 20: 0.16}),
        ((20, 5), {20: 0.04, 10: 0.02, 5: 0.01}),
        ((2, 3), {2: 0.04, 3: 0.06}),
    ],
)
def test_scaled_alpha_is_its_share_of_the_first_n(n_ways, expected):
    """Twice the classes, twice α: `inner_lr` is that of the first of `n_ways`."""
    config = TrainConfig(n_ways=n_ways, inner_lr=0.04, scale_inner_lr=True)
    for n_way, inner_lr in expected.items():
        assert config.inner_lr_at(n_way) == pytest.approx(inner_lr, rel=1e-12)


def test_an_unknown_method_is_told_with_the_choices():
    with pytest.raises(ValueError, match="method is 'mamll'; choose one of maml, fomaml, anil, re"):
        TrainConfig(method="mamll")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"inner_steps": 1}, "inner_steps is 1; Reptile needs at least 2"),
        ({"multi_step": True}, "Reptile has no multi_step; leave it out or choose another method"),
        ({"learn_inner_lr": True}, "Reptile has no learn_inner_lr; leave it out or choose another"),
    ],
)
def test_what_reptile_cannot_use_is_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(**{"method": "reptile", "inner_steps": 2} | settings)
    assert TrainConfig(**settings)
    assert TrainConfig(method="reptile", inner_steps=2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"inner_steps": 1}, "inner_steps is 1; multi-task training adapts to no task: take 0"),
        (
            {"multi_step": True},
            "Multi-task training has no multi_step; leave it out or choose another method",
        ),
        (
            {"learn_inner_lr": True},
            "Multi-task training has no learn_inner_lr; leave it out or choose another method",
        ),
    ],
)
def test_multi_task_training_has_no_inner_loop(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(**{"method": "multi_task", "inner_steps": 0} | settings)
    assert TrainConfig(method="multi_task", inner_steps=0)
    with pytest.raises(ValueError, match="inner_steps is 0; choose a value from 1 to 100"):
        TrainConfig(inner_steps=0)


def test_a_choice_is_exact():
    check_choice("part", "test", ("train", "test"))
    with pytest.raises(ValueError, match="part is 'Test'; choose one of train, test"):
        check_choice("part", "Test", ("train", "test"))


def test_choices_are_what_there_is():
    assert set(META_METHODS) == META_GRADIENTS.keys()
    assert set(DATASETS) == LOADERS.keys()
    assert {*META_METHODS, "pretrained", "random"} == set(METHODS)
    for name, demands in META_METHODS.items():
        assert demands.called == BY_NAME[name].label


@pytest.mark.parametrize("record", [EpisodeSpec, AdaptConfig, TrainConfig, PretrainConfig])
def test_every_setting_is_documented_and_frozen(record):
    for field in fields(record):
        assert re.search(rf"^ +{field.name}: \S", record.__doc__, re.MULTILINE), field.name
        with pytest.raises(AttributeError):
            setattr(record(), field.name, 3)
