"""Networks: plain modules, all with a linear `head` on the `features` they find in a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORM_EPSILON = 1e-5  # as torch.nn.BatchNorm2d


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


class NormalisedConv(nn.Module):
    """3x3 convolution and batch normalisation, before which a bias changes nothing."""

    def __init__(
        self, in_channels: int, channels: int, stride: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=bias)
        self.gain = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, height, width] → [B, channels, height / stride, width / stride]."""
        return normalise(self.conv(x), self.gain, self.shift, reference)


class ConvBlock(NormalisedConv):
    """Convolution, batch normalisation, ReLU, and halving by stride or by max pooling."""

    def __init__(self, in_channels: int, channels: int, max_pool: bool) -> None:
        super().__init__(in_channels, channels, stride=1 if max_pool else 2, bias=True)
        self.max_pool = max_pool

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, height, width] → [B, channels, height / 2, width / 2]."""
        x = F.relu(super().forward(x, reference))
        return F.max_pool2d(x, 2) if self.max_pool else x


class Network(nn.Module, ABC):
    """Features found in a picture, and a linear head on them that starts at zero."""

    head: nn.Linear

    @abstractmethod
    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, width of the head]; `reference` as in `normalise`."""

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → logits [B, n_out]; `reference` as in `normalise`."""
        logits: Tensor = self.head(self.features(x, reference))
        return logits


class Conv4(Network):
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
        _check_sizes(n_out, channels, "channels")
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


class ResNet(Network):
    """A stem and three residual stages, halved between them by max pooling, and a linear head.

    Ten times Conv4's parameters and eleven times its arithmetic: 28 → 14 → 7 → 3 pixels, two
    convolutions a stage, twice the filters each stage (after He et al. 2016, arXiv:1512.03385).
    What few-shot learners compare with when they ask how much the network matters (Chen et al.
    2019, arXiv:1904.04232). The head starts at zero.

    Args:
        n_out: Rows of the head.
        channels: Filters of the stem; the stages have 2, 4 and 8 times as many.
        in_channels: Of the pictures: 1 of grey ones, 3 in colour.
        side: Their width and height, pixels.

    Raises:
        ValueError: No row or no filter, or the pictures are halved to nothing.
    """

    def __init__(
        self, n_out: int = 1, channels: int = 32, in_channels: int = 1, side: int = 28
    ) -> None:
        super().__init__()
        _check_sizes(n_out, channels, "channels")
        self.input_shape = (in_channels, side, side)
        self.stem = NormalisedConv(in_channels, channels)
        widths = [channels * 2**n for n in range(4)]
        self.stages = nn.ModuleList(ResidualStage(a, b) for a, b in pairwise(widths))
        if side < 2 ** len(self.stages):
            raise ValueError(f"Pictures of {side} pixels are too small to halve.")
        self.head = zero_head(widths[-1], n_out)

    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, width of the head]; `reference` as in `normalise`."""
        x = F.relu(self.stem(x, reference))
        for stage in self.stages:
            x = stage(F.max_pool2d(x, 2), reference)
        return x.mean(dim=(2, 3))


class ResidualStage(nn.Module):
    """Two normalised convolutions; the second adds to what the first one found."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.widen = NormalisedConv(in_channels, channels)
        self.refine = NormalisedConv(channels, channels)

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, height, width] → [B, channels, height, width]."""
        x = F.relu(self.widen(x, reference))
        return F.relu(x + self.refine(x, reference))


class MLP(Network):
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
        _check_sizes(n_out, hidden, "hidden units")
        self.input_shape = (in_channels, side, side)
        sizes = (in_channels * side**2, hidden, hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.head = zero_head(hidden, n_out)

    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, hidden]; `reference` plays no part."""
        x = x.flatten(1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return x


class LSTM(Network):
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
        _check_sizes(n_out, hidden, "hidden units")
        self.input_shape = (in_channels, side, side)
        self.hidden = hidden
        self.read = nn.Linear(in_channels * side, 4 * hidden)
        self.recall = nn.Linear(hidden, 4 * hidden, bias=False)
        self.head = zero_head(hidden, n_out)

    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, hidden], the state after the last row."""
        rows = self.read(x.transpose(1, 2).flatten(2))  # [B, side, 4 * hidden]
        state = cell = x.new_zeros(len(x), self.hidden)
        for row in rows.unbind(1):
            enter, keep, value, leave = (row + self.recall(state)).chunk(4, -1)
            cell = torch.sigmoid(keep + 1) * cell + torch.sigmoid(enter) * torch.tanh(value)
            state = torch.sigmoid(leave) * torch.tanh(cell)
        return state


class Head(nn.Module):
    """A network's linear head by itself: it takes features, which are normalised by then."""

    def __init__(self) -> None:
        super().__init__()
        self.head = zero_head(1, 1)

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, width] → logits [B, n_out]; `reference` plays no part."""
        logits: Tensor = self.head(x)
        return logits


def zero_head(width: int, n_out: int) -> nn.Linear:
    """Return a linear layer of zeros: all classes alike."""
    head = nn.Linear(width, n_out)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def _check_sizes(n_out: int, width: int, unit: str) -> None:
    if n_out < 1 or width < 1:
        raise ValueError(
            f"The network has {n_out} head rows and {width} {unit}; it needs at least 1 of each."
        )
