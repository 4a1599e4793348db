"""Confidence bands and confusion matrices as figures."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from maml_core.config import MAX_QUERY
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.evaluation.training_distance import Lead
from maml_core.figures.evaluation import (
    confidence_figure,
    confusion_figure,
    leads_figure,
    side_by_side_figure,
)
from maml_core.figures.style import (
    STYLES,
    class_label,
)
from tests.support.figure_checks import assert_sound, channels, luminance, strong


def test_the_band_is_the_mean_and_its_interval_in_percent(estimates):
    figure = confidence_figure(estimates, 5)
    lines, places = strong(figure)
    bands = [one for i, one in enumerate(figure.data) if i not in places]
    for (method, found), line, band in zip(estimates.items(), lines, bands, strict=True):
        assert line.name == STYLES[method].label
        assert line.line.color == STYLES[method].colour
        np.testing.assert_allclose(line.y, [100 * mean for mean in found.accuracy])
        np.testing.assert_allclose(line.customdata, [100 * half for half in found.ci95])
        assert band.fill == "toself"
        corners = dict.fromkeys(range(3), ())
        for x, y in zip(band.x, band.y, strict=True):
            corners[x] += (y,)
        for step, (upper, lower) in corners.items():
            mean, half = found.accuracy[step], found.ci95[step]
            assert upper == pytest.approx(min(100 * (mean + half), 100))
            assert lower == pytest.approx(max(100 * (mean - half), 0))
        assert list(band.x) == [0, 1, 2, 2, 1, 0]  # once around, not a zigzag
        red, green, blue = (int(STYLES[method].colour[i : i + 2], 16) for i in (1, 3, 5))
        assert band.fillcolor.startswith(f"rgba({red},{green},{blue},0.")
    assert_sound(figure)


def band_of(figure, label):
    """The lowest and the highest y of a method's band at each x, or of its bar."""
    place = next(i for i, one in enumerate(figure.data) if one.name == label)
    line, band = figure.data[place], figure.data[place - 1]
    if line.error_y.array is not None:
        bars = zip(line.x, line.y, line.error_y.array, line.error_y.arrayminus, strict=True)
        return {x: (y - down, y + up) for x, y, up, down in bars}
    at = {}
    for x, y in zip(band.x, band.y, strict=True):
        at.setdefault(x, []).append(float(y))
    return {x: (min(ys), max(ys)) for x, ys in at.items()}


@pytest.mark.parametrize("first", [False, True])
def test_what_takes_no_steps_is_flat_over_all_of_them(first, estimates):
    reference = {"nearest-pixels": Estimate(100, (0.625,), (0.03125,))}
    figure = confidence_figure({**reference, **estimates} if first else estimates | reference, 5)
    lines, _ = strong(figure)
    assert [len(line.x) for line in lines] == 3 * [3]
    (flat,) = (line for line in lines if line.name == STYLES["nearest-pixels"].short_label)
    assert list(flat.x) == [0, 1, 2]
    assert list(flat.y) == 3 * [62.5]
    assert list(flat.customdata) == 3 * [3.125]
    assert band_of(figure, flat.name) == dict.fromkeys(range(3), (59.375, 65.625))
    assert_sound(figure)


@pytest.mark.parametrize(
    ("accuracy", "ci95"),
    [
        ((0.2, 0.85, 0.97), (0.0, 0.02, 0.01)),
        ((0.2, 0.97, 0.6), (0.0, 0.01, 0.2)),  # lowest at the last step
        ((0.5, 0.95, 0.9), (0.0, 0.14, 0.06)),  # would reach beyond 100 %
        ((0.5,), (0.07,)),
    ],
)
@pytest.mark.parametrize("reference", [0.9, 0.45])
def test_close_shows_all_bands_from_step_1_on_and_little_else(accuracy, ci95, reference):
    estimates = {
        "maml": Estimate(20, accuracy, ci95),
        "nearest-features": Estimate(20, (reference,), (0.025,)),
    }
    near, far = (confidence_figure(estimates, 5, close) for close in (True, False))
    drawn, drawn_far = (json.loads(figure.to_json())["data"] for figure in (near, far))
    assert drawn == drawn_far
    shown = near.layout.yaxis.range
    ends = [
        end
        for method in estimates
        for step, band in band_of(near, STYLES[method].short_label).items()
        if step or len(accuracy) == 1
        for end in band
    ]
    assert shown[0] < min(ends) < shown[0] + 2
    assert shown[1] - 2 < max(100, *ends) < shown[1]
    assert far.layout.yaxis.range[0] < 0 < shown[0]
    assert_sound(near)


@pytest.fixture
def counts():
    """Ten queries a class; no two cells of a row alike."""
    return np.array([[7, 1, 2], [0, 10, 0], [3, 4, 3]])


