"""ANIL (Raghu et al. 2020, arXiv:1909.09157): MAML whose inner loop moves the head alone."""

from __future__ import annotations

from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.maml import maml_gradient
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


def anil_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return MAML's meta-gradient through inner steps of the head (Raghu et al. 2020, section 4).

    The outer loop moves all of θ. Arguments and result as of `maml_gradient`.
    """
    return maml_gradient(model, meta_params, tasks, config, progress, moves="head")
