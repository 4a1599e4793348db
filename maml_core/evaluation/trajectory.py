"""What one adaptation did, inner step by inner step: the numbers behind every chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.losses import accuracy
from maml_core.networks.functional import logits, query_logits
from maml_core.networks.params import Params


class Trace(NamedTuple):
    """One episode's measures at the S + 1 points θ₀ … θ_S; at a single point without S + 1.

    Attributes:
        support_loss: Cross-entropy on the support set, nats, [S + 1].
        query_loss: Likewise on the query set, [S + 1].
        accuracy: On the query set, 0 to 1, [S + 1].
        query_logits: [S + 1, n_way * q_query, n_way].
    """

    support_loss: Tensor
    query_loss: Tensor
    accuracy: Tensor
    query_logits: Tensor


@torch.no_grad()
def measure(
    model: nn.Module, params: Params, task: TaskBatch, *, transductive: bool = True
) -> Trace:
    """Measure one point of an adaptation.

    Args:
        model: The network.
        params: Where, with a head of N rows.
        task: One episode, without a batch dimension.
        transductive: How queries are normalised, see `query_logits`.
    """
    support = logits(model, params, task.support_x)
    query = query_logits(model, params, task.support_x, task.query_x, transductive=transductive)
    return Trace(
        support_loss=F.cross_entropy(support, task.support_y),
        query_loss=F.cross_entropy(query, task.query_y),
        accuracy=accuracy(query, task.query_y),
        query_logits=query,
    )


def trace(points: Iterable[Trace]) -> Trace:
    """Put the measures of a trajectory's points together, in order."""
    return Trace(*map(torch.stack, zip(*points, strict=True)))
