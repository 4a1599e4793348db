"""Sinusoids against their closed form, in the ranges of the paper."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.config import SinusoidConfig
from maml_core.episodes.sampling import episode_generator
from maml_core.teaching.sinusoids.tasks import (
    displayed_sinusoid,
    displayed_support,
    sample_meta_batch,
    sample_x,
)

CONFIG = SinusoidConfig(k_shot=4, q_query=3, meta_batch_size=3)


def test_tasks_are_the_papers_waves_in_the_papers_ranges():
    config = replace(CONFIG, meta_batch_size=1000)
    waves, tasks = sample_meta_batch(config, episode_generator(0, 0))
    for values, (low, high) in (
        (waves.amplitude, (0.1, 5.0)),
        (waves.phase, (0.0, math.pi)),
        (torch.cat([tasks.support_x, tasks.query_x], 1), (-5.0, 5.0)),
    ):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
    for x, y in ((tasks.support_x, tasks.support_y), (tasks.query_x, tasks.query_y)):
        expected = waves.amplitude.numpy()[:, None, None] * np.sin(
            x.numpy()[..., 0, 0] - waves.phase.numpy()[:, None, None]
        )
        np.testing.assert_allclose(y.numpy(), expected, atol=1e-5)
    assert tasks.support_x.shape == (1000, 4, 1, 1, 1)
    assert tasks.query_y.shape == (1000, 3, 1)


def test_points_of_the_left_half_are_given_and_the_right_half_measured():
    points = sample_x(3, 50, episode_generator(0, 0), left_half=True)
    assert -5 <= points.min() < -4.5
    assert -0.5 < points.max() <= 0
    everywhere = sample_x(3, 50, episode_generator(0, 0))
    torch.testing.assert_close(points, (everywhere - 5) / 2)
    assert torch.equal(sample_x(3, 7, episode_generator(0, 0)), everywhere[:, :7])


def test_a_seeds_wave_and_points_stay_as_k_and_the_range_change():
    wave = displayed_sinusoid(5)
    assert wave == displayed_sinusoid(5) != displayed_sinusoid(6)
    ten = displayed_support(5, 10, False)
    assert displayed_support(5, 5, False) == ten[:5]
    for x, y in ten:
        assert y == pytest.approx(wave.amplitude * math.sin(x - wave.phase))
    for (x, _), (left, _) in zip(ten, displayed_support(5, 10, True), strict=True):
        assert left == pytest.approx((x - 5) / 2, abs=1e-5)
