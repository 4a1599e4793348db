"""MAML++ (Antoniou et al. 2019, arXiv:1810.09502): MAML with what makes it stable.

Of its section 4: each inner step has a learned rate for each parameter tensor, and the network at
each of θ₀ … θ_K gains and shifts of normalisation that are its own, are learned, and do not move in
the inner loop; the query loss after every step counts, the earlier ones less and less
(`maml.step_weights`). Its other parts are settings of any training here: the annealed order of the
derivative (`TrainConfig.first_order_steps`) and β along a cosine.

The statistics of normalisation are of the pictures at hand, at each step anew. The authors' code
collects running ones by step but normalises with the batch's, too. There, K sets of gains and
shifts serve, each twice: for the support set before a step, and for the queries after it. Here
each of θ₀ … θ_K has one set for both.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.maml import maml_gradient
from maml_core.networks.meta_params import LOG_LR_PREFIX, STEP_PREFIX, theta_of
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics

NORMALISATION = ("gain", "shift")  # how the names of its parameters end


def first_steps(meta_params: Params, inner_steps: int) -> Params:
    """Return what MAML++ learns beside θ, K of each: what is there, or as if there were one.

    Log-factors on α as `log_rate/<name>`, [K], zero at first; gains and shifts at θ₁ … θ_K as
    `step/<name>`, [K, channels], those of θ at first.
    """
    found = {}
    for name, value in theta_of(meta_params).items():
        if name.endswith(NORMALISATION):
            key, first = STEP_PREFIX + name, value.repeat(inner_steps, *[1] * value.ndim)
        else:
            key, first = LOG_LR_PREFIX + name, value.new_zeros(inner_steps)
        there = meta_params.get(key)
        found[key] = first if there is None or there.shape != first.shape else there
    return found


def maml_plus_plus_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return the gradient of the steps' weighted query losses by all that is learned.

    Arguments and result as of `maml_gradient`.
    """
    as_maml = replace(config, method="maml", multi_step=True)
    return maml_gradient(model, meta_params, tasks, as_maml, progress)
