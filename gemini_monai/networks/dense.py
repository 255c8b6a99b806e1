"""What every network is that objectives train and inference uses."""

from __future__ import annotations

from typing import NamedTuple, cast

from torch import nn
from torch.nn.modules.conv import _ConvNd

from gemini_monai.geometry.types import DDF, Features, Image, Logits
from gemini_monai.networks.deformer import Deformer
from gemini_monai.networks.fields import FieldNetwork


class Correspondence(NamedTuple):
    """Which points of two batches of images correspond."""

    features_a: Features
    """Dense features of the first images, (B, K, *S)."""
    features_b: Features
    """Dense features of the second images, (B, K, *S)."""
    ddf_ab: DDF
    """``warp(image_a, ddf_ab)`` looks like ``image_b``; voxels, (B, N, *S)."""
    ddf_ba: DDF
    """``warp(image_b, ddf_ba)`` looks like ``image_a``; voxels, (B, N, *S)."""


class DenseNetwork(nn.Module):
    """A backbone of dense features, with a deformer and a head that share them; abstract.

    Args:
        backbone: From an image to dense features.
        deformer: From two feature maps to a displacement field.
        head: From dense features to logits; its last layer is a convolution.
        feature_channels: Channels ``K`` of the dense features.
    """

    # Assigned, not declared: TorchScript reads annotations of a class, and knows none of these.
    def __init__(
        self,
        *,
        backbone: nn.Module,
        deformer: Deformer | FieldNetwork,
        head: nn.Sequential,
        feature_channels: int,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.feature_channels = feature_channels
        self.deformer = deformer
        self.head = head

    def forward(self, image: Image) -> Logits:
        """Logits (B, out_channels, *S) of an image (B, C, *S)."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass")

    def features(self, image: Image) -> Features:
        """Dense features (B, K, *S) of an image (B, C, *S)."""
        raise NotImplementedError(f"{type(self).__name__} has no features")

    def correspond(self, image_a: Image, image_b: Image | None = None) -> Correspondence:
        """Features of two batches of images (B, C, *S) and the fields between them.

        Args:
            image_a: First image of each pair.
            image_b: Second image of each pair; ``None`` pairs each image of ``image_a`` with the
                next one, the last with the first.
        """
        raise NotImplementedError(f"{type(self).__name__} has no correspondence")


def last_layer(network: DenseNetwork) -> _ConvNd:
    """The head's last convolution: one output channel for each class."""
    return cast(_ConvNd, network.head[-1])


def spatial_dims_of(network: DenseNetwork) -> int:
    """Axes of the network's images, 2 or 3."""
    return last_layer(network).weight.dim() - 2
