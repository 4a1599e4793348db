"""An adaptation inner step by inner step: its parameters, losses and accuracies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from maml_core.episodes.task_batch import TaskBatch
from maml_core.learners.learner import Learner
from maml_core.methods.losses import accuracy, mean_cross_entropy
from maml_core.networks.functional import at_each_point, logits, trajectory_query_logits
from maml_core.networks.params import Params


def _unmeasured() -> np.ndarray:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class AdaptationTrajectory:
    """One learner's adaptation to one support set at its S + 1 points θ₀ … θ_S; read-only.

    Fields that were not measured or kept are empty.

    Attributes:
        method: The learner's name.
        inner_lr: The α it took; NaN where it took no step.
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
) -> AdaptationTrajectory:
    """Measure losses and accuracies along an adaptation, on both sets of its episode.

    The support set is normalised with its own statistics, as in the inner loop.

    Args:
        learner: What adapted.
        inner_lr: The α it took.
        points: The parameters θ₀ … θ_S, each with a head of N rows; at least one.
        task: The episode, without a batch dimension.
        transductive: How queries are normalised, see `query_logits`.
    """
    losses, accuracies, predictions = _measured(learner, task, list(points), transductive)
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
def _measured(
    learner: Learner, task: TaskBatch, points: Sequence[Params], transductive: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return P points' losses and accuracies on both sets, [P, 2], and query labels, [P, Q]."""
    support = torch.stack(
        at_each_point(lambda params: logits(learner.model, params, task.support_x), points)
    )
    query = trajectory_query_logits(
        learner.model, points, task.support_x, task.query_x, transductive=transductive
    )
    pairs = ((support, task.support_y), (query, task.query_y))
    return (
        torch.stack([mean_cross_entropy(*pair) for pair in pairs], -1),
        torch.stack([accuracy(*pair) for pair in pairs], -1),
        query.argmax(-1),
    )
