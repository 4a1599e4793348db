"""What a thread that computes pieces of work is like, in the pool or in a process of its own."""

from __future__ import annotations

import threading

import torch

_own = threading.local()


def become_worker(device: int | None = None) -> None:
    """Make the present thread a worker: one torch thread, on a GPU if it is given one."""
    torch.set_num_threads(1)
    # Once a support set is fitted its gradients fall below 1e-38, where a processor takes up to
    # eighty times as long for each number; they are taken for zero.
    torch.set_flush_denormal(True)
    if device is not None:
        torch.cuda.set_device(device)
    _own.is_worker = True


def is_worker() -> bool:
    """Say whether the present thread is one, which must not wait for others."""
    return getattr(_own, "is_worker", False)
