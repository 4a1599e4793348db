"""Multi-task training (Caruana 1997, "Multitask Learning"): one θ for all tasks at once.

The reference without meta-learning: as if MAML took no inner step. Where tasks give the same
picture different labels they contradict each other, and θ has nothing to learn from them.
"""

from __future__ import annotations

from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.maml import maml_gradient
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


def multi_task_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return the gradient of the tasks' mean query loss at θ itself, ∇_θ Σᵢ L_query(θ).

    Arguments and result as of `maml_gradient`; the config has no inner step.
    """
    return maml_gradient(model, meta_params, tasks, config, progress)
