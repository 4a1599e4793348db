"""Runs a network at any parameters, by `torch.func.functional_call`.

One checkpoint serves every N: its head has either one row, which stands for N rows of zeros,
or as many rows as the largest N, of which the first N are used. `for_n_way` does it.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.func import functional_call

from maml_core.config import SettingError
from maml_core.networks.conv4 import Conv4
from maml_core.networks.layers import Head, Network
from maml_core.networks.params import Params

T = TypeVar("T")
_own = threading.local()
HEAD = ("head.weight", "head.bias")
HEAD_ONLY = Head()  # is run at parameters of any width


def initial_params(model: nn.Module, seed: int) -> Params:
    """Return freshly initialised parameters, the same for the same seed.

    Weights are uniform in ±1/√fan_in, PyTorch's default for convolutions and linear layers
    (`kaiming_uniform_` with a = √5); gains are one; shifts, biases and the head are zero.
    """
    generator = torch.Generator().manual_seed(seed)
    params: Params = {}
    for name, value in model.named_parameters():
        if value.ndim > 1 and name not in HEAD:
            bound = value[0].numel() ** -0.5
            params[name] = (torch.rand(value.shape, generator=generator) * 2 - 1) * bound
        elif name.endswith("gain"):
            params[name] = torch.ones(value.shape)
        else:
            params[name] = torch.zeros(value.shape)
    return params


def for_n_way(params: Params, n_way: int) -> Params:
    """Return the parameters with a head of N rows.

    A head of one row stands for N rows of zeros. One learned vector shared by all classes (Ye &
    Chao 2022, arXiv:2106.16245) is the same thing: what all rows have in common cancels in the
    softmax and in its gradient, so it changes no prediction at any inner step. Zeros make the
    logits before adaptation exactly equal, and chance exactly 1/N.
    Of a head with more rows the first N are used.

    Raises:
        ValueError: The head has more than one but fewer than N rows.
    """
    rows = len(params["head.weight"])
    if 1 < rows < n_way:
        raise SettingError(
            "These weights serve up to {rows} ways, not {wanted}; lower {n_way}.",
            rows=rows,
            wanted=n_way,
        )
    if rows > 1:
        return {**params, **{name: params[name][:n_way] for name in HEAD}}
    heads = {name: params[name].new_zeros(n_way, *params[name].shape[1:]) for name in HEAD}
    return {**params, **heads}


def logits(model: nn.Module, params: Params, x: Tensor, reference: int | None = None) -> Tensor:
    """Run the network at `params` on pictures [B, *input_shape]; logits [B, n_out].

    All pictures are normalised with the statistics of the first `reference`, or of all. The
    project's networks also run many tasks at once: pictures [T, B, *input_shape], of which each
    task is normalised by itself, and parameters as they are or `for_each_task`; logits
    [T, B, n_out].
    """
    arguments = (x,) if reference is None else (x, reference)
    out: Tensor = functional_call(_of_this_thread(model), params, arguments)
    return out


def query_logits(
    model: nn.Module, params: Params, support_x: Tensor, query_x: Tensor, *, transductive: bool
) -> Tensor:
    """Run the network at `params` on query pictures [B, *input_shape]; logits [B, n_out].

    Transductive: the queries are normalised with the statistics of their own batch, as in
    MAML's published Omniglot results (Nichol et al. 2018, arXiv:1803.02999, section 6.1). Each
    then tells a little about the others. Otherwise with the support set's, and each query is
    answered as if it were alone.
    """
    if transductive:
        return logits(model, params, query_x)
    both, n = _side_by_side(model, support_x, query_x)
    return logits(model, params, both, n)[..., n:, :]


def trajectory_query_logits(
    model: nn.Module,
    trajectory: Iterable[Params],
    support_x: Tensor,
    query_x: Tensor,
    *,
    transductive: bool,
) -> Tensor:
    """Return the query logits at each point of an adaptation, [inner_steps + 1, B, n_out].

    Args:
        model: The network.
        trajectory: θ₀ … θ_S, as `inner_loop.adapt` returns it.
        support_x: [n_way * k_shot, *input_shape].
        query_x: [B, *input_shape].
        transductive: How queries are normalised, see `query_logits`.
    """

    def at_point(params: Params) -> Tensor:
        return query_logits(model, params, support_x, query_x, transductive=transductive)

    return torch.stack(at_each_point(at_point, trajectory))


def at_each_point(compute: Callable[[Params], T], trajectory: Iterable[Params]) -> list[T]:
    """Return what a function gives at each point of an adaptation.

    Who takes no step stays where they are: there it is computed once.
    """
    found: list[T] = []
    last = None
    for params in trajectory:
        found.append(found[-1] if params is last else compute(params))
        last = params
    return found


def features(
    model: nn.Module, params: Params, support_x: Tensor, query_x: Tensor, *, transductive: bool
) -> tuple[Tensor, Tensor]:
    """Return what the head is given of support and query pictures, each [B, width of the head].

    Args:
        model: The network.
        params: Where its features are taken; the head plays no part.
        support_x: [B, *input_shape].
        query_x: Likewise.
        transductive: How queries are normalised, see `query_logits`.
    """
    identity = _with_identity(params)
    if transductive:
        return logits(model, identity, support_x), logits(model, identity, query_x)
    both, n = _side_by_side(model, support_x, query_x)  # of the same statistics: in one pass
    found = logits(model, identity, both, n)
    return found[..., :n, :], found[..., n:, :]


def head_input(model: nn.Module, params: Params, x: Tensor) -> Tensor:
    """Return what the head is given of pictures [B, *input_shape], normalised by themselves."""
    return logits(model, _with_identity(params), x)


def block_features(
    model: Conv4, params: Params, support_x: Tensor, query_x: Tensor, *, transductive: bool
) -> list[tuple[Tensor, Tensor]]:
    """Return what each block of Conv4 makes of support and query pictures, as `features` does.

    The mean over positions, each [B, channels]; the last block's is what the head is given, unless
    the network is one that flattens.
    """
    if transductive:
        alone = (_block_means(model, params, x, None) for x in (support_x, query_x))
        return list(zip(*alone, strict=True))
    both, n = _side_by_side(model, support_x, query_x)
    return [(found[:n], found[n:]) for found in _block_means(model, params, both, n)]


def _block_means(
    model: Conv4, params: Params, x: Tensor, reference: int | None
) -> Iterator[Tensor]:
    for number, block in enumerate(_of_this_thread(model).get_submodule("blocks").children()):
        prefix = f"blocks.{number}."
        own = {n.removeprefix(prefix): v for n, v in params.items() if n.startswith(prefix)}
        x = functional_call(block, own, (x, reference))
        yield x.mean((-2, -1))


def _with_identity(params: Params) -> Params:
    """Return the parameters with the identity as head: so the network returns its features."""
    width = params["head.weight"].shape[-1]
    bare = {"head.weight": torch.eye(width), "head.bias": torch.zeros(width)}
    return {**params, **{n: v.to(params[n]) for n, v in bare.items()}}


def for_each_task(params: Params, tasks: tuple[int, ...]) -> Params:
    """Return the parameters once for each task, [T, …], without copying.

    Args:
        params: Of all tasks.
        tasks: (T,), or () for the one task that needs no dimension of its own.
    """
    return {name: value.expand(*tasks, *value.shape) for name, value in params.items()}


def _side_by_side(model: nn.Module, support_x: Tensor, query_x: Tensor) -> tuple[Tensor, int]:
    """Return all pictures of a task, or of each, and how many support pictures come first."""
    batch = query_x.ndim - 4 if isinstance(model, Network) else 0
    return torch.cat([support_x, query_x], batch), support_x.shape[batch]


def _of_this_thread(model: nn.Module) -> nn.Module:
    """Return this thread's own copy of a network.

    `functional_call` puts the parameters into the module for the length of the call, so two
    threads that share a module silently compute with each other's parameters.
    """
    if not hasattr(_own, "copies"):
        _own.copies = WeakKeyDictionary()
    if model not in _own.copies:
        _own.copies[model] = copy.deepcopy(model)
    found: nn.Module = _own.copies[model]
    return found
