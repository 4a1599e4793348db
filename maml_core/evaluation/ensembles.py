"""Ensembles: learners that answer together, see `accuracy.episode_accuracy`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.methods.catalogue import NEAREST, weights_of
from maml_core.methods.nearest_neighbour import cosine_head

ENSEMBLE = "ensemble"  # in place of a method's name
FEWEST = 2  # who answer together
# Those of the results table by split, chosen on validation characters: the best of all, and the
# best of MAML and its descendants, see `benchmarks.studies.which_ensemble`.
TABLE_ENSEMBLES = {"paper": (("maml", "nearest-resnet"), ("maml", "maml_plus_plus"))}


def voters(methods: Iterable[str]) -> tuple[str, ...]:
    """Return those of some methods that can answer in an ensemble: pixels have no features to."""
    return tuple(name for name in methods if weights_of(name) is not None)


def shipped_member(name: str, split: str) -> Learner:
    """Return a member by its method's name, with the weights shipped for a split.

    Raises:
        CheckpointError: There are no such weights.
        ValueError: It compares pixels, which have no features.
    """
    if name not in NEAREST:
        return checkpoints.shipped(name, split)
    features_of = NEAREST[name]
    if features_of is None:
        raise ValueError(f"{name} has no features to vote with; leave it out of the ensemble.")
    return by_cosines(checkpoints.shipped(features_of, split))


def by_cosines(learner: Learner) -> Learner:
    """Return how a nearest neighbour on these weights' features votes.

    With the cosines of a query's features and the means of the classes', which with one example a
    class are the examples themselves.
    """
    return replace(learner, solve_head=cosine_head)


def are_shipped(names: Iterable[str], split: str) -> bool:
    """Say whether there are weights of all members for a split."""
    return all(checkpoints.is_shipped(weights_of(n) or "", split) for n in names)


def describe_ensemble(labels: Iterable[str]) -> str:
    """Return what an ensemble is called, from its members' labels."""
    return f"Ensemble of {', '.join(labels)}"
