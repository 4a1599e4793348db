"""What the networks are made of: normalised convolutions, the linear head, their base class."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

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


def check_sizes(n_out: int, width: int, unit: str) -> None:
    if n_out < 1 or width < 1:
        raise ValueError(
            f"The network has {n_out} head rows and {width} {unit}; it needs at least 1 of each."
        )
