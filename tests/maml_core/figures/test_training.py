"""Figures of a training draw the numbers they are given."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.style import STYLES
from maml_core.figures.training import (
    MAX_POINTS,
    course_figure,
    points_mean,
    progress_figure,
    replay_figure,
    validation_figure,
)
from maml_core.training.background.job import Progress, Validation

GENERATOR = np.random.default_rng(0)


def progress(n: int) -> list[Progress]:
    return [Progress(i, *GENERATOR.random(2).tolist(), float(i)) for i in range(1, n + 1)]


@pytest.fixture
def points() -> list[AdaptationTrajectory]:
    """A training of five points, three inner steps each."""
    zeros = np.zeros((4, 6), dtype=np.int64)
    return [
        AdaptationTrajectory("maml", 0.1, *(GENERATOR.random(4) for _ in range(3)), zeros)
        for _ in range(5)
    ]


def line(figure, name):
    (found,) = (one for one in figure.data if one.name == name)
    return found


@pytest.mark.parametrize("name", ["loss", "gradient_norm"])
@pytest.mark.parametrize("n", [0, 1, MAX_POINTS, MAX_POINTS + 1, 10 * MAX_POINTS + 7])
def test_a_curve_has_few_points_whose_mean_is_that_of_all_updates(n, name):
    updates = progress(n)
    figure = progress_figure(updates, name, "maml", 5_000)
    json.loads(figure.to_json())
    (curve,) = figure.data
    assert len(curve.x) <= MAX_POINTS
    assert list(figure.layout.xaxis.range) == [0, 5_000]
    if n:
        assert curve.x[-1] == n
        counts = np.diff([0, *curve.x])
        assert set(counts[:-1]) <= {points_mean(n)}
        mean = np.mean([getattr(one, name) for one in updates])
        assert np.average(curve.y, weights=counts) == pytest.approx(mean)


def test_accuracy_is_drawn_before_and_after_adaptation_with_its_interval():
    looks = [
        Validation(0, (0.2, 0.3, 0.4), (0.0, 0.1, 0.02), 20),
        Validation(50, (0.2, 0.5, 0.9), (0.01, 0.1, 0.03), 20),
    ]
    figure = validation_figure(looks, "anil", 5, 100)
    before, after = line(figure, "before adaptation"), line(figure, "after 2 inner steps")
    assert list(before.x) == list(after.x) == [0, 50]
    np.testing.assert_allclose(before.y, [20, 20])
    np.testing.assert_allclose(after.y, [40, 90])
    assert after.line.color == STYLES["anil"].colour
    band = figure.data[list(figure.data).index(after) - 1]
    np.testing.assert_allclose(band.y, [42, 93, 87, 38])
    (chance,) = figure.layout.shapes
    assert chance.y0 == 20


def test_who_takes_no_step_has_one_line():
    looks = [Validation(0, (0.4,), (0.02,), 20), Validation(50, (0.9,), (0.01,), 20)]
    figure = validation_figure(looks, "protonet", 5, 100)
    np.testing.assert_allclose(line(figure, "without an inner step").y, [40, 90])
    assert [one.name for one in figure.data if one.name] == ["without an inner step"]


def test_without_a_look_there_is_a_chart_all_the_same():
    json.loads(validation_figure([], "maml", 5, 100).to_json())


def test_each_point_of_a_recorded_training_has_a_frame(points):
    figure = replay_figure(points, 5)
    moving = len(figure.data) - 1
    np.testing.assert_allclose(figure.data[moving].y, 100 * points[-1].accuracy)
    for number, (frame, point) in enumerate(zip(figure.frames, points, strict=True)):
        assert (frame.name, frame.traces) == (str(number), (moving,))
        np.testing.assert_allclose(frame.data[0].y, 100 * point.accuracy)
        np.testing.assert_allclose(figure.data[number].y, 100 * point.accuracy)


def test_the_course_of_a_training_is_marked_where_one_is(points):
    updates = [0, 1, 10, 100, 1_000]
    figure = course_figure(points, updates, (0, 1, 3), 5)
    for name, step in (("before any step", 0), ("after step 1", 1), ("after step 3", 3)):
        expected = [100 * one.accuracy[step] for one in points]
        np.testing.assert_allclose(line(figure, name).y, expected)
        assert list(line(figure, name).customdata) == updates
    for number, frame in enumerate(figure.frames):
        assert (frame.name, list(frame.data[0].x)) == (str(number), [number, number])
        assert figure.data[frame.traces[0]].mode == "lines"
    ticks = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert ticks[4] == "1,000"
    assert {number: f"{updates[number]:,}" for number in ticks} == ticks