def test_every_cell_says_its_count_and_can_be_clicked(counts):
    figure = confusion_figure(counts)
    (cells,) = (one for one in figure.data if one.type == "scatter")
    assert cells.mode == "markers+text"
    seen = set()
    for x, y, text, (true, predicted, count) in zip(
        cells.x, cells.y, cells.text, cells.customdata, strict=True
    ):
        assert (class_label(y), class_label(x)) == (true, predicted)
        assert count == counts[true, predicted]
        assert text == (str(count) if count else "")
        seen.add((true, predicted))
    assert len(seen) == counts.size
    assert figure.layout.xaxis.title.text == "Predicted"
    assert figure.layout.yaxis.title.text == "True"
    assert figure.layout.yaxis.autorange == "reversed"  # A at the top
    assert_sound(figure)


def test_right_and_wrong_cells_have_a_colour_each_on_one_scale_and_empty_cells_none(counts):
    figure = confusion_figure(counts)
    right, wrong = (one for one in figure.data if one.type == "heatmap")
    for true in range(3):
        for predicted in range(3):
            here, there = (right, wrong) if true == predicted else (wrong, right)
            count = counts[true, predicted]
            assert here.z[true][predicted] == pytest.approx(count or math.nan, nan_ok=True)
            assert math.isnan(there.z[true][predicted])
    assert right.colorscale[1][1] != wrong.colorscale[1][1]
    assert (right.zmin, right.zmax) == (wrong.zmin, wrong.zmax) == (0, 10)


def test_the_chosen_cell_is_outlined(counts):
    assert not confusion_figure(counts).layout.shapes
    figure = confusion_figure(counts, chosen=(2, 1))  # C taken for B
    (box,) = figure.layout.shapes
    assert (box.x0, box.x1, box.y0, box.y1) == (0.5, 1.5, 1.5, 2.5)
    assert_sound(figure)


@pytest.mark.parametrize("n_way", [2, 20])
def test_no_query_at_all_and_any_n_can_be_drawn(n_way):
    figure = confusion_figure(np.zeros((n_way, n_way), dtype=np.int64))
    (cells,) = (one for one in figure.data if one.type == "scatter")
    assert len(cells.text) == n_way**2
    assert set(cells.text) == {""}
    assert_sound(figure)


def test_counts_can_be_read_on_every_cell():
    """WCAG 2.2, success criterion 1.4.3: a contrast of 4.5 or more."""
    ratios = {Fraction(a, b) for b in range(1, MAX_QUERY + 1) for a in range(1, b + 1)}
    for ratio in ratios:
        count, largest = ratio.as_integer_ratio()
        figure = confusion_figure(np.array([[count, count], [0, largest]]))
        right, wrong, cells = figure.data
        for heatmap, place in ((right, 0), (wrong, 1)):
            (_, light), (_, full) = heatmap.colorscale
            pairs = zip(channels(light), channels(full), strict=True)
            cell = luminance([a + (b - a) * count / largest for a, b in pairs])
            text = luminance(channels(cells.textfont.color[place]))
            dark, bright = sorted((cell, text))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ratio, place)


@pytest.mark.parametrize(("steps", "mode"), [(5, "lines+markers"), (100, "lines")])
def test_so_many_steps_that_markers_would_touch_are_drawn_without_them(steps, mode):
    values = (0.9,) * (steps + 1)
    figure = confidence_figure({"maml": Estimate(10, values, values)}, 5)
    (line,) = (one for one in figure.data if one.name == STYLES["maml"].label)
    assert line.mode == mode
    assert steps / figure.layout.xaxis.dtick <= 15, "the axis' numbers keep apart"


def bars(trace):
    return () if trace.error_y.array is None else trace.error_y.array


def test_measurements_stand_side_by_side_with_their_first_and_last_step():
    measurements = {
        "1: 5-way 1-shot, seed 0": {
            "maml": Estimate(9, (0.2, 0.9, 0.95), (0.0, 0.02, 0.01)),
            "nearest-pixels": Estimate(9, (0.5,), (0.05,)),
        },
        "2: 5-way 1-shot, seed 1": {"maml": Estimate(9, (0.2, 0.8), (0.0, 0.03))},
    }
    figure = side_by_side_figure(measurements, [5, 5])
    assert_sound(figure)
    shown = {
        trace.name: [*zip(trace.x, trace.y, bars(trace), strict=False)] for trace in figure.data
    }
    one, two = measurements
    # A single inner step is the first and the last: it is drawn once.
    assert shown["MAML, first step"] == [(one, pytest.approx(90), pytest.approx(2))]
    assert shown["MAML"] == [
        (one, pytest.approx(95), pytest.approx(1)), (two, pytest.approx(80), pytest.approx(3))
    ]  # fmt: skip
    assert shown["1-NN on pixels"] == [(one, pytest.approx(50), pytest.approx(5))]
    assert figure.layout.xaxis.ticktext == ("1: 5-way 1-shot", "2: 5-way 1-shot")
    low, high = figure.layout.yaxis.range
    assert low <= 45
    assert high > 100


