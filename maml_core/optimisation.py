"""The outer descent that meta-training and pretraining share: Adam on a cosine schedule."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from maml_core.cuda import graphed
from maml_core.distribution import averaged
from maml_core.params import Params, norm


class Measures(NamedTuple):
    """What one batch says.

    Attributes:
        loss: The objective, nats (in regression the squared error), a scalar.
        accuracy: 0 to 1; in meta-training the mean over tasks after each inner step,
            [inner_steps + 1], in pretraining a scalar; in regression there is none, [0].
    """

    loss: Tensor
    accuracy: Tensor


@dataclass(frozen=True, eq=False)
class Update:
    """The state after one update; a descent can go on from any.

    Attributes:
        step: Updates made so far.
        params: The parameters after it.
        measures: What the gradient function said of the batch, measured before the update;
            None before the first.
        optimizer: Adam's moments by the parameter's position; empty before the first.
        gradient_norm: The Euclidean length of the gradient that made the update, a scalar; None
            before the first.
    """

    step: int
    params: Params
    measures: Measures | None = None
    optimizer: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    gradient_norm: Tensor | None = None


def descend(
    gradient: Callable[[Params, Any], tuple[Params, Measures]],
    start: Update,
    batches: Iterable[Any],
    *,
    lr: float,
    steps: int,
    weight_decay: float = 0.0,
    divisible: bool = False,
) -> Iterator[Update]:
    """Make one update a batch and yield the state after each; `start` stays as it is.

    Args:
        gradient: (params, batch) → (gradients by name, measures).
        start: Where to begin or to go on.
        batches: The batches from update `start.step + 1` on.
        lr: Adam's step size at update 1; it falls to 0 at `steps` along half a cosine.
        steps: Updates of the whole schedule.
        weight_decay: AdamW's (Loshchilov & Hutter 2019, arXiv:1711.05101); 0 is plain Adam.
        divisible: The gradient and the measures are means over a batch's first dimension, so that
            several processes may share it out.
    """
    leaves = {name: value.detach().clone() for name, value in start.params.items()}
    optimizer = torch.optim.AdamW(list(leaves.values()), lr=lr, weight_decay=weight_decay)
    if start.optimizer:
        optimizer.load_state_dict(
            {**optimizer.state_dict(), "state": copy.deepcopy(start.optimizer)}
        )
    fast_gradient = graphed(gradient)
    if divisible:
        fast_gradient = averaged(fast_gradient)  # outside: a graph cannot wait for other processes
    for step, batch in enumerate(batches, start.step + 1):
        gradients, shared = fast_gradient(leaves, batch)
        measures = Measures(*(value.clone() for value in shared))  # a graph's next replay
        for name, leaf in leaves.items():
            leaf.grad = gradients[name]
        optimizer.param_groups[0]["lr"] = cosine(lr, step - 1, steps)
        optimizer.step()
        params = {name: value.detach().clone() for name, value in leaves.items()}
        moments = copy.deepcopy(optimizer.state_dict()["state"])
        yield Update(step, params, measures, moments, norm(gradients))


def cosine(rate: float, step: int, steps: int) -> float:
    """Return a rate that falls from `rate` at step 0 to 0 at `steps` along half a cosine."""
    return rate * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))
