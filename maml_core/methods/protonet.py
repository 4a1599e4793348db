"""ProtoNet (Snell et al. 2017, arXiv:1703.05175): the nearest mean of the support features."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.solved_head import solved_head_gradient
from maml_core.networks.functional import HEAD
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


def prototype_head(features: Tensor, y: Tensor, n_way: int) -> Params:
    """Return the linear head that is the negative squared distance to each class's prototype.

    With c_n the mean of class n, −‖f − c_n‖² = 2 c_n·f − ‖c_n‖² − ‖f‖², and the last term is the
    same for all classes (Snell et al. 2017, equations 1, 2 and 8).

    Args:
        features: Of the support set, [..., B, width].
        y: Its labels, [..., B], each of 0 to n_way − 1 at least once.
        n_way: N.
    """
    members = F.one_hot(y, n_way).to(features)  # [..., B, N]
    prototypes = members.mT @ features / members.sum(-2)[..., None]  # [..., N, width]
    weight, bias = HEAD
    return {weight: 2 * prototypes, bias: -prototypes.square().sum(-1)}


def protonet_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return the gradient of the query loss by prototypes (Snell et al. 2017, Algorithm 1)."""
    return solved_head_gradient(
        model, meta_params, tasks, config, solver_of=lambda _: prototype_head
    )
