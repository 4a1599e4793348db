"""The tensors of episodes, as a network takes them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class TaskBatch(NamedTuple):
    """The tensors of B episodes.

    Attributes:
        support_x: float32 [B, n_way * k_shot, channels, height, width]; of characters
            [B, n_way * k_shot, 1, 28, 28], ink 1, paper 0.
        support_y: int64 [B, n_way * k_shot], labels 0 to n_way - 1.
        query_x: float32 [B, n_way * q_query, channels, height, width].
        query_y: int64 [B, n_way * q_query].
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor


def first_task(tensors: TaskBatch) -> TaskBatch:
    """Return a batch's first task, without the batch dimension."""
    return TaskBatch(*(tensor[0] for tensor in tensors))
