"""A long short-term memory that reads pictures row by row (Hochreiter & Schmidhuber 1997)."""

from __future__ import annotations

import torch
from torch import Tensor

from maml_core.networks.layers import Linear, Network, check_sizes, zero_head


class LSTM(Network):
    """A long short-term memory that reads a picture row by row, and a linear head.

    Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; the gate starts open,
    by a constant 1, so that the first rows are remembered at the last (Jozefowicz et al. 2015).
    Written out because `torch.nn.LSTM` takes the weights of one task only.
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
        check_sizes(n_out, hidden, "hidden units")
        self.input_shape = (in_channels, side, side)
        self.hidden = hidden
        self.read = Linear(in_channels * side, 4 * hidden)
        self.recall = Linear(hidden, 4 * hidden, bias=False)
        self.head = zero_head(hidden, n_out)

    def features(self, x: Tensor, reference: int | None = None) -> Tensor:
        """[B, in_channels, side, side] → [B, hidden], the state after the last row."""
        pixels = x.transpose(-3, -2).flatten(-2)  # [..., B, side, in_channels * side]
        rows = self.read(pixels.flatten(-3, -2)).unflatten(-2, pixels.shape[-3:-1])
        state = cell = x.new_zeros(*x.shape[:-3], self.hidden)
        for row in rows.unbind(-2):
            enter, keep, value, leave = (row + self.recall(state)).chunk(4, -1)
            cell = torch.sigmoid(keep + 1) * cell + torch.sigmoid(enter) * torch.tanh(value)
            state = torch.sigmoid(leave) * torch.tanh(cell)
        return state
