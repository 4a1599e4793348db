"""Learners adapted to hand-drawn characters, and their class probabilities for a single query.

A query is classified on its own, normalised with the support set's statistics (inductive, see
`functional.query_logits`), for which the shipped weights were trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from maml_core.config import AdaptConfig
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.images.tensors import character_to_tensor
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.learner import Learner
from maml_core.networks.functional import trajectory_query_logits
from maml_core.optimisation.thread_pool import map_in_parallel


def adapt_each(
    learners: Mapping[str, Learner], support: Sequence[Sequence[np.ndarray]], inner_steps: int
) -> dict[str, AdaptationTrajectory]:
    """Adapt each learner to the same characters, with its own α.

    Args:
        learners: By name.
        support: One or more characters of each class, uint8 [105, 105]; the number may differ
            between classes.
        inner_steps: Gradient steps, 0 to 100.

    Raises:
        ValueError: A class without a character.
    """
    x, y = support_tensors(support)

    return map_in_parallel(partial(_adapted, x, y, len(support), inner_steps), learners)


def _adapted(
    x: Tensor, y: Tensor, n_way: int, inner_steps: int, learner: Learner
) -> AdaptationTrajectory:
    config = AdaptConfig(learner.inner_lr(n_way), inner_steps)
    params = adapt_to_support(learner, x, y, n_way, config)
    return AdaptationTrajectory(learner.method, config.inner_lr, params=tuple(params))


def probabilities(
    learners: Mapping[str, Learner],
    adapted: Mapping[str, AdaptationTrajectory],
    support: Sequence[Sequence[np.ndarray]],
    character: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return each learner's class probabilities for one query at each inner step.

    Args:
        learners: By name.
        adapted: The result of `adapt_each` on `support`, by name.
        support: The characters of each class, uint8 [105, 105].
        character: The query, uint8 [105, 105]; 255 is ink.

    Returns:
        float64 [inner_steps + 1, n_way] by name; rows sum to 1. At step 0 all classes are equally
        likely to who descends from a head of zeros. NaN from the step at which α made it diverge.
    """
    support_x, _ = support_tensors(support)
    query_x = character_to_tensor(character)[None]

    # Not sent to a process: to send it all points takes longer than to run one picture through.
    @torch.no_grad()
    def probabilities_of(name: str) -> np.ndarray:
        logits = trajectory_query_logits(
            learners[name].model, adapted[name].params, support_x, query_x, transductive=False
        )
        softmax: np.ndarray = logits[:, 0].double().softmax(-1).numpy()
        return softmax

    return map_in_parallel(probabilities_of, {name: name for name in adapted})


def support_tensors(support: Sequence[Sequence[np.ndarray]]) -> tuple[Tensor, Tensor]:
    """Return the network's inputs, float32 [B, 1, 28, 28], and labels, [B], of a support set."""
    for label, row in enumerate(support):
        if not row:
            raise ValueError(f"Class {label} has no character; give it at least one.")
    x = torch.stack([character_to_tensor(character) for row in support for character in row])
    return x, torch.tensor([label for label, row in enumerate(support) for _ in row])
