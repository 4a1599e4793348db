"""Maps as figures: what is drawn is what was computed, on one scale."""

from __future__ import annotations

import math

import numpy as np
import pytest

from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.descent import descent_figure, first_step_figure, map_in_words
from maml_core.figures.landscape import (
    ACCURACY,
    LEVELS,
    LOSS,
    RESTART_COLOUR,
    SOLID_FROM,
    common_scale,
    contour_figure,
    surface_figure,
)
from maml_core.figures.style import MIN_LOSS, STYLES
from maml_core.landscape.curvature import Curvature
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.landscape.plane_descent import MetaTrainingTrajectory, ProjectedTrajectory

WINDOW = Window(1.0, -2.0, 0.5)
DRAW = {"contour": contour_figure, "surface": surface_figure}


def grid_of(losses, window=WINDOW):
    losses = np.array(losses, dtype=float)
    return Grid(window, losses, np.linspace(0, 1, losses.size).reshape(losses.shape))


GRID = grid_of([[0.01, 0.1, 1.0], [0.02, 0.5, 2.0], [0.03, 0.9, np.inf]])


def path_of(*, fraction_in_plane=1.0, restarted=False, method="maml", n=3):
    losses = {"support": np.array([1.6, 0.4, 0.0])[:n], "query": np.array([1.5, 0.8, 0.7])[:n]}
    shares = {"support": np.array([0.2, 1.0, 1.0])[:n], "query": np.array([0.2, 0.9, 0.95])[:n]}
    x, y = np.array([0.8, 1.0, 1.1])[:n], np.array([-2.0, -2.1, -1.9])[:n]
    off_plane_distance = np.array([0.0, 1e-9, 0.25])[:n]
    trajectory = AdaptationTrajectory(
        method,
        0.1,
        support_loss=losses["support"],
        query_loss=losses["query"],
        accuracy=shares["query"],
        support_accuracy=shares["support"],
    )
    return ProjectedTrajectory(
        trajectory, x, y, off_plane_distance, np.hypot(x, y), fraction_in_plane, restarted
    )


def lines(figure, name=None):
    return [t for t in figure.data if t.meta == "path" and "markers" in (t.mode or "")]


@pytest.mark.parametrize("view", DRAW)
def test_a_map_shows_the_logarithm_of_the_loss_and_tells_the_loss_itself(view):
    scale = common_scale(LOSS, [GRID])
    ground = DRAW[view](GRID, [], scale, "support", WINDOW).data[0]
    np.testing.assert_allclose(ground.x, [0.5, 1.0, 1.5])
    np.testing.assert_allclose(ground.y, [-2.5, -2.0, -1.5])
    assert ground.z[1][1] == pytest.approx(math.log10(0.5))
    assert np.isnan(ground.z[2][2]), "no finite loss is a gap"
    loss, accuracy, distance = ground.customdata[0][2]
    assert (loss, accuracy) == (pytest.approx(1.0), pytest.approx(0.25))
    assert distance == pytest.approx(math.hypot(1.5, 2.5))


def test_all_maps_have_one_scale_that_holds_them():
    other = grid_of([[5.0, 30.0], [0.2, 0.3]])
    scale = common_scale(LOSS, [GRID, other])
    assert scale.low <= math.log10(0.01)
    assert scale.high >= math.log10(30)
    levels = (scale.high - scale.low) / scale.step
    assert levels == pytest.approx(round(levels)), "levels are evenly spaced in the logarithm"
    assert LEVELS / 3 <= levels <= LEVELS + 2
    contour = contour_figure(GRID, [], scale, "support", WINDOW).data[0]
    surface = surface_figure(other, [], scale, "support", WINDOW).data[0]
    assert (contour.zmin, contour.zmax) == (surface.cmin, surface.cmax) == (scale.low, scale.high)
    assert contour.contours.size == scale.step


@pytest.mark.parametrize("losses", [[[1.61, 1.61], [1.61, 1.61]], [[0.0, 1e-9], [0.0, 0.0]]])
def test_a_flat_map_still_has_a_scale(losses):
    grid = grid_of(losses)
    scale = common_scale(LOSS, [grid])
    assert scale.low < scale.high
    assert len(scale.ticks["tickvals"]) >= 3
    drawn = contour_figure(grid, [], scale, "support", WINDOW).data[0].z
    assert np.nanmin(drawn) >= math.log10(MIN_LOSS)


@pytest.mark.parametrize("grids", [[], [grid_of([[np.inf, np.inf], [np.inf, np.inf]])]])
def test_without_a_finite_loss_there_is_a_scale_and_no_warning(grids):
    scale = common_scale(LOSS, grids)
    assert scale.low < scale.high


def test_accuracy_is_linear_in_percent_and_light_where_it_is_high():
    scale = common_scale(ACCURACY, [GRID])
    ground = contour_figure(GRID, [], scale, "query", WINDOW).data[0]
    assert (ground.zmin, ground.zmax) == (0, 100)
    assert ground.z[0][2] == pytest.approx(25)
    loss = contour_figure(GRID, [], common_scale(LOSS, [GRID]), "query", WINDOW).data[0]
    assert ground.colorscale[0][1] == loss.colorscale[-1][1]


