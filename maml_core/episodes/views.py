"""Views of an episode for test-time augmentation: the same pictures at each quarter turn."""

from __future__ import annotations

import torch

from maml_core.episodes.task_batch import TaskBatch


def rotated_views(task: TaskBatch) -> list[TaskBatch]:
    """Return a task, with or without a batch dimension, as it is and at each quarter turn."""
    return [
        task._replace(
            support_x=torch.rot90(task.support_x, turn, (-2, -1)),
            query_x=torch.rot90(task.query_x, turn, (-2, -1)),
        )
        for turn in range(4)
    ]
