"""Fields that fold nowhere, and large ones from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gemini_monai.geometry.types import DDF, Features
from gemini_monai.geometry.warp import compose, exponential, warp
from gemini_monai.networks.deformer import Deformer, both_ways, upsample_cells


class FieldNetwork(nn.Module):
    """Fields between two feature maps, by one deformer or by several from coarse to fine.

    With ``diffeomorphic`` what a deformer says is a stationary velocity, whose exponential is the
    field; the velocity of a pair is half of what is said of it less what is said of it the other
    way round, so that with one scale the fields of the two directions are each other's inverse.

    With ``scales`` above 1, the first deformer sees features averaged over ``2 ** (scales - 1)``
    voxels an axis; each next one those of twice the resolution, the first image's warped by the
    field so far, and its field is composed with that. Reach doubles with each scale.

    Args:
        spatial_dims: 2 or 3.
        feature_channels: Channels of one feature map.
        scales: Deformers, 1 or more.
        diffeomorphic: Integrate velocities.
        stages: As of ``Deformer``.
        half_resolution: As of ``Deformer``, for each.

    Raises:
        ValueError: If ``scales`` is below 1, or as ``Deformer`` does.
    """

    def __init__(
        self,
        spatial_dims: int,
        feature_channels: int,
        *,
        scales: int = 1,
        diffeomorphic: bool = False,
        stages: int = 3,
        half_resolution: bool = False,
    ) -> None:
        super().__init__()
        if scales < 1:
            raise ValueError(f"scales must be 1 or more, got {scales}")
        self.image_by_image = False
        self.scales = nn.ModuleList(
            Deformer(spatial_dims, feature_channels, stages=stages, half_resolution=half_resolution)
            for _ in range(scales)
        )
        self.diffeomorphic = diffeomorphic

    @torch.jit.unused
    def forward(self, features_a: Features, features_b: Features) -> DDF:
        """Field in voxels, (B, N, *S), as that of ``Deformer``."""
        ddf: Tensor | None = None
        for depth, deformer in enumerate(self.scales):
            voxels = 2 ** (len(self.scales) - 1 - depth)
            moving, fixed = _averaged(features_a, voxels), _averaged(features_b, voxels)
            if ddf is None:
                ddf = self._field(deformer, moving, fixed)
                continue
            ddf = _refined(ddf, fixed.shape[2:])
            ddf = compose(ddf, self._field(deformer, warp(moving, ddf), fixed))
        assert ddf is not None
        return ddf

    @torch.jit.unused
    def both_ways(self, features_a: Features, features_b: Features) -> tuple[DDF, DDF]:
        """Fields from ``a`` to ``b`` and from ``b`` to ``a`` (equation 5)."""
        return both_ways(self, features_a, features_b, image_by_image=self.image_by_image)

    @torch.jit.unused
    def _field(self, deformer: nn.Module, moving: Features, fixed: Features) -> DDF:
        if not self.diffeomorphic:
            found: DDF = deformer(moving, fixed)
            return found
        velocity = (deformer(moving, fixed) - deformer(fixed, moving)) / 2
        with torch.autocast(velocity.device.type, enabled=False):
            return exponential(velocity.float() if velocity.dtype.itemsize < 4 else velocity)


def _refined(ddf: DDF, shape: Sequence[int]) -> DDF:
    """On a grid of twice the resolution, in its voxels."""
    inside = (slice(None), slice(None), *(slice(0, size) for size in shape))
    return 2.0 * upsample_cells(ddf)[inside]


def deformer_of(
    spatial_dims: int, feature_channels: int, *, scales: int, diffeomorphic: bool, **options: Any
) -> Deformer | FieldNetwork:
    """A ``Deformer`` where one scale and its field as it is are enough, else a ``FieldNetwork``."""
    if scales == 1 and not diffeomorphic:
        return Deformer(spatial_dims, feature_channels, **options)
    return FieldNetwork(
        spatial_dims, feature_channels, scales=scales, diffeomorphic=diffeomorphic, **options
    )


def _averaged(features: Features, voxels: int) -> Features:
    """Means over cells of ``voxels`` an axis; those that the image does not fill are its own."""
    if voxels == 1:
        return features
    pool = nn.functional.avg_pool2d if features.dim() == 4 else nn.functional.avg_pool3d
    return pool(features, voxels, ceil_mode=True, count_include_pad=False)
