"""Learners: the step size for an N, and the untrained one."""

from __future__ import annotations

import pytest

from maml_core.learners import RANDOM_INNER_LRS, Learner, random_learner
from maml_core.models import initial_params


@pytest.mark.parametrize(
    ("n_way", "expected"),
    [(2, 0.1), (3, 0.1), (5, 0.2), (7, 0.2), (9, 0.2), (10, 0.2), (11, 0.3), (20, 0.3)],
)
def test_the_rate_is_that_of_the_nearest_n_as_a_ratio(n_way, expected, model):
    """Of 5 and 20 the geometric mean 10 divides; of 2 and 5 it is √10."""
    learner = Learner("maml", model, {}, {20: 0.3, 2: 0.1, 5: 0.2})
    if n_way == 10:  # as near to 5 as to 20
        assert learner.inner_lr(n_way) in (0.2, 0.3)
    else:
        assert learner.inner_lr(n_way) == expected


def test_one_rate_serves_every_n(model):
    learner = Learner("maml", model, {}, {5: 0.4})
    assert {learner.inner_lr(n) for n in range(2, 21)} == {0.4}


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
    assert learner.rates is None
    assert learner.provenance["seed"] == seed
    assert learner.provenance["updates"] == 0
    assert learner.inner_lr(5) == RANDOM_INNER_LRS[5]
