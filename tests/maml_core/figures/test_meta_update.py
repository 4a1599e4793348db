"""The figures of one meta-update: what is drawn where, and when."""

from __future__ import annotations

import math

import pytest

from maml_core.figures.meta_update import (
    angles_figure,
    layers_figure,
    method_gradients_figure,
    projected_update_figure,
)
from maml_core.figures.style import STYLES
from maml_core.teaching.anatomy.gradient_plane import ProjectedGradient

ARROWS = [
    ProjectedGradient("1", 3.0, 4.0, 6.0, 25 / 36),
    ProjectedGradient("2", 1.0, -4.0, 4.2, 0.96),
    ProjectedGradient("mean", 2.0, 0.0, 2.0, 1.0),
    ProjectedGradient("update", 0.06, 0.08, 0.2, 0.25),
]
FRAMES = [[], ["1", "2"], ["1", "2", "mean", "update"]]


def test_arrows_are_strong_from_their_frame_on():
    figure = projected_update_figure(ARROWS, FRAMES)
    assert [frame.name for frame in figure.frames] == ["0", "1", "2"]
    for frame, reached in zip(figure.frames, FRAMES, strict=True):
        assert len(frame.data) == len(frame.traces) == len(ARROWS)
        for number, line, arrow in zip(frame.traces, frame.data, ARROWS, strict=True):
            whole = figure.data[number]
            assert whole.opacity == 1
            shown = arrow.name in reached
            assert line.x == (whole.x if shown else (None, None))
            assert line.y == (whole.y if shown else (None, None))


def test_an_arrow_ends_where_the_plane_has_it_and_the_update_is_stretched():
    figure = projected_update_figure(ARROWS, FRAMES)
    ends = {line.name: (line.x[1], line.y[1]) for line in figure.data if line.name}
    assert ends["task 1"] == (3.0, 4.0)
    assert ends["task 2"] == (1.0, -4.0)
    assert ends["mean"] == (2.0, 0.0)
    # As long as the mean before it was laid on the plane, which holds a quarter of its square.
    assert math.hypot(*ends["update"]) == pytest.approx(2.0 * math.sqrt(0.25))
    told = next(line.hovertemplate for line in figure.data if line.name == "update")
    assert "length 0.2, 25 % of its square" in told
    for axis, values in ((figure.layout.xaxis, (0, 3)), (figure.layout.yaxis, (-4, 4))):
        assert axis.range[0] < values[0]
        assert axis.range[1] > values[1]
    assert figure.layout.yaxis.scaleanchor == "x", "an angle on the chart is one on the plane"


def test_the_methods_gradients_are_drawn_at_length_one_in_their_colours():
    arrows = [
        ProjectedGradient("maml", 2.0, 0.0, 2.0, 1.0),
        ProjectedGradient("fomaml", 0.0, 3.0, 3.0, 1.0),
    ]
    figure = method_gradients_figure(arrows)
    lines = {line.name: line for line in figure.data if line.name}
    assert (lines["MAML"].x[1], lines["MAML"].y[1]) == (1, 0)
    assert (lines["First-order MAML"].x[1], lines["First-order MAML"].y[1]) == (0, 1)
    assert lines["MAML"].line.color == STYLES["maml"].colour


def test_angles_leave_a_gap_where_there_is_no_direction():
    figure = angles_figure(
        [1, 2], {"fomaml": [60.0, 130.0], "reptile": [math.nan, 97.0]}, "inner steps", log=False
    )
    fomaml, reptile = figure.data
    assert list(fomaml.y) == [60.0, 130.0]
    assert math.isnan(reptile.y[0])
    assert figure.layout.yaxis.range[1] > 130
    assert figure.layout.shapes[0].y0 == 90


def test_layers_are_drawn_in_percent():
    (bars,) = layers_figure({"maml": {"Block 1": 0.004, "Block 2": 0.0}}).data
    assert bars.orientation == "h"
    assert list(bars.y) == ["Block 1", "Block 2"]
    assert list(bars.x) == pytest.approx([0.4, 0.0])
    assert bars.marker.color == STYLES["maml"].colour
