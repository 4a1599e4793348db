"""The gradients of MAML and other methods on the same batch, and the angles between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce

from torch import nn

from maml_core.config import TrainConfig
from maml_core.episodes.sampling import Episode
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.params import Params, add, norm, scale, subtract
from maml_core.optimisation.thread_pool import in_parallel

COMPARED_METHODS = ("maml", "fomaml", "reptile", "multi_task")


def method_gradients(
    model: nn.Module,
    params: Params,
    episodes: Sequence[Episode],
    config: TrainConfig,
    methods: Sequence[str] = COMPARED_METHODS,
) -> dict[str, Params]:
    """Return the gradient of each method at the same θ on the same batch.

    Reptile's θ − θ′ is divided by α, which gives the sum of the inner gradients (Nichol et al.
    2018, arXiv:1803.02999, section 3). Its inner loop here is the other methods': plain gradient
    descent from a head of zeros, where the paper uses Adam and a head that θ holds. Multi-task
    training takes no inner step.

    Args:
        model: The network.
        params: θ, as it is meta-trained: its head may have one row.
        episodes: The batch.
        config: α, inner steps and how queries are normalised; each method's own is set here.
        methods: Names in `META_GRADIENTS`.
    """
    jobs = [(method, episode) for method in methods for episode in episodes]

    gradients = list(in_parallel(partial(_gradient, model, params, config), jobs))
    n = len(episodes)
    return {method: mean_of(gradients[i * n : (i + 1) * n]) for i, method in enumerate(methods)}


def _gradient(
    model: nn.Module, params: Params, config: TrainConfig, job: tuple[str, Episode]
) -> Params:
    method, episode = job
    # The settings need not be ones that first-order MAML or Reptile could be trained with.
    steps = 0 if method == "multi_task" else config.inner_steps
    settings = replace(config, method="multi_task" if steps == 0 else "maml", inner_steps=steps)
    direction, _ = META_GRADIENTS[method](model, params, episode.tensors, settings)
    if method == "reptile":
        return scale(direction, 1 / config.inner_lr_at(episode.spec.n_way))
    return direction


def mean_of(vectors: Sequence[Params]) -> Params:
    """Return the mean of parameter sets, at least one."""
    return scale(reduce(add, vectors), 1 / len(vectors))


def angle_degrees(a: Params, b: Params) -> float:
    """Return the angle between two vectors in degrees, 0 to 180; NaN if one of them is zero.

    2 atan2(‖u − v‖, ‖u + v‖) of the unit vectors u and v: exact for small angles too (Kahan
    2006, "How futile are mindless assessments of roundoff", section 12).
    """
    exact = [{name: value.double() for name, value in vector.items()} for vector in (a, b)]
    lengths = [float(norm(vector)) for vector in exact]
    if not all(math.isfinite(length) and length > 0 for length in lengths):
        return math.nan
    u, v = (scale(vector, 1 / length) for vector, length in zip(exact, lengths, strict=True))
    return math.degrees(2 * math.atan2(float(norm(subtract(u, v))), float(norm(add(u, v)))))
