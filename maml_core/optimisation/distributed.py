"""One training in several processes that torchrun started: each does its share of every batch.

All processes draw the same whole batches, make the same updates from the same averaged gradients
and so hold the same parameters; the first one, rank 0, also keeps the files. Without torchrun
there is one process, and nothing here changes what it does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten


def n_processes() -> int:
    """Return how many processes torchrun started, on all machines together; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if dist.is_torchelastic_launched() else 1


def is_first() -> bool:
    """Say whether this is the process that writes files and speaks."""
    return not dist.is_torchelastic_launched() or os.environ["RANK"] == "0"


def check_alone(command: str) -> None:
    """Raise `ValueError` if a command that cannot be shared out was started by torchrun."""
    if n_processes() > 1:
        raise ValueError(
            f"{command} runs in one process, for its batch normalisation takes the statistics of "
            f"the whole batch, but torchrun started {n_processes()}; start it without torchrun."
        )


@contextmanager
def joined(device: str, n_tasks: int) -> Iterator[None]:
    """Let the processes know each other while they train on batches of `n_tasks` tasks.

    On 'cuda' each of a machine's processes takes a GPU of its own. Where they are joined already
    they stay so.

    Raises:
        ValueError: There are fewer tasks than processes, or fewer GPUs than processes here.
    """
    if n_tasks < n_processes():
        raise ValueError(
            f"meta_batch_size is {n_tasks}, but there are {n_processes()} processes and each needs "
            f"a task; choose at least {n_processes()}, or lower torchrun's --nproc-per-node."
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


def wait_for_all() -> None:
    """Wait until all processes that are joined are here; without others go on at once.

    torchrun ends all processes as soon as one fails: where all fail together, each waits, so that
    the first one has written its files.
    """
    if dist.is_initialized():
        dist.barrier()


def averaged(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return `function` with its batch shared out over the processes that are joined.

    Args:
        function: (params, batch) → a tree of tensors that are means over the first dimension of
            the batch, as a meta-gradient is over tasks (Finn et al. 2017, arXiv:1703.03400,
            Algorithm 2, line 10). The batch is a tree of tensors [B, …], B at least the number
            of processes.

    Returns:
        (params, batch) → the same tree over the whole batch, in every process bit by bit the same.
    """
    if not dist.is_initialized():
        return function

    def whole(params: Any, batch: Any) -> Any:
        own = tree_map(_own_share, batch)
        # Shares differ by a task where B is no multiple, so that means have unequal weights.
        weight = _size(own) / _size(batch)
        leaves, structure = tree_flatten(function(params, own))
        flat = weight * torch.cat([leaf.flatten() for leaf in leaves])  # one message, not dozens
        dist.all_reduce(flat)
        parts = flat.split_with_sizes([leaf.numel() for leaf in leaves])
        shaped = [
            part.view_as(leaf).to(leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)
        ]
        return tree_unflatten(shaped, structure)

    return whole


def _own_share(tensor: torch.Tensor) -> torch.Tensor:
    """Return this process's rows of [B, …], B / processes of them rounded down or up."""
    return tensor.tensor_split(dist.get_world_size())[dist.get_rank()]


def _size(batch: Any) -> int:
    return len(tree_flatten(batch)[0][0])
