"""What the study of several trainings makes of their estimates, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from benchmarks.studies.training_seeds import largest_gap, spread, table
from maml_core.evaluation.confidence_intervals import Estimate, estimate

QUERIES = 50


def of_training(seed: int, mean: float) -> Estimate:
    wrong = np.random.default_rng(seed).binomial(QUERIES, 1 - mean, size=(40, 1))
    return estimate(torch.tensor(1 - wrong / QUERIES), QUERIES)


MAML = {seed: of_training(seed, mean) for seed, mean in enumerate((0.9, 0.95, 0.85))}
PROTONET = {seed: of_training(10 + seed, 0.8) for seed in range(3)}


def test_the_spread_of_trainings_is_their_standard_deviation_and_students_interval():
    means = [0.91, 0.93, 0.95]
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(means), scipy.stats.sem(means))
    deviation, interval = spread(means)
    assert float(deviation) == pytest.approx(100 * np.std(means, ddof=1), abs=0.005)
    mean, half = map(float, interval.split(" ± "))
    assert mean == pytest.approx(100 * np.mean(means), abs=0.005)
    assert half == pytest.approx(50 * (high - low), abs=0.005)


def test_the_largest_gap_is_that_of_the_best_and_the_worst_paired():
    best, worst = (100 * MAML[seed].by_episode[:, 0].numpy() for seed in (1, 2))
    paired = scipy.stats.ttest_rel(best, worst).confidence_interval(0.95)
    mean, half = map(float, largest_gap(MAML).split(" ± "))
    assert mean == pytest.approx((best - worst).mean(), abs=0.005)
    assert half == pytest.approx((paired.high - paired.low) / 2, abs=0.005)


def test_the_table_pairs_the_methods_seed_by_seed():
    text = table({"maml": MAML, "protonet": PROTONET})
    _, _, maml, protonet, pair = (line.split(" | ") for line in text.strip().splitlines())
    for cells, found in ((maml, MAML), (protonet, PROTONET)):
        for cell, one in zip(cells[1:4], found.values(), strict=True):
            assert float(cell.split(" ± ")[0]) == pytest.approx(100 * one.accuracy[0], abs=0.005)
    for seed, cell in enumerate(pair[1:4]):
        gap = 100 * (MAML[seed].accuracy[0] - PROTONET[seed].accuracy[0])
        assert float(cell.split(" ± ")[0]) == pytest.approx(gap, abs=0.005)
