"""The deformer: from the features of two images to the displacement between them."""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Conv, Pool
from torch import Tensor, nn

from gemini_monai.geometry.types import DDF, Features
from gemini_monai.networks.blocks import (
    conv_block,
    crop_padding,
    initialize_convolutions,
    pad_to_multiple,
    upsample,
)
from gemini_monai.networks.memory import one_at_a_time


class Deformer(nn.Module):
    """Shallow encoder and decoder from two dense feature maps to a displacement field.

    One convolution per stage, 32 channels at full resolution and 64 below, then a convolution to
    one channel per axis (section 3.1 of the paper). Only nearby anatomy can correspond: the
    receptive field is 5, 12, 26, 54, 110, 222 voxels for 1 to 6 stages.

    Args:
        spatial_dims: 2 or 3.
        feature_channels: Channels of one feature map.
        stages: Resolutions used, 1 or more.
        half_resolution: Predict the field on features averaged over 2 voxels an axis and
            interpolate it back: twice the receptive field at a fraction of the work.

    Raises:
        ValueError: If ``stages`` is below 1.
    """

    def __init__(
        self,
        spatial_dims: int,
        feature_channels: int = 32,
        *,
        stages: int = 3,
        half_resolution: bool = False,
    ) -> None:
        super().__init__()
        if stages < 1:
            raise ValueError(f"stages must be 1 or more, got {stages}")
        widths = [32, *[64] * (stages - 1)]
        sources = [2 * feature_channels, *widths]
        self.half_resolution = half_resolution
        self.image_by_image = False
        self.multiple = 2 ** (stages - 1 + int(half_resolution))
        self.encoder = nn.ModuleList(
            conv_block(spatial_dims=spatial_dims, in_channels=source, out_channels=width)
            for source, width in zip(sources, widths, strict=False)
        )
        self.decoder = nn.ModuleList(
            conv_block(spatial_dims=spatial_dims, in_channels=below + skip, out_channels=skip_out)
            for below, skip, skip_out in _decoder_widths(widths)
        )
        self.pool = Pool["max", spatial_dims](2)
        self.average = Pool["avg", spatial_dims](2)
        self.field = Conv["conv", spatial_dims](widths[0], spatial_dims, kernel_size=3, padding=1)
        initialize_convolutions(self)

    def forward(self, features_a: Features, features_b: Features) -> DDF:
        """Field in voxels, (B, N, *S), that warps what is like ``a`` onto what is like ``b``.

        Args:
            features_a: Features of the image to be warped, (B, K, *S).
            features_b: Features of the image it should match, (B, K, *S).
        """
        pair = torch.cat([features_a, features_b], dim=1)
        pair, padding = pad_to_multiple(pair, self.multiple)
        ddf = self._predict(self.average(pair) if self.half_resolution else pair)
        if self.half_resolution:
            ddf = 2.0 * upsample_cells(ddf)  # displacements in voxels of the full grid
        return crop_padding(ddf, padding)

    @torch.jit.unused
    def both_ways(self, features_a: Features, features_b: Features) -> tuple[DDF, DDF]:
        """Fields from ``a`` to ``b`` and from ``b`` to ``a`` (equation 5), in one pass."""
        return both_ways(self, features_a, features_b, image_by_image=self.image_by_image)

    def _predict(self, level: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for depth, encode in enumerate(self.encoder):
            level = encode(level if depth == 0 else self.pool(level))
            skips.append(level)
        skips.pop()
        for decode in self.decoder:
            level = decode(torch.cat([upsample(level), skips.pop()], dim=1))
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self._displacement(level)
        ddf: Tensor = self.field(level)
        return ddf

    @torch.jit.unused
    def _displacement(self, level: Tensor) -> DDF:
        """In float32 whatever autocast made of the rest: bfloat16 steps by 1/16 voxel beyond 8."""
        kind = "cpu" if level.is_meta else level.device.type  # work is counted on meta tensors
        with torch.autocast(kind, enabled=False):
            ddf: Tensor = self.field(level.to(self.field.weight.dtype))
        return ddf


def both_ways(
    network: nn.Module, features_a: Features, features_b: Features, *, image_by_image: bool
) -> tuple[DDF, DDF]:
    """Fields from ``a`` to ``b`` and from ``b`` to ``a``, (B, N, *S) each.

    Args:
        network: From features of the moving and the fixed images to fields.
        features_a: (B, K, *S).
        features_b: (B, K, *S).
        image_by_image: One field at a time, computed again on the way back, instead of all at once.
    """
    if image_by_image:
        return (
            one_at_a_time(network, features_a, features_b),
            one_at_a_time(network, features_b, features_a),
        )
    there, back = [features_a, features_b], [features_b, features_a]
    ddf_ab, ddf_ba = network(torch.cat(there), torch.cat(back)).chunk(2)
    return ddf_ab, ddf_ba


def _decoder_widths(widths: list[int]) -> list[tuple[int, int, int]]:
    """(from below, skip, result) channels of each decoder stage, deepest first."""
    return [(below, skip, skip) for skip, below in zip(widths[-2::-1], widths[:0:-1], strict=True)]


def upsample_cells(ddf: Tensor) -> Tensor:
    """Twice the size; a value averaged over two voxels goes back to their common center."""
    mode = "bilinear" if ddf.dim() == 4 else "trilinear"
    return torch.nn.functional.interpolate(ddf, scale_factor=2.0, mode=mode, align_corners=False)
