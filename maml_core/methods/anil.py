"""ANIL (Raghu et al. 2020, arXiv:1909.09157): the inner loop moves the head alone."""

from __future__ import annotations

import torch

from maml_core.networks.functional import HEAD
from maml_core.networks.params import Params


def head_only_multipliers(lr_multipliers: Params | None) -> Params:
    """Return ANIL's factors on α: the head's own, or one, and none for the rest, which stays.

    Raghu et al. 2020, arXiv:1909.09157, section 4.
    """
    return {name: lr_multipliers[name] if lr_multipliers else torch.ones(()) for name in HEAD}
