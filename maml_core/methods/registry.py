"""What methods do by name; what else is known of a method is in its `catalogue` record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from maml_core.config import MAX_WAY, TrainConfig
from maml_core.methods.anil import anil_gradient
from maml_core.methods.boil import boil_gradient, first_head
from maml_core.methods.fomaml import fomaml_gradient
from maml_core.methods.imaml import imaml_gradient
from maml_core.methods.maml import maml_gradient
from maml_core.methods.maml_plus_plus import first_steps, maml_plus_plus_gradient
from maml_core.methods.meta_gradient import MetaGradient
from maml_core.methods.meta_sgd import first_rates, meta_sgd_gradient
from maml_core.methods.multi_task import multi_task_gradient
from maml_core.methods.protonet import protonet_gradient, prototype_head
from maml_core.methods.r2d2 import first_ridge, r2d2_gradient, ridge_solver
from maml_core.methods.reptile import reptile_gradient
from maml_core.methods.solved_head import HeadSolver
from maml_core.networks.params import Params

META_GRADIENTS: dict[str, MetaGradient] = {
    "maml": maml_gradient,
    "fomaml": fomaml_gradient,
    "anil": anil_gradient,
    "reptile": reptile_gradient,
    "multi_task": multi_task_gradient,
    "meta_sgd": meta_sgd_gradient,
    "maml_plus_plus": maml_plus_plus_gradient,
    "boil": boil_gradient,
    "imaml": imaml_gradient,
    "protonet": protonet_gradient,
    "r2d2": r2d2_gradient,
}
# From what weights to begin from hold: what a training has beside their θ, or in place of it.
FIRST_META_PARAMS: Mapping[str, Callable[[Params, TrainConfig], Params]] = {
    "meta_sgd": lambda start, _: first_rates(start),
    "maml_plus_plus": lambda start, config: first_steps(start, config.inner_steps),
    # At least the app's N, so that weights trained at fewer ways serve there, too.
    "boil": lambda start, config: first_head(start, max(MAX_WAY, *config.n_ways), config.seed),
    "r2d2": lambda start, _: first_ridge(start),
}
# From meta-parameters the solver of the head, of methods that have one.
HEAD_SOLVERS: Mapping[str, Callable[[Params], HeadSolver]] = {
    "protonet": lambda _: prototype_head,
    "r2d2": ridge_solver,
}
