"""What is said of meta-updates, trainings, replays, waves and episodes, by hand-made cases."""

from __future__ import annotations

import math

import pytest

from maml_core.config import EpisodeSpec
from maml_core.teaching.sentences.episode import describe_episode
from maml_core.teaching.sentences.meta_update import (
    describe_angles,
    describe_layers,
    describe_meta_update,
)
from maml_core.teaching.sentences.sinusoid import describe_errors, describe_fits
from maml_core.teaching.sentences.training import describe_replay, describe_training
from maml_core.teaching.sentences.words import (
    AvailableClasses,
    count,
    listed,
    something_harder,
    spelled,
    standing,
)


def test_words() -> None:
    assert [spelled(n, "step") for n in (1, 2, 10, 11, 1200)] == [
        "one step",
        "two steps",
        "ten steps",
        "11 steps",
        "1,200 steps",
    ]
    assert [count(n, "task") for n in (1, 2000)] == ["1 task", "2,000 tasks"]
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert standing({"a": 3, "b": 4}, 5) == "b has 4 of 5 right and a 3"


@pytest.mark.parametrize(
    ("after", "others", "said"),
    [
        ((0.3, 0.5), (0.5, 0.45), "from 0.500 to 0.400 nats on its two tasks (1 of 2 better)"),
        ((0.3, 0.5), (0.5, 0.45), "and takes it from 0.500 to 0.450 on 2 others"),
        ((0.3, 0.5), (0.5, 0.45), "better start for both"),
        (
            (0.3, 0.5),
            (0.5, 0.49999),
            "and leaves that of 2 others, which it has not seen, at 0.500",
        ),
        ((0.3, 0.5), (0.5, 0.49999), "pull θ their own way"),
        ((0.3, 0.5), (0.5, 0.55), "pull θ their own way"),
        ((0.7, 0.8), (0.5, 0.55), "lower β"),
        ((math.nan, 0.8), (0.5, 0.55), "not finite"),
    ],
)
def test_a_meta_update(after: tuple, others: tuple, said: str) -> None:
    assert said in describe_meta_update((0.5, 0.5), after, others)


def test_angles() -> None:
    said = describe_angles({"first-order MAML": 35.2, "Reptile": 95.0, "multi-task": math.nan})
    assert said == (
        "Away from MAML's direction: first-order MAML 35° and Reptile 95°. Above 90° a small step "
        "makes MAML's objective worse: Reptile would train against it here. Multi-task says "
        "nothing here: a gradient of zero."
    )
    assert describe_angles({"first-order MAML": 35.2}).endswith("is a fair stand-in for MAML here.")
    assert describe_angles({}) == ""


def test_layers() -> None:
    changes = {"MAML": {"Block 1": 0.01, "Block 4": 0.034}, "pretraining": {"Block 1": 0.0204}}
    assert describe_layers(changes, 5) == (
        "In five inner steps, below the head, MAML moves block 4 most, by 3.4 % of its length and "
        "pretraining moves block 1 most, by 2 % of its length."
    )
    alike = describe_layers({"MAML": {"Block 1": 0.0044}, "mine": {"Block 1": 0.0047}}, 1)
    assert alike == (
        "In one inner step, below the head, block 1 moves most: MAML by 0.44 % of its length and "
        "mine by 0.47 % of its length."
    )
    dead = {"zeros": {}, "huge": {"Block 1": math.nan}}
    assert describe_layers({"MAML": {"Block 1": 0.02}} | dead, 1) == (
        "In one inner step, below the head, MAML moves block 1 most, by 2 % of its length."
    )
    assert describe_layers({"zeros": {}}, 1) == ""


