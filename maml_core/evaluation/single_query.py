"""Learners adapted to somebody's own characters, and what they answer for a single one.

A query is answered alone: normalised with the support set's statistics, see
`functional.query_logits`. That is what the shipped weights are trained for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maml_core.config import AdaptConfig
from maml_core.images.tensors import character_to_tensor
from maml_core.learners.adaptation import adapt_to_pictures
from maml_core.learners.learner import Learner
from maml_core.networks.functional import query_logits
from maml_core.networks.params import Params
from maml_core.optimisation.thread_pool import in_parallel


@dataclass(frozen=True, eq=False)
class Adapted:
    """A learner and its way on one support set; read-only.

    Attributes:
        learner: What adapted.
        inner_lr: The α it took.
        support_x: float32 [B, 1, 28, 28].
        trajectory: θ₀ … θ_S.
    """

    learner: Learner
    inner_lr: float
    support_x: Tensor
    trajectory: tuple[Params, ...]


def adapt_each(
    learners: Mapping[str, Learner], support: Sequence[Sequence[np.ndarray]], inner_steps: int
) -> dict[str, Adapted]:
    """Adapt each learner to the same characters, with its own α.

    Args:
        learners: By name.
        support: Of each class one or more characters, uint8 [105, 105]; the classes need not
            have equally many.
        inner_steps: Gradient steps, 0 to 100.

    Raises:
        ValueError: A class without a character.
    """
    for label, row in enumerate(support):
        if not row:
            raise ValueError(f"Class {label} has no character; give it at least one.")
    x = torch.stack([character_to_tensor(character) for row in support for character in row])
    y = torch.tensor([label for label, row in enumerate(support) for _ in row])

    def adapted(learner: Learner) -> Adapted:
        config = AdaptConfig(learner.inner_lr(len(support)), inner_steps)
        trajectory = adapt_to_pictures(learner, x, y, len(support), config)
        return Adapted(learner, config.inner_lr, x, tuple(trajectory))

    return dict(zip(learners, in_parallel(adapted, learners.values()), strict=True))


def probabilities(adapted: Mapping[str, Adapted], character: np.ndarray) -> dict[str, np.ndarray]:
    """Return how likely each learner holds each class, at each inner step.

    Args:
        adapted: Learners on one support set, by name.
        character: The query, uint8 [105, 105]; 255 is ink.

    Returns:
        float64 [inner_steps + 1, n_way] by name; rows sum to 1. At step 0 all classes are alike.
        Not a number from where α was too large.
    """
    query_x = character_to_tensor(character)[None]

    @torch.no_grad()
    def of(one: Adapted) -> np.ndarray:
        found = [
            query_logits(one.learner.model, params, one.support_x, query_x, transductive=False)
            for params in one.trajectory
        ]
        softmax: np.ndarray = torch.cat(found).double().softmax(-1).numpy()
        return softmax

    return dict(zip(adapted, in_parallel(of, adapted.values()), strict=True))
