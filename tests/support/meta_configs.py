"""Settings of meta-gradients that are compared with what they should be."""

from __future__ import annotations

from maml_core.config import META_METHODS, TrainConfig

INNER_LR = 0.25  # exact in binary: a factor stored in float32 does not round it
ADAPTING = [method for method in META_METHODS if method != "multi_task"]


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
