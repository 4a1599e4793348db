"""Views of an episode for rotation test-time augmentation (TTA)."""

from __future__ import annotations

import torch

from maml_core.episodes.task_batch import TaskBatch


def rotated_views(task: TaskBatch) -> list[TaskBatch]:
    """Return a task rotated by 0°, 90°, 180° and 270°; it may have a batch dimension."""
    return [
        task._replace(
            support_x=torch.rot90(task.support_x, turn, (-2, -1)),
            query_x=torch.rot90(task.query_x, turn, (-2, -1)),
        )
        for turn in range(4)
    ]