def test_ticks_of_the_colour_bar_are_losses():
    for grid in (GRID, grid_of([[0.5, 0.9], [1, 1.1]]), grid_of([[1e-6, 1e3], [1, 1]])):
        scale = common_scale(LOSS, [grid])
        values, words = scale.ticks["tickvals"], scale.ticks["ticktext"]
        assert 3 <= len(values) <= 8
        for value, word in zip(values, words, strict=True):
            assert float(word) == pytest.approx(10**value, rel=0.02)


@pytest.mark.parametrize("which", ["support", "query"])
def test_steps_are_numbered_and_tell_their_own_loss(which):
    path = path_of()
    (line,) = lines(contour_figure(GRID, [path], common_scale(LOSS, [GRID]), which, WINDOW))
    assert list(line.text) == ["0", "1", "2"]
    assert (list(line.x), list(line.y)) == (path.x.tolist(), path.y.tolist())
    for told, k in zip(line.customdata, range(3), strict=True):
        assert told[:3] == [path.loss[which][k], path.accuracy[which][k], path.distance[k]]
    assert [told[3] for told in line.customdata] == [0, 0, 0.25], "rounding is not beside the plane"


@pytest.mark.parametrize("view", DRAW)
def test_a_path_that_leaves_the_plane_is_dashed(view):
    scale = common_scale(LOSS, [GRID])
    paths = [
        path_of(fraction_in_plane=SOLID_FROM),
        path_of(fraction_in_plane=SOLID_FROM - 0.01),
    ]
    within, leaving = lines(DRAW[view](GRID, paths, scale, "support", WINDOW))
    assert (within.line.dash, leaving.line.dash) == ("solid", "dash")


@pytest.mark.parametrize("view", DRAW)
def test_colour_says_the_method_and_whether_a_person_restarted_it(view):
    paths = [path_of(), path_of(method="pretrained"), path_of(restarted=True)]
    found = lines(DRAW[view](GRID, paths, common_scale(LOSS, [GRID]), "support", WINDOW))
    expected = [STYLES["maml"].colour, STYLES["pretrained"].colour, RESTART_COLOUR]
    assert [line.line.color for line in found] == expected


def test_on_a_surface_a_path_runs_at_the_height_of_its_own_points():
    path, scale = path_of(), common_scale(LOSS, [GRID])
    (line,) = lines(surface_figure(GRID, [path], scale, "query", WINDOW))
    lift = np.array(line.z) - np.log10(path.loss["query"])
    np.testing.assert_allclose(lift, lift[0])
    assert 0 < lift[0] < 0.05 * (scale.high - scale.low)


@pytest.mark.parametrize("view", DRAW)
def test_before_anything_is_computed_the_paths_are_there(view):
    figure = DRAW[view](None, [path_of()], common_scale(LOSS, []), "support", WINDOW)
    assert len(lines(figure)) == 1
    assert all(trace.type not in ("contour", "surface") for trace in figure.data)


def test_the_window_is_what_is_shown():
    figure = contour_figure(GRID, [], common_scale(LOSS, [GRID]), "support", WINDOW)
    assert figure.layout.xaxis.range == (0.5, 1.5)
    assert figure.layout.yaxis.range == (-2.5, -1.5)


def test_the_way_of_the_meta_training_is_dotted_and_tells_its_updates():
    meta_training = MetaTrainingTrajectory(
        (0, 10, 500), np.arange(3.0), np.arange(3.0), np.array([0.0, 0.5, 0.0])
    )
    figure = contour_figure(GRID, [], common_scale(LOSS, [GRID]), "support", WINDOW, meta_training)
    drawn = figure.data[1]
    assert drawn.line.dash == "dot"
    assert [tuple(told) for told in drawn.customdata] == [(0, 0), (10, 0.5), (500, 0)]
    assert drawn.meta is None, "it is not played step by step"


def test_descents_by_step():
    figure = descent_figure([path_of(), path_of(restarted=True, n=2)], "support")
    own, again = figure.data
    assert list(own.x) == [0, 1, 2]
    np.testing.assert_allclose(own.y, [1.6, 0.4, MIN_LOSS])
    assert list(again.x) == [0, 1], "a descent that broke is shorter"
    assert "restarted" in again.name


def test_the_slope_beside_the_parabola():
    found = Curvature(
        1.6, 9.0, (150.0,), -50.0, 25.0, 0.01, 0.7, 0.6, (0.0, 1.0, 2.0), (1.6, 1.0, 0.8),
        (1.6, 0.9, 0.5), 12, True,
    )  # fmt: skip
    figure = first_step_figure({"maml": found, "pretrained": found})
    assert len(figure.data) == 4
    np.testing.assert_allclose(figure.data[0].y, found.loss_along_step)
    np.testing.assert_allclose(figure.data[1].y, found.predicted_along_step)
    assert figure.data[1].line.dash == "dot"
    assert first_step_figure({}).data == ()


def test_a_map_is_read_out_with_its_lowest_point_and_its_paths():
    text = map_in_words(GRID, [path_of(), path_of(restarted=True, n=2)], "query")
    assert text == (
        "Loss from 0.01 to 2, lowest at (0.5, −2.5); MAML: query loss from 1.5 to 0.7 in 2 steps; "
        "MAML restarted: query loss from 1.5 to 0.8 in 1 steps"
    )
    assert map_in_words(None, [], "query") == ""
