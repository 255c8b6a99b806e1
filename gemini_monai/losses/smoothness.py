"""Smoothness of a displacement field, equation 3."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from gemini_monai.geometry.types import DDF


class SmoothnessLoss(nn.Module):
    """Mean squared forward difference of a displacement field, averaged over the axes.

    Equation 3 as the authors compute it: a mean, not a sum. 0 for a constant field; a ramp of
    slope s voxels per voxel along one axis in one channel gives ``s**2 / N**2``. MONAI's
    ``DiffusionLoss`` takes central differences, blind to a checkerboard, and is not the same.

    Of second order it is the bending energy (Rueckert et al., IEEE TMI 1999), averaged over the
    N**2 pairs of axes: 0 for every affine field, so that turning and scaling cost nothing.

    Args:
        order: Of the differences, 1 or 2.

    Raises:
        ValueError: If ``order`` is neither.
    """

    def __init__(self, order: int = 1) -> None:
        super().__init__()
        if order not in (1, 2):
            raise ValueError(f"order must be 1 or 2, got {order}")
        self.order = order

    def forward(self, ddf: DDF) -> Tensor:
        """Return a scalar for a field (B, N, *S) in voxels.

        Raises:
            ValueError: If an axis is too short for a difference.
        """
        if min(ddf.shape[2:]) <= self.order:
            raise ValueError(
                f"every axis needs {self.order + 1} voxels or more, got {tuple(ddf.shape[2:])}"
            )
        if ddf.dtype in (torch.float16, torch.bfloat16):
            ddf = ddf.float()
        differences = itertools.product(range(2, ddf.ndim), repeat=self.order)
        return torch.stack([_difference(ddf, axes).square().mean() for axes in differences]).mean()


def _difference(ddf: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Forward differences along these axes, one after the other."""
    for axis in axes:
        ddf = ddf.diff(dim=axis)
    return ddf
