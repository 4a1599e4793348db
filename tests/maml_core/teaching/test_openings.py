"""The openings: what is said of one episode, and that each opens on a typical one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from benchmarks.studies.openings import contrast
from maml_core.config import EpisodeSpec
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.records import load_records
from maml_core.learners import checkpoints
from maml_core.paths import ASSETS
from maml_core.teaching import play_round
from maml_core.teaching.openings import (
    Contrast,
    Opening,
    Spread,
    load_openings,
    save_openings,
    typicality,
)
from maml_core.training.recording import load_recording

SHAPE = EpisodeSpec(20, 1, 10)
METHODS = ("maml", "pretrained")
CONTRAST = Contrast(
    "episode",
    SHAPE,
    step=1,
    count=600,
    first=Spread(0.905, 0.003, 0.04),
    second=Spread(0.739, 0.007, 0.09),
    difference=Spread(0.166, 0.006, 0.08),
    share_ahead=0.985,
)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (0.90, 0.70, "90.0 and 70.0 %: **typical**."),
        (0.90, 0.655, "90.0 and 65.5 %: **typical**."),  # 0.99 standard deviations above
        (0.90, 0.65, "90.0 and 65.0 %: a gap **wider than usual**."),
        (0.95, 0.60, "95.0 and 60.0 %: a gap **far wider than usual**."),
        (0.90, 0.83, "90.0 and 83.0 %: a gap **narrower than usual**."),
        (
            0.80,
            0.85,
            "80.0 and 85.0 %: **untypical**, pretraining is ahead; MAML is ahead in 98 % of the "
            "episodes.",
        ),
    ],
)
def test_the_sentence_says_mean_and_this_one_and_how_far_they_are_apart(
    first: float, second: float, verdict: str
) -> None:
    assert typicality(CONTRAST, first, second) == (
        "In 600 episodes of this kind, after one inner step, MAML has 90.5 ± 0.3 % right and "
        f"pretraining 73.9 ± 0.7 %; in this one it is {verdict}"
    )


def test_a_round_is_counted_in_questions_and_the_wider_gap_on_omniglot_is_said() -> None:
    glyphs = replace(
        CONTRAST,
        kind="round",
        step=5,
        count=60,
        second=Spread(0.85, 0.02, 0.05),
        difference=Spread(0.055, 0.01, 0.05),
    )
    assert typicality(glyphs, 0.9, 0.9, on_omniglot=replace(CONTRAST, kind="round")) == (
        "In 60 rounds of this kind, after 5 inner steps, MAML has 9.1 ± 0.0 of 10 right and "
        "pretraining 8.5 ± 0.2; in this one it is 9 and 9: a gap **narrower than usual**. On "
        "Omniglot the gap is wider: 1.7 on average instead of 0.6."
    )
    narrower = replace(glyphs, difference=Spread(0.01, 0.01, 0.05))
    assert "Omniglot" not in typicality(glyphs, 0.9, 0.9, on_omniglot=narrower)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    openings = {"omniglot": Opening(7, (CONTRAST, replace(CONTRAST, step=5)))}
    save_openings(openings, tmp_path / "openings.json")
    loaded = load_openings(tmp_path / "openings.json")
    assert loaded == openings
    assert loaded["omniglot"].contrast("episode", SHAPE, 5) == replace(CONTRAST, step=5)
    assert loaded["omniglot"].contrast("replay", SHAPE, 5) is None
    assert loaded["omniglot"].contrast("episode", replace(SHAPE, q_query=9), 5) is None


def test_a_contrast_pairs_its_two_by_episode() -> None:
    first, second = np.random.default_rng(0).integers(30, 51, size=(2, 25)) / 50
    found = contrast("episode", SHAPE, 1, list(zip(first, second, strict=True)), 50)
    paired = scipy.stats.ttest_rel(first, second).confidence_interval(0.95)
    assert found.difference.mean == pytest.approx((first - second).mean(), abs=1e-5)
    assert found.difference.ci95 == pytest.approx((paired.high - paired.low) / 2, abs=1e-5)
    assert found.difference.sd == pytest.approx(np.std(first - second, ddof=1), abs=1e-5)
    assert found.share_ahead == pytest.approx((first > second).mean(), abs=1e-3)
    assert found.first.mean == pytest.approx(first.mean(), abs=1e-5)


@pytest.mark.parametrize("n_way", [5, 20])
@pytest.mark.parametrize("step", [1, 5])
def test_the_means_are_those_of_the_table_of_results(n_way: int, step: int) -> None:
    contrast = load_openings()["omniglot"].contrast("episode", EpisodeSpec(n_way, 1, 10), step)
    for method, spread in zip(METHODS, (contrast.first, contrast.second), strict=True):
        (row,) = (
            row
            for row in load_records()
            if (row["method"], row["split"], row["n_way"]) == (method, "alphabets", n_way)
            and (row["k_shot"], row["q_query"], row["within_alphabet"]) == (1, 10, False)
            and (row["transductive"], row["rotation_tta"]) == (True, False)
        )
        assert row["episodes"] == contrast.count
        assert spread.mean == pytest.approx(row["accuracy"][step], abs=1e-4)
        assert spread.ci95 == pytest.approx(row["ci95"][step], abs=1e-4)


@pytest.mark.parametrize("dataset", ["omniglot", "glyphs"])
def test_what_was_measured_agrees_with_itself(dataset: str) -> None:
    for one in load_openings()[dataset].contrasts:
        assert one.difference.mean == pytest.approx(one.first.mean - one.second.mean, abs=2e-5)
        for spread in (one.first, one.second, one.difference):
            # The intervals are wider than 1.96 standard errors, a little: see `estimate`.
            half = 1.96 * spread.sd / one.count**0.5
            assert 0.99 * half < spread.ci95 < 1.35 * half
        assert 0 < one.share_ahead <= 1


def test_the_glyphs_open_on_a_typical_episode(glyphs: CharacterSet) -> None:
    _check_opening("glyphs", glyphs)


def test_omniglot_opens_on_a_typical_episode(real_omniglot: CharacterSet) -> None:
    _check_opening("omniglot", real_omniglot)


def _check_opening(dataset: str, data: CharacterSet) -> None:
    """Compute what each page shows at the opening, and compare it with the mean difference."""
    opening = load_openings()[dataset]
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    learners = {method: checkpoints.shipped(method) for method in METHODS}
    points, _ = load_recording(ASSETS / "recordings" / "maml.safetensors")
    learners["first point"] = replace(learners["maml"], params=points[min(points)])
    maml, pretrained, first_point = compare(learners, sample_episode(pool, SHAPE, opening.seed), 1)
    for kind, other in (("episode", pretrained), ("replay", first_point)):
        contrast = opening.contrast(kind, SHAPE, 1)
        assert abs(contrast.deviation(maml.accuracy[1], other.accuracy[1])) < 1, kind
    for mode, spec in play_round.MODES.items():
        mine, others = _round_shares(pool, mode, opening.seed)
        assert mine >= others, mode
        assert abs(opening.contrast("round", spec, 1).deviation(mine, others)) < 1, mode


def _round_shares(pool: TaskPool, mode: str, seed: int) -> list[float]:
    questions = play_round.sample_questions(pool, mode, seed)
    learners = {method: checkpoints.shipped(method) for method in METHODS}
    answers = play_round.answer_questions(learners, questions, 1)
    return [
        sum(a == q.truth for a, q in zip(answers[method], questions, strict=True)) / len(questions)
        for method in METHODS
    ]
