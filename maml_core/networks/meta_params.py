"""What meta-parameters hold beside θ: factors on α, and parameters that single steps have.

They are kept under a name with a slash. Factors on α: one for each parameter tensor or, after
Antoniou et al. 2019 (arXiv:1810.09502, section 4), one for each tensor and step; or one for each
number (Li et al. 2017, arXiv:1707.09835).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from maml_core.networks.functional import HEAD
from maml_core.networks.params import Params

# A factor on α is exp(LOG_LR_SCALE * log_rate). Adam moves every meta-parameter by about β an
# update; weights need that little, factors on α have to travel over orders of magnitude.
LOG_LR_SCALE = 10.0
LOG_LR_PREFIX = "log_rate/"  # prefix of the learned log-factors on α among the meta-parameters
LR_PREFIX = "rate/"  # likewise of learned factors themselves
STEP_PREFIX = "step/"  # likewise of what θ_1, θ_2, … have of their own
Moving = Literal["network", "head", "body"]  # what the inner loop moves

LrMultipliers = Mapping[str, Tensor | float]
"""A factor on α by parameter name; what has none stays."""

StepMultipliers = Sequence[LrMultipliers]
"""Factors on α of the first inner step, the second, …; the last serve all further ones."""


def with_lr_multipliers(params: Params) -> Params:
    """Return θ with a log-factor on α beside each parameter, as `log_rate/<name>`.

    Such as are there already are kept; the others are 0, factors of one. What other methods
    learned beside θ, as factors by step, is left out.
    """
    theta = theta_of(params)
    kept = {n: v for n, v in params.items() if n.startswith(LOG_LR_PREFIX) and not v.ndim}
    return {**theta, **{LOG_LR_PREFIX + n: v.new_zeros(()) for n, v in theta.items()}, **kept}


def theta_of(meta_params: Params) -> Params:
    """Return θ alone."""
    return {n: v for n, v in meta_params.items() if "/" not in n}


def split_lr_multipliers(
    meta_params: Params,
) -> tuple[Params, Params | list[Params] | None]:
    """Return θ and the learned factors on α by name, or such factors for each inner step.

    The factors are None where there are none.
    """
    params = theta_of(meta_params)
    factors = {
        n: (LOG_LR_SCALE * meta_params[LOG_LR_PREFIX + n]).exp()
        for n in params
        if LOG_LR_PREFIX + n in meta_params
    }
    if learned_steps(meta_params):
        return params, _by_step(factors)
    factors |= {n: meta_params[LR_PREFIX + n] for n in params if LR_PREFIX + n in meta_params}
    return params, factors or None


def learned_steps(meta_params: Params) -> int:
    """Return for how many inner steps there are factors on α of their own; 0: one for all.

    A network need not have anything else by step: an MLP has no gains and shifts.
    """
    rates = (v for n, v in meta_params.items() if n.startswith(LOG_LR_PREFIX))
    return next((len(value) for value in rates if value.ndim), 0)


def step_params_of(meta_params: Params) -> list[Params]:
    """Return what θ_1, θ_2, … have of their own, by name; nothing where there is nothing."""
    own = {n: v for n, v in meta_params.items() if n.startswith(STEP_PREFIX)}
    return _by_step({n.removeprefix(STEP_PREFIX): v for n, v in own.items()}) or [{}]


def _by_step(stacked: Params) -> list[Params]:
    """Take apart tensors whose first dimension is the inner step."""
    names, values = list(stacked), [value.unbind() for value in stacked.values()]
    return [dict(zip(names, of_one, strict=True)) for of_one in zip(*values, strict=True)]


def multipliers_of(
    moving: Moving, params: Params, lr_multipliers: LrMultipliers | StepMultipliers | None
) -> LrMultipliers | StepMultipliers | None:
    """Return the factors on α of what is to move, its own or one, and none for what stays.

    Args:
        moving: What is to move.
        params: θ.
        lr_multipliers: Factors on α; None: one for all.
    """
    if moving == "network":
        return lr_multipliers
    names = [name for name in params if (name in HEAD) == (moving == "head")]

    def of_step(factors: LrMultipliers | None) -> LrMultipliers:
        return {n: torch.ones(()) if factors is None else factors[n] for n in names}

    if isinstance(lr_multipliers, Sequence):
        return [of_step(factors) for factors in lr_multipliers]
    return of_step(lr_multipliers)


def multipliers_for_n_way(
    lr_multipliers: LrMultipliers | StepMultipliers | None, n_way: int
) -> LrMultipliers | StepMultipliers | None:
    """Return factors on α that fit a head of N rows; where rows have their own, the first N.

    Factors for a tensor as a whole, and those of a head of one row, serve any N.
    """
    if lr_multipliers is None or isinstance(lr_multipliers, Sequence):
        return lr_multipliers  # those by step are for tensors as a whole
    own_rows = {
        name: value[:n_way]
        for name in HEAD
        if isinstance(value := lr_multipliers.get(name), Tensor) and value.ndim
    }
    return {**lr_multipliers, **own_rows}
