"""A learner: a network with the initialisation, and the step size, from which it adapts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from torch import nn

from maml_core.adaptation import head_rates
from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.models import Conv4, initial_params
from maml_core.params import Params

# The best on Omniglot's validation classes, by the mean over ten steps, of 0.005 to 1.6 at 5-way
# (0.8: 0.557, 0.4: 0.540, 100 episodes) and of 0.005 to 0.4 at 20-way (50 episodes).
RANDOM_INNER_LRS = {5: 0.8, 20: 0.4}
METHODS = ("maml", "pretrained", "random", "fomaml", "anil", "reptile", "joint")
# References that adapt nothing, and the learner whose features they compare; None: pixels.
NEAREST = {"nearest-features": "pretrained", "nearest-pixels": None}


@dataclass(frozen=True, eq=False)
class Learner:
    """What `trace` and `evaluate` adapt to an episode.

    Attributes:
        method: 'maml', 'pretrained', 'random', …
        model: The network.
        params: θ; read-only, shared by all who adapt from it.
        inner_lrs: α by n_way, at one N or several, each > 0.
        rates: Learned factors on α by parameter name, or None.
        provenance: How it was trained: recipe, data, split, seed, commit, duration, device.

    Raises:
        ValueError: `inner_lrs` is empty or holds what is no N or no step size.
    """

    method: str
    model: nn.Module
    params: Params
    inner_lrs: Mapping[int, float]
    rates: Params | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.inner_lrs:
            raise ValueError("inner_lrs is empty; give α for at least one n_way.")
        for n_way, inner_lr in self.inner_lrs.items():
            EpisodeSpec(n_way)
            AdaptConfig(inner_lr)

    def inner_lr(self, n_way: int) -> float:
        """Return α for N-way episodes: between two N at which it was chosen a geometric mean
        weighted by log N, beyond them that of the nearest.
        """
        known = sorted(self.inner_lrs)
        n_way = min(max(n_way, known[0]), known[-1])
        if n_way in self.inner_lrs:
            return self.inner_lrs[n_way]  # to the last digit
        logs = [math.log(self.inner_lrs[n]) for n in known]
        return float(np.exp(np.interp(math.log(n_way), np.log(known), logs)))


def head_alone(learner: Learner) -> Learner:
    """Return a learner that adapts nothing but the head, from the same θ with the same α."""
    return replace(learner, rates=head_rates(learner.rates))


def random_learner(seed: int = 0) -> Learner:
    """Return an untrained Conv4."""
    model = Conv4()
    provenance = {"method": "random", "seed": seed, "updates": 0}
    params = initial_params(model, seed)
    return Learner("random", model, params, RANDOM_INNER_LRS, None, provenance)
