"""Waves as figures: what is drawn is what was computed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from maml_core.figures.sinusoid import (
    ERROR_RANGE,
    HEIGHT_RANGE,
    POINTS,
    error_figure,
    fit_figure,
    training_figure,
)
from maml_core.figures.style import MIN_LOSS, STYLES
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate
from maml_core.teaching.sinusoids.regressors import FittedCurves
from maml_core.teaching.sinusoids.tasks import GRID_SIZE, Sinusoid, x_grid
from maml_core.teaching.sinusoids.training import ValidationErrors

CURVES = np.arange(11)[:, None] + np.linspace(0, 0.5, GRID_SIZE)
FIT, ORACLE = (
    FittedCurves("multi_task", 0.01, CURVES),
    FittedCurves("oracle", 0.01, np.full((11, GRID_SIZE), -2.0)),
)


def lines_of(figure):
    return {line.name: line for line in figure.data}


def test_a_fit_is_drawn_before_and_after_one_and_ten_steps_beside_wave_and_oracle():
    wave = Sinusoid(2.0, 0.7)
    lines = lines_of(fit_figure(FIT, ORACLE, wave, [(1.0, 2.0), (-3.0, 0.5)]))
    for words, heights in {
        "the wave": wave.targets(x_grid()),
        "oracle": ORACLE.curves[0],
        "before": CURVES[0],
        "after 1 step": CURVES[1],
        "after 10 steps": CURVES[10],
    }.items():
        np.testing.assert_array_equal(lines[words].x, x_grid())
        np.testing.assert_allclose(lines[words].y, heights)
    points = lines["points"]
    assert (list(points.x), list(points.y), points.meta) == ([1.0, -3.0], [2.0, 0.5], POINTS)
    own = [lines[words].line for words in ("before", "after 1 step", "after 10 steps")]
    assert {line.color for line in own} == {STYLES["multi_task"].colour}
    assert len({line.dash for line in own}) == 3
    assert lines["oracle"].line.color == STYLES["oracle"].colour


def test_a_curve_that_left_all_bounds_is_a_gap():
    broken = CURVES.copy()
    broken[10, :3] = math.nan, math.inf, 1e9
    drawn = lines_of(fit_figure(FittedCurves("maml", 0.01, broken), ORACLE, Sinusoid(1.0, 0.0), []))
    assert list(drawn["after 10 steps"].y[:4]) == [None, None, None, pytest.approx(broken[10, 3])]


def test_the_axes_of_the_fits_are_the_same_for_all_waves():
    figures = [fit_figure(FIT, ORACLE, Sinusoid(a, 0.3), []) for a in (0.1, 5.0)]
    assert {figure.layout.yaxis.range for figure in figures} == {HEIGHT_RANGE}


HISTORY = (
    ValidationErrors(0, {"maml": (4.0, 3.8), "multi_task": (4.0, 3.9), "oracle": (4.0, 4.0)}),
    ValidationErrors(10, {"maml": (3.0, 0.5), "multi_task": (2.9, 2.5), "oracle": (0.0, 0.0)}),
)


def test_a_training_is_drawn_before_and_after_adaptation_up_to_its_last_update():
    figure = training_figure(HISTORY, 50)
    lines = lines_of(figure)
    assert {name: tuple(line.y) for name, line in lines.items()} == {
        "MAML, before": (4.0, 3.0),
        "MAML, after a step": (3.8, 0.5),
        "Multi-task training, before": (4.0, 2.9),
        "Multi-task training, after a step": (3.9, 2.5),
        "Oracle": (4.0, MIN_LOSS),  # the axis is logarithmic
    }
    assert all(tuple(line.x) == (0, 10) for line in lines.values())
    assert figure.layout.xaxis.range == (0, 50)


@pytest.mark.parametrize(("error", "range_"), [(0.5, ERROR_RANGE), (50.0, (ERROR_RANGE[0], 50.0))])
def test_the_axis_of_errors_moves_only_for_what_would_leave_it(error, range_):
    found = {"maml": ErrorEstimate(600, (3.0, error, math.nan), (0.2, 0.1, 0.1))}
    figure = error_figure(found)
    (line,) = figure.data
    np.testing.assert_array_equal(line.y, [3.0, error, np.nan])
    np.testing.assert_array_equal(line.error_y.array, [0.2, 0.1, 0.1])
    assert figure.layout.yaxis.range == pytest.approx(tuple(np.log10(range_)))
