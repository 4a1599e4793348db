"""What one adaptation did, inner step by inner step: the numbers behind every chart."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.adaptation import Rates, accuracy, adapt
from maml_core.episodes import TaskBatch
from maml_core.models import logits
from maml_core.params import Params


class Trace(NamedTuple):
    """One episode's adaptation at each of its S + 1 points θ₀ … θ_S.

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


def trace(
    model: nn.Module,
    params: Params,
    task: TaskBatch,
    *,
    inner_lr: float,
    inner_steps: int,
    rates: Rates | None = None,
) -> Trace:
    """Adapt to one episode and measure every step on the way.

    The query pictures are normalised with their own batch's statistics (transductive).

    Args:
        model: The network.
        params: θ₀, with a head of N rows.
        task: One episode, without a batch dimension.
        inner_lr: α > 0.
        inner_steps: S ≥ 0.
        rates: Factors on α by name, see `adapt`.
    """
    trajectory = adapt(
        model,
        params,
        task.support_x,
        task.support_y,
        inner_lr=inner_lr,
        inner_steps=inner_steps,
        differentiable=False,
        rates=rates,
    )
    support = [logits(model, fast, task.support_x) for fast in trajectory]
    query = [logits(model, fast, task.query_x) for fast in trajectory]
    return Trace(
        support_loss=torch.stack([F.cross_entropy(out, task.support_y) for out in support]),
        query_loss=torch.stack([F.cross_entropy(out, task.query_y) for out in query]),
        accuracy=torch.stack([accuracy(out, task.query_y) for out in query]),
        query_logits=torch.stack(query),
    )
