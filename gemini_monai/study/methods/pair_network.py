"""A small U-Net of two images, which a method trains by and throws away."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from gemini_monai.geometry.types import Image
from gemini_monai.networks import UNetBackbone
from gemini_monai.objectives import full_precision


class PairNetwork(nn.Module):
    """From two images of one grid to some values at each voxel of it.

    Args:
        spatial_dims: 2 or 3.
        in_channels: Channels of one image.
        out_channels: Values at a voxel.
        channels: Widths of the U-Net.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (16, 32, 64),
    ) -> None:
        super().__init__()
        self.backbone = UNetBackbone(spatial_dims, 2 * in_channels, channels)
        self.last = Conv["conv", spatial_dims](channels[0], out_channels, kernel_size=1)

    def forward(self, first: Image, second: Image) -> Tensor:
        """(B, out_channels, *S) of two images (B, C, *S), at least float32."""
        return full_precision(self.last(self.backbone(torch.cat([first, second], dim=1))))
