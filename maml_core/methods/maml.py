"""MAML (Finn et al. 2017, arXiv:1703.03400): the exact gradient through the inner loop."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.losses import accuracy, mean_cross_entropy
from maml_core.methods.meta_gradient import adapt_to_tasks, gradient_over_tasks
from maml_core.networks.functional import HEAD, HEAD_ONLY, features, trajectory_query_logits
from maml_core.networks.meta_params import Moving, step_params_of, theta_of
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


def maml_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
    *,
    first_order: bool = False,
    moves: Moving = "network",
) -> tuple[Params, Metrics]:
    """Return the exact gradient of the tasks' mean query loss after adaptation.

    ∇_θ Σᵢ L_query(θ′ᵢ)  (Finn et al. 2017, Algorithm 2, line 10), second order through the
    inner loop unless `first_order`, or the whole training is. With `multi_step` every step's loss
    counts, see `step_weights`.
    """
    done = tasks.query_x.new_zeros(()) if progress is None else progress
    # A head of one row begins as zeros, which pass no gradient on to the body, whatever θ is. One
    # step then moves the head alone: the body runs once, and is not differentiated twice.
    has_one_row = len(meta_params.get(HEAD[0], ())) == 1
    if config.inner_steps == 1 and has_one_row and not any(step_params_of(meta_params)):
        moves = "head"
    first_order = first_order or config.is_first_order

    objective = partial(query_losses, model, config, done, first_order, moves)
    return gradient_over_tasks(model, objective, meta_params, tasks, config.inner_steps)


def query_losses(
    model: nn.Module,
    config: TrainConfig,
    progress: Tensor,
    first_order: bool,
    moves: Moving,
    meta_params: Params,
    tasks: TaskBatch,
) -> tuple[Tensor, Metrics]:
    """Return each task's query loss after adaptation, [T], and what was measured: an `Objective`.

    All arguments but the last two are as for `maml_gradient`.
    """
    transductive = config.transductive
    if moves == "head" and hasattr(model, "features"):  # which says what the head is given
        model, meta_params, tasks = HEAD_ONLY, *_on_features(model, meta_params, tasks, config)
        transductive = True  # features are normalised by then
    trajectory = adapt_to_tasks(model, meta_params, tasks, config, first_order, moves)
    measured = trajectory[1:] if config.multi_step else trajectory[-1:]
    outs = trajectory_query_logits(
        model, measured, tasks.support_x, tasks.query_x, transductive=transductive
    )
    losses = mean_cross_entropy(outs, tasks.query_y)  # [inner_steps or 1, T]
    value = losses[-1]
    if config.multi_step:
        value = torch.tensordot(step_weights(config.inner_steps, progress), losses, 1)
    return value, Metrics(losses[-1], accuracy(outs[-1], tasks.query_y))


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


def _on_features(
    model: nn.Module, meta_params: Params, task: TaskBatch, config: TrainConfig
) -> tuple[Params, TaskBatch]:
    """Return the head's own meta-parameters, and the tasks with what the head is given of them."""
    body = theta_of(meta_params)
    support, query = features(
        model, body, task.support_x, task.query_x, transductive=config.transductive
    )
    head = {n: v for n, v in meta_params.items() if n.rpartition("/")[-1] in HEAD}
    return head, task._replace(support_x=support, query_x=query)
