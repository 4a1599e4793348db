"""What the networks are made of: normalised convolutions, linear layers, their base class.

All of it also runs many tasks at once: x then has a first dimension more, [T, B, …], and
parameters may have one, too, in which each task has its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.networks.task_operations import convolve, normalise


class NormalisedConv(nn.Module):
    """3x3 convolution and batch normalisation, before which a bias changes nothing.

    So the bias that Conv4 has, as its paper's network, is not added.
    """

    def __init__(
        self, in_channels: int, channels: int, stride: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=bias)
        self.gain = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, reference: int | None = None, *, relu: bool = False) -> Tensor:
        """[B, in_channels, height, width] → [B, channels, height / stride, width / stride]."""
        found = convolve(x, self.conv.weight, self.stride)
        return normalise(found, self.gain, self.shift, reference, relu=relu)


class Linear(nn.Linear):
    """A linear layer that also takes the weights of many tasks."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., B, width] → [..., B, n_out]."""
        product = x @ self.weight.mT
        return product if self.bias is None else product + self.bias[..., None, :]


class Network(nn.Module, ABC):
    """Features found in a picture, and a linear head on them that starts at zero.

    It runs many tasks at once where its parameters have a first dimension for them.
    """

    head: Linear

    @abstractmethod
    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, width of the head]; `reference` as in `normalise`."""

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → logits [B, n_out]; `reference` as in `normalise`."""
        logits: Tensor = self.head(self.features(x, reference))
        return logits


class Head(nn.Module):
    """A network's linear head by itself: it takes features, which are normalised by then."""

    def __init__(self) -> None:
        super().__init__()
        self.head = zero_head(1, 1)

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, width] → logits [B, n_out]; `reference` plays no part."""
        logits: Tensor = self.head(x)
        return logits


def max_pool(x: Tensor) -> Tensor:
    """Halve pictures [..., channels, height, width] by the maximum of 2 × 2 pixels."""
    pooled = F.max_pool2d(x.flatten(0, -4), 2)
    return pooled.view(*x.shape[:-2], *pooled.shape[-2:])


def zero_head(width: int, n_out: int) -> Linear:
    """Return a linear layer of zeros: all classes alike."""
    head = Linear(width, n_out)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def check_sizes(n_out: int, width: int, unit: str) -> None:
    if n_out < 1 or width < 1:
        raise ValueError(
            f"The network has {n_out} head rows and {width} {unit}; it needs at least 1 of each."
        )
