"""BOIL (Oh et al. 2021, arXiv:2008.08882): MAML whose inner loop moves the body, the head stays."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.maml import maml_gradient
from maml_core.networks.functional import HEAD
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics


def first_head(params: Params, rows: int, seed: int) -> Params:
    """Return a head of so many random rows, or the one that has several already, not all zeros.

    A head of zeros that stays tells the body nothing; its rows are uniform in ±1/√width, PyTorch's
    default.
    """
    weight, bias = HEAD
    if len(params[weight]) > 1 and params[weight].any():
        return {name: params[name] for name in HEAD}
    width = params[weight].shape[-1]
    generator = torch.Generator().manual_seed(seed)
    drawn = (torch.rand(rows, width, generator=generator) * 2 - 1) * width**-0.5
    return {weight: drawn.to(params[weight]), bias: params[bias].new_zeros(rows)}


def boil_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return MAML's meta-gradient through inner steps of the body (Oh et al. 2021, section 3).

    The outer loop moves all of θ. Arguments and result as of `maml_gradient`.
    """
    return maml_gradient(model, meta_params, tasks, config, progress, moves="body")
