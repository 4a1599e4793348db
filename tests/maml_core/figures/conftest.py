"""Trajectories and estimates to draw."""

from __future__ import annotations

import math

import numpy as np
import pytest

from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.evaluation.trajectory import AdaptationTrajectory
from tests.support.figure_checks import STEPS


@pytest.fixture
def trajectories():
    """Two methods of known numbers; the second one's loss breaks, and its first is tiny."""
    none = np.zeros((STEPS + 1, 6), dtype=np.int64)
    good = AdaptationTrajectory(
        method="maml",
        inner_lr=0.4,
        support_loss=np.array([1.6, 0.3, 0.01, 1e-9, 0.0]),
        query_loss=np.array([1.6, 0.7, 0.5, 0.4, 0.35]),
        accuracy=np.array([0.2, 0.6, 0.8, 0.9, 1.0]),
        predictions=none,
    )
    broken = AdaptationTrajectory(
        method="random",
        inner_lr=3.0,
        support_loss=np.array([1.6, 40.0, math.inf, math.nan, math.nan]),
        query_loss=np.array([1.6, 7e3, math.nan, -math.inf, math.nan]),
        accuracy=np.array([0.2, 0.4, 0.2, 0.2, 0.2]),
        predictions=none,
    )
    return [good, broken]


@pytest.fixture
def estimates():
    return {
        "maml": Estimate(100, (0.2, 0.85, 0.97), (0.0, 0.02, 0.01)),
        "pretrained": Estimate(100, (0.2, 0.7, 0.8), (0.0, 0.03, 0.025)),
    }
