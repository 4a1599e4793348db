"""Factors on the inner step size α, one for each parameter tensor; learned ones are kept beside θ.

After Antoniou et al. 2019 (arXiv:1810.09502, section 4), who learn one for each layer and step.
"""

from __future__ import annotations

import torch

from maml_core.networks.functional import HEAD
from maml_core.networks.params import Params

# A factor on α is exp(LOG_LR_SCALE * log_rate). Adam moves every meta-parameter by about β an
# update; weights need that little, factors on α have to travel over orders of magnitude.
LOG_LR_SCALE = 10.0
LOG_LR_PREFIX = "log_rate/"  # prefix of the learned log-factors on α among the meta-parameters


def with_lr_multipliers(params: Params) -> Params:
    """Return θ with a log-factor on α beside each parameter, as `log_rate/<name>`.

    Those that are there already are kept; the others are 0, factors of one.
    """
    theta, _ = split_lr_multipliers(params)
    return {**{LOG_LR_PREFIX + n: v.new_zeros(()) for n, v in theta.items()}, **params}


def split_lr_multipliers(meta_params: Params) -> tuple[Params, Params | None]:
    """Return θ and the learned factors on α by name (None where there are none)."""
    params = {n: v for n, v in meta_params.items() if not n.startswith(LOG_LR_PREFIX)}
    lr_multipliers = {
        n: (LOG_LR_SCALE * meta_params[LOG_LR_PREFIX + n]).exp()
        for n in params
        if LOG_LR_PREFIX + n in meta_params
    }
    return params, lr_multipliers or None


def head_only_multipliers(lr_multipliers: Params | None) -> Params:
    """Return the factors on α of the head, its own or one, and none for the rest, which stays.

    So ANIL adapts (Raghu et al. 2020, arXiv:1909.09157, section 4).
    """
    return {name: lr_multipliers[name] if lr_multipliers else torch.ones(()) for name in HEAD}
