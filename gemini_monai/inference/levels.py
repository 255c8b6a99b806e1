"""Features of every level of a backbone, at voxels of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from gemini_monai.geometry.types import Features, Image
from gemini_monai.networks import Gemini
from gemini_monai.networks.blocks import crop_padding, pad_to_multiple


class Levels(NamedTuple):
    """Features of every level of one image, the dense ones first."""

    maps: list[Features]
    """(1, K, *T), each at its own resolution of the padded image."""
    shape: Sequence[int]
    """Of the padded image."""
    padding: list[int]
    """In the order of ``torch.nn.functional.pad``."""

    def at(self, places: Tensor) -> list[Tensor]:
        """Features of every level at voxels (points, N) of the image, (points, K) each."""
        before = torch.tensor(self.padding[::2][::-1])
        return [features_at(level, places + before, shape=self.shape) for level in self.maps]

    def whole(self, scores: Tensor) -> Tensor:
        """Scores (1, C, *T) of a level at the image's voxels, (1, C, *S)."""
        mode = "bilinear" if len(self.shape) == 2 else "trilinear"
        full = F.interpolate(scores, size=tuple(self.shape), mode=mode, align_corners=False)
        return crop_padding(full, self.padding)


def levels_of(network: Gemini, image: Image) -> Levels:
    """Features of every level that the backbone tells, or the dense ones alone where it has none.

    Args:
        network: Its backbone may have ``levels`` and ``multiple``, as ``UNetBackbone`` has.
        image: (1, C, *S).
    """
    levels = getattr(network.backbone, "levels", None)
    if levels is None:
        none = [0] * 2 * (image.ndim - 2)
        return Levels([network.features(image).float()], image.shape[2:], none)
    padded, padding = pad_to_multiple(image, int(network.backbone.multiple))  # type: ignore[arg-type]
    return Levels([level.float() for level in levels(padded)], padded.shape[2:], padding)


def features_at(level: Features, places: Tensor, *, shape: Sequence[int]) -> Tensor:
    """Features at voxels of the image, interpolated linearly, (points, K).

    Args:
        level: (1, K, *T), of any resolution.
        places: Voxels of the image, (points, N).
        shape: Of the image, *S.
    """
    size = torch.tensor(shape)
    unit = ((2 * places + 1) / size - 1).flip(-1)  # x, y, z of grid_sample
    grid = rearrange(unit, f"p n -> 1 p {' '.join('1' * (len(shape) - 1))} n").to(level)
    sampled = F.grid_sample(
        level, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return rearrange(sampled, "1 k p ... -> p (k ...)")
