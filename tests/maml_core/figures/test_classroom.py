"""What a class predicted and chose, as charts."""

from __future__ import annotations

import itertools

import numpy as np

from maml_core.classroom.predictions import ChoiceSummary, PredictionSummary
from maml_core.figures.classroom import (
    choices_figure,
    choices_in_words,
    predictions_figure,
    predictions_in_words,
)
from maml_core.figures.style import STYLES
from tests.support.figure_checks import assert_sound

TRUTH = np.array([[83.4, 96.0], [61.0, 91.0]])
PREDICTED = np.random.default_rng(0).integers(101, size=(40, 2, 2)).astype(float)
SUMMARY = PredictionSummary(("maml", "pretrained"), (1, 10), PREDICTED)
CHOICES = ChoiceSummary(("5", "a long text " * 5), (3, 1), (0, 4), 3, 4)


def texts(figure) -> str:
    """Return all that a figure says or holds, as one text."""
    return figure.to_json()


def test_choices_that_are_written_as_numbers_are_none() -> None:
    assert choices_figure(CHOICES).layout.yaxis.type == "category"


def test_before_the_reveal_there_are_the_predictions_and_no_truth() -> None:
    figure = predictions_figure(SUMMARY, None)
    assert_sound(figure)
    dots = figure.data[0]
    assert sorted(dots.y) == sorted(PREDICTED.ravel())
    assert len(figure.data) == 2, "dots and medians"
    assert not figure.layout.annotations
    assert "measured" not in texts(figure)
    assert "it is" not in " ".join(predictions_in_words(SUMMARY, None))


def test_each_dot_stands_in_its_column_and_next_to_its_equals() -> None:
    same = np.full((200, 1, 2), 70.0)
    figure = predictions_figure(PredictionSummary(("maml",), (1, 10), same), None)
    xs = np.array(figure.data[0].x).reshape(2, 200)
    assert (np.round(xs) == [[0], [1]]).all()
    assert len(np.unique(xs)) == 400, "no two in the same place"
    columns = predictions_figure(SUMMARY, None)
    for place, (s, m) in enumerate(itertools.product(range(2), range(2))):
        here = np.round(np.array(columns.data[0].x)) == place
        assert sorted(np.array(columns.data[0].y)[here]) == sorted(PREDICTED[:, m, s])
        assert columns.layout.xaxis.ticktext[place].endswith(f"step {(1, 10)[s]}")


def test_the_reveal_draws_each_method_at_its_accuracy() -> None:
    figure = predictions_figure(SUMMARY, TRUTH)
    assert_sound(figure)
    lines = [one for one in figure.data if one.name and one.name.endswith("measured")]
    drawn = {(one.legendgroup, round(sum(one.x) / 2), one.y[0]) for one in lines}
    assert drawn == {
        ("maml", 0, 83.4),
        ("pretrained", 1, 61.0),
        ("maml", 2, 96.0),
        ("pretrained", 3, 91.0),
    }
    assert [one.text for one in figure.layout.annotations] == [
        f"<b>{percent} %</b>" for percent in (83, 61, 96, 91)
    ]
    words = " ".join(predictions_in_words(SUMMARY, TRUTH))
    close = (abs(PREDICTED[:, 0, 0] - 83.4) <= 5).sum()
    assert f"MAML after step 1: predicted were {PREDICTED[:, 0, 0].min():.0f} to" in words
    assert f"it is 83 %, and {close} of 40 came within 5 points." in words


def test_without_predictions_the_truth_can_be_drawn_all_the_same() -> None:
    nobody = PredictionSummary(("maml",), (1,), np.zeros((0, 1, 1)))
    for truth in (None, np.array([[80.0]])):
        assert_sound(predictions_figure(nobody, truth))
        assert predictions_in_words(nobody, truth) == ["Nobody has predicted anything."]


def test_choices_are_bars_before_and_after() -> None:
    figure = choices_figure(CHOICES)
    assert_sound(figure)
    assert {one.name: tuple(one.x) for one in figure.data} == {"before": (3, 1), "after": (0, 4)}
    assert figure.data[1].marker.color == STYLES["person"].colour
    assert figure.data[0].y[1].replace("<br>", " ") == CHOICES.choices[1].strip()
    assert "“5”: 3 before, 0 after." in choices_in_words(CHOICES)