def test_no_interval_is_drawn_beyond_what_an_accuracy_can_be():
    """It is told by its longer side, which is the one towards the middle."""
    sure, unsure = Estimate(9, (1.0,), (0.038,)), Estimate(9, (0.0, 0.5, 0.99), (0.2, 0.6, 0.02))
    beside = side_by_side_figure({"a": {"protonet": sure, "maml": unsure}}, [2])
    reaches = [
        (y + up, y - down)
        for trace in beside.data[:-1]
        for y, up, down in zip(trace.y, bars(trace), trace.error_y.arrayminus, strict=True)
    ]
    expected = [(100, 96.2), (100, 0), (100, 97)]  # of ProtoNet, of MAML's first step and its last
    for found, one in zip(reaches, expected, strict=True):
        assert found == pytest.approx(one)
    band = confidence_figure({"maml": unsure}, 2).data[0]
    assert band.y == pytest.approx([20, 100, 100, 97, 0, 0])


def test_where_nobody_takes_a_step_the_axis_says_so_and_the_interval_is_a_bar():
    alone = {"protonet": Estimate(9, (0.9,), (0.02,)), "r2d2": Estimate(9, (0.8,), (0.03,))}
    figure = confidence_figure(alone, 5)
    assert figure.layout.xaxis.title.text == "Without an inner step"
    assert figure.layout.xaxis.showticklabels is False
    assert [trace.error_y.array[0] for trace in figure.data[:2]] == pytest.approx([2, 3])
    beside = confidence_figure(alone | {"maml": Estimate(9, (0.2, 0.9), (0.0, 0.02))}, 5)
    assert beside.layout.xaxis.title.text == "Inner step"


def test_beside_others_a_single_episode_has_no_interval_either():
    one, many = Estimate(1, (0.2, 0.9), (math.nan, math.nan)), Estimate(9, (0.2, 0.8), (0.0, 0.1))
    figure = side_by_side_figure({"one": {"maml": one}, "many": {"maml": many}}, [5, 5])
    assert ["±" in text for text in figure.data[-2].hovertemplate] == [False, True]


def test_leads_stand_at_their_distance_with_their_interval_and_by_who_is_ahead():
    leads = [
        Lead("near", 1.0, 0.0, 0.5, 0.75),
        Lead("far", 4.0, 0.0625, 0.03125, 0.75),
        Lead("farther", 8.0, -0.25, 0.125, 0.75),
    ]
    figure = leads_figure(leads, "protonet")
    drawn = [
        (trace.text[i], name, trace.x[i], trace.y[i], trace.error_y.array[i], trace.name)
        for trace in figure.data
        for i, name in enumerate(trace.customdata)
    ]
    assert drawn == [
        ("1", "near", 1, 0, 50, "cannot be told apart"),
        ("2", "far", 4, 6.25, 3.125, "MAML ahead"),
        ("3", "farther", 8, -25, 12.5, "ProtoNet ahead"),
    ]
    assert [trace.marker.color for trace in figure.data[1:]] == [
        STYLES[name].colour for name in ("maml", "protonet")
    ]
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.title.text == "MAML − ProtoNet, points"
    assert_sound(figure)
    near = leads_figure([leads[0], replace(leads[1], distance=2.0)], "anil")
    assert near.layout.xaxis.type != "log"
    assert len(near.data) == 2, "what there is none of has no legend"


@pytest.mark.parametrize("farthest", [2.0, 10.0])
def test_a_leads_number_gives_way_to_the_point_to_its_right(farthest):
    leads = [
        Lead("first", 1.0, 0.3, 0.5, 0.75),
        Lead("hidden", 1.5, 0.101, 0.5, 0.75),
        Lead("in the same place", 1.5, 0.101, 0.5, 0.75),
        Lead("beside", 1.55, 0.1, 0.5, 0.75),
        Lead("above", 1.55, 0.2, 0.5, 0.75),
        Lead("last", farthest, 0.1, 0.5, 0.75),
    ]
    (trace,) = leads_figure(leads, "protonet").data
    sides = dict(zip(trace.customdata, trace.textposition, strict=True))
    assert [name for name, side in sides.items() if side == "middle left"] == [
        "hidden",
        "in the same place",
    ]
    assert set(sides.values()) == {"middle left", "middle right"}
    assert leads_figure([], "protonet").data == ()
