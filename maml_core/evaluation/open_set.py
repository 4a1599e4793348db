"""None of these: whether a query belongs to no class of the support set.

A softmax divides its certainty among the classes it has, so something foreign gets an answer like
everything else. What is asked here is how alike the query is to the class it is most alike to:
the cosine between its features and the class's mean, at θ, before any adaptation. Below a
threshold the query is called none of these (open-set recognition; the mean of a class as its
prototype: Snell et al. 2017, arXiv:1703.05175). On validation characters this tells known from
foreign better than the adapted network's largest probability or logit: see
`python -m benchmarks.studies.open_set --compare`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maml_core.evaluation.single_query import support_tensors
from maml_core.images.tensors import character_to_tensor
from maml_core.learners.learner import Learner
from maml_core.methods.nearest_neighbour import normalised_features
from maml_core.paths import ASSETS

CALIBRATION = ASSETS / "open_set_thresholds.json"
METHOD = "maml"  # whose features are compared


@dataclass(frozen=True)
class Threshold:
    """Where "none of these" begins at one N and K, and how often that is wrong.

    Attributes:
        n_way: Classes.
        k_shot: Characters of each.
        likeness: Below it a query is called none of these, -1 to 1; set on validation characters
            so that a twentieth of the queries that belong to a class are below.
        false_alarms: The share of test queries that belong to a class and are below, 0 to 1.
        misses: The share of test queries of other characters that are not below, 0 to 1.
        n_known: Test queries that `false_alarms` is of.
        n_foreign: Test queries that `misses` is of.
    """

    n_way: int
    k_shot: int
    likeness: float
    false_alarms: float
    misses: float
    n_known: int
    n_foreign: int


@torch.no_grad()
def likenesses(learner: Learner, support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
    """Return how alike each query is to the class it is most alike to, -1 to 1, [Q].

    Args:
        learner: Whose features at θ are compared.
        support_x: [B, 1, 28, 28].
        support_y: [B], labels from 0, each at least once.
        query_x: [Q, 1, 28, 28]; each is normalised alone, with the support set's statistics.
    """
    support, query = normalised_features(
        learner.model, learner.params, support_x, query_x, transductive=False
    )
    members = F.one_hot(support_y).to(support)  # [B, n_way]
    means = F.normalize(members.T @ support, dim=1)
    return (query @ means.T).amax(1)


def likeness(
    learner: Learner, support: Sequence[Sequence[np.ndarray]], character: np.ndarray
) -> float:
    """Return how alike a character is to the class it is most alike to, -1 to 1.

    Args:
        learner: Whose features at θ are compared.
        support: Of each class one or more characters, uint8 [105, 105]; 255 is ink.
        character: The query, likewise.
    """
    return float(
        likenesses(learner, *support_tensors(support), character_to_tensor(character)[None])
    )


@cache
def thresholds(path: Path = CALIBRATION) -> dict[tuple[int, int], Threshold]:
    """Return the calibrated thresholds by N and K."""
    rows = json.loads(path.read_text(encoding="utf-8"))["thresholds"]
    return {(row["n_way"], row["k_shot"]): Threshold(**row) for row in rows}
