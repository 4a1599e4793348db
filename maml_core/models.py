"""Networks: plain modules; `torch.func.functional_call` runs them at any parameters.

One checkpoint serves every N: its head has either one row, which stands for N rows of zeros,
or as many rows as the largest N, of which the first N are used. `for_n_way` does it.
"""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from maml_core.config import check_choice
from maml_core.params import Params

NORM_EPSILON = 1e-5  # as torch.nn.BatchNorm2d
_own = threading.local()
HEAD = ("head.weight", "head.bias")


def normalise(x: Tensor, gain: Tensor, shift: Tensor, reference: int | None = None) -> Tensor:
    """Normalise each channel with the statistics of the batch at hand.

    Written out because second-order gradients of `F.batch_norm` under `vmap` are silently
    wrong on a CPU (torch 2.13). Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1.

    Args:
        x: [B, channels, height, width]; all B pictures share the statistics.
        gain: γ, [channels].
        shift: β of that paper, [channels].
        reference: Take the statistics of the first so many pictures only, 1 to B; None: of all.
    """
    centred = x - x[:reference].mean(dim=(0, 2, 3), keepdim=True)
    # In two passes: `torch.var_mean` makes the forward pass take twice as long on a CPU.
    variance = centred[:reference].square().mean(dim=(0, 2, 3), keepdim=True)
    scale = torch.rsqrt(variance + NORM_EPSILON) * gain[:, None, None]
    return centred * scale + shift[:, None, None]


class ConvBlock(nn.Module):
    """3x3 convolution, batch normalisation, ReLU, and halving by stride or by max pooling."""

    def __init__(self, in_channels: int, channels: int, max_pool: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, stride=1 if max_pool else 2, padding=1)
        self.gain = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.max_pool = max_pool

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, height, width] → [B, channels, height / 2, width / 2]."""
        x = F.relu(normalise(self.conv(x), self.gain, self.shift, reference))
        return F.max_pool2d(x, 2) if self.max_pool else x


class Conv4(nn.Module):
    """Four convolution blocks and a linear head (Finn et al. 2017, section 5.2).

    With strides, as the paper's Omniglot network: 28 → 14 → 7 → 4 → 2 pixels, then the mean
    over what is left of the picture. The paper's mini-ImageNet network has 32 channels, max
    pooling, 84 → 42 → 21 → 10 → 5 pixels, and flattens the 5 × 5 × 32 that are left, as its
    authors' code does. The head starts at zero: all classes alike.

    Args:
        n_out: Rows of the head.
        channels: Filters a layer.
        max_pool: Halve by max pooling instead of strides.
        in_channels: Of the pictures: 1 of grey ones, 3 in colour.
        side: Width and height of the pictures, pixels.
        flatten: Give the head all of what is left of the picture, not its mean.

    Raises:
        ValueError: No row or no filter, or the pictures are halved to nothing.
    """

    def __init__(
        self,
        n_out: int = 1,
        channels: int = 64,
        max_pool: bool = False,
        in_channels: int = 1,
        side: int = 28,
        flatten: bool = False,
    ) -> None:
        super().__init__()
        if n_out < 1 or channels < 1:
            raise ValueError(
                f"The network has {n_out} head rows and {channels} channels; "
                "it needs at least 1 of each."
            )
        self.input_shape = (in_channels, side, side)
        self.flatten = flatten
        sizes = (in_channels, channels, channels, channels, channels)
        self.blocks = nn.Sequential(*(ConvBlock(a, b, max_pool) for a, b in pairwise(sizes)))
        for _ in self.blocks:
            side = side // 2 if max_pool else (side + 1) // 2
        if side < 1:
            raise ValueError(f"Pictures of {self.input_shape[1]} pixels are too small to halve.")
        self.head = zero_head(channels * side**2 if flatten else channels, n_out)

    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, width of the head]; `reference` as in `normalise`."""
        for block in self.blocks:
            x = block(x, reference)
        return x.flatten(1) if self.flatten else x.mean(dim=(2, 3))

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → logits [B, n_out]; `reference` as in `normalise`."""
        logits: Tensor = self.head(self.features(x, reference))
        return logits


class MLP(nn.Module):
    """Two hidden layers and a linear head on the flattened picture: 784-64-64 for MNIST.

    Nothing is normalised, so that every query is answered as if it were alone. Vectors are
    pictures of one pixel and many channels: 1-40-40 for sinusoids (Finn et al. 2017, section 5.1).

    Args:
        n_out: Rows of the head, which starts at zero.
        hidden: Units of each hidden layer.
        in_channels: Of the pictures.
        side: Their width and height, pixels.

    Raises:
        ValueError: No row or no unit.
    """

    def __init__(
        self, n_out: int = 1, hidden: int = 64, in_channels: int = 1, side: int = 28
    ) -> None:
        super().__init__()
        _check_sizes(n_out, hidden)
        self.input_shape = (in_channels, side, side)
        sizes = (in_channels * side**2, hidden, hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.head = zero_head(hidden, n_out)

    def features(self, x: Tensor) -> Tensor:
        """[B, in_channels, side, side] → [B, hidden]."""
        x = x.flatten(1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return x

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → logits [B, n_out]; `reference` plays no part."""
        logits: Tensor = self.head(self.features(x))
        return logits


