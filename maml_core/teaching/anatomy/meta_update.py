"""One meta-update taken apart: what each line of MAML's algorithm computes on a few tasks.

θ is `params`, θ′ `adapted`, α `inner_lr`, β `meta_lr` (Finn et al. 2017, arXiv:1703.03400,
Algorithm 1). A task's *meta-gradient* is ∇_θ L_query(θ′) of that task alone; θ follows their mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

import torch
from torch import nn

from maml_core.config import AdaptConfig, TrainConfig
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.trajectory import AdaptationTrajectory, measure_trajectory
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import support_gradient
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.params import Params, add, norm, subtract
from maml_core.optimisation.outer_loop import Metrics, TrainState, optimise
from maml_core.optimisation.thread_pool import in_parallel
from maml_core.teaching.anatomy.gradient_comparison import mean_of
from maml_core.teaching.anatomy.layer_changes import layer_norms


@dataclass(frozen=True, eq=False)
class TaskContribution:
    """The inner loop on one task of the batch, and the meta-gradient that follows from it.

    Attributes:
        support_loss: At θ, nats.
        support_gradient_norms: Of its gradient at θ, by layer.
        layer_distances: How far the layers moved from θ to θ′.
        adapted_support_loss: At θ′.
        query_loss: At θ′.
        accuracy: On the query set at θ′, 0 to 1.
        meta_gradient: ∇_θ of that query loss, through the inner steps.
    """

    support_loss: float
    support_gradient_norms: dict[str, float]
    layer_distances: dict[str, float]
    adapted_support_loss: float
    query_loss: float
    accuracy: float
    meta_gradient: Params


@dataclass(frozen=True, eq=False)
class MetaUpdate:
    """One update of θ.

    Attributes:
        start: θ.
        tasks: The contribution of each task of the batch.
        gradient: The mean of their meta-gradients.
        change: The new θ minus θ.
        query_losses: After adapting from the new θ, of each task.
        steepest_descent_loss: Their mean had θ moved as far straight against the gradient.
        other_tasks_loss_before: Mean query loss of other tasks after adapting from θ.
        other_tasks_loss_after: Likewise from the new θ.
    """

    start: Params
    tasks: tuple[TaskContribution, ...]
    gradient: Params
    change: Params
    query_losses: tuple[float, ...]
    steepest_descent_loss: float
    other_tasks_loss_before: float
    other_tasks_loss_after: float


def decompose_meta_update(
    model: nn.Module, params: Params, episodes: Iterable[Episode], config: TrainConfig
) -> Iterator[TaskContribution]:
    """Yield what each task of a meta-batch contributes, one after the other.

    Args:
        model: The network.
        params: θ, as it is meta-trained: its head may have one row.
        episodes: The batch.
        config: The method, α, inner steps and how queries are normalised.
    """
    return in_parallel(partial(_task_contribution, model, params, config), episodes)


def _task_contribution(
    model: nn.Module, params: Params, config: TrainConfig, episode: Episode
) -> TaskContribution:
    task = episode.task
    start, *_, adapted = _adapt(model, params, config, episode)
    gradient = support_gradient(model, start, task.support_x, task.support_y)
    ends = _measure(model, config, episode, (start, adapted))
    meta_gradient, _ = META_GRADIENTS[config.method](model, params, episode.tensors, config)
    return TaskContribution(
        support_loss=float(ends.support_loss[0]),
        support_gradient_norms=layer_norms(gradient),
        layer_distances=layer_norms(subtract(adapted, start)),
        adapted_support_loss=float(ends.support_loss[-1]),
        query_loss=float(ends.query_loss[-1]),
        accuracy=float(ends.accuracy[-1]),
        meta_gradient=meta_gradient,
    )


def apply_meta_update(
    model: nn.Module,
    params: Params,
    tasks: Sequence[TaskContribution],
    episodes: Sequence[Episode],
    other_episodes: Sequence[Episode],
    config: TrainConfig,
) -> MetaUpdate:
    """Update θ once as meta-training does, and measure what that brings.

    Args:
        model: The network.
        params: θ.
        tasks: What `decompose_meta_update` returned at θ.
        episodes: The batch it was given.
        other_episodes: Tasks that did not contribute to the update, at least one.
        config: As for `decompose_meta_update`; its `meta_lr` is β of Adam's first step.
    """
    gradient = mean_of([task.meta_gradient for task in tasks])
    metrics = Metrics(torch.tensor(torch.nan), torch.tensor(torch.nan))  # measured below, at new θ
    (update,) = optimise(
        lambda *_: (gradient, metrics), TrainState(0, params), [None], lr=config.meta_lr, steps=1
    )
    change = subtract(update.params, params)
    length = float(norm(gradient))
    straight = add(params, gradient, -float(norm(change)) / length) if length else params
    query_losses = partial(_query_losses, model, config)
    return MetaUpdate(
        start=params,
        tasks=tuple(tasks),
        gradient=gradient,
        change=change,
        query_losses=query_losses(update.params, episodes),
        steepest_descent_loss=fmean(query_losses(straight, episodes)),
        other_tasks_loss_before=fmean(query_losses(params, other_episodes)),
        other_tasks_loss_after=fmean(query_losses(update.params, other_episodes)),
    )


def _learner(model: nn.Module, params: Params, config: TrainConfig, n_way: int) -> Learner:
    """Return the learner that adapts from θ as in meta-training."""
    return Learner(config.method, model, params, {n_way: config.inner_lr_at(n_way)})


def _adapt(model: nn.Module, params: Params, config: TrainConfig, episode: Episode) -> list[Params]:
    n_way = episode.spec.n_way
    adapt_config = AdaptConfig(config.inner_lr_at(n_way), config.inner_steps)
    return adapt_to_episode(_learner(model, params, config, n_way), episode, adapt_config)


def _measure(
    model: nn.Module, config: TrainConfig, episode: Episode, points: Sequence[Params]
) -> AdaptationTrajectory:
    """Measure some points of an adaptation to an episode."""
    n_way = episode.spec.n_way
    return measure_trajectory(
        _learner(model, points[0], config, n_way),
        config.inner_lr_at(n_way),
        points,
        episode.task,
        transductive=config.transductive,
    )


def _query_losses(
    model: nn.Module, config: TrainConfig, params: Params, episodes: Sequence[Episode]
) -> tuple[float, ...]:
    """Return the query loss of each episode after adapting from θ."""

    return tuple(in_parallel(partial(_query_loss, model, config, params), episodes))


def _query_loss(model: nn.Module, config: TrainConfig, params: Params, episode: Episode) -> float:
    adapted = _adapt(model, params, config, episode)[-1:]
    return float(_measure(model, config, episode, adapted).query_loss[-1])
