"""Networks that fit sinusoids: MAML's, multi-task training's and the oracle's, and their curves.

MAML adapts to the K points of a task. Multi-task training fits one network to all sinusoids at
once and fine-tunes it on the points. The oracle takes A and φ as inputs and needs no adaptation.
α is `inner_lr`, θ `params`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from maml_core.config import AdaptConfig, check_choice
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import squared_error
from maml_core.networks.functional import for_each_task, logits
from maml_core.networks.mlp import MLP
from maml_core.networks.params import Params
from maml_core.optimisation.thread_pool import map_in_parallel
from maml_core.teaching.sinusoids.tasks import X_RANGE, Sinusoid, Sinusoids, x_grid

METHODS = ("maml", "multi_task", "oracle")


@dataclass(frozen=True, eq=False)
class Regressor:
    """A network for sinusoids with its initialisation and step size.

    Attributes:
        method: One of `METHODS`.
        params: θ; read-only.
        inner_lr: α > 0; the oracle takes no step.
        updates: How many updates made θ.
    """

    method: str
    params: Params
    inner_lr: float
    updates: int

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        AdaptConfig(self.inner_lr)


@dataclass(frozen=True, eq=False)
class FittedCurves:
    """The function that a network computes before and after each inner step on some points.

    Attributes:
        method: One of `METHODS`.
        inner_lr: The α of its steps.
        curves: Its outputs on `x_grid()` after each inner step, [inner_steps + 1, GRID_SIZE].
    """

    method: str
    inner_lr: float
    curves: np.ndarray

    def squared_errors(
        self, sinusoid: Sinusoid, low: float = X_RANGE[0], high: float = X_RANGE[1]
    ) -> np.ndarray:
        """Return the mean squared error on low ≤ x ≤ high after each step, [inner_steps + 1]."""
        x = x_grid()
        in_range = (low <= x) & (x <= high)
        errors: np.ndarray = np.square(self.curves - sinusoid.targets(x))[:, in_range].mean(1)
        return errors


def network_inputs(method: str, x: Tensor, sinusoids: Sinusoids) -> Tensor:
    """Return a method's network inputs: x [B, n, 1, 1, 1], for the oracle beside A and φ."""
    if method != "oracle":
        return x
    truth = torch.stack(sinusoids, -1)[:, None, :, None, None]  # [B, 1, 2, 1, 1]
    return torch.cat([x, truth.expand(-1, x.shape[1], -1, -1, -1)], -3)


@cache
def regression_network(method: str) -> nn.Module:
    """Return a method's network: 1-40-40-1, the oracle's 3-40-40-1."""
    return MLP(hidden=40, in_channels=3 if method == "oracle" else 1, side=1)


@torch.no_grad()
def adapted_outputs(
    regressor: Regressor,
    sinusoids: Sinusoids,
    support_x: Tensor,
    support_y: Tensor,
    query_x: Tensor,
    inner_steps: int,
) -> Tensor:
    """Return a network's outputs after each inner step on the support points of B sinusoids.

    Args:
        regressor: The network.
        sinusoids: The truth, B of them: inputs of the oracle.
        support_x: [B, K]; K may be 0: then there is nothing to adapt to.
        support_y: Likewise.
        query_x: Where the network is evaluated, [n].
        inner_steps: S.

    Returns:
        [B, S + 1, n]; all S + 1 are the same where no step is taken, as the oracle takes none.
    """
    model = regression_network(regressor.method)
    steps = inner_steps if support_x.shape[1] and regressor.method != "oracle" else 0
    repeated_x = query_x.expand(len(support_x), -1)[..., None, None, None]
    trajectory = adapt(
        model,
        for_each_task(regressor.params, (len(support_x),)),
        support_x[..., None, None, None],
        support_y[..., None],
        inner_lr=regressor.inner_lr,
        inner_steps=steps,
        loss_fn=squared_error,
    )
    query = network_inputs(regressor.method, repeated_x, sinusoids)
    outputs = torch.stack([logits(model, fast, query)[..., 0] for fast in trajectory], 1)
    return outputs.expand(-1, inner_steps + 1, -1) if not steps else outputs


def fit_curves(
    regressors: Mapping[str, Regressor],
    sinusoid: Sinusoid,
    points: Sequence[tuple[float, float]],
    inner_steps: int,
) -> dict[str, FittedCurves]:
    """Adapt each network to the same points, wherever they lie.

    Args:
        regressors: By method.
        sinusoid: The truth: inputs of the oracle.
        points: x and y of each; there may be none.
        inner_steps: Gradient steps.
    """
    truth = Sinusoids(torch.tensor([sinusoid.amplitude]), torch.tensor([sinusoid.phase]))
    x, y = torch.tensor(points, dtype=torch.float32).reshape(-1, 2).T[:, None]
    grid = torch.tensor(x_grid(), dtype=torch.float32)

    def fit(regressor: Regressor) -> FittedCurves:
        outputs = adapted_outputs(regressor, truth, x, y, grid, inner_steps)[0]
        return FittedCurves(regressor.method, regressor.inner_lr, outputs.double().numpy())

    return map_in_parallel(fit, regressors)
