"""First-order MAML (Finn et al. 2017, arXiv:1703.03400, section 5.2): ∂θ′/∂θ is the identity."""

from __future__ import annotations

from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.maml import maml_gradient
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


def fomaml_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return the tasks' mean ∇_θ′ L_query(θ′): the query gradient where the inner loop ended.

    Arguments and result as of `maml_gradient`.
    """
    return maml_gradient(model, meta_params, tasks, config, progress, first_order=True)
