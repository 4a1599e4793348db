"""Text alternatives: their numbers are the data's."""

from __future__ import annotations

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from maml_core.figures.adaptation import accuracy_figure, loss_figure
from maml_core.figures.description import describe, in_words
from maml_core.figures.evaluation import confidence_figure, confusion_in_words
from maml_core.figures.meta_update import angles_figure, arrows_in_words, layers_figure
from maml_core.figures.splits import split_figure
from maml_core.teaching.anatomy.gradient_plane import ProjectedGradient


def test_accuracy_is_read_out_from_its_numbers(trajectories):
    text = describe(accuracy_figure(trajectories, 5, predict=False), "Accuracy")
    assert text == (
        "Accuracy. Query accuracy, % against inner step: MAML from 20 at 0 to 100 at 4; "
        "Random initialisation from 20 at 0 to 20 at 4, highest 40 at 1. Marked: chance 20 %."
    )


def test_a_loss_that_breaks_is_said_to(trajectories):
    text = describe(loss_figure(trajectories, predict=False), "Loss")
    assert "MAML · query from 1.6 at 0 to 0.35 at 4" in text
    assert "Random initialisation · query 1.6 at 0, 7,000 at 1;" in text
    assert "Random initialisation · support 1.6 at 0, 40 at 1" in text


def test_what_is_still_to_be_predicted_is_not_given_away(trajectories):
    for figure in (accuracy_figure(trajectories, 5, True), loss_figure(trajectories, True)):
        text = describe(figure, "Adaptation")
        known = {in_words(v) for t in trajectories for v in (100 * t.accuracy[0], t.query_loss[0])}
        assert set(re.findall(r"(?<=[a-z] )[\d.]+(?= at)", text)) <= known
        assert not re.search(r" at [1-9]", text), "nothing after step 0"


def test_a_band_is_no_line_of_its_own(estimates):
    text = describe(confidence_figure(estimates, 5), "Mean")
    assert text.count("from") == len(estimates)
    assert "Pretrained from 20 at 0 to 80 at 2" in text


@pytest.mark.parametrize("seed", range(3))
def test_a_line_names_its_ends_and_what_goes_beyond_them(seed):
    y = np.random.default_rng(seed).normal(size=20).round(2)
    text = describe(go.Figure(go.Scatter(y=y, name="noise", mode="lines")), "Noise")
    assert text.startswith(f"Noise. noise from {in_words(y[0])} at 0 to {in_words(y[-1])} at 19")
    for word, value, place in (("highest", max(y), y.argmax()), ("lowest", min(y), y.argmin())):
        beyond = value not in (y[0], y[-1])
        assert (f"{word} {in_words(value)} at {place}" in text) == beyond


def test_an_axis_with_words_of_its_own_is_read_out_in_them():
    figure = go.Figure(go.Scatter(x=[0, 1, 2], y=[5.0, 5.0, 9.0], mode="lines"))
    figure.update_xaxes(tickvals=[0, 2], ticktext=["0", "40,000"])
    assert describe(figure, "Course") == "Course. from 5 at 0 to 9 at 40,000."
    figure.data[0].y = [5.0, 5.0, 5.0]
    assert describe(figure, "Course") == "Course. 5 throughout."


def test_bars_parts_and_angles():
    layers = layers_figure({"maml": {"conv1": 0.012, "head": 1.5}})
    assert "MAML 1.2 at conv1, 150 at head" in describe(layers, "Layers")
    split = split_figure({"train": {"A": 20, "B": 30}, "test": {"C_d": 5}}, {"C_d"})
    assert describe(split, "Split") == (
        "Split. Train (50), 2 blocks; Test (5), 1 block; outlined: C d."
    )
    angles = angles_figure([1.0, 2.0, 3.0], {"fomaml": [10.0, np.nan, 95.0]}, "steps", log=False)
    assert "10 at 1, 95 at 3" in describe(angles, "Angles")


def test_arrows_are_read_out_by_length_and_direction():
    arrows = [ProjectedGradient("1", 0.0, 2.0, 3.0, 0.4), ProjectedGradient("maml", -1, 0, 1, 1.0)]
    assert arrows_in_words(arrows) == (
        "task 1: length 3, 90° from the first axis; MAML: length 1, 180° from the first axis"
    )


def test_confusions_are_named_the_most_frequent_first():
    counts = np.array([[8, 2, 0], [0, 10, 0], [3, 1, 6]])
    text = confusion_in_words(counts, most=2)
    assert text == "24 of 30 right; C classified as A, 3; A classified as B, 2; 1 more"
    assert confusion_in_words(np.eye(2, dtype=int)) == "2 of 2 right"


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.0, "12,300"), (-0.25, "−0.25"), (np.inf, "not finite"), (98.0, "98"), (1e-5, "1e−05")],
)
def test_numbers_as_they_are_read_out(value, text):
    assert in_words(value) == text
