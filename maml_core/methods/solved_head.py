"""Methods that solve for the head instead of descending: no inner step, the body stays.

What they learn is a body on whose features the solution is good. A solver makes a linear head of an
episode's support features; the meta-gradient passes through it.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.losses import accuracy, mean_cross_entropy
from maml_core.methods.meta_gradient import gradient_over_tasks, n_way_of
from maml_core.networks.functional import HEAD_ONLY, features, head_input, logits
from maml_core.networks.meta_params import theta_of
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics

HeadSolver = Callable[[Tensor, Tensor, int], Params]
"""(support features [..., B, width], their labels [..., B], n_way) → a head of N rows, for each
task its own."""


def with_solved_head(
    model: nn.Module, params: Params, solve: HeadSolver, x: Tensor, y: Tensor, n_way: int
) -> Params:
    """Return the parameters with the head that a support set gives.

    Args:
        model: The network.
        params: θ; its own head plays no part.
        solve: How.
        x: Support pictures, [B, *input_shape].
        y: Their labels, [B].
        n_way: Classes.
    """
    return {**params, **solve(head_input(model, params, x), y, n_way)}


def solved_head_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    solver_of: Callable[[Params], HeadSolver],
) -> tuple[Params, Metrics]:
    """Return the gradient of the tasks' mean query loss at the head solved on the support set.

    Args:
        model: The network.
        meta_params: θ, and what the solver learns beside it.
        tasks: A meta-batch.
        config: Normalisation of the queries; there is no inner step.
        solver_of: From meta-parameters the solver.
    """

    def objective(meta: Params, some: TaskBatch) -> tuple[Tensor, Metrics]:
        support, query = features(
            model,
            theta_of(meta),
            some.support_x,
            some.query_x,
            transductive=config.transductive,
        )
        head = solver_of(meta)(support, some.support_y, n_way_of(some, config))
        out = logits(HEAD_ONLY, head, query)
        losses = mean_cross_entropy(out, some.query_y)
        return losses, Metrics(losses, accuracy(out, some.query_y))

    return gradient_over_tasks(model, objective, meta_params, tasks)
