"""The loss of one episode at a point of parameter space, and at many points of a plane at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from maml_core.episodes.task_batch import TaskBatch
from maml_core.landscape.planes import Plane
from maml_core.methods.losses import accuracy, mean_cross_entropy
from maml_core.networks.functional import logits, query_logits
from maml_core.networks.params import Params


@torch.no_grad()
def loss_and_accuracy(
    model: nn.Module, params: Params, task: TaskBatch, which: str
) -> tuple[float, float]:
    """Return loss, in nats, and accuracy, 0 to 1, on the support or the query set.

    The support loss is the inner loop's: its pictures are normalised with their own statistics.
    Queries are normalised with theirs, as on the Adapt page (`functional.query_logits`).

    Args:
        model: The network.
        params: Where, with a head of N rows.
        task: One episode, without a batch dimension.
        which: 'support' or 'query'.
    """
    loss, share = _loss_and_accuracy(model, params, task, which)
    return float(loss), float(share)


@torch.no_grad()
def loss_and_accuracy_at_points(
    model: nn.Module, plane: Plane, places: np.ndarray, task: TaskBatch, which: str
) -> np.ndarray:
    """Return the same at several points of a plane at once, [n, 2] for places [n, 2]."""
    points = plane.points(torch.as_tensor(places).to(next(iter(plane.origin.values()))))
    at_each = TaskBatch(*(value.expand(len(places), *value.shape) for value in task))
    found: np.ndarray = torch.stack(_loss_and_accuracy(model, points, at_each, which), 1).numpy()
    return found


def _loss_and_accuracy(
    model: nn.Module, params: Params, task: TaskBatch, which: str
) -> tuple[Tensor, Tensor]:
    if which == "support":
        out, y = logits(model, params, task.support_x), task.support_y
    else:
        out = query_logits(model, params, task.support_x, task.query_x, transductive=True)
        y = task.query_y
    loss = mean_cross_entropy(out, y)
    return loss, accuracy(out, y).to(loss)
