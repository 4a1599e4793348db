"""What a class thought, against counting by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np

from maml_core.classroom.summaries import ranking, summarise_round


def test_a_round_is_what_counting_one_by_one_gives() -> None:
    rng = np.random.default_rng(0)
    n_questions, n_choices, n_pupils = 10, 5, 23
    truths = rng.integers(n_choices, size=n_questions).tolist()
    picks = {
        f"pupil {number}": [
            None if rng.random() < 0.1 else int(rng.integers(n_choices))
            for _ in range(rng.integers(n_questions + 1))
        ]
        for number in range(n_pupils)
    }
    machines = {"maml": truths, "pretrained": [0] * n_questions}
    found = summarise_round(truths, n_choices, picks, machines)
    for question in range(n_questions):
        given = [labels[question] for labels in picks.values() if question < len(labels)]
        count = Counter(given)
        assert found.n_answers[question] == len(given)
        assert found.missed[question] == count[None]
        assert found.chosen[question].tolist() == [count[label] for label in range(n_choices)]
        if given:
            assert found.share_right[question] == count[truths[question]] / len(given)
        else:
            assert np.isnan(found.share_right[question])
    for name, labels in picks.items():
        assert found.scores[name] == sum(a == b for a, b in zip(labels, truths, strict=False))
        assert found.answered[name] == len(labels)
    assert set(found.finished) == {name for name, labels in picks.items() if len(labels) == 10}
    assert found.machine_right["maml"].all()
    assert found.machine_right["pretrained"].tolist() == [truth == 0 for truth in truths]


def test_the_question_most_missed_is_none_while_all_are_right() -> None:
    assert summarise_round([1, 0], 2, {}, {}).most_missed is None
    assert summarise_round([1, 0], 2, {"a": [1]}, {}).most_missed is None
    assert summarise_round([1, 0], 2, {"a": [1, 1]}, {}).most_missed == 1
    assert summarise_round([1, 0], 2, {"a": [0, 1], "b": [1, 1]}, {}).most_missed == 1


def test_what_no_question_has_counts_as_wrong_and_harms_nothing() -> None:
    found = summarise_round([1], 2, {"a": [7, 1, 1], "b": [-1]}, {})
    assert found.chosen.tolist() == [[0, 0]]
    assert found.scores == {"a": 0, "b": 0}


def test_who_has_as_many_shares_a_place() -> None:
    assert ranking({"red fox": 7, "blue owl": 9, "pink bee": 7, "mint cat": 2}) == [
        (1, "blue owl", 9),
        (2, "pink bee", 7),
        (2, "red fox", 7),
        (4, "mint cat", 2),
    ]
