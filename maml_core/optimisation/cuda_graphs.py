"""Replaying a function's kernels as one CUDA graph; on a CPU it changes nothing.

A meta-gradient is over a thousand small kernels, and launching them from Python takes longer
than running them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_map

WARM_UP_RUNS = 3  # what PyTorch's notes on CUDA graphs ask for before a capture


def graphed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` captured once for each combination of input shapes and then replayed.

    The function takes and returns trees of tensors and must do the same work for the same
    shapes. Results stay valid until the next call. Calls with CPU tensors go straight through.
    """
    captured: dict[tuple[torch.Size, ...], Callable[..., Any]] = {}

    def call(*arguments: Any) -> Any:
        leaves = tree_flatten(arguments)[0]
        if not leaves[0].is_cuda:
            return function(*arguments)
        shapes = tuple(leaf.shape for leaf in leaves)
        if shapes not in captured:
            captured[shapes] = _capture(function, arguments)
        return captured[shapes](leaves)

    return call


def _capture(function: Callable[..., Any], arguments: Any) -> Callable[..., Any]:
    inputs = tree_map(torch.clone, arguments)
    side_stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side_stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side_stream):
        for _ in range(WARM_UP_RUNS):
            function(*inputs)
    torch.cuda.current_stream().wait_stream(side_stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = function(*inputs)
    targets = tree_flatten(inputs)[0]

    def replay(leaves: list[torch.Tensor]) -> Any:
        torch._foreach_copy_(targets, [leaf.detach() for leaf in leaves])
        graph.replay()
        return outputs

    return replay
