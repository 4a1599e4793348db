"""What is said of how far apart the features hold the classes."""

from __future__ import annotations

import math

from maml_core.teaching.sentences.features import (
    MethodSeparation,
    describe_separation,
    separations_in_words,
)

MAML = MethodSeparation("MAML", "meta-trained", (0.711, 0.711, 0.724))
PRETRAINED = MethodSeparation("pretraining", "pretrained", (0.62, 0.62, 0.601))
RANDOM = MethodSeparation("the random initialisation", "other", (0.19, 0.19, 0.36))
PROTONET = MethodSeparation("ProtoNet", "no step", (0.75, 0.75, 0.75))


def test_before_and_after_are_said_in_percent_and_whose_start_is_better():
    assert describe_separation([MAML, PRETRAINED]) == (
        "Before the first step classes explain 71 % of MAML's variance and 62 % of pretraining's; "
        "after two steps 72 % and 60 %. The steps hardly change that. "
        "MAML's θ itself holds these classes further apart than pretraining's."
    )


def test_whose_features_the_steps_move_is_said_in_either_direction():
    falling = MethodSeparation("BOIL", "meta-trained", (0.5, 0.4))
    rising = MethodSeparation("pretraining", "pretrained", (0.5, 0.6))
    said = describe_separation([MAML, RANDOM])
    assert "move the classes further apart in the random initialisation's features." in said
    said = describe_separation([falling, rising])
    assert "further apart in pretraining's features and closer together in BOIL's." in said
    assert said.endswith("BOIL's θ and pretraining's hold the classes about equally far apart.")


def test_the_better_start_may_be_pretrainings():
    weak = MethodSeparation("MAML", "meta-trained", (0.5, 0.5))
    better = MethodSeparation("pretraining", "pretrained", (0.6, 0.6))
    assert describe_separation([weak, better]).endswith(
        "Pretraining's θ itself holds these classes further apart than MAML's."
    )


def test_who_takes_no_step_is_told_apart():
    assert "Without a step they explain 75 % of ProtoNet's." in describe_separation(
        [MAML, PROTONET]
    )
    assert describe_separation([PROTONET]) == (
        "Without a step classes explain 75 % of ProtoNet's variance."
    )


def test_features_that_are_not_finite_are_named():
    gone = MethodSeparation("MAML", "meta-trained", (0.7, math.nan))
    said = describe_separation([gone, RANDOM])
    assert "The features of MAML are not finite at the end." in said
    assert "nan" not in said
    assert "not finite at step 1" in separations_in_words(gone.by_step)
    assert "70 % at step 0" in separations_in_words(gone.by_step)
