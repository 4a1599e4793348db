"""Settings of trainings that end in no time, and a way to break them off."""

from __future__ import annotations

import itertools

from maml_core.config import PretrainConfig, TrainConfig

NARROW = {"n_out": 1, "channels": 4}
CONFIG = TrainConfig(
    n_ways=(2, 3), q_query=2, inner_steps=2, meta_batch_size=2, meta_steps=6, seed=3
)
PRETRAIN = PretrainConfig(epochs=2, batch_size=400, seed=1)


def interrupted_after(updates, function):
    """Return a function whose batches or updates end with Ctrl-C instead of going on."""

    def interrupted(*arguments):
        yield from itertools.islice(function(*arguments), updates)
        raise KeyboardInterrupt

    return interrupted
