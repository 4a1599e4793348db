"""Conv4, the four convolution blocks of Finn et al. 2017 (arXiv:1703.03400, section 5.2)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from maml_core.networks.layers import Network, NormalisedConv, check_sizes, max_pool, zero_head


class ConvBlock(NormalisedConv):
    """Convolution, batch normalisation, ReLU, and halving by stride or by max pooling."""

    def __init__(self, in_channels: int, channels: int, max_pool: bool) -> None:
        super().__init__(in_channels, channels, stride=1 if max_pool else 2, bias=True)
        self.max_pool = max_pool

    def forward(self, x: Tensor, reference: int | None = None, *, relu: bool = True) -> Tensor:
        """[B, in_channels, height, width] → [B, channels, height / 2, width / 2]."""
        x = super().forward(x, reference, relu=relu)
        return max_pool(x) if self.max_pool else x


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
        check_sizes(n_out, channels, "channels")
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
        return x.flatten(-3) if self.flatten else x.mean(dim=(-2, -1))
