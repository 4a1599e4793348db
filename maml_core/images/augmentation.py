"""Small random deformations of a picture: the same for every method that trains."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# Chosen so that a deformed character stays one that a person would still call the same.
MAX_ROTATION = math.radians(15)
MAX_SCALE = 0.15
MAX_SHEAR = 0.15
MAX_SHIFT = 2 / 14  # two of 28 pixels; the picture spans -1 to 1
ELASTIC_POINTS = 6  # a side: one each 5.6 of 28 pixels
ELASTIC_SHIFT = 0.05  # standard deviation, 0.7 of 28 pixels


ALL = slice(None)


def random_affine(
    x: Tensor, generator: torch.Generator, part: slice = ALL, of: int | None = None
) -> Tensor:
    """Rotate, scale, shear and shift each picture by its own small random amounts.

    Args:
        x: float [B, channels, height, width]; of one channel: ink 1 on paper 0.
        generator: A CPU generator; the only source of randomness.
        part: Which pictures of a larger batch these are; they are deformed as in that batch.
        of: Its size, where it is larger.

    Returns:
        The same shape, bilinearly resampled; what comes in from outside is paper, and with more
        channels, which show no ink on paper, whatever is at the edge.
    """
    draws = torch.rand(of or len(x), 6, generator=generator)[part] * 2 - 1
    angle = draws[:, 0] * MAX_ROTATION
    shear = draws[:, 1] * MAX_SHEAR
    width, height = 1 + draws[:, 2] * MAX_SCALE, 1 + draws[:, 3] * MAX_SCALE
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.stack([cos * width, (cos * shear - sin) * height, draws[:, 4] * MAX_SHIFT], -1),
        torch.stack([sin * width, (sin * shear + cos) * height, draws[:, 5] * MAX_SHIFT], -1),
    ]
    matrices = torch.stack(rows, 1).to(x.device, x.dtype)
    return _resampled(x, F.affine_grid(matrices, list(x.shape), align_corners=False))


def random_elastic(
    x: Tensor, generator: torch.Generator, part: slice = ALL, of: int | None = None
) -> Tensor:
    """Shift the parts of each picture by small amounts of their own, smooth from part to part.

    Elastic deformation, as a hand that varies does it (Simard et al. 2003, "Best practices for
    convolutional neural networks"); here random shifts of a coarse grid, interpolated.

    Args:
        x: float [B, channels, height, width].
        generator: A CPU generator; the only source of randomness.
        part: As in `random_affine`.
        of: Likewise.

    Returns:
        As `random_affine`.
    """
    shape = of or len(x), 2, ELASTIC_POINTS, ELASTIC_POINTS
    shifts = torch.randn(shape, generator=generator)
    smooth = F.interpolate(
        ELASTIC_SHIFT * shifts[part].to(x.device, x.dtype),
        size=x.shape[2:],
        mode="bicubic",
        align_corners=True,
    )
    here = torch.eye(2, 3, device=x.device, dtype=x.dtype).expand(len(x), 2, 3)
    grid = F.affine_grid(here, list(x.shape), align_corners=False)
    return _resampled(x, grid + smooth.movedim(1, -1))


def _resampled(x: Tensor, grid: Tensor) -> Tensor:
    outside = "zeros" if x.shape[1] == 1 else "border"
    return F.grid_sample(x, grid, padding_mode=outside, align_corners=False)
