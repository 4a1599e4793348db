"""Open-set rejection: whether a query belongs to none of the classes of the support set.

A softmax distributes probability 1 over the classes it knows, so even an unknown character is
assigned to one of them. The statistic here is the maximum cosine similarity between the query's
features and the mean features of each class, at θ, before any adaptation; below a threshold the
query is rejected, "none of these" (class means as prototypes: Snell et al. 2017,
arXiv:1703.05175). On validation characters it separates known from unknown better than the adapted
network's largest probability or logit: see `python -m benchmarks.studies.open_set --compare`.
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
# Former names of the fields of `Threshold`, in files written before they were renamed.
OLD_FIELDS = {
    "likeness": "max_cosine_similarity",
    "false_alarms": "false_rejection_rate",
    "misses": "false_acceptance_rate",
    "n_foreign": "n_unknown",
}


@dataclass(frozen=True)
class Threshold:
    """The rejection threshold at one N and K, and its error rates.

    Attributes:
        n_way: N, classes.
        k_shot: K, support characters per class.
        max_cosine_similarity: A query below it is rejected, -1 to 1; chosen so that 5 % of the
            validation queries of known classes are rejected.
        false_rejection_rate: Fraction of test queries of known classes that are rejected, 0 to 1.
        false_acceptance_rate: Fraction of test queries of unknown classes that are not, 0 to 1.
        n_known: Test queries that `false_rejection_rate` is estimated from.
        n_unknown: Test queries that `false_acceptance_rate` is estimated from.
    """

    n_way: int
    k_shot: int
    max_cosine_similarity: float
    false_rejection_rate: float
    false_acceptance_rate: float
    n_known: int
    n_unknown: int


@torch.no_grad()
def max_cosine_similarities(
    learner: Learner, support_x: Tensor, support_y: Tensor, query_x: Tensor
) -> Tensor:
    """Return the maximum cosine similarity of each query to the classes, -1 to 1, [Q].

    Args:
        learner: The network whose features at θ are compared.
        support_x: [B, 1, 28, 28].
        support_y: [B], labels from 0, each at least once.
        query_x: [Q, 1, 28, 28]; normalised with the support set's statistics.
    """
    support, query = normalised_features(
        learner.model, learner.params, support_x, query_x, transductive=False
    )
    members = F.one_hot(support_y).to(support)  # [B, n_way]
    means = F.normalize(members.T @ support, dim=1)
    return (query @ means.T).amax(1)


def max_cosine_similarity(
    learner: Learner, support: Sequence[Sequence[np.ndarray]], character: np.ndarray
) -> float:
    """Return the maximum cosine similarity of a character to the classes, -1 to 1.

    Args:
        learner: The network whose features at θ are compared.
        support: One or more characters of each class, uint8 [105, 105]; 255 is ink.
        character: The query, likewise.
    """
    return float(
        max_cosine_similarities(
            learner, *support_tensors(support), character_to_tensor(character)[None]
        )
    )


@cache
def thresholds(path: Path = CALIBRATION) -> dict[tuple[int, int], Threshold]:
    """Return the calibrated thresholds by N and K; files with the old field names are read, too."""
    rows = json.loads(path.read_text(encoding="utf-8"))["thresholds"]
    current = ({OLD_FIELDS.get(name, name): value for name, value in row.items()} for row in rows)
    return {(row["n_way"], row["k_shot"]): Threshold(**row) for row in current}
