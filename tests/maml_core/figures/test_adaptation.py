"""Accuracy and loss by inner step as figures: what is drawn, and in which frame."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.adaptation import (
    accuracy_figure,
    feature_map_figure,
    loss_figure,
    separation_figure,
)
from maml_core.figures.evaluation import confidence_figure
from maml_core.figures.style import CLASS_COLOURS, MIN_LOSS, STYLES
from maml_core.teaching.anatomy.feature_map import FeatureMap
from tests.support.figure_checks import (
    STEPS,
    assert_sound,
    chance_line,
    linear,
    numbers,
    strong,
)


@pytest.mark.parametrize("predict", [False, True])
def test_each_step_has_a_frame_that_ends_there(predict, trajectories):
    figure = accuracy_figure(trajectories, 5, predict)
    lines, places = strong(figure)
    assert [line.name for line in lines] == ["MAML", "Random initialisation"]
    assert [frame.name for frame in figure.frames] == [str(k) for k in range(STEPS + 1)]
    for k, frame in enumerate(figure.frames):
        assert frame.traces == places
        for trajectory, line in zip(trajectories, frame.data, strict=True):
            assert list(line.x) == list(range(k + 1))
            np.testing.assert_allclose(line.y, [100 * a for a in trajectory.accuracy[: k + 1]])
    assert_sound(figure)


def test_all_of_the_accuracy_is_drawn_strong_and_faint(trajectories):
    figure = accuracy_figure(trajectories, 5, predict=False)
    lines, places = strong(figure)
    faint = [one for i, one in enumerate(figure.data) if i not in places]
    for trajectory, line, shadow in zip(trajectories, lines, faint, strict=True):
        style = STYLES[trajectory.method]
        for one in (line, shadow):
            np.testing.assert_allclose(one.y, 100 * trajectory.accuracy)
            assert list(one.x) == list(range(STEPS + 1))
            assert one.line.color == style.colour
        assert (line.line.dash, line.marker.symbol) == (style.dash, style.marker)
        assert shadow.opacity < 0.5
        assert shadow.showlegend is False


@pytest.mark.parametrize(
    "draw", [lambda r: accuracy_figure(r, 5, True), lambda r: loss_figure(r, True)]
)
def test_a_prediction_is_made_with_step_0_alone_in_view(draw, trajectories):
    figure = draw(trajectories)
    lines, places = strong(figure)
    assert all(list(line.x) == [0] and len(line.y) == 1 for line in lines)
    for i, shadow in enumerate(figure.data):
        if i not in places:
            assert numbers(shadow.y) == (STEPS + 1) * [None]
    assert figure.layout.xaxis.range[1] > STEPS  # room for what is to come


@pytest.mark.parametrize("n_way", [2, 3, 5, 8, 20])
def test_chance_is_one_in_n(n_way, trajectories, estimates):
    for figure in (
        accuracy_figure(trajectories, n_way, predict=False),
        confidence_figure(estimates, n_way),
    ):
        height, text = chance_line(figure)
        assert height == pytest.approx(100 / n_way)
        percent = float(text.removeprefix("chance ").removesuffix(" %"))
        assert percent == pytest.approx(100 / n_way, abs=0.51)
        low, high = figure.layout.yaxis.range
        assert low < 0
        assert high > 100


@pytest.mark.parametrize("n_steps", [0, 1, 20])
@pytest.mark.parametrize("predict", [False, True])
def test_any_number_of_steps_can_be_drawn(n_steps, predict):
    rising = np.linspace(0.2, 0.9, n_steps + 1)
    one = AdaptationTrajectory(
        "anil", 0.4, 1 - rising, 1 - rising, rising, np.zeros((n_steps + 1, 4), int)
    )
    for figure in (accuracy_figure([one], 5, predict), loss_figure([one], predict)):
        assert len(figure.frames) == n_steps + 1
        low, high = figure.layout.xaxis.range
        assert low < 0
        assert high > n_steps
        assert_sound(figure)


@pytest.mark.parametrize("predict", [False, True])
def test_losses_are_drawn_from_the_smallest_that_the_axis_has_and_without_what_broke(
    predict, trajectories
):
    figure = loss_figure(trajectories, predict)
    lines, places = strong(figure)
    expected = {
        "MAML · query": [1.6, 0.7, 0.5, 0.4, 0.35],
        "MAML · support": [1.6, 0.3, 0.01, MIN_LOSS, MIN_LOSS],
        "Random initialisation · query": [1.6, 7e3, None, None, None],
        "Random initialisation · support": [1.6, 40.0, None, None, None],
    }
    assert {line.name for line in lines} == expected.keys()
    for line in lines:
        assert numbers(line.y) == expected[line.name][: 1 if predict else None]
        assert line.marker.symbol.endswith("-open") == line.name.endswith("support")
    for k, frame in enumerate(figure.frames):
        assert frame.name == str(k)
        assert frame.traces == places
        for line, drawn in zip(lines, frame.data, strict=True):
            assert numbers(drawn.y) == expected[line.name][: k + 1]
    assert figure.layout.yaxis.type == "log"
    low, high = figure.layout.yaxis.range
    assert math.log10(MIN_LOSS) - 1 < low < math.log10(MIN_LOSS)
    assert math.log10(7e3) < high < math.log10(7e3) + 1
    assert_sound(figure)


@pytest.mark.parametrize("low", [3e-3, 0.05, 0.4, 1.6, 2.9, 12.0, 700.0])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 4.0, 9.0, 11.0, 300.0])
def test_the_loss_axis_is_never_without_a_tick(low, ratio):
    values = np.array([low * ratio, low])
    one = AdaptationTrajectory(
        "maml", 0.4, values, values, np.zeros(2), np.zeros((2, 4), dtype=np.int64)
    )
    axis = loss_figure([one], predict=False).layout.yaxis
    bottom, top = (10.0**end for end in axis.range)
    assert bottom < low <= low * ratio < top
    assert any(bottom <= tick <= top for tick in axis.tickvals)
    assert [float(text) for text in axis.ticktext] == pytest.approx(axis.tickvals)


def test_losses_none_of_which_is_a_number_can_be_drawn():
    gone = np.array([math.nan, math.inf])
    one = AdaptationTrajectory(
        "maml", 9.0, gone, gone, np.zeros(2), np.zeros((2, 4), dtype=np.int64)
    )
    figure = loss_figure([one], predict=False)
    assert all(numbers(line.y) == [None, None] for line in figure.data)
    assert all(math.isfinite(end) for end in figure.layout.yaxis.range)
    assert_sound(figure)


def test_a_prediction_hides_who_takes_no_step_until_the_last_one(trajectories):
    still = replace(trajectories[0], method="protonet", accuracy=np.full(STEPS + 1, 0.9))
    figure = accuracy_figure([trajectories[0], still], 5, predict=True)
    lines, _ = strong(figure)
    assert numbers(lines[0].y) == [20.0]
    assert numbers(lines[1].y) == [None]
    *before, last = (numbers(frame.data[1].y) for frame in figure.frames)
    assert before == [[None] * (k + 1) for k in range(STEPS)]
    assert last == [90.0] * (STEPS + 1)
    shown = accuracy_figure([trajectories[0], still], 5, predict=False)
    assert numbers(strong(shown)[0][1].y) == last


def test_drawing_changes_no_recording(trajectories):
    before = [np.stack([r.support_loss, r.query_loss, r.accuracy]) for r in trajectories]
    loss_figure(trajectories, predict=True)
    accuracy_figure(trajectories, 5, predict=True)
    for trajectory, was in zip(trajectories, before, strict=True):
        now = np.stack([trajectory.support_loss, trajectory.query_loss, trajectory.accuracy])
        np.testing.assert_array_equal(now, was)


def feature_map(n_way, n_steps=STEPS):
    rng = np.random.default_rng(3)
    points = rng.normal(size=(n_steps + 1, n_way * 6, 2))
    share = rng.random(n_steps + 1)
    n_support = 2 * n_way
    return FeatureMap(points[:, :n_support], points[:, n_support:], np.array([0.5, 0.2]), share)


@pytest.mark.parametrize("n_way", [2, 20])
def test_a_map_has_each_picture_in_its_place_at_each_step(n_way):
    found = feature_map(n_way)
    figure = feature_map_figure(found, n_way)
    query, support = figure.data
    assert [query.customdata[0], support.customdata[0]] == [0, 4 * n_way]
    assert len({*query.customdata, *support.customdata}) == 6 * n_way
    for trace, per_class in ((query, 4), (support, 2)):
        letters = [chr(ord("A") + i // per_class) for i in range(per_class * n_way)]
        assert list(trace.text) == letters
        by_class = dict(zip(letters, trace.marker.color, strict=True))
        assert len(set(by_class.values())) == n_way  # no two classes share a colour
        assert list(trace.marker.color) == [by_class[letter] for letter in letters]
    assert min(support.marker.size, 20) > query.marker.size
    for step, frame in enumerate(figure.frames):
        assert frame.name == str(step)
        assert frame.traces == (0, 1)
        for drawn, points in zip(frame.data, (found.query, found.support), strict=True):
            np.testing.assert_array_equal(np.transpose([drawn.x, drawn.y]), points[step])
    assert_sound(figure)


@pytest.mark.parametrize(("q_query", "has_letters"), [(4, True), (8, False)])
def test_query_pictures_that_would_hide_each_other_are_dots_without_letters(q_query, has_letters):
    found = feature_map(20)
    found = replace(found, query=np.repeat(found.query, q_query // 4, axis=1))
    query, support = feature_map_figure(found, 20).data
    assert ("text" in query.mode) == has_letters
    assert "text" in support.mode
    assert support.marker.size > query.marker.size
    assert list(query.text) == [c for c in "ABCDEFGHIJKLMNOPQRST" for _ in range(q_query)]


def test_a_maps_axes_hold_all_steps_with_one_scale():
    found = feature_map(3)
    figure = feature_map_figure(found, 3)
    every = np.concatenate([found.query, found.support], axis=1).reshape(-1, 2)
    for axis, values in ((figure.layout.xaxis, every[:, 0]), (figure.layout.yaxis, every[:, 1])):
        low, high = axis.range
        assert low < values.min()
        assert high > values.max()
    assert figure.layout.yaxis.scaleanchor == "x"
    assert all(frame.layout.xaxis.range is None for frame in figure.frames)


def test_what_is_nowhere_is_a_gap_in_a_map():
    found = feature_map(2)
    found.query[-1], found.support[-1] = math.nan, math.nan
    figure = feature_map_figure(found, 2)
    assert not any(v is not None for one in figure.frames[-1].data for v in (*one.x, *one.y))
    found.query[:], found.support[:] = math.nan, math.nan
    for one in (figure, feature_map_figure(found, 2)):
        assert_sound(one)


def test_letters_can_be_read_on_every_colour_of_a_class():
    assert len(set(CLASS_COLOURS)) == 20
    figure = feature_map_figure(feature_map(20), 20)
    weights = (0.2126, 0.7152, 0.0722)
    for trace in figure.data:
        for disc, ink in zip(trace.marker.color, trace.textfont.color, strict=True):
            light, dark = sorted((weights @ linear(one) for one in (disc, ink)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_separation_is_drawn_by_step_beside_that_of_shuffled_labels():
    maps = {"maml": feature_map(3), "protonet": feature_map(3)}
    figure = separation_figure(maps, 0.08)
    lines, _ = strong(figure)
    assert [line.name for line in lines] == [STYLES[method].label for method in maps]
    for line, found in zip(lines, maps.values(), strict=True):
        np.testing.assert_allclose(line.y, [100 * value for value in found.separation])
    assert chance_line(figure) == (pytest.approx(8), "shuffled labels 8 %")
    assert [frame.name for frame in figure.frames] == [str(k) for k in range(STEPS + 1)]
    assert_sound(figure)
