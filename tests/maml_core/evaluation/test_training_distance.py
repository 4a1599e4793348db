"""Distances from the training characters and MAML's leads, against plain re-computations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from benchmarks.studies.distance_from_training import (
    EPISODES,
    SPECS,
    compared,
    distance,
    ink_measures,
    is_current,
    training_features,
    training_ink,
)
from benchmarks.studies.distance_tables import DOCUMENT, tables
from benchmarks.studies.results_tables import fill
from benchmarks.studies.shifted_characters import (
    PICTURES,
    SMALL,
    THICK,
    THIN,
    VARIANTS,
    Variant,
    change,
    part_of,
)
from maml_core.config import EpisodeSpec, EvaluationConfig
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.evaluation import accuracy
from maml_core.evaluation.training_distance import (
    DISTANCES,
    Comparison,
    ShiftedSet,
    leads_over,
    load_shifted_sets,
    rank_correlation,
    save_shifted_sets,
)
from maml_core.images.handwriting import PEN, SIDE, draw_strokes
from maml_core.learners import checkpoints

BAR = draw_strokes([[(0.3, 0.4), (0.7, 0.4)]])  # a horizontal line, 42 pixels from end to end


def box(ink: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("pen", [THIN, PEN, THICK])
def test_a_line_has_the_new_width_where_it_was(pen):
    drawn = change(BAR, Variant("", "", pen))
    across = (drawn[:, SIDE // 2] > 0).sum()  # counted, not by the distance to the edge
    assert across == pytest.approx(pen, abs=1.2)
    left, top, right, bottom = box(drawn)
    assert (top + bottom) / 2 == pytest.approx(0.4 * SIDE, abs=1)
    assert (left + right) / 2 == pytest.approx(0.5 * SIDE, abs=1)
    assert right - left - pen == pytest.approx(0.4 * SIDE, abs=2)


def test_a_crop_is_the_box_around_the_ink_and_half_is_half():
    corner = draw_strokes([[(0.2, 0.3), (0.2, 0.7), (0.5, 0.7)]])
    left, top, right, bottom = box(change(corner, Variant("", "", None, "cropped")))
    assert (top, bottom) == (0, SIDE)
    assert left == pytest.approx(SIDE - right, abs=1), "in the middle"
    x0, y0, x1, y1 = box(corner)
    assert (right - left) / SIDE == pytest.approx((x1 - x0) / (y1 - y0), abs=0.03)
    left, top, right, bottom = box(change(corner, Variant("", "", None, "small")))
    assert bottom - top == pytest.approx(SMALL * (y1 - y0), abs=1)
    middle = SIDE / 2 + SMALL * ((y0 + y1) / 2 - SIDE / 2)
    assert (top + bottom) / 2 == pytest.approx(middle, abs=1)


def test_the_distance_is_that_of_whitened_measures_picture_by_picture():
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(3, 3))
    training = rng.normal(size=(500, 3)) @ mixing + 5
    values = rng.normal(size=(40, 3)) @ mixing * 2 + 7
    variance, axes = np.linalg.eigh((training - training.mean(0)).T @ (training - training.mean(0)))
    squares = [
        sum(
            ((picture - training.mean(0)) @ axis) ** 2 / (v / 500)
            for v, axis in zip(*whitened, strict=True)
        )
        for whitened in [(variance, axes.T)]
        for picture in values
    ]
    assert distance(values, training) == pytest.approx(math.sqrt(np.mean(squares) / 3))
    assert distance(training, training) == pytest.approx(1)
    doubled = training.mean(0) + 2 * (training - training.mean(0))
    assert distance(doubled, training) == pytest.approx(2)


def test_the_measures_of_ink_are_share_width_and_longer_side():
    ink = np.zeros((SIDE, SIDE), dtype=np.uint8)
    ink[20:30, 15:95] = 255  # a bar of 10 by 80
    data = CharacterSet("one", (), np.array([0, 1]), np.ones(1, int), ink[None], pictures=ink[None])
    ((share, width, side),) = ink_measures(data, [0])
    assert share == pytest.approx(800 / SIDE**2)
    assert side == pytest.approx(80 / SIDE)
    assert width * SIDE == pytest.approx(10, abs=1), "its ends are round to the measure"


def test_part_of_keeps_the_last_pictures_of_the_chosen_classes(glyphs: CharacterSet):
    part = part_of(glyphs, [3, 7], 12)
    assert part.classes == (glyphs.classes[3], glyphs.classes[7])
    for number, c in enumerate((3, 7)):
        for i, j in zip(part.images_of(number), glyphs.images_of(c)[-12:], strict=True):
            np.testing.assert_array_equal(part.picture(i), glyphs.picture(j))
            np.testing.assert_array_equal(part.inputs[i], glyphs.inputs[j])
            assert part.drawers[i] == glyphs.drawers[j]


@pytest.mark.parametrize("ties", [False, True])
def test_the_rank_correlation_is_spearmans(ties):
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 12))
    if ties:
        first, second = first.round(), second.round()
    expected = stats.spearmanr(first, second).statistic
    assert rank_correlation(first.tolist(), second.tolist()) == pytest.approx(expected)
    assert math.isnan(rank_correlation([1, 2, 3], [4, 4, 4]))


def made_set(name: str, far: float, **leads: tuple[float, float]) -> ShiftedSet:
    accuracy = {"maml": (0.9, 0.01)} | {m: (0.9 - lead, 0.01) for m, (lead, _) in leads.items()}
    comparison = Comparison(5, 1, 200, accuracy, leads, {method: ["ab12"] for method in accuracy})
    return ShiftedSet(name, "glyphs", 9, {}, {"ink": far, "features": 10 - far}, (comparison,))


SETS = (
    made_set("b", 2.0, pretrained=(0.01, 0.02)),
    made_set("a", 1.0, pretrained=(0.03, 0.02), anil=(-0.03, 0.01)),
    made_set("c", 3.0, pretrained=(-0.05, 0.04)),
)


def test_leads_are_those_of_one_method_the_nearest_set_first(tmp_path):
    leads = leads_over("pretrained", "ink", 5, SETS)
    assert [(one.name, one.distance, one.mean) for one in leads] == [
        ("a", 1, 0.03),
        ("b", 2, 0.01),
        ("c", 3, -0.05),
    ]
    assert [one.sign for one in leads] == [1, 0, -1]
    errors = [0.1 + one.mean for one in leads]  # the other's; MAML's are 0.1
    assert [one.share_avoided for one in leads] == pytest.approx([1 - 0.1 / e for e in errors])
    assert [one.name for one in leads_over("pretrained", "features", 5, SETS)] == ["c", "b", "a"]
    assert [one.name for one in leads_over("anil", "ink", 5, SETS)] == ["a"]
    assert leads_over("pretrained", "ink", 20, SETS) == []
    save_shifted_sets(SETS, tmp_path / "sets.json")
    assert load_shifted_sets(tmp_path / "sets.json") == SETS
    assert load_shifted_sets(tmp_path / "none.json") == ()


def test_the_comparison_is_paired_by_episode_and_keeps_what_is_known(
    glyphs: CharacterSet, monkeypatch: pytest.MonkeyPatch
):
    pool = make_pool(glyphs, split_classes(glyphs, "alphabets", "test")[:9])
    monkeypatch.setitem(EPISODES, 3, 4)
    spec = EpisodeSpec(3, 1, 2)
    found = compared(pool, spec, ["maml", "nearest-pixels"], None)
    alone = []
    for method in ("maml", None):
        learner = checkpoints.shipped(method) if method else None
        run = accuracy.evaluate if method else accuracy.evaluate_nearest
        *_, last = run(learner, pool, spec, EvaluationConfig(5, 4))
        alone.append(last.by_episode[:, -1].numpy())
        assert found.accuracy[method or "nearest-pixels"] == (last.accuracy[-1], last.ci95[-1])
    mean, half = found.lead["nearest-pixels"]
    differences = alone[0] - alone[1]
    assert mean == pytest.approx(differences.mean(), abs=1e-6)
    assert half == pytest.approx(stats.t.ppf(0.975, 3) * stats.sem(differences), abs=1e-6)
    assert is_current("maml", found)
    assert is_current("nearest-pixels", found), "it has no weights that could change"
    others = replace(found, weights={**found.weights, "maml": ["of another training"]})
    assert not is_current("maml", others)
    assert not is_current("anil", found), "it was not measured"
    again = compared(pool, spec, ["anil"], found)
    assert list(again.accuracy) == ["maml", "anil", "nearest-pixels"], "the catalogue's order"
    assert again.lead["nearest-pixels"] == found.lead["nearest-pixels"]


def test_the_shipped_file_agrees_with_itself():
    sets = load_shifted_sets()
    names = [one.name for one in VARIANTS]
    assert [one.name for one in sets] == [name for name in names if name in {s.name for s in sets}]
    assert len(sets) > 10
    for one in sets:
        assert set(one.distance) == set(DISTANCES)
        for comparison in one.comparisons:
            assert comparison.episodes == EPISODES[comparison.n_way]
            assert comparison.n_way <= one.classes
            assert set(comparison.lead) == set(comparison.accuracy) - {"maml"}
            for method in comparison.accuracy:
                assert is_current(method, comparison), f"{one.name}, {method}: measure it again"
            for method, (mean, half) in comparison.lead.items():
                gap = comparison.accuracy["maml"][0] - comparison.accuracy[method][0]
                assert mean == pytest.approx(gap, abs=1e-5)
                assert half > 0


def test_the_document_has_the_tables_of_the_file():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert fill(text, tables(load_shifted_sets())) == text


@pytest.mark.slow
def test_the_shipped_numbers_of_omniglots_own_characters_are_so(real_omniglot, monkeypatch):
    classes = split_classes(real_omniglot, "alphabets", "test")
    data = part_of(real_omniglot, classes, PICTURES["omniglot"])
    monkeypatch.setattr(registry, "load", lambda name: {"omniglot": real_omniglot}[name])
    (own,) = (one for one in load_shifted_sets() if one.name == "Omniglot")
    pool = make_pool(data, list(range(len(classes))))
    torch.set_num_threads(1)
    for method in ("maml", "pretrained"):
        config = EvaluationConfig(5, EPISODES[5])
        *_, last = accuracy.evaluate(checkpoints.shipped(method), pool, SPECS[0], config)
        assert own.comparison(5).accuracy[method][0] == pytest.approx(last.accuracy[-1], abs=1e-3)
    assert distance(training_ink(), training_ink()) == pytest.approx(1)
    assert distance(training_features(), training_features()) == pytest.approx(1)
