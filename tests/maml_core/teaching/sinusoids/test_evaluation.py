"""Errors over many sinusoids against closed forms, and the choice of α."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from maml_core.episodes.sampling import episode_generator
from maml_core.networks.functional import initial_params
from maml_core.teaching.sinusoids.evaluation import (
    TEST_SEED,
    VALIDATION_SEED,
    evaluate,
    squared_errors,
    tune_inner_lr,
)
from maml_core.teaching.sinusoids.regressors import Regressor, regression_network
from maml_core.teaching.sinusoids.tasks import sample_sinusoids, x_grid


def params_of(method, seed=0):
    return initial_params(regression_network(method), seed)


def zero_network(method="maml"):
    """A network that says 0 everywhere and, with a zero head's gradient, hardly moves at α → 0."""
    return Regressor(method, params_of(method), 1e-12, 0)


def test_the_error_of_a_network_that_says_nothing_is_the_waves_own_power():
    """Mean A² sin² over the waves: (A²/2)(1 − mean cos 2(x − φ)) on the grid."""
    waves = sample_sinusoids(40, episode_generator(TEST_SEED, 0))
    x = x_grid()
    for half in (False, True):
        at = x[x > 0] if half else x
        power = [
            a**2 / 2 * (1 - np.cos(2 * (at - p)).mean())
            for a, p in zip(waves.amplitude.tolist(), waves.phase.tolist(), strict=True)
        ]
        found = squared_errors(zero_network(), TEST_SEED, 40, 3, 1, support_in_left_half=half)
        np.testing.assert_allclose(found[:, 0], power, rtol=1e-4)
        np.testing.assert_allclose(found[:, 1], power, rtol=1e-4)
    errors = evaluate(
        {"maml": zero_network()}, 3, inner_steps=1, n_tasks=40, support_in_left_half=True
    )["maml"]
    assert errors.mean[0] == pytest.approx(np.mean(power), rel=1e-4)
    half_width = scipy.stats.t.ppf(0.975, 39) * scipy.stats.sem(power)
    assert errors.ci95[0] == pytest.approx(half_width, rel=1e-4)


def test_the_rate_that_is_chosen_has_the_lowest_error_and_no_infinite_one():
    learner = Regressor(
        "multi_task", {n: v + 0.05 for n, v in params_of("multi_task").items()}, 0.01, 0
    )
    errors = {
        rate: sum(
            squared_errors(replace(learner, inner_lr=rate), VALIDATION_SEED, 100, k, 10)[
                :, 1:
            ].mean()
            for k in (5, 10)
        )
        for rate in (0.003, 0.01, 1000.0)
    }
    assert not math.isfinite(errors.pop(1000.0))
    chosen = tune_inner_lr(learner, (1000.0, 0.003, 0.01))
    assert chosen.inner_lr == min(errors, key=errors.get)
