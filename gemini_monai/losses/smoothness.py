"""Smoothness of a displacement field, equation 3."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gemini_monai.types import DDF


class SmoothnessLoss(nn.Module):
    """Mean squared forward difference of a displacement field, averaged over the axes.

    Equation 3 as the authors compute it: a mean, not a sum. 0 for a constant field; a ramp of
    slope s voxels per voxel along one axis in one channel gives ``s**2 / N**2``. MONAI's
    ``DiffusionLoss`` takes central differences, blind to a checkerboard, and is not the same.
    """

    def forward(self, ddf: DDF) -> Tensor:
        """Return a scalar for a field (B, N, *S) in voxels.

        Raises:
            ValueError: If an axis is shorter than two voxels.
        """
        if min(ddf.shape[2:]) < 2:
            raise ValueError(f"every axis needs two voxels or more, got {tuple(ddf.shape[2:])}")
        if ddf.dtype in (torch.float16, torch.bfloat16):
            ddf = ddf.float()
        axes = range(2, ddf.ndim)
        return torch.stack([ddf.diff(dim=axis).square().mean() for axis in axes]).mean()
