"""What the meta-gradients of all methods share: adaptation, and means over tasks.

θ is `params`, α `inner_lr`, β `meta_lr`. A method is a function that returns a meta-gradient;
`registry.META_GRADIENTS` names them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch, first_task
from maml_core.methods.inner_loop import adapt
from maml_core.networks.functional import for_each_task, for_n_way
from maml_core.networks.layers import Network
from maml_core.networks.meta_params import (
    Moving,
    multipliers_for_n_way,
    multipliers_of,
    split_lr_multipliers,
    step_params_of,
)
from maml_core.networks.params import Params, channels_last, detach, gradient
from maml_core.optimisation.cores import worker_count
from maml_core.optimisation.outer_loop import Metrics
from maml_core.optimisation.thread_pool import in_parallel_or_alone


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


Objective = Callable[[Params, TaskBatch], tuple[Tensor, Metrics]]
"""(θ, tasks) → for each of T tasks what is to be low, [T], and what is measured, [T, …]; for one
task without that dimension."""

PICTURES_AT_ONCE = 400  # of 28 × 28; they and what the derivatives need of them take 0.3 GB
WORTH_A_SHARE = 100  # pictures: of fewer the calls cost more than the arithmetic
LEAST_SHARES = 4


def gradient_over_tasks(
    model: nn.Module,
    objective: Objective,
    meta_params: Params,
    tasks: TaskBatch,
    inner_steps: int = 1,
) -> tuple[Params, Metrics]:
    """Return the gradient of an objective's mean over tasks, and the tasks' mean measures.

    On a CPU the tasks are shared out in the thread pool. Up to `LEAST_SHARES` threads the shares,
    and so the rounding, do not depend on their number.

    Args:
        model: The network: one of the project's runs several tasks at once, any other one by one.
        objective: What each task gives.
        meta_params: θ.
        tasks: A meta-batch.
        inner_steps: How often a task's support pictures are passed.
    """
    n_tasks = len(tasks.query_y)
    if isinstance(model, Network):
        shares = _shares(tasks, _n_shares(tasks, inner_steps))
    else:
        shares = [first_task(one) for one in _shares(tasks, n_tasks)]
    work = partial(_summed_gradient, objective, meta_params)
    gradients, metrics = zip(*in_parallel_or_alone(work, shares), strict=True)
    mean = {n: (sum(g[n] for g in gradients) / n_tasks).contiguous() for n in meta_params}
    return mean, Metrics(*(sum(values) / n_tasks for values in zip(*metrics, strict=True)))


def _summed_gradient(
    objective: Objective, meta_params: Params, tasks: TaskBatch
) -> tuple[Params, Metrics]:
    """Return the sums over some tasks."""
    leaves = {n: v.requires_grad_() for n, v in channels_last(detach(meta_params)).items()}
    with torch.enable_grad():
        values, metrics = objective(leaves, tasks)
        total = values.sum()
    sums = (value.detach().sum(0) if values.ndim else value.detach() for value in metrics)
    return gradient(total, leaves), Metrics(*sums)


def _n_shares(tasks: TaskBatch, inner_steps: int) -> int:
    """Return a power of two, for any number of cores that is one, or the number of tasks."""
    if tasks.query_x.is_cuda:
        return 1
    passed = (inner_steps * tasks.support_x.numel() + tasks.query_x.numel()) / 28**2
    least = min(max(LEAST_SHARES, worker_count()), passed / WORTH_A_SHARE)
    wanted = max(1.0, least, passed / PICTURES_AT_ONCE)
    return min(len(tasks.query_y), 1 << math.ceil(math.log2(wanted)))


def _shares(tasks: TaskBatch, n: int) -> list[TaskBatch]:
    """Split a batch into n of about the same size."""
    return [TaskBatch(*part) for part in zip(*(t.tensor_split(n) for t in tasks), strict=True)]


def n_way_of(tasks: TaskBatch, config: TrainConfig) -> int:
    """Return N of a task or of a meta-batch, from how many queries there are."""
    return tasks.query_y.shape[-1] // config.q_query


def adapt_to_tasks(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    first_order: bool,
    moves: Moving,
) -> list[Params]:
    """Return θ₀ … θ_K of the inner loop, see `adapt`, from meta-parameters.

    Args:
        model: The network.
        meta_params: θ, with a head for any N, and log-factors on α where they are learned.
        tasks: Some, or one without a batch dimension.
        config: How, see `TrainConfig`.
        first_order: Treat the inner gradients as constants.
        moves: What the inner loop moves.
    """
    params, lr_multipliers = split_lr_multipliers(meta_params)
    n_way, batch = n_way_of(tasks, config), tuple(tasks.query_y.shape[:-1])
    return adapt(
        model,
        for_each_task(for_n_way(params, n_way), batch),
        tasks.support_x,
        tasks.support_y,
        inner_lr=config.inner_lr_at(n_way),
        inner_steps=config.inner_steps,
        first_order=first_order,
        lr_multipliers=multipliers_for_n_way(multipliers_of(moves, params, lr_multipliers), n_way),
        step_params=[for_each_task(own, batch) for own in step_params_of(meta_params)],
    )
