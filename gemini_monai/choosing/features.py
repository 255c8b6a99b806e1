"""What is known of a scan before anybody has drawn on it: one vector each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from gemini_monai.geometry.types import Image
from gemini_monai.networks import UNetBackbone

Describe = Callable[[Image], NDArray[np.float32]]
"""From an image (1, C, *S), scaled to [0, 1], to a vector (F,)."""

BINS = 64
"""Of a histogram."""
CELLS = {2: 16, 3: 8}
"""Cells of a thumbnail along each axis, by the number of axes."""
FINER = {2: 20, 3: 9}
"""Of a picture, likewise."""
PARTS = {2: 4, 3: 3}
"""Parts of an image along each axis that features are pooled in."""
CHANNELS = (16, 32, 64, 128)
"""Widths of the bundles' backbone."""


def thumbnail(image: Image) -> NDArray[np.float32]:
    """Means of the intensities in a grid of cells."""
    axes = image.ndim - 2
    return _vector(_pooled(image, CELLS[axes]))


def picture(image: Image) -> NDArray[np.float32]:
    """The same in more cells, enough to register one scan onto another."""
    return _vector(_pooled(image, FINER[image.ndim - 2]))


def pictures_of(
    vectors: NDArray[np.float32], *, spatial_dims: int, channels: int
) -> NDArray[np.float32]:
    """Images of ``picture``'s vectors (n, F), (n, C, *S)."""
    return vectors.reshape(len(vectors), channels, *[FINER[spatial_dims]] * spatial_dims)


def histogram(image: Image) -> NDArray[np.float32]:
    """Share of voxels up to each intensity, so that close intensities make close vectors."""
    counts = [torch.histc(channel, bins=BINS, min=0, max=1) for channel in image[0].float()]
    return _vector(torch.stack([count.cumsum(0) / count.sum().clamp(min=1) for count in counts]))


class DenseFeatures:
    """Means and spreads of a network's dense features in the parts of an image.

    Args:
        backbone: From an image (1, C, *S) to dense features (1, K, *S).
    """

    def __init__(self, backbone: nn.Module) -> None:
        self.backbone = backbone.eval()

    @torch.inference_mode()
    def __call__(self, image: Image) -> NDArray[np.float32]:
        """The vector of an image (1, C, *S)."""
        features = self.backbone(image.float()).float()
        parts = PARTS[image.ndim - 2]
        means = _pooled(features, parts)
        spreads = (_pooled(features**2, parts) - means**2).clamp(min=0).sqrt()
        return _vector(torch.cat([means, spreads], dim=1))


def random_backbone(spatial_dims: int, in_channels: int, *, seed: int = 0) -> UNetBackbone:
    """A backbone with random weights, the same for one seed; the caller's draws go on as they were.

    Args:
        spatial_dims: 2 or 3.
        in_channels: Channels of an image.
        seed: Of the weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNetBackbone(spatial_dims, in_channels, CHANNELS)


def _pooled(image: Tensor, parts: int) -> Tensor:
    """Means over a grid of parts, (B, C, parts, ...)."""
    pool: Any = F.adaptive_avg_pool2d if image.ndim == 4 else F.adaptive_avg_pool3d
    pooled: Tensor = pool(image, [parts] * (image.ndim - 2))
    return pooled


def _vector(values: Tensor) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = values.flatten().numpy().astype(np.float32)
    return vector
