"""Learners: the step size for an N, and the untrained one."""

from __future__ import annotations

import pytest

from maml_core.config import TrainConfig
from maml_core.learners.learner import RANDOM_INNER_LRS, Learner, random_learner
from maml_core.networks.functional import initial_params


@pytest.mark.parametrize(
    ("n_way", "expected"),
    [
        (2, 0.1),
        (4, (0.1 * 0.4) ** 0.5),  # 2 is to 4 as 4 is to 8
        (8, 0.4),
        (12, (0.4 * 0.05) ** 0.5),  # 8 is to 12 as 12 is to 18
        (18, 0.05),
        (19, 0.05),
        (20, 0.05),
    ],
)
def test_between_two_known_n_the_rate_is_their_mean_as_a_ratio(n_way, expected, model):
    learner = Learner("maml", model, {}, {18: 0.05, 2: 0.1, 8: 0.4})
    assert learner.inner_lr(n_way) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 1.0])
def test_a_power_of_n_is_interpolated_exactly_and_kept_beyond_its_ends(power, model):
    learner = Learner("maml", model, {}, {n: 0.03 * n**power for n in (7, 3, 15)})
    for n_way in range(2, 21):
        inside = min(max(n_way, 3), 15)
        assert learner.inner_lr(n_way) == pytest.approx(0.03 * inside**power, rel=1e-12)


def test_between_the_n_of_a_training_with_scaled_rates_the_rates_go_on_scaling(model):
    config = TrainConfig(n_ways=(5, 20), inner_lr=0.02, scale_inner_lr=True)
    learner = Learner("maml", model, {}, {n: config.inner_lr_at(n) for n in config.n_ways})
    for n_way in range(5, 21):
        assert learner.inner_lr(n_way) == pytest.approx(config.inner_lr_at(n_way), rel=1e-12)


def test_one_rate_serves_every_n(model):
    learner = Learner("maml", model, {}, {5: 0.4})
    for n_way in range(2, 21):
        assert learner.inner_lr(n_way) == pytest.approx(0.4, rel=1e-12)


@pytest.mark.parametrize(
    ("inner_lrs", "sentence"),
    [
        ({}, "inner_lrs is empty; give α for at least one n_way"),
        ({5: 0.4, 10: 0.0}, "inner_lr is 0.0; choose a finite value above 0"),
        ({0: 0.4}, "n_way is 0; choose a value from 2 to 20"),
    ],
)
def test_step_sizes_are_checked(inner_lrs, sentence, model):
    with pytest.raises(ValueError, match=sentence):
        Learner("maml", model, {}, inner_lrs)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_random_learner_is_an_untrained_network(seed, assert_same):
    learner = random_learner(seed)
    assert_same(learner.params, initial_params(learner.model, seed))
    assert learner.params["head.weight"].shape == (1, 64)
    assert learner.method == "random"
    assert learner.lr_multipliers is None
    assert learner.provenance.seed == seed
    assert learner.provenance.updates == 0
    assert learner.inner_lrs == RANDOM_INNER_LRS["conv4"]
    for n_way, inner_lr in RANDOM_INNER_LRS["conv4"].items():
        assert learner.inner_lr(n_way) == pytest.approx(inner_lr, rel=1e-12)
