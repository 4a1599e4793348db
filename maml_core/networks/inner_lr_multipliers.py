"""Factors on the inner step size α; learned ones are kept beside θ, under a name with a slash.

One for each parameter tensor, after Antoniou et al. 2019 (arXiv:1810.09502, section 4), who learn
one for each layer and step; or one for each number (Li et al. 2017, arXiv:1707.09835).
"""

from __future__ import annotations

from typing import Literal

import torch

from maml_core.networks.functional import HEAD
from maml_core.networks.params import Params

# A factor on α is exp(LOG_LR_SCALE * log_rate). Adam moves every meta-parameter by about β an
# update; weights need that little, factors on α have to travel over orders of magnitude.
LOG_LR_SCALE = 10.0
LOG_LR_PREFIX = "log_rate/"  # prefix of the learned log-factors on α among the meta-parameters


LR_PREFIX = "rate/"  # likewise of learned factors themselves
Moving = Literal["network", "head", "body"]  # what the inner loop moves


def with_lr_multipliers(params: Params) -> Params:
    """Return θ with a log-factor on α beside each parameter, as `log_rate/<name>`.

    Those that are there already are kept; the others are 0, factors of one.
    """
    theta, _ = split_lr_multipliers(params)
    return {**{LOG_LR_PREFIX + n: v.new_zeros(()) for n, v in theta.items()}, **params}


def split_lr_multipliers(meta_params: Params) -> tuple[Params, Params | None]:
    """Return θ and the learned factors on α by name (None where there are none)."""
    params = {n: v for n, v in meta_params.items() if "/" not in n}
    lr_multipliers = {
        n: (LOG_LR_SCALE * meta_params[LOG_LR_PREFIX + n]).exp()
        for n in params
        if LOG_LR_PREFIX + n in meta_params
    } | {n: meta_params[LR_PREFIX + n] for n in params if LR_PREFIX + n in meta_params}
    return params, lr_multipliers or None


def multipliers_of(moving: Moving, params: Params, lr_multipliers: Params | None) -> Params | None:
    """Return the factors on α of what is to move, its own or one, and none for what stays.

    Args:
        moving: What is to move.
        params: θ.
        lr_multipliers: Factors on α; None: one for all.
    """
    if moving == "network":
        return lr_multipliers
    if moving == "head":
        return head_only_multipliers(lr_multipliers)
    return body_only_multipliers(params, lr_multipliers)


def head_only_multipliers(lr_multipliers: Params | None) -> Params:
    """Return the factors on α of the head, its own or one, and none for the rest, which stays.

    So ANIL adapts (Raghu et al. 2020, arXiv:1909.09157, section 4).
    """
    return {name: lr_multipliers[name] if lr_multipliers else torch.ones(()) for name in HEAD}


def body_only_multipliers(params: Params, lr_multipliers: Params | None) -> Params:
    """Return the factors on α of all but the head, which stays.

    So BOIL adapts (Oh et al. 2021, arXiv:2008.08882, section 3).
    """
    body = (name for name in params if name not in HEAD)
    return {name: lr_multipliers[name] if lr_multipliers else torch.ones(()) for name in body}
