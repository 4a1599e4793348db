"""The outer descent that all training shares: Adam, or Adam and Muon, on a cosine schedule."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from maml_core.config import SettingError
from maml_core.networks.params import Params, norm
from maml_core.optimisation.cuda_graphs import graphed
from maml_core.optimisation.distributed import averaged, n_joined

MUON_MOMENTUM = 0.9


class Metrics(NamedTuple):
    """What one batch says.

    Attributes:
        loss: The objective, nats (in regression the squared error), a scalar.
        accuracy: 0 to 1, a scalar; in meta-training the mean over tasks after the last inner
            step; in regression there is none, [0].
    """

    loss: Tensor
    accuracy: Tensor


@dataclass(frozen=True, eq=False)
class TrainState:
    """The state after one update; a descent can go on from any.

    Attributes:
        step: Updates made so far.
        params: The parameters after it.
        metrics: What the gradient function said of the batch, measured before the update;
            None before the first.
        optimizer: Adam's or Muon's moments by parameter name; empty before the first.
        gradient_norm: The Euclidean length of the gradient that made the update, a scalar; None
            before the first.
    """

    step: int
    params: Params
    metrics: Metrics | None = None
    optimizer: Mapping[str, dict[str, Tensor]] = field(default_factory=dict)
    gradient_norm: Tensor | None = None


class DivergenceError(ValueError):
    """A training's loss, gradient or parameters are not finite; the message is a sentence.

    Attributes:
        last_finite: The last state of which the loss and its gradient were found to be finite;
            None if there was none.
    """

    def __init__(self, message: str, last_finite: TrainState | None = None) -> None:
        super().__init__(message)
        self.last_finite = last_finite


def optimise(
    gradient: Callable[[Params, Any], tuple[Params, Metrics]],
    start: TrainState,
    batches: Iterable[Any],
    *,
    lr: float,
    steps: int,
    weight_decay: float = 0.0,
    muon_lr: float = 0.0,
    batch_size: int = 0,
    whole_batch_statistics: bool = False,
) -> Iterator[TrainState]:
    """Make one update a batch and yield the state after each; `start` stays as it is.

    Args:
        gradient: (params, batch) → (gradients by name, measures).
        start: Where to begin or to go on.
        batches: The batches from update `start.step + 1` on.
        lr: Adam's step size at update 1; it falls to 0 at `steps` along half a cosine.
        steps: Updates of the whole schedule.
        weight_decay: AdamW's (Loshchilov & Hutter 2019, arXiv:1711.05101); 0 is plain Adam.
        muon_lr: Muon's step size for the filters of convolutions, on the same schedule, see
            `_Optimizers`; 0: Adam moves them, too.
        batch_size: Where several processes are joined, each of them makes the batches of its
            `own_rows` of so many; the gradient and the measures are means over these. 0: all make
            the same whole batches.
        whole_batch_statistics: Batch normalisation is over the rows of all of them.

    Raises:
        ValueError: There are no filters for Muon to move, or `start`'s optimizer state is of other
            parameters.
    """
    leaves = {name: value.detach().clone() for name, value in start.params.items()}
    optimizers = _Optimizers(leaves, lr, weight_decay, muon_lr)
    if start.optimizer:
        optimizers.load(start.optimizer)
    # A graph cannot wait for other processes, as whole batches' statistics do.
    fast_gradient = gradient if whole_batch_statistics and n_joined() > 1 else graphed(gradient)
    if batch_size:
        fast_gradient = averaged(
            fast_gradient, batch_size, whole_batch_statistics=whole_batch_statistics
        )
    for step, batch in enumerate(batches, start.step + 1):
        gradients, shared = fast_gradient(leaves, batch)
        metrics = Metrics(*(value.clone() for value in shared))  # a graph's next replay
        optimizers.step(gradients, cosine(1.0, step - 1, steps))
        params = {name: value.detach().clone() for name, value in leaves.items()}
        yield TrainState(step, params, metrics, optimizers.moments(), norm(gradients))


def until_divergence(
    start: TrainState, states: Iterable[TrainState], objective: str, remedy: str
) -> Iterator[TrainState]:
    """Yield the states of a training as long as all their numbers are finite.

    Args:
        start: The state before the first of them.
        states: As `optimise` yields them.
        objective: What the message calls the loss.
        remedy: What to do, the end of a sentence.

    Raises:
        DivergenceError: A state's loss, gradient norm or parameters are not finite.
    """
    before, last_finite = start, None
    for state in states:
        measured = [state.metrics.loss] if state.metrics else []
        measured += [] if state.gradient_norm is None else [state.gradient_norm]
        if _are_finite(measured):
            last_finite = before  # whose loss and gradient they are
            if _are_finite(state.params.values()):
                yield state
                before = state
                continue
            what = "The weights are"
        else:
            what = f"The {objective} or its gradient is"
        raise DivergenceError(f"{what} not finite at update {state.step}; {remedy}.", last_finite)


def _are_finite(tensors: Iterable[Tensor]) -> bool:
    # Stacked: a GPU is waited for once and not once a tensor.
    finite = [tensor.isfinite().all() for tensor in tensors]
    return not finite or bool(torch.stack(finite).all())


class _Optimizers:
    """Adam for all parameters, or Muon for the filters of convolutions and Adam for the rest.

    Muon moves a matrix by its gradient's nearest orthogonal one, so that all directions in it
    learn equally fast (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural
    networks"). A layer's filters, [channels, everything else], are kept at Euclidean length
    √channels: normalisation behind them hides their length, and the step size is relative to it.
    """

    def __init__(self, leaves: Params, lr: float, weight_decay: float, muon_lr: float) -> None:
        self.leaves = leaves
        # Views, so that what moves them moves the leaves.
        self.filters = {n: v.view(len(v), -1) for n, v in leaves.items() if muon_lr and v.ndim == 4}
        if muon_lr and not self.filters:
            raise SettingError(
                "{muon_lr} is {value}, but this network has no filters of convolutions; take 0.",
                value=muon_lr,
            )
        rest = {n: v for n, v in leaves.items() if n not in self.filters}
        adam = torch.optim.AdamW(list(rest.values()), lr=lr, weight_decay=weight_decay)
        self.parts: list[tuple[torch.optim.Optimizer, Params, float]] = [(adam, rest, lr)]
        if self.filters:
            moved = list(self.filters.values())
            muon = torch.optim.Muon(moved, lr=muon_lr, weight_decay=0.0, momentum=MUON_MOMENTUM)
            self.parts.append((muon, self.filters, muon_lr))

    def load(self, moments: Mapping[str, dict[str, Tensor]]) -> None:
        """Go on from what `moments` returned.

        Raises:
            ValueError: They are of other parameters.
        """
        if moments.keys() != self.leaves.keys():
            odd = ", ".join(sorted(moments.keys() ^ self.leaves.keys()))
            raise ValueError(f"The optimizer's state and the parameters differ in {odd}.")
        for optimizer, moved, _ in self.parts:
            state = {i: copy.deepcopy(moments[name]) for i, name in enumerate(moved)}
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})

    def step(self, gradients: Params, share: float) -> None:
        """Move the leaves by a share, 0 to 1, of the step sizes."""
        for leaf in self.filters.values():
            leaf.mul_(math.sqrt(len(leaf)) / leaf.norm())
        for optimizer, moved, lr in self.parts:
            for name, leaf in moved.items():
                leaf.grad = gradients[name].reshape(leaf.shape)
            optimizer.param_groups[0]["lr"] = lr * share
            optimizer.step()

    def moments(self) -> dict[str, dict[str, Tensor]]:
        """Return copies of what the optimizers remember, by parameter name."""
        by_name = {
            name: state
            for optimizer, moved, _ in self.parts
            for name, state in zip(moved, optimizer.state_dict()["state"].values(), strict=True)
        }
        return {name: copy.deepcopy(by_name[name]) for name in self.leaves}


def cosine(rate: float, step: int, steps: int) -> float:
    """Return a rate that falls from `rate` at step 0 to 0 at `steps` along half a cosine."""
    return rate * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))
