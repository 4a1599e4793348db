"""What the meta-gradients of all methods share: adaptation and means over tasks, by `vmap`.

θ is `params`, α `inner_lr`, β `meta_lr`. A method is a function that returns a meta-gradient;
`registry.META_GRADIENTS` names them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn
from torch.func import grad, vmap

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.inner_loop import adapt
from maml_core.networks.functional import for_n_way
from maml_core.networks.inner_lr_multipliers import head_only_multipliers, split_lr_multipliers
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


class MetaGradient(Protocol):
    """What the outer loop of a method descends."""

    def __call__(
        self,
        model: nn.Module,
        meta_params: Params,
        tasks: TaskBatch,
        config: TrainConfig,
        progress: Tensor | None = None,
    ) -> tuple[Params, Metrics]:
        """Return a gradient by parameter name, and what was measured on the way.

        Args:
            model: The network.
            meta_params: θ, and log-factors on α where they are learned.
            tasks: A meta-batch of B tasks.
            config: The method's settings.
            progress: How much of the training lies behind, 0 to 1, a scalar; None: none of it.
        """


TaskObjective = Callable[[Params, TaskBatch], tuple[Tensor, Metrics]]


def gradient_over_tasks(
    task_objective: TaskObjective, meta_params: Params, tasks: TaskBatch
) -> tuple[Params, Metrics]:
    """Return the gradient of an objective's mean over tasks, and the tasks' mean measures.

    Args:
        task_objective: (θ, one task) → what is to be low for it, and what is measured.
        meta_params: θ.
        tasks: A meta-batch.
    """

    def objective(meta: Params) -> tuple[Tensor, Metrics]:
        losses, metrics = vmap(task_objective, in_dims=(None, 0))(meta, tasks)
        return losses.mean(), mean_over_tasks(metrics)

    result: tuple[Params, Metrics] = grad(objective, has_aux=True)(meta_params)
    return result


def n_way_of(tasks: TaskBatch, config: TrainConfig) -> int:
    """Return N of a task or of a meta-batch, from how many queries there are."""
    return tasks.query_y.shape[-1] // config.q_query


def mean_over_tasks(metrics: Metrics) -> Metrics:
    """Return the means of measures [B, …] over their B tasks."""
    return Metrics(*(value.mean(0) for value in metrics))


def adapt_to_task(
    model: nn.Module,
    meta_params: Params,
    task: TaskBatch,
    config: TrainConfig,
    first_order: bool,
    head_only: bool,
) -> list[Params]:
    """Return θ₀ … θ_K of one task's inner loop, see `adapt`, from meta-parameters.

    Args:
        model: The network.
        meta_params: θ, with a head for any N, and log-factors on α where they are learned.
        task: Without a batch dimension.
        config: How, see `TrainConfig`.
        first_order: Treat the inner gradients as constants.
        head_only: Move nothing but the head.
    """
    params, lr_multipliers = split_lr_multipliers(meta_params)
    n_way = n_way_of(task, config)
    return adapt(
        model,
        for_n_way(params, n_way),
        task.support_x,
        task.support_y,
        inner_lr=config.inner_lr_at(n_way),
        inner_steps=config.inner_steps,
        first_order=first_order,
        lr_multipliers=head_only_multipliers(lr_multipliers) if head_only else lr_multipliers,
    )