def test_waves() -> None:
    errors = {"MAML": (9.6, 1.02, 0.15), "multi-task training": (9.65, 7.3, 3.77)}
    assert describe_fits(errors, (0, 1, 10), 10) == (
        "After one step MAML's error is 1.02, multi-task training's 7.30, 7.2 times as much. "
        "After ten steps MAML's error is 0.15, multi-task training's 3.77, 25 times as much. "
        "Before it both were equally wrong: what differs is not where they start, but where a "
        "step leads."
    )
    assert "multi-task training's error is 1.00, MAML's 4.00" in describe_fits(
        {"MAML": (9.0, 4.0), "multi-task training": (1.0, 1.0)}, (0, 1), 5
    )
    assert "about equally near" in describe_fits({"a": (1.0, 0.5), "b": (1.0, 0.5)}, (0, 1), 5)
    assert "nothing to adapt to" in describe_fits(errors, (0, 1, 10), 0)
    assert "off the scale" in describe_fits({"a": (1.0, math.inf), "b": (1.0, 1.0)}, (0, 1), 5)
    means = {"a": (3.0, 1.0, 0.5), "b": (3.0, 2.0, 0.55)}
    ci95 = {"a": (0.1, 0.1, 0.1), "b": (0.1, 0.1, 0.1)}
    assert describe_errors(means, ci95, 600) == (
        "Over 600 waves: after one step a 1.00 and b 2.00 (the intervals are apart); after two "
        "steps a 0.50 and b 0.55 (the intervals overlap)."
    )


def test_a_training() -> None:
    flat, wide = (0.2, 0.3), (0.0, 0.04)
    assert describe_training([], [], [], 5) == ""
    assert describe_training([0], [flat], [wide], 5) == (
        "After 0 updates the accuracy after one inner step is 30.0 ± 4.0 %; guessing has 20 %. "
        "Training begins here."
    )
    learned = describe_training([0, 300], [flat, (0.2, 0.65)], [wide, wide], 5)
    assert "After 300 updates the accuracy after one inner step is 65.0 ± 4.0 %" in learned
    assert learned.endswith("θ has learned to learn: 35 points more from the same steps.")
    for now, said in ((0.32, "intervals overlap"), (0.21, "It has become worse")):
        assert said in describe_training([0, 9], [flat, (0.2, now)], [wide, wide], 5)
    chance = describe_training([0, 9], [(0.2, 0.2), (0.2, 0.2)], [wide, wide], 5)
    assert "still near chance" in chance


OMNIGLOT, MNIST = AvailableClasses(659, 47), AvailableClasses(10, 0)
BOARDS = AvailableClasses(7, 4)  # of characters that visitors drew
FIVE, TWENTY = EpisodeSpec(5, 1, 10), EpisodeSpec(20, 1, 10)


def test_what_is_harder_exists() -> None:
    for available, n_way, k_shot, within, said in (
        (OMNIGLOT, 5, 5, True, "more classes"),
        (OMNIGLOT, 20, 1, False, "classes of one alphabet"),
        (OMNIGLOT, 20, 5, True, "fewer examples of each class"),
        (OMNIGLOT, 20, 1, True, "another episode"),
        (MNIST, 9, 1, False, "more classes"),
        (MNIST, 10, 5, False, "fewer examples of each class"),
        (MNIST, 10, 1, True, "another episode"),  # there the switch does nothing
        (BOARDS, 6, 1, False, "more classes"),
        (BOARDS, 7, 1, False, "another episode"),  # no alphabet has so many
        (BOARDS, 4, 1, False, "more classes"),
        (BOARDS, 4, 1, True, "another episode"),
        (BOARDS, 3, 1, True, "more classes"),
    ):
        shape = EpisodeSpec(n_way, k_shot, 10, within_alphabet=within)
        assert something_harder(shape, available) == said, (available, shape)


def test_a_replay() -> None:
    assert describe_replay({0: (10, 118, 170), 500: (10, 181, 190)}, 200, TWENTY, OMNIGLOT) == (
        "After one inner step θ has 118 of 200 right before meta-training and 181 after 500 "
        "updates of it; after two 170 and 190. Meta-training buys the first step."
    )
    dip = describe_replay({0: (10, 49), 10: (10, 50), 20: (10, 49)}, 50, FIVE, OMNIGLOT)
    assert dip.endswith("In between, after 10 updates, it was 50.")
    assert describe_replay({0: (10, 50), 20: (10, 49)}, 50, FIVE, OMNIGLOT).endswith(
        "try more classes."
    )


def test_an_episode() -> None:
    assert describe_episode(EpisodeSpec(5, 1, 10), 4).startswith(
        "5 labelled pictures to learn from, a single example of each class; 50 pictures to "
        "classify, of which guessing gets 10. The classes are from four alphabets."
    )
    assert "All classes are from one alphabet" in describe_episode(EpisodeSpec(5, 1, 10), 1)
    assert "two examples of each class" in describe_episode(EpisodeSpec(2, 2, 1), None)
