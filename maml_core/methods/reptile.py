"""Reptile (Nichol et al. 2018, arXiv:1803.02999): move θ towards the adapted parameters.

A variant: the inner steps are plain gradient descent on the whole support set, where the paper
takes Adam without momentum on mini-batches; the head starts at zero in every task instead of
being learned with θ; and θ − θ′ goes to the outer loop's Adam, where the paper's experiments move
θ by a share of it. So its numbers are not the paper's.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.func import vjp, vmap
from torch.nn import functional as F

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.losses import accuracy
from maml_core.methods.meta_gradient import (
    adapt_to_task,
    mean_over_tasks,
    n_way_of,
)
from maml_core.networks.functional import for_n_way, trajectory_query_logits
from maml_core.networks.inner_lr_multipliers import split_lr_multipliers
from maml_core.networks.params import Params, subtract
from maml_core.optimisation.outer_loop import Metrics


def reptile_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return the tasks' mean θ − θ′ (Nichol et al. 2018, arXiv:1803.02999, Algorithm 2).

    It learns from the support set alone, at any `progress`; the query set is only measured.
    """
    n_way = n_way_of(tasks, config)
    rows: Params
    rows, pull_back = vjp(partial(for_n_way, n_way=n_way), split_lr_multipliers(meta_params)[0])  # type: ignore[misc]

    def pseudo_gradient(task: TaskBatch) -> tuple[Params, Metrics]:
        trajectory = adapt_to_task(model, meta_params, task, config, True, False)
        pictures = task.support_x, task.query_x
        outs = trajectory_query_logits(
            model, trajectory, *pictures, transductive=config.transductive
        )
        accuracies = torch.stack([accuracy(out, task.query_y) for out in outs])
        metrics = Metrics(F.cross_entropy(outs[-1], task.query_y), accuracies)
        return subtract(rows, trajectory[-1]), metrics

    moved, metrics = vmap(pseudo_gradient)(tasks)
    # Through the choice of the head's rows, as a gradient would go.
    (pseudo,) = pull_back({name: value.mean(0) for name, value in moved.items()})
    return pseudo, mean_over_tasks(metrics)
