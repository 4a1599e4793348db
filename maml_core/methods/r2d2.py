"""R2D2 (Bertinetto et al. 2019, arXiv:1805.08136): the head by ridge regression, in closed form.

Learned beside the body, as in the paper: the regression's λ and the scale of its logits. The
paper's learned shift of all logits is left out, since it cancels in the softmax. There is no
intercept, and features and labels are not divided by √(N K), as they are in the authors' code:
one λ therefore weighs more where there are fewer pictures.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.solved_head import HeadSolver, solved_head_gradient
from maml_core.networks.functional import HEAD
from maml_core.networks.meta_params import LOG_LR_SCALE
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import Metrics

# Logarithms divided by `LOG_LR_SCALE`, for the reason given there.
LOG_LAMBDA, LOG_SCALE = "ridge/log_lambda", "ridge/log_scale"
FIRST = {LOG_LAMBDA: 1.0, LOG_SCALE: 10.0}  # λ and the scale when training begins


def first_ridge(meta_params: Params) -> Params:
    """Return what the regression learns beside θ: what is there, or where it begins."""
    anchor = meta_params[HEAD[0]]
    return {
        name: meta_params.get(name, anchor.new_tensor(math.log(value) / LOG_LR_SCALE))
        for name, value in FIRST.items()
    }


def ridge_head(
    features: Tensor, y: Tensor, n_way: int, log_lambda: Tensor, log_scale: Tensor
) -> Params:
    """Return a head from regressing one-hot labels on the support features, without intercept.

    W = Xᵀ (X Xᵀ + λ I)⁻¹ Y, which inverts a matrix of the number of pictures (Bertinetto et al.
    2019, equations 4 to 6).

    Args:
        features: X, [..., B, width].
        y: Labels, [..., B], 0 to n_way − 1.
        n_way: N.
        log_lambda: log λ / `LOG_LR_SCALE`, a scalar.
        log_scale: Likewise of what the logits are multiplied by.
    """
    targets = F.one_hot(y, n_way).to(features)
    ridge = (LOG_LR_SCALE * log_lambda).exp() * torch.eye(features.shape[-2]).to(features)
    solved = torch.linalg.solve(features @ features.mT + ridge, targets)  # [..., B, N]
    rows = (LOG_LR_SCALE * log_scale).exp() * (solved.mT @ features)
    weight, bias = HEAD
    return {weight: rows, bias: rows.new_zeros(rows.shape[:-1])}


def ridge_solver(meta_params: Params) -> HeadSolver:
    """Return the regression with what was learned beside θ."""
    return partial(ridge_head, log_lambda=meta_params[LOG_LAMBDA], log_scale=meta_params[LOG_SCALE])


def r2d2_gradient(
    model: nn.Module,
    meta_params: Params,
    tasks: TaskBatch,
    config: TrainConfig,
    progress: Tensor | None = None,
) -> tuple[Params, Metrics]:
    """Return the gradient of the query loss through the regression (the paper's section 3)."""
    return solved_head_gradient(model, meta_params, tasks, config, solver_of=ridge_solver)