class LSTM(nn.Module):
    """A long short-term memory that reads a picture row by row, and a linear head.

    Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; the gate starts open,
    by a constant 1, so that the first rows are remembered at the last (Jozefowicz et al. 2015).
    Written out because `torch.nn.LSTM` fails under a `vmap` over tasks (torch 2.13, CPU).
    Nothing is normalised, so that every query is answered as if it were alone.

    Args:
        n_out: Rows of the head, which starts at zero.
        hidden: Units of the state.
        in_channels: Of the pictures.
        side: Their width and height, pixels.

    Raises:
        ValueError: No row or no unit.
    """

    def __init__(
        self, n_out: int = 1, hidden: int = 64, in_channels: int = 1, side: int = 28
    ) -> None:
        super().__init__()
        _check_sizes(n_out, hidden)
        self.input_shape = (in_channels, side, side)
        self.hidden = hidden
        self.read = nn.Linear(in_channels * side, 4 * hidden)
        self.recall = nn.Linear(hidden, 4 * hidden, bias=False)
        self.head = zero_head(hidden, n_out)

    def features(self, x: Tensor) -> Tensor:
        """[B, in_channels, side, side] → [B, hidden], the state after the last row."""
        rows = self.read(x.transpose(1, 2).flatten(2))  # [B, side, 4 * hidden]
        state = cell = x.new_zeros(len(x), self.hidden)
        for row in rows.unbind(1):
            enter, keep, value, leave = (row + self.recall(state)).chunk(4, -1)
            cell = torch.sigmoid(keep + 1) * cell + torch.sigmoid(enter) * torch.tanh(value)
            state = torch.sigmoid(leave) * torch.tanh(cell)
        return state

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → logits [B, n_out]; `reference` plays no part."""
        logits: Tensor = self.head(self.features(x))
        return logits


MODELS: dict[str, type[nn.Module]] = {"conv4": Conv4, "mlp": MLP, "lstm": LSTM}


def zero_head(width: int, n_out: int) -> nn.Linear:
    """Return a linear layer of zeros: all classes alike."""
    head = nn.Linear(width, n_out)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


class Head(nn.Module):
    """A network's linear head by itself: it takes features, which are normalised by then."""

    def __init__(self) -> None:
        super().__init__()
        self.head = zero_head(1, 1)

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, width] → logits [B, n_out]; `reference` plays no part."""
        logits: Tensor = self.head(x)
        return logits


HEAD_ALONE = Head()  # is run at parameters of any width


def _check_sizes(n_out: int, hidden: int) -> None:
    if n_out < 1 or hidden < 1:
        raise ValueError(
            f"The network has {n_out} head rows and {hidden} hidden units; "
            "it needs at least 1 of each."
        )


def make_model(given: Mapping[str, Any]) -> nn.Module:
    """Return a network by its `name` among `MODELS` (Conv4 where it is left out) and arguments.

    Raises:
        ValueError: There is no such network, or an argument is out of its range or none it has.
    """
    arguments = model_arguments(given)
    return MODELS[arguments.pop("name")](**arguments)


def model_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network's `name` and all of its arguments, those left out at their defaults.

    Raises:
        ValueError: There is no such network, or it has no such argument.
    """
    asked = dict(given)
    name = asked.pop("name", "conv4")
    check_choice("model", name, tuple(MODELS))
    known = inspect.signature(MODELS[name]).parameters
    odd = [one for one in asked if one not in known]
    if odd:
        raise ValueError(
            f"{MODELS[name].__name__} has no {', '.join(odd)}; leave that out or take another one."
        )
    return {"name": name} | {one: asked.get(one, known[one].default) for one in known}


def for_pictures(given: Mapping[str, Any], shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return a network's arguments for pictures of a shape; 1x28x28 need none.

    Args:
        given: Its other arguments.
        shape: Channels, height and width, these two alike.
    """
    defaults = {"in_channels": 1, "side": 28}
    wanted = {"in_channels": shape[0], "side": shape[1]}
    return {**given, **{n: value for n, value in wanted.items() if value != defaults[n]}}


def check_pictures(model: nn.Module, shape: tuple[int, int, int]) -> None:
    """Raise `ValueError` if a network cannot read pictures of a shape: channels, height, width."""
    expected = getattr(model, "input_shape", shape)
    if expected != shape:
        reads, given = ("×".join(map(str, one)) for one in (expected, shape))
        raise ValueError(
            f"These weights read pictures of {reads} (channels, height, width), but there are "
            f"pictures of {given}; choose other weights or another data set."
        )


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
        raise ValueError(f"These weights serve up to {rows} ways, not {n_way}; lower n_way.")
    if rows > 1:
        return {**params, **{name: params[name][:n_way] for name in HEAD}}
    heads = {name: params[name].new_zeros(n_way, *params[name].shape[1:]) for name in HEAD}
    return {**params, **heads}


def logits(model: nn.Module, params: Params, x: Tensor, reference: int | None = None) -> Tensor:
    """Run the network at `params` on pictures [B, *input_shape]; logits [B, n_out].

    All pictures are normalised with the statistics of the first `reference`, or of all.
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
    n = len(support_x)
    return logits(model, params, torch.cat([support_x, query_x]), n)[n:]


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
    width = params["head.weight"].shape[1]
    # With the identity as its head the network returns its features.
    bare = {"head.weight": torch.eye(width), "head.bias": torch.zeros(width)}
    identity = {**params, **{n: v.to(params[n]) for n, v in bare.items()}}
    if transductive:
        return logits(model, identity, support_x), logits(model, identity, query_x)
    n = len(support_x)  # of the same statistics: all pictures in one pass
    both = logits(model, identity, torch.cat([support_x, query_x]), n)
    return both[:n], both[n:]


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
