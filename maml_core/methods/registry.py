"""The meta-gradients by method; what else is known of a method is in its `catalogue` record."""

from __future__ import annotations

from maml_core.methods.anil import anil_gradient
from maml_core.methods.fomaml import fomaml_gradient
from maml_core.methods.maml import maml_gradient
from maml_core.methods.meta_gradient import MetaGradient
from maml_core.methods.multi_task import multi_task_gradient
from maml_core.methods.reptile import reptile_gradient

META_GRADIENTS: dict[str, MetaGradient] = {
    "maml": maml_gradient,
    "fomaml": fomaml_gradient,
    "anil": anil_gradient,
    "reptile": reptile_gradient,
    "multi_task": multi_task_gradient,
}
