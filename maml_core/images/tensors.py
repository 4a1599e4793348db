"""The one way from the pixels of network inputs to what a network computes with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from maml_core.images.network_input import to_network_input


def pixels_to_tensor(pixels: Tensor) -> Tensor:
    """Return pixels as a network reads them.

    Args:
        pixels: uint8 of any shape, 0 to 255; of characters 255 is ink.

    Returns:
        float32 of the same shape on the same device, 0 to 1.
    """
    return pixels.float() / 255


def character_to_tensor(character: np.ndarray) -> Tensor:
    """Return what a network sees of a character, float32 [1, 28, 28], ink 1, paper 0.

    Args:
        character: uint8 [105, 105]; 255 is ink, 0 is paper.
    """
    return pixels_to_tensor(torch.from_numpy(to_network_input(character).copy())[None])
