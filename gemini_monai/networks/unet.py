"""The dense backbone: a U-Net whose output is one feature vector per voxel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Pool
from torch import Tensor, nn

from gemini_monai.geometry.types import Features, Image
from gemini_monai.networks.blocks import (
    conv_block,
    crop_padding,
    initialize_convolutions,
    pad_to_multiple,
    upsample,
)
from gemini_monai.networks.memory import Block


class UNetBackbone(nn.Module):
    """U-Net from an image to dense features at its own resolution.

    Each level is two convolutions of side 3 with group normalization (8 channels a group) and
    leaky ReLU 0.2; max pooling down, linear upsampling and concatenation (skip first) up. Any
    image size: padded inside to a multiple of ``2 ** (levels - 1)``, the result cropped back.

    Args:
        spatial_dims: 2 or 3.
        in_channels: Channels of the image.
        channels: Width of each level from full resolution down; the first is the number of dense
            features. The default has 7.85 M parameters in 2-D and 23.54 M in 3-D.
        bottleneck: What the deepest map passes before the decoder, of the same shape;
            ``TokenTransformer`` makes a TransUNet.

    Raises:
        ValueError: If ``spatial_dims`` is not 2 or 3, or fewer than two levels are given.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        bottleneck: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, got {spatial_dims}")
        if len(channels) < 2:
            raise ValueError(f"channels needs two levels or more, got {tuple(channels)}")
        widths = [in_channels, *channels]
        self.out_channels = channels[0]
        self.deepest_channels = channels[-1]
        self.multiple = 2 ** (len(channels) - 1)
        self.encoder = nn.ModuleList(
            _double_conv(spatial_dims, narrow, wide)
            for narrow, wide in zip(widths, channels, strict=False)
        )
        self.decoder = nn.ModuleList(
            _double_conv(spatial_dims, skip + below, skip)
            for skip, below in zip(channels[-2::-1], channels[:0:-1], strict=True)
        )
        self.pool = Pool["max", spatial_dims](2)
        self.bottleneck = nn.Identity() if bottleneck is None else bottleneck
        initialize_convolutions(self)

    def forward(self, image: Image) -> Features:
        """Map an image (B, C, *S) to dense features (B, channels[0], *S)."""
        padded, padding = pad_to_multiple(image, self.multiple)
        return crop_padding(self.levels(padded)[0], padding)

    @torch.jit.export
    def levels(self, image: Image) -> list[Tensor]:
        """Features of every level, (B, channels[k], *S / 2 ** k): the dense ones first.

        Args:
            image: (B, C, *S), its sizes multiples of ``multiple``.
        """
        return self.decode(self.encode(image))

    @torch.jit.export
    def decode(self, levels: list[Tensor]) -> list[Tensor]:
        """Features of every level, as ``levels`` has them, from those that ``encode`` found.

        Args:
            levels: Of the encoder, (B, channels[k], *S / 2 ** k), the deepest last.
        """
        skips = levels[:]
        level = skips.pop()
        found = [level]
        for decode in self.decoder:
            level = decode(torch.cat([skips.pop(), upsample(level)], dim=1))
            found.append(level)
        return found[::-1]

    @torch.jit.export
    def encode(self, image: Image) -> list[Tensor]:
        """Features of the encoder's levels, (B, channels[k], *S / 2 ** k), the deepest last.

        Args:
            image: (B, C, *S) of any size; zero-padded as in ``forward``.
        """
        level, _ = pad_to_multiple(image, self.multiple)
        found: list[Tensor] = []
        for depth, encode in enumerate(self.encoder):
            level = encode(level if depth == 0 else self.pool(level))
            found.append(level)
        found[-1] = self.bottleneck(level)
        return found


def _double_conv(spatial_dims: int, in_channels: int, out_channels: int) -> Block:
    return Block(
        conv_block(spatial_dims=spatial_dims, in_channels=in_channels, out_channels=out_channels),
        conv_block(spatial_dims=spatial_dims, in_channels=out_channels, out_channels=out_channels),
    )
