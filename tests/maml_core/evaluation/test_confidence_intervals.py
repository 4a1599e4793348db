"""Confidence intervals against scipy, Wilson's equation and simulated coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch

from maml_core.evaluation.confidence_intervals import (
    differences_by_step,
    estimate,
    in_points,
    mean_and_ci95,
    mean_difference,
    percent,
    plus_minus,
)
from tests.support.wilson import wilson_half_width


@pytest.mark.parametrize("n", [2, 7, 100])
def test_a_mean_of_anything_has_students_interval(n):
    values = torch.rand(n, 4, generator=torch.Generator().manual_seed(n))
    mean, half = mean_and_ci95(values)
    exact = values.double().numpy()
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-12)
    low, high = scipy.stats.t.interval(0.95, n - 1, exact.mean(0), scipy.stats.sem(exact))
    np.testing.assert_allclose(half, (high - low) / 2, rtol=1e-9)


@pytest.mark.parametrize("n", [2, 7, 100])
@pytest.mark.parametrize("least", [0.0, 0.8])
def test_an_accuracy_has_wilsons_interval_with_the_episodes_own_variance(n, least):
    generator = torch.Generator().manual_seed(n)
    values = least + (1 - least) * torch.rand(n, 4, generator=generator)
    found = estimate(values, queries=50)
    exact = values.double().numpy()
    assert found.episodes == n
    np.testing.assert_allclose(found.accuracy, exact.mean(0), rtol=1e-12)
    quantile = scipy.stats.t.ppf(0.975, n)
    expected = [
        wilson_half_width(mean, error, quantile, 50 * n)
        for mean, error in zip(exact.mean(0), scipy.stats.sem(exact), strict=True)
    ]
    np.testing.assert_allclose(found.ci95, expected, rtol=1e-6)


@pytest.mark.parametrize("n", [2, 20, 600])
def test_without_an_error_the_interval_is_that_of_one_query(n):
    (half,) = estimate(torch.ones(n, 1), queries=50).ci95
    quantile = scipy.stats.t.ppf(0.975, n)
    assert half == pytest.approx(wilson_half_width(1.0, 0.0, quantile, 50 * n), rel=1e-6)
    assert estimate(torch.zeros(n, 1), queries=50).ci95[0] == pytest.approx(half)


def test_episodes_that_belong_together_count_as_one():
    """Two runs of an alphabet that agree say no more than one of them."""
    runs = torch.tensor([[0.9], [0.7], [1.0], [0.8], [0.95]]).double()
    twice = estimate(runs.repeat_interleave(2, 0), 20, list("aabbccddee"))
    assert twice.episodes == 10
    assert twice.accuracy == pytest.approx(estimate(runs, 40).accuracy)
    assert twice.ci95 == pytest.approx(estimate(runs, 40).ci95)
    assert twice.ci95[0] > 1.3 * estimate(runs.repeat_interleave(2, 0), 20).ci95[0]


def test_one_episode_has_no_interval():
    found = estimate(torch.tensor([[0.25, 0.5]]), queries=4)
    assert (found.episodes, found.accuracy) == (1, (0.25, 0.5))
    assert all(map(math.isnan, found.ci95))
    assert all(map(math.isnan, mean_and_ci95(torch.tensor([[0.25, 0.5]]))[1]))
    assert all(map(math.isnan, estimate(torch.rand(2, 1), 4, ["a", "a"]).ci95))


@pytest.mark.parametrize(
    ("half", "text"), [(0.0123, "98.60 ± 1.23"), (math.nan, "98.60"), (0.0, "98.60 ± 0.00")]
)
def test_an_interval_is_written_in_one_way(half, text):
    assert percent(0.986, half, 2) == text
    assert plus_minus(98.6, 100 * half, 2) == text


@pytest.mark.parametrize(
    ("half", "text"), [(0.04, "98.62 ± 0.04"), (0.06, "98.6 ± 0.1"), (0.0, "98.6 ± 0.0")]
)
def test_a_half_width_is_not_rounded_to_none(half, text):
    assert plus_minus(98.62, half) == text


@pytest.mark.parametrize(
    ("difference", "text"), [(0.0127, "+1.3 ± 0.2"), (-0.0127, "−1.3 ± 0.2"), (0.0, "+0.0 ± 0.2")]
)
def test_a_difference_is_written_with_its_sign(difference, text):
    assert in_points(difference, 0.002) == text
    assert in_points(difference, math.nan) == text.partition(" ")[0]


def test_the_interval_holds_the_mean_in_95_of_100_cases():
    draws = torch.rand(2000, 50, 1, generator=torch.Generator().manual_seed(0))
    hits = [abs(mean - 0.5) <= half for (mean,), (half,) in map(mean_and_ci95, draws)]
    assert sum(hits) / 2000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("n", [2, 5, 20, 100])
def test_the_interval_of_skewed_accuracies_covers_their_mean(n):
    """Of 50 queries an episode, most without an error, as 5-way 1-shot."""
    generator = np.random.default_rng(n)
    hard = generator.gamma(0.6, 0.025, size=(2000, n)).clip(0, 1)
    shares = torch.tensor(1 - generator.binomial(50, hard) / 50)[..., None]
    truth = 1 - 0.6 * 0.025
    found = [estimate(one, 50) for one in shares]
    hits = sum(abs(one.accuracy[0] - truth) <= one.ci95[0] for one in found) / 2000
    assert hits >= 0.93
    normal = [1.96 * float(one.std()) / n**0.5 for one in shares]
    missed = [abs(1 - float(one.mean()) - 0.015) > h for one, h in zip(shares, normal, strict=True)]
    assert sum(missed) / 2000 > 0.05, "which the normal interval does not"


def test_differences_by_step_compare_the_one_accuracy_of_who_takes_none():
    generator = torch.Generator().manual_seed(3)
    steps, still = (torch.randint(0, 51, (40, n), generator=generator) / 50 for n in (4, 1))
    for first, second in ((steps, still), (still, steps), (steps, steps.flip(1))):
        means, halves = differences_by_step(estimate(first, 50), estimate(second, 50))
        gaps = (first.double() - second.double()).numpy()
        low, high = scipy.stats.ttest_1samp(gaps, 0).confidence_interval(0.95)
        np.testing.assert_allclose(means, (high + low) / 2, atol=1e-6)
        np.testing.assert_allclose(halves, (high - low) / 2, atol=1e-6)


def test_episodes_in_clusters_have_no_paired_interval():
    clustered = estimate(torch.rand(4, 2), 20, ["a", "a", "b", "b"])
    assert differences_by_step(clustered, clustered) is None
    assert not clustered.independent
    assert estimate(torch.rand(4, 2), 20).independent


@pytest.mark.parametrize("n", [2, 20, 600])
def test_without_a_difference_the_interval_is_that_of_one_query(n):
    mean, half = mean_difference(torch.zeros(n), queries=50)
    assert mean == 0
    assert half == pytest.approx(scipy.stats.t.ppf(0.975, n - 1) / (50 * n))
    same = torch.full((n,), 0.02)  # in each episode one query
    assert mean_difference(same, 50) == pytest.approx((0.02, half))
    assert math.isnan(mean_difference(same[:1], 50)[1])


@pytest.mark.parametrize("n", [2, 5, 10, 50])
def test_the_interval_of_a_difference_covers_it_where_most_episodes_have_none(n):
    generator = np.random.default_rng(n)
    differs = generator.random((4000, n)) < 0.2
    queries = generator.choice([-2, -1, 1, 2], p=[0.1, 0.3, 0.4, 0.2], size=(4000, n))
    truth = 0.2 * (-0.2 - 0.3 + 0.4 + 0.4) / 50
    draws = torch.tensor(differs * queries / 50)
    hits = [abs(mean - truth) <= half for mean, half in (mean_difference(d, 50) for d in draws)]
    assert sum(hits) / 4000 >= 0.93
    alone = [abs(mean - truth) <= half for (mean,), (half,) in map(mean_and_ci95, draws[..., None])]
    if n < 50:
        assert sum(alone) / 4000 < 0.93, "which Student's t alone does not"
