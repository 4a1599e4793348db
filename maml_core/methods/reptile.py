"""Reptile (Nichol et al. 2018, arXiv:1803.02999): move θ towards the adapted parameters.

A variant: the inner steps are plain gradient descent on the whole support set, where the paper
takes Adam without momentum on mini-batches; the head starts at zero in every task instead of
being learned with θ; and θ − θ′ goes to the outer loop's Adam, where the paper's experiments move
θ by a share of it. So its numbers are not the paper's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.losses import accuracy, mean_cross_entropy
from maml_core.methods.meta_gradient import adapt_to_tasks, gradient_over_tasks, n_way_of
from maml_core.networks.functional import for_n_way, query_logits
from maml_core.networks.meta_params import theta_of
from maml_core.networks.params import Params, flatten, subtract
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

    def moved(meta: Params, some: TaskBatch) -> tuple[Tensor, Metrics]:
        rows = for_n_way(theta_of(meta), n_way_of(some, config))
        with torch.no_grad():
            trajectory = adapt_to_tasks(model, meta, some, config, True, "network")
            pictures = some.support_x, some.query_x
            out = query_logits(model, trajectory[-1], *pictures, transductive=config.transductive)
            change = subtract(rows, trajectory[-1])
        # Of this the gradient by θ is the change, through the choice of the head's rows.
        moves = flatten((change[n] for n in rows), some.query_y.ndim - 1)
        value = (moves * flatten(rows.values())).sum(-1)
        loss = mean_cross_entropy(out, some.query_y)
        return value, Metrics(loss, accuracy(out, some.query_y))

    return gradient_over_tasks(model, moved, meta_params, tasks, config.inner_steps)
