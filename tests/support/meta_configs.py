"""Settings of meta-gradients that are compared with what they should be."""

from __future__ import annotations

from maml_core.config import META_METHODS, TrainConfig
from maml_core.methods.registry import HEAD_SOLVERS

INNER_LR = 0.25  # exact in binary: a factor stored in float32 does not round it
FEWEST_STEPS = {name: demands.inner_steps[0] for name, demands in META_METHODS.items()}
ADAPTING = [name for name, demands in META_METHODS.items() if demands.inner_steps[1] > 0]
UNROLLED = [name for name in ADAPTING if name != "imaml"]  # whose gradient follows the path
SOLVING = list(HEAD_SOLVERS)


def config_of(
    method, inner_steps=1, multi_step=False, learn_inner_lr=False, q_query=2, inner_lr=INNER_LR
):
    return TrainConfig(
        method=method,
        n_ways=(3,),
        q_query=q_query,
        inner_lr=inner_lr,
        inner_steps=inner_steps,
        multi_step=multi_step,
        learn_inner_lr=learn_inner_lr,
    )
