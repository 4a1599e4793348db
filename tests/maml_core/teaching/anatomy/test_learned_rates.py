"""The rates that are shown are those that the inner loop takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maml_core.figures.meta_update import rates_figure
from maml_core.learners.learner import Learner
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.teaching.anatomy.learned_rates import learned_rates
from maml_core.teaching.sentences.meta_update import describe_rates
from tests.support.figure_checks import assert_sound, numbers

LAYERS = ["Block 1", "Block 2", "Block 3", "Block 4", "Head"]


def learner(factors):
    model = Conv4(channels=4)
    return Learner("meta_sgd", model, initial_params(model, 0), {5: 0.4, 20: 0.1}, factors)


@pytest.fixture
def by_weight():
    """Factors of each number, a known share of them negative."""
    params = initial_params(Conv4(channels=4), 0)
    generator = torch.Generator().manual_seed(0)
    return {n: torch.randn(v.shape, generator=generator) + 0.5 for n, v in params.items()}


def test_rates_of_single_weights_are_told_by_their_quartiles(by_weight):
    (found,) = learned_rates(learner(by_weight), 20)
    assert list(found) == LAYERS
    values = sorted((0.1 * by_weight["blocks.1.conv.weight"]).flatten().tolist())
    rates = found["Block 2"]
    below = [sum(v < one for v in values) / len(values) for one in (rates.lower, rates.upper)]
    assert below == pytest.approx([0.25, 0.75], abs=0.01)
    assert rates.median == pytest.approx(float(np.median(values)))
    assert rates.negative == sum(v < 0 for v in values) / len(values)


def test_each_step_has_its_rates_and_they_are_drawn_and_told():
    names = initial_params(Conv4(channels=4), 0)
    steps = [
        {name: torch.tensor(step + i / 100) for i, name in enumerate(names)} for step in (1, 3)
    ]
    found = learned_rates(learner(steps), 5)
    position = list(names).index("blocks.2.conv.weight")
    for step, by_layer in zip((1, 3), found, strict=True):
        one = by_layer["Block 3"]
        assert one.lower == one.median == one.upper
        assert one.median == pytest.approx(0.4 * (step + position / 100))
        assert one.negative == 0
    figure = rates_figure({"maml_plus_plus": found})
    assert_sound(figure)
    assert [trace.name for trace in figure.data] == ["MAML++, step 1", "MAML++, step 2"]
    assert numbers(figure.data[1].y) == [one.median for one in found[1].values()]
    last = list(names).index("head.weight")
    assert describe_rates({"MAML++": found}) == (
        f"MAML++ learned its largest rate in the head at step 2: {0.4 * (3 + last / 100):.2g}; "
        f"its smallest is {found[0]['Block 1'].median:.2g}."
    )


def test_what_ascends_is_told(by_weight):
    found = learned_rates(learner(by_weight), 5)
    shares = [f"{100 * one.negative:.0f}" for one in found[0].values()]
    low, high = min(shares, key=int), max(shares, key=int)
    words = describe_rates({"Meta-SGD": found})
    assert f"In its layers {low} to {high} % of the weights ascend: a rate below 0." in words
    figure = rates_figure({"meta_sgd": found})
    (trace,) = figure.data
    assert trace.name == "Meta-SGD"
    assert trace.error_y.visible
    up = [one.upper - one.median for one in found[0].values()]
    assert numbers(trace.error_y.array) == up


def test_who_has_learned_no_rates_has_none_to_show():
    with pytest.raises(ValueError, match="meta_sgd has learned no rates"):
        learned_rates(learner(None), 5)
