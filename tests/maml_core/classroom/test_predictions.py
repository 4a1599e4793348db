"""What a class predicted and chose, against counting by hand."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
import pytest
from sqlalchemy import Engine

from maml_core.classroom.activities import (
    activities_of,
    is_revealed,
    open_activity,
    open_activity_of,
    reveal_link,
)
from maml_core.classroom.hand_ins import hand_in, own_content
from maml_core.classroom.membership import ClassError, join, start_class
from maml_core.classroom.predictions import (
    count_choices,
    field_name,
    steps_asked,
    summarise_predictions,
)

METHODS, STEPS = ("maml", "pretrained"), (1, 10)
LINK = "adapt?predict=true&seed=3"


def test_medians_and_close_predictions_are_what_counting_one_by_one_gives() -> None:
    rng = np.random.default_rng(0)
    contents = [
        {field_name(m, s): int(rng.integers(101)) for m in METHODS for s in STEPS}
        for _ in range(20)
    ]
    summary = summarise_predictions(contents, METHODS, STEPS)
    truth = np.array([[80.0, 95.5], [61.0, 90.0]])
    for m, method in enumerate(METHODS):
        for s, step in enumerate(STEPS):
            values = [content[field_name(method, step)] for content in contents]
            assert summary.predicted[:, m, s].tolist() == values
            assert summary.medians[m, s] == statistics.median(values)
            close = sum(abs(value - truth[m, s]) <= 20 for value in values)
            assert summary.n_close(truth, 20)[m, s] == close


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "80",
        {},
        {"maml 1": 50},
        {"maml 1": 50, "maml 10": 101},
        {"maml 1": True, "maml 10": 3},
        {"maml 1": "50", "maml 10": 3},
        {"maml 1": -1, "maml 10": 3},
    ],
)
def test_what_is_no_prediction_is_left_out(content: object) -> None:
    good = {"maml 1": 50, "maml 10": 60, "other": 1}
    assert len(summarise_predictions([content], ("maml",), STEPS).predicted) == 0
    summary = summarise_predictions([content, good], ("maml",), STEPS)
    assert summary.predicted.tolist() == [[[50, 60]]]


def test_with_one_inner_step_the_first_is_the_last() -> None:
    assert steps_asked(1) == (1,)
    assert steps_asked(7) == (1, 7)


def test_choices_before_and_after_are_what_counting_one_by_one_gives() -> None:
    rng = np.random.default_rng(1)
    choices = ("5", "10", "25")
    names = [f"pupil {number}" for number in range(30)]
    before, after = (
        {name: str(rng.choice([*choices, "odd"])) for name in names if rng.random() < 0.7}
        for _ in range(2)
    )
    found = count_choices(choices, before, {**after, "pupil 0": ["5"]})
    after.pop("pupil 0", None)
    assert found.before == tuple(Counter(before.values())[choice] for choice in choices)
    assert found.after == tuple(Counter(after.values())[choice] for choice in choices)
    both = [n for n in names if before.get(n) in choices and after.get(n) in choices]
    assert found.n_both == len(both) > 0
    assert found.n_changed == sum(before[n] != after[n] for n in both)


def test_a_link_is_revealed_for_its_class_alone_led_there_or_not(engine: Engine) -> None:
    one, other = (start_class(engine)[0] for _ in range(2))
    fox, _ = join(engine, one.code, "red fox")
    owl, _ = join(engine, other.code, "red fox")
    assert own_content(engine, fox, "prediction", LINK) is None
    hand_in(engine, fox, "prediction", LINK, {"maml 1": 50}, 1)
    assert own_content(engine, fox, "prediction", LINK) == {"maml 1": 50}
    assert own_content(engine, owl, "prediction", LINK) is None
    reveal_link(engine, one.id, "prediction", LINK)
    reveal_link(engine, one.id, "prediction", LINK)
    assert is_revealed(engine, one.id, LINK)
    assert not is_revealed(engine, one.id, f"{LINK}1")
    assert not is_revealed(engine, other.id, LINK)
    assert len(activities_of(engine, one.id)) == 1
    assert open_activity_of(engine, one.id) is None
    with pytest.raises(ClassError, match="has been shown"):
        hand_in(engine, fox, "prediction", LINK, {"maml 1": 51}, 2)
    hand_in(engine, owl, "prediction", LINK, {"maml 1": 51}, 2)


def test_what_a_class_was_led_to_stays_open_when_it_is_revealed(engine: Engine) -> None:
    started, _ = start_class(engine)
    opened = open_activity(engine, started.id, "prediction", LINK)
    reveal_link(engine, started.id, "prediction", LINK)
    now = open_activity_of(engine, started.id)
    assert now is not None
    assert now.id == opened.id
    assert now.is_revealed
