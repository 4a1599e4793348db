"""Training MAML, multi-task training and the oracle on the same sinusoids, side by side.

The inner loop, the gradient over tasks and the optimiser are those of the classifiers, with the
squared error in place of the cross-entropy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from torch import Tensor, nn

from maml_core.config import SinusoidConfig
from maml_core.episodes.sampling import episode_generator
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import squared_error
from maml_core.methods.meta_gradient import gradient_over_tasks
from maml_core.networks.functional import for_each_task, initial_params
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics, TrainState, optimise, until_divergence
from maml_core.optimisation.thread_pool import map_in_parallel
from maml_core.teaching.sinusoids import evaluation
from maml_core.teaching.sinusoids.regressors import (
    METHODS,
    Regressor,
    network_inputs,
    regression_network,
)
from maml_core.teaching.sinusoids.tasks import sample_meta_batch


class ValidationErrors(NamedTuple):
    """How good the methods are after some updates.

    Attributes:
        step: Updates made.
        by_method: Mean squared error on validation tasks: before adaptation, and after the
            training's inner steps with its α.
    """

    step: int
    by_method: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class SinusoidCheckpoint:
    """All methods after some updates of their training.

    Attributes:
        config: The training's settings.
        regressors: By method.
        history: Validation errors, from the start up to these updates.
    """

    config: SinusoidConfig
    regressors: Mapping[str, Regressor]
    history: tuple[ValidationErrors, ...]

    @property
    def step(self) -> int:
        """Updates made."""
        return self.history[-1].step


def meta_batches(method: str, config: SinusoidConfig, first_step: int = 0) -> Iterator[TaskBatch]:
    """Yield the meta-batch of each update; every method gets the same sinusoids and points."""
    for step in range(first_step, config.meta_steps):
        sinusoids, tasks = sample_meta_batch(config, episode_generator(config.seed, step))
        yield tasks._replace(
            support_x=network_inputs(method, tasks.support_x, sinusoids),
            query_x=network_inputs(method, tasks.query_x, sinusoids),
        )


def meta_gradient(
    model: nn.Module, inner_lr: float, inner_steps: int, params: Params, tasks: TaskBatch
) -> tuple[Params, Metrics]:
    """Return the exact gradient of the mean squared error on the query points after adaptation.

    Finn et al. 2017, Algorithm 2, line 10. With no inner step it is that of multi-task training:
    one θ that fits all sinusoids at once.
    """

    def objective(meta: Params, some: TaskBatch) -> tuple[Tensor, Metrics]:
        *_, fast = adapt(
            model,
            for_each_task(meta, tuple(some.query_y.shape[:-2])),
            some.support_x,
            some.support_y,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            loss_fn=squared_error,
        )
        error = squared_error(model, fast, some.query_x, some.query_y)
        return error, Metrics(error, error.new_zeros(*error.shape, 0))

    return gradient_over_tasks(model, objective, params, tasks, inner_steps)


def train_regressor(
    method: str, config: SinusoidConfig, start: TrainState | None = None
) -> Iterator[TrainState]:
    """Train one method and yield the state after each update.

    Args:
        method: One of `METHODS`.
        config: How.
        start: An earlier state to continue from; without one, from a random initialisation.

    Raises:
        DivergenceError: The error, its gradient or the parameters are not finite.
    """
    model = regression_network(method)
    inner_steps = config.inner_steps if method == "maml" else 0
    first = start or TrainState(0, initial_params(model, config.seed))
    states = optimise(
        partial(meta_gradient, model, config.inner_lr, inner_steps),
        first,
        meta_batches(method, config, first.step),
        lr=config.meta_lr,
        steps=config.meta_steps,
    )
    return until_divergence(first, states, "error", f"choose a smaller β than {config.meta_lr:g}")


def train_side_by_side(config: SinusoidConfig, validate_every: int) -> Iterator[SinusoidCheckpoint]:
    """Train all methods on the same tasks; yield a checkpoint at the start and at intervals.

    Args:
        config: How.
        validate_every: Updates between two checkpoints.
    """
    streams = {method: train_regressor(method, config) for method in METHODS}

    def advance(method: str, updates: int) -> tuple[Regressor, tuple[float, float]]:
        state = TrainState(0, initial_params(regression_network(method), config.seed))
        for state in islice(streams[method], updates):  # noqa: B007 - the last is used
            pass
        regressor = Regressor(method, state.params, config.inner_lr, state.step)
        return regressor, _validation_error(regressor, config)

    history: tuple[ValidationErrors, ...] = ()
    for step in (0, *range(validate_every, config.meta_steps, validate_every), config.meta_steps):
        updates = step - history[-1].step if history else 0
        results = map_in_parallel(partial(advance, updates=updates), {m: m for m in METHODS})
        history += (ValidationErrors(step, {m: error for m, (_, error) in results.items()}),)
        regressors = {method: regressor for method, (regressor, _) in results.items()}
        yield SinusoidCheckpoint(config, regressors, history)


def _validation_error(regressor: Regressor, config: SinusoidConfig) -> tuple[float, float]:
    by_task = evaluation.squared_errors(
        regressor,
        evaluation.VALIDATION_SEED,
        evaluation.VALIDATION_TASKS,
        config.k_shot,
        config.inner_steps,
    )
    before, *_, after = by_task.mean(0).tolist()
    return before, after


def tune_baseline(checkpoint: SinusoidCheckpoint) -> SinusoidCheckpoint:
    """Return a checkpoint whose multi-task training has its best α."""
    baseline = evaluation.tune_inner_lr(checkpoint.regressors["multi_task"])
    return replace(checkpoint, regressors={**checkpoint.regressors, "multi_task": baseline})
