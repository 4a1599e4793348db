"""One training or evaluation in several processes that torchrun started: each does its share.

In training all processes draw the same batches, of which each makes its own rows, and the same
updates from the same averaged gradients, and so hold the same parameters; in evaluation each
measures some of the episodes. The first process, rank 0, also reads and writes the files. Without
torchrun there is one process, and nothing here changes what it does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from maml_core.config import SettingError
from maml_core.networks.shared_statistics import shared_statistics

A = TypeVar("A")
B = TypeVar("B")


def n_processes() -> int:
    """Return how many processes torchrun started, on all machines together; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if dist.is_torchelastic_launched() else 1


def is_first() -> bool:
    """Say whether this is the process that writes files and speaks."""
    return not dist.is_torchelastic_launched() or os.environ["RANK"] == "0"


@contextmanager
def joined(device: str = "cpu", **batch_size: int) -> Iterator[None]:
    """Let the processes know each other.

    On 'cuda' each of a machine's processes takes a GPU of its own. Where they are joined already
    they stay so.

    Args:
        device: 'cpu' or 'cuda'.
        batch_size: Where they share out batches: a setting's name and how much is in a batch.

    Raises:
        ValueError: There is less in a batch than there are processes, or there are fewer GPUs than
            processes here.
    """
    for name, size in batch_size.items():
        if size < n_processes():
            raise SettingError(
                f"{{{name}}} is {{size}}, but there are {{count}} processes and each needs a part; "
                "choose at least {count}, or lower torchrun's --nproc-per-node.",
                size=size,
                count=n_processes(),
            )
    if not dist.is_torchelastic_launched() or dist.is_initialized():
        yield
        return
    _join(device)
    yield
    # Not after an error: the others may still wait for this process, and only its end tells them.
    dist.destroy_process_group()


def _join(device: str) -> None:
    if device != "cuda":
        dist.init_process_group("gloo")
        return
    local_rank = int(os.environ["LOCAL_RANK"])
    if local_rank >= torch.cuda.device_count():
        raise ValueError(
            f"This machine has {torch.cuda.device_count()} GPUs and more processes than that; "
            "lower torchrun's --nproc-per-node."
        )
    torch.cuda.set_device(local_rank)  # what 'cuda' means from here on
    dist.init_process_group("nccl", device_id=torch.device("cuda", local_rank))


def n_joined() -> int:
    """Return how many processes share the work at present; 1 where none are joined."""
    return dist.get_world_size() if dist.is_initialized() else 1


def wait_for_all() -> None:
    """Wait until all processes that are joined are here; without others go on at once.

    torchrun ends all processes as soon as one fails: where all fail together, each waits, so that
    the first one has written its files.
    """
    if dist.is_initialized():
        dist.barrier()


def from_first(make: Callable[[], A]) -> A:
    """Return in every process what `make` returns in the first, the only one that calls it."""
    if not dist.is_initialized():
        return make()
    made = [make() if is_first() else None]
    dist.broadcast_object_list(made, src=0)
    return cast(A, made[0])


def check_same(what: str, digest: Callable[[], str]) -> None:
    """Raise `ValueError` in a process that has something else than the first one has.

    Args:
        what: Which things these are, in the plural, for the message.
        digest: Returns what is different for different ones; not called without other processes.
    """
    if n_joined() > 1 and from_first(digest) != digest():
        raise ValueError(
            f"The {what} on {socket.gethostname()} are not those of the first process; give every "
            "machine the same."
        )


def shared_out(function: Callable[[Sequence[A]], Iterable[B]], items: Sequence[A]) -> Iterable[B]:
    """Return `function` of the items, a result for each, to which every process does its share.

    All processes must call it with the same items; all receive the results of all, in order.
    """
    if not dist.is_initialized():
        return function(items)
    own = list(function(items[own_rows(len(items))]))
    by_process: list[list[B]] = [[] for _ in range(n_joined())]
    dist.all_gather_object(by_process, own)
    return [result for part in by_process for result in part]


def own_rows(batch_size: int) -> slice:
    """Return which of a batch's rows are this process's, as many as others' or one fewer or more.

    Without other processes these are all.
    """
    rank = dist.get_rank() if dist.is_initialized() else 0
    begin, end = (batch_size * number // n_joined() for number in (rank, rank + 1))
    return slice(begin, end)


def averaged(
    function: Callable[[Any, Any], Any], batch_size: int, *, whole_batch_statistics: bool = False
) -> Callable[[Any, Any], Any]:
    """Return `function` averaged over the processes that are joined.

    Args:
        function: (params, batch) → a tree of tensors that are means over the rows of the batch, as
            a meta-gradient is over tasks (Finn et al. 2017, arXiv:1703.03400, Algorithm 2, line
            10). The batch has this process's `own_rows` of the whole one, at least one.
        batch_size: Rows of the whole batch.
        whole_batch_statistics: Batch normalisation takes the mean and variance of the whole batch,
            as in one process; otherwise those of what a process has at hand.

    Returns:
        (params, own batch) → the same tree over the whole batch, in every process bit by bit the
        same.
    """
    if not dist.is_initialized():
        return function
    own = own_rows(batch_size)
    weight = (own.stop - own.start) / batch_size  # of its mean
    combine = partial(_mean_of_processes, weight) if whole_batch_statistics else None

    def whole(params: Any, batch: Any) -> Any:
        with shared_statistics(combine):
            leaves, structure = tree_flatten(function(params, batch))
        flat = weight * torch.cat([leaf.flatten() for leaf in leaves])  # one message, not dozens
        dist.all_reduce(flat)
        parts = flat.split_with_sizes([leaf.numel() for leaf in leaves])
        shaped = [
            part.view_as(leaf).to(leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)
        ]
        return tree_unflatten(shaped, structure)

    return whole


def _mean_of_processes(weight: float, own: Tensor) -> Tensor:
    mean: Tensor = _MeanOfProcesses.apply(own, weight)  # type: ignore[no-untyped-call]
    return mean


class _MeanOfProcesses(torch.autograd.Function):
    """The mean of all processes' tensors, each weighted by its share of the batch.

    The loss is such a mean, too: Σ wₚ Lₚ. Process p differentiates its own part Lₚ and multiplies
    the gradient by wₚ afterwards. With m = Σ wₚ mₚ the whole loss has the gradient wₚ Σ w_q ∂L_q/∂m
    with respect to mₚ: but for wₚ again the mean of all processes' tensors, now of what comes from
    behind. So this function is its own derivative, of every order.
    """

    @staticmethod
    def forward(own: Tensor, weight: float) -> Tensor:
        message = weight * own.float() if own.dtype.itemsize < 4 else weight * own
        dist.all_reduce(message)
        return message.to(own.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.weight = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _mean_of_processes(ctx.weight, gradient), None
