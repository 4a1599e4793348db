"""What rates a learner has learned for its layers: α times its factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from maml_core.learners.learner import Learner
from maml_core.networks.meta_params import LrMultipliers
from maml_core.teaching.anatomy.layer_changes import layer_of

WEIGHTS = (".conv.weight", "head.weight")  # how the names end of what a layer multiplies by


@dataclass(frozen=True)
class Rates:
    """The rates of one layer's weights in one inner step; all the same where it has but one.

    Attributes:
        lower: Their first quartile.
        median: Their median.
        upper: Their third quartile.
        negative: The share that ascends, 0 to 1.
    """

    lower: float
    median: float
    upper: float
    negative: float


def learned_rates(learner: Learner, n_way: int) -> list[dict[str, Rates]]:
    """Return by layer the rates of the first inner step, the second, …; those of all as one.

    Args:
        learner: Who learned them.
        n_way: At which N its α is taken.

    Raises:
        ValueError: It has learned none.
    """
    factors = learner.lr_multipliers
    if not factors:
        raise ValueError(f"{learner.method} has learned no rates; choose a method that does.")
    by_step = [factors] if isinstance(factors, Mapping) else factors
    return [_of_step(one, learner.inner_lr(n_way)) for one in by_step]


def _of_step(factors: LrMultipliers, inner_lr: float) -> dict[str, Rates]:
    rates = {
        layer_of(name): inner_lr * torch.as_tensor(factor).numpy()
        for name, factor in factors.items()
        if name.endswith(WEIGHTS)
    }
    return {layer: _spread(rates[layer]) for layer in sorted(rates)}


def _spread(rates: np.ndarray) -> Rates:
    lower, median, upper = np.quantile(rates, (0.25, 0.5, 0.75)).tolist()
    return Rates(lower, median, upper, float((rates < 0).mean()))
