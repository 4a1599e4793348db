"""The outer loop: MAML and its relatives, batched over tasks by `vmap`.

θ is `params`, α `inner_lr`, β `meta_lr`. A method is a function that returns a meta-gradient;
`META_GRADIENTS` names them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import grad, vjp, vmap
from torch.nn import functional as F

from maml_core.adaptation import accuracy, adapt, head_rates
from maml_core.config import TrainConfig
from maml_core.episodes import TaskBatch, TaskPool, episode_generator, sample_tasks
from maml_core.models import HEAD, HEAD_ALONE, features, for_n_way, query_logits
from maml_core.optimisation import Measures, Update, descend
from maml_core.params import LOG_RATE, Params, split_rates, subtract

MetaGradient = Callable[..., tuple[Params, Measures]]
"""(model, meta_params, tasks, config, progress) → (gradient by name, measures). `progress` is how
much of the training lies behind, 0 to 1, a scalar tensor; left out, it has just begun."""
TaskObjective = Callable[[Params, TaskBatch], tuple[Tensor, Measures]]


def maml_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
    *,
    first_order: bool = False,
    head_only: bool = False,
) -> tuple[Params, Measures]:
    """Return the exact gradient of the tasks' mean query loss after adaptation.

    ∇_θ Σᵢ L_query(θ′ᵢ)  (Finn et al. 2017, Algorithm 2, line 10), second order through the
    inner loop unless `first_order`. With `multi_step` every step's loss counts, see
    `step_weights`.
    """
    done = tasks.query_x.new_zeros(()) if progress is None else progress
    # A head of one row begins as zeros, which pass no gradient on to the body, whatever θ is. One
    # step then moves the head alone: the body runs once, and is not differentiated twice.
    head_only |= config.inner_steps == 1 and len(meta_params.get(HEAD[0], ())) == 1

    def task_objective(meta: Params, task: TaskBatch) -> tuple[Tensor, Measures]:
        network = model
        if head_only and hasattr(model, "features"):  # which says what the head is given
            network, meta, task = HEAD_ALONE, *_on_features(model, meta, task, config)
        trajectory = _adapt_to(network, meta, task, config, first_order, head_only)
        outs = _query_logits(network, trajectory, task, config)
        losses = torch.stack([F.cross_entropy(out, task.query_y) for out in outs])
        weights = step_weights(config.inner_steps, done) if config.multi_step else None
        objective = losses[-1] if weights is None else weights @ losses[1:]
        return objective, Measures(
            losses[-1], torch.stack([accuracy(out, task.query_y) for out in outs])
        )

    return gradient_over_tasks(task_objective, meta_params, tasks)


def gradient_over_tasks(
    task_objective: TaskObjective, meta_params: Params, tasks: TaskBatch
) -> tuple[Params, Measures]:
    """Return the gradient of an objective's mean over tasks, and the tasks' mean measures.

    Args:
        task_objective: (θ, one task) → what is to be low for it, and what is measured.
        meta_params: θ.
        tasks: A meta-batch.
    """

    def objective(meta: Params) -> tuple[Tensor, Measures]:
        losses, measures = vmap(task_objective, in_dims=(None, 0))(meta, tasks)
        return losses.mean(), _mean_over_tasks(measures)

    result: tuple[Params, Measures] = grad(objective, has_aux=True)(meta_params)
    return result


def step_weights(inner_steps: int, progress: Tensor) -> Tensor:
    """Return what the query loss after each inner step counts, [inner_steps], their sum 1.

    All the same at first; linearly to the last step alone at the end (Antoniou et al. 2019,
    arXiv:1810.09502, section 4, "multi-step loss optimization").

    Args:
        inner_steps: ≥ 1.
        progress: Of the training, 0 to 1, a scalar.
    """
    each = (1 - progress) / inner_steps
    return torch.cat([each.expand(inner_steps - 1), (1 - (inner_steps - 1) * each)[None]])


def reptile_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Measures]:
    """Return the tasks' mean θ − θ′ (Nichol et al. 2018, arXiv:1803.02999, Algorithm 2).

    It learns from the support set alone, at any `progress`; the query set is only measured.
    """
    n_way = _n_way(tasks, config)
    rows: Params
    rows, pull_back = vjp(partial(for_n_way, n_way=n_way), split_rates(meta_params)[0])  # type: ignore[misc]

    def pseudo_gradient(task: TaskBatch) -> tuple[Params, Measures]:
        trajectory = _adapt_to(model, meta_params, task, config, True, False)
        outs = _query_logits(model, trajectory, task, config)
        accuracies = torch.stack([accuracy(out, task.query_y) for out in outs])
        measures = Measures(F.cross_entropy(outs[-1], task.query_y), accuracies)
        return subtract(rows, trajectory[-1]), measures

    moved, measures = vmap(pseudo_gradient)(tasks)
    # Through the choice of the head's rows, as a gradient would go.
    (pseudo,) = pull_back({name: value.mean(0) for name, value in moved.items()})
    return pseudo, _mean_over_tasks(measures)


META_GRADIENTS: dict[str, MetaGradient] = {
    "maml": maml_gradient,
    # ∂θ′/∂θ taken as the identity (Finn et al. 2017, section 5.2).
    "fomaml": partial(maml_gradient, first_order=True),
    # Only the head adapts (Raghu et al. 2020, arXiv:1909.09157).
    "anil": partial(maml_gradient, head_only=True),
    "reptile": reptile_gradient,
    # With no inner step: θ is asked to solve all tasks at once, which contradict each other.
    "joint": maml_gradient,
}


def task_stream(pool: TaskPool, config: TrainConfig, first_step: int = 0) -> Iterator[TaskBatch]:
    """Yield the meta-batch of each update; a resumed run sees the batches it would have seen."""
    specs = config.specs
    for step in range(first_step, config.meta_steps):
        generator = episode_generator(config.seed, step)
        spec = specs[step % len(specs)]
        yield sample_tasks(pool, spec, config.meta_batch_size, generator, augment=config.augment)


def meta_train(
    model: nn.Module,
    start: Update,
    tasks: Iterable[TaskBatch],
    config: TrainConfig,
) -> Iterator[Update]:
    """Meta-train and yield the state after each update (Finn et al. 2017, Algorithm 2).

    Args:
        model: The network.
        start: θ to begin from at step 0, or an earlier state to go on from; stays as it is.
            With `learn_rates` the factors on α are in it, see `params.with_rates`.
        tasks: One meta-batch an update, as `task_stream` yields them.
        config: The method and its settings.

    Yields:
        θ and the `Measures` of the batch that made the update.
    """
    gradient = partial(_meta_gradient, model, config)
    batches = (
        (batch, _progress(step, batch, config)) for step, batch in enumerate(tasks, start.step)
    )
    return descend(
        gradient,
        start,
        batches,
        lr=config.meta_lr,
        steps=config.meta_steps,
        muon_lr=config.muon_lr,
        divisible=True,
    )


def _progress(step: int, tasks: TaskBatch, config: TrainConfig) -> Tensor:
    """Return the progress once a task, so that it is shared out as the tasks are."""
    x = tasks.query_x
    return x.new_full((len(x),), step / max(1, config.meta_steps - 1))


def _meta_gradient(
    model: nn.Module,
    config: TrainConfig,
    meta_params: Params,
    batch: tuple[TaskBatch, Tensor],
) -> tuple[Params, Measures]:
    tasks, progress = batch
    return META_GRADIENTS[config.method](model, meta_params, tasks, config, progress[0])


def _n_way(tasks: TaskBatch, config: TrainConfig) -> int:
    return tasks.query_y.shape[-1] // config.q_query


def _mean_over_tasks(measures: Measures) -> Measures:
    return Measures(*(value.mean(0) for value in measures))


def _on_features(
    model: nn.Module, meta_params: Params, task: TaskBatch, config: TrainConfig
) -> tuple[Params, TaskBatch]:
    """Return the head's own meta-parameters, and the task with what the head is given of it."""
    body, _ = split_rates(meta_params)
    support, query = features(
        model, body, task.support_x, task.query_x, transductive=config.transductive
    )
    head = {n: v for n, v in meta_params.items() if n.removeprefix(LOG_RATE) in HEAD}
    return head, task._replace(support_x=support, query_x=query)


def _query_logits(
    model: nn.Module, trajectory: list[Params], task: TaskBatch, config: TrainConfig
) -> list[Tensor]:
    return [
        query_logits(model, fast, task.support_x, task.query_x, transductive=config.transductive)
        for fast in trajectory
    ]


def _adapt_to(
    model: nn.Module,
    meta_params: Params,
    task: TaskBatch,
    config: TrainConfig,
    first_order: bool,
    head_only: bool,
) -> list[Params]:
    params, rates = split_rates(meta_params)
    n_way = _n_way(task, config)
    return adapt(
        model,
        for_n_way(params, n_way),
        task.support_x,
        task.support_y,
        inner_lr=config.inner_lr_at(n_way),
        inner_steps=config.inner_steps,
        first_order=first_order,
        rates=head_rates(rates) if head_only else rates,
    )
