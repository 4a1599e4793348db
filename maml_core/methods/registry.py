"""Meta-training methods by name."""

from __future__ import annotations

from functools import partial

from maml_core.methods.maml import maml_gradient
from maml_core.methods.meta_gradient import MetaGradient
from maml_core.methods.reptile import reptile_gradient

META_GRADIENTS: dict[str, MetaGradient] = {
    "maml": maml_gradient,
    # ∂θ′/∂θ taken as the identity (Finn et al. 2017, section 5.2).
    "fomaml": partial(maml_gradient, first_order=True),
    # Only the head adapts (Raghu et al. 2020, arXiv:1909.09157).
    "anil": partial(maml_gradient, head_only=True),
    "reptile": reptile_gradient,
    # With no inner step: θ is asked to solve all tasks at once, which contradict each other.
    "joint": maml_gradient,
}
