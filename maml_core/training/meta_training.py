"""The outer loop of meta-training (Finn et al. 2017, Algorithm 2) on sampled meta-batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import episode_generator, sample_tasks
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.params import Params
from maml_core.optimisation.distributed import own_rows
from maml_core.optimisation.outer_loop import Metrics, TrainState, optimise, until_divergence


def task_stream(pool: TaskPool, config: TrainConfig, first_step: int = 0) -> Iterator[TaskBatch]:
    """Yield the meta-batch of each update; a resumed run sees the batches it would have seen.

    Of several processes each sees its own tasks of them, see `distributed.own_rows`.
    """
    specs, own = config.specs, own_rows(config.meta_batch_size)
    for step in range(first_step, config.meta_steps):
        generator = episode_generator(config.seed, step)
        spec = specs[step % len(specs)]
        yield sample_tasks(
            pool, spec, config.meta_batch_size, generator, augment=config.augment, part=own
        )


def meta_train(
    model: nn.Module,
    start: TrainState,
    tasks: Iterable[TaskBatch],
    config: TrainConfig,
) -> Iterator[TrainState]:
    """Meta-train and yield the state after each update (Finn et al. 2017, Algorithm 2).

    Args:
        model: The network.
        start: θ to begin from at step 0, or an earlier state to go on from; stays as it is.
            With `learn_inner_lr` the factors on α are in it, see `with_lr_multipliers`.
        tasks: One meta-batch an update, as `task_stream` yields them.
        config: The method and its settings.

    Yields:
        θ and the `Metrics` of the batch that made the update.

    Raises:
        DivergenceError: The meta-loss, its gradient or θ is not finite.
    """
    batches = (
        (batch, _progress(step, batch, config)) for step, batch in enumerate(tasks, start.step)
    )
    states = _descents(model, start, batches, config)
    return until_divergence(start, states, "meta-loss", _smaller_steps(config))


def _descents(
    model: nn.Module,
    start: TrainState,
    batches: Iterator[tuple[TaskBatch, Tensor]],
    config: TrainConfig,
) -> Iterator[TrainState]:
    """Yield the state after each update: the first descend first-order gradients, if any do."""
    first, state = config.first_order_steps, start
    phases = [(config.meta_steps, replace(config, first_order_steps=0))]
    if first:
        phases.insert(0, (first, replace(config, first_order_steps=config.meta_steps)))
    for until, how in phases:
        updates = optimise(
            partial(_meta_gradient, model, how),
            state,
            islice(batches, max(0, until - state.step)),
            lr=config.meta_lr,
            steps=config.meta_steps,
            muon_lr=config.muon_lr,
            batch_size=config.meta_batch_size,
        )
        for state in updates:
            yield state


def _smaller_steps(config: TrainConfig) -> str:
    """Return what to try after a divergence, the end of a sentence."""
    steps = [f"a smaller α than {config.inner_lr:g}"] if config.inner_steps else []
    steps += [f"a smaller β than {config.meta_lr:g}"]
    steps += [f"a smaller Muon step size than {config.muon_lr:g}"] if config.muon_lr else []
    return "choose " + " or ".join(steps)


def _progress(step: int, tasks: TaskBatch, config: TrainConfig) -> Tensor:
    """Return the progress from 0 to 1, a scalar."""
    return tasks.query_x.new_tensor(step / max(1, config.meta_steps - 1))


def _meta_gradient(
    model: nn.Module,
    config: TrainConfig,
    meta_params: Params,
    batch: tuple[TaskBatch, Tensor],
) -> tuple[Params, Metrics]:
    tasks, progress = batch
    return META_GRADIENTS[config.method](model, meta_params, tasks, config, progress)
