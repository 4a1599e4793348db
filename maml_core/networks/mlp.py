"""A multilayer perceptron: 784-64-64 on digits, 1-40-40 on sinusoids (Finn et al. 2017)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.networks.layers import Linear, Network, check_sizes, zero_head


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
        check_sizes(n_out, hidden, "hidden units")
        self.input_shape = (in_channels, side, side)
        sizes = (in_channels * side**2, hidden, hidden)
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(sizes))
        self.head = zero_head(hidden, n_out)

    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, hidden]; `reference` plays no part."""
        x = x.flatten(-3)
        for layer in self.layers:
            x = F.relu(layer(x))
        return x
