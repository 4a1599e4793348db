"""Meta-SGD (Li et al. 2017, arXiv:1707.09835): MAML with a learned rate for each parameter.

A rate is learned as a factor on α and may change its sign, so that the direction of a step is
learned, too.
"""

from __future__ import annotations

from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.maml import maml_gradient
from maml_core.networks.meta_params import LR_PREFIX, theta_of
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


def first_rates(meta_params: Params) -> Params:
    """Return a factor on α for each number of θ, as `rate/<name>`: what is there, or ones."""
    theta = theta_of(meta_params)
    ones = {LR_PREFIX + name: value.new_ones(value.shape) for name, value in theta.items()}
    return {name: meta_params.get(name, one) for name, one in ones.items()}


def meta_sgd_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return MAML's meta-gradient by θ and by the rates (Li et al. 2017, Algorithm 1).

    Arguments and result as of `maml_gradient`.
    """
    return maml_gradient(model, meta_params, tasks, config, progress)
