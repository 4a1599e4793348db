"""A small residual network, after He et al. 2016 (arXiv:1512.03385)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.networks.layers import Network, NormalisedConv, check_sizes, max_pool, zero_head


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
        check_sizes(n_out, channels, "channels")
        self.input_shape = (in_channels, side, side)
        self.stem = NormalisedConv(in_channels, channels)
        widths = [channels * 2**n for n in range(4)]
        self.stages = nn.ModuleList(ResidualStage(a, b) for a, b in pairwise(widths))
        if side < 2 ** len(self.stages):
            raise ValueError(f"Pictures of {side} pixels are too small to halve.")
        self.head = zero_head(widths[-1], n_out)

    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, width of the head]; `reference` as in `normalise`."""
        x = self.stem(x, reference, relu=True)
        for stage in self.stages:
            x = stage(max_pool(x), reference)
        return x.mean(dim=(-2, -1))


class ResidualStage(nn.Module):
    """Two normalised convolutions; the second adds to what the first one found."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.widen = NormalisedConv(in_channels, channels)
        self.refine = NormalisedConv(channels, channels)

    def forward(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, height, width] → [B, channels, height, width]."""
        x = self.widen(x, reference, relu=True)
        return F.relu(x + self.refine(x, reference))
