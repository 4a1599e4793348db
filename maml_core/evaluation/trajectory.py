"""An adaptation inner step by inner step: its parameters, losses and accuracies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maml_core.episodes.task_batch import TaskBatch
from maml_core.learners.learner import Learner
from maml_core.methods.losses import accuracy
from maml_core.networks.functional import logits, query_logits
from maml_core.networks.params import Params
from maml_core.optimisation.thread_pool import in_parallel


def _unmeasured() -> np.ndarray:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class AdaptationTrajectory:
    """One learner's adaptation to one support set at its S + 1 points θ₀ … θ_S; read-only.

    Fields that were not measured or kept are empty.

    Attributes:
        method: The learner's name.
        inner_lr: The α it took.
        support_loss: Cross-entropy in nats, float64 [S + 1]; not finite where α was too large.
        query_loss: Likewise.
        accuracy: On the query set, 0 to 1, float64 [S + 1].
        predictions: The label of each query picture, int64 [S + 1, n_way * q_query].
        support_accuracy: On the support set, 0 to 1, float64 [S + 1].
        params: θ₀ … θ_S, each with a head of N rows.
    """

    method: str
    inner_lr: float
    support_loss: np.ndarray = field(default_factory=_unmeasured)
    query_loss: np.ndarray = field(default_factory=_unmeasured)
    accuracy: np.ndarray = field(default_factory=_unmeasured)
    predictions: np.ndarray = field(default_factory=_unmeasured)
    support_accuracy: np.ndarray = field(default_factory=_unmeasured)
    params: tuple[Params, ...] = ()

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """By set, 'support' and 'query': nats, float64 [S + 1]."""
        return {"support": self.support_loss, "query": self.query_loss}

    @property
    def accuracies(self) -> dict[str, np.ndarray]:
        """By set, 0 to 1, float64 [S + 1]."""
        return {"support": self.support_accuracy, "query": self.accuracy}

    @property
    def diverged_at(self) -> int | None:
        """The first step after which a loss is not a finite number, or None."""
        bad = ~(np.isfinite(self.support_loss) & np.isfinite(self.query_loss))
        return int(bad.argmax()) if bad.any() else None


def measure_trajectory(
    learner: Learner,
    inner_lr: float,
    points: Iterable[Params],
    task: TaskBatch,
    *,
    transductive: bool = True,
    parallel: bool = False,
) -> AdaptationTrajectory:
    """Measure losses and accuracies along an adaptation, on both sets of its episode.

    The support set is normalised with its own statistics, as in the inner loop.

    Args:
        learner: What adapted.
        inner_lr: The α it took.
        points: The parameters θ₀ … θ_S, each with a head of N rows; at least one.
        task: The episode, without a batch dimension.
        transductive: How queries are normalised, see `query_logits`.
        parallel: Measure on all cores; not allowed inside the thread pool.
    """
    at_point = partial(_measure_point, learner, task, transductive)
    measured = in_parallel(at_point, points) if parallel else map(at_point, points)
    losses, accuracies, predictions = map(torch.stack, zip(*measured, strict=True))
    support_loss, query_loss = losses.T.double().cpu().numpy()
    support_accuracy, query_accuracy = accuracies.T.double().cpu().numpy()
    return AdaptationTrajectory(
        method=learner.method,
        inner_lr=inner_lr,
        support_loss=support_loss,
        query_loss=query_loss,
        accuracy=query_accuracy,
        predictions=predictions.cpu().numpy(),
        support_accuracy=support_accuracy,
    )


@torch.no_grad()
def _measure_point(
    learner: Learner, task: TaskBatch, transductive: bool, params: Params
) -> tuple[Tensor, Tensor, Tensor]:
    """Return losses and accuracies on support and query set, both [2], and query labels, [Q]."""
    support = logits(learner.model, params, task.support_x)
    query = query_logits(
        learner.model, params, task.support_x, task.query_x, transductive=transductive
    )
    pairs = ((support, task.support_y), (query, task.query_y))
    return (
        torch.stack([F.cross_entropy(out, y) for out, y in pairs]),
        torch.stack([accuracy(out, y) for out, y in pairs]),
        query.argmax(-1),
    )
