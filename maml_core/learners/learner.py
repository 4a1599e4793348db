"""A learner: a network with the initialisation, and the step size, from which it adapts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.learners.provenance import Provenance
from maml_core.methods.solved_head import HeadSolver
from maml_core.networks.functional import initial_params
from maml_core.networks.meta_params import LrMultipliers, StepMultipliers, multipliers_of
from maml_core.networks.params import Params
from maml_core.networks.registry import make_model, model_arguments
from maml_core.optimisation.worker_process import sent_once

# By network the best on Omniglot's validation classes, by the mean over ten steps. Conv4 and MLP:
# of 0.005 to 1.6 at 5-way (100 episodes; Conv4 0.8: 0.557, 0.4: 0.540) and at 20-way (50 episodes;
# Conv4 up to 0.4). LSTM: of 0.05 to 3.2 at 5-way (40 episodes).
# ResNet of 0.025 to 1.6 at 5-way (50 episodes), of 0.05 to 0.8 at 20-way (20 episodes).
RANDOM_INNER_LRS = {
    "conv4": {5: 0.8, 20: 0.4},
    "resnet": {5: 0.1, 20: 0.2},
    "mlp": {5: 0.8, 20: 1.6},
    "lstm": {5: 0.8},
}


@sent_once
@dataclass(frozen=True, eq=False)
class Learner:
    """What `trace` and `evaluate` adapt to an episode.

    Attributes:
        method: 'maml', 'pretrained', 'random', …
        model: The network.
        params: θ; read-only, shared by all who adapt from it.
        inner_lrs: α by n_way, at one N or several, each > 0.
        lr_multipliers: Learned factors on α by parameter name, of all steps or of each; or None.
        provenance: How it was trained; None where nobody says.
        solve_head: What it does in place of inner steps; None: it descends.
        proximal: λ with which the inner loop is held near θ, see `imaml.proximal_loss`; 0: it is
            not.
        step_params: What θ₁, θ₂, … have of their own, see `inner_loop.adapt`.

    Raises:
        ValueError: `inner_lrs` is empty or holds something that is not an N or not a step size, or
            λ is below 0.
    """

    method: str
    model: nn.Module
    params: Params
    inner_lrs: Mapping[int, float]
    lr_multipliers: LrMultipliers | StepMultipliers | None = None
    provenance: Provenance | None = None
    solve_head: HeadSolver | None = None
    proximal: float = 0.0
    step_params: Sequence[Params] = ({},)

    def __post_init__(self) -> None:
        if not self.inner_lrs:
            raise ValueError("inner_lrs is empty; give α for at least one n_way.")
        for n_way, inner_lr in self.inner_lrs.items():
            EpisodeSpec(n_way)
            AdaptConfig(inner_lr)
        if not (math.isfinite(self.proximal) and self.proximal >= 0):
            raise ValueError(f"proximal is {self.proximal}; choose a finite value from 0.")

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


def head_only(learner: Learner) -> Learner:
    """Return a learner that adapts nothing but the head, from the same θ with the same α."""
    alone = multipliers_of("head", learner.params, learner.lr_multipliers)
    return replace(learner, lr_multipliers=alone, step_params=({},))


def random_learner(seed: int = 0, model_config: Mapping[str, Any] | None = None) -> Learner:
    """Return an untrained network.

    Args:
        seed: Chooses its parameters.
        model_config: Its `name` and arguments, see `registry.make_model`; Conv4's where left out.
    """
    arguments = model_arguments(model_config or {})
    model = make_model(arguments)
    params = initial_params(model, seed)
    inner_lrs = RANDOM_INNER_LRS[arguments["name"]]
    provenance = Provenance("random", arguments, inner_lrs, seed=seed, updates=0)
    return Learner("random", model, params, inner_lrs, None, provenance)
