"""Backbone, deformer and head as one network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv
from torch import nn

from gemini_monai.geometry.types import Features, Image, Logits
from gemini_monai.networks.blocks import (
    conv_block,
    crop_padding,
    initialize_convolutions,
    pad_to_multiple,
)
from gemini_monai.networks.dense import Correspondence as Correspondence
from gemini_monai.networks.dense import DenseNetwork
from gemini_monai.networks.fields import deformer_of
from gemini_monai.networks.memory import one_at_a_time, set_memory
from gemini_monai.networks.unet import UNetBackbone


class Gemini(DenseNetwork):
    """A dense backbone with a head for labels and a deformer for correspondence.

    State-dict prefixes ``backbone.``, ``deformer.`` and ``head.`` are a public contract.

    Args:
        spatial_dims: 2 or 3.
        in_channels: Channels of the image.
        out_channels: Classes including background, or overlapping structures, or restored
            channels.
        channels: Widths of the U-Net backbone; unused with a ``backbone`` of your own.
        backbone: Any network from an image to dense features at its resolution; ``None`` for
            ``UNetBackbone``.
        feature_channels: Channels that ``backbone`` returns; needed with a ``backbone``.
        backbone_multiple: Images are zero-padded to a multiple of this before ``backbone``, for
            networks that take only some sizes (32 for SwinUNETR).
        deformer_stages: Resolutions of the deformer; 3 see 26 voxels.
        half_resolution_field: Predict displacements at half resolution.
        deformer_scales: Deformers from coarse to fine, of ``FieldNetwork``; 1 is ``Deformer``.
        diffeomorphic: Integrate velocities, as ``FieldNetwork`` does.

    Raises:
        ValueError: If a ``backbone`` comes without ``feature_channels``.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        *,
        backbone: nn.Module | None = None,
        feature_channels: int | None = None,
        backbone_multiple: int = 1,
        deformer_stages: int = 3,
        half_resolution_field: bool = False,
        deformer_scales: int = 1,
        diffeomorphic: bool = False,
    ) -> None:
        if backbone is None:
            backbone = UNetBackbone(spatial_dims, in_channels, channels)
            feature_channels = channels[0]
        elif feature_channels is None:
            raise ValueError("a backbone needs feature_channels, the channels that it returns")
        super().__init__(
            backbone=backbone,
            deformer=deformer_of(
                spatial_dims,
                feature_channels,
                scales=deformer_scales,
                diffeomorphic=diffeomorphic,
                stages=deformer_stages,
                half_resolution=half_resolution_field,
            ),
            head=dense_head(spatial_dims, feature_channels, out_channels),
            feature_channels=feature_channels,
        )
        self.backbone_multiple = backbone_multiple
        self.image_by_image = False

    def forward(self, image: Image) -> Logits:
        """Logits (B, out_channels, *S) of an image (B, C, *S)."""
        logits: Logits = self.head(self.features(image))
        return logits

    def features(self, image: Image) -> Features:
        """Dense features (B, K, *S) of an image (B, C, *S) of any size.

        Raises:
            ValueError: If the backbone's output does not have the image's resolution.
        """
        padded, padding = pad_to_multiple(image, self.backbone_multiple)
        if self.image_by_image and not torch.jit.is_scripting():  # type: ignore[attr-defined]
            features = self._image_by_image(padded)
        else:
            features = self.backbone(padded)
        if features.shape[2:] != padded.shape[2:]:
            raise ValueError(
                f"the backbone must return features at the image's resolution, got "
                f"{list(features.shape[2:])} for {list(padded.shape[2:])}"
            )
        return crop_padding(features, padding)

    @torch.jit.unused
    def _image_by_image(self, images: Image) -> Features:
        return one_at_a_time(self.backbone, images)

    @torch.jit.unused
    def correspond(self, image_a: Image, image_b: Image | None = None) -> Correspondence:
        """Features of two batches of images (B, C, *S) and the fields between them.

        Args:
            image_a: First image of each pair.
            image_b: Second image of each pair. ``None`` pairs each image of ``image_a`` with the
                next one, the last with the first: every feature map serves two pairs.

        Raises:
            ValueError: If the batches differ in shape, or fewer than two images form a ring.
        """
        features_a, features_b = self._pair_features(image_a, image_b)
        return Correspondence(
            features_a, features_b, *self.deformer.both_ways(features_a, features_b)
        )

    @torch.jit.unused
    def _pair_features(self, image_a: Image, image_b: Image | None) -> tuple[Features, Features]:
        if image_b is None:
            if len(image_a) < 2:
                raise ValueError("a ring of pairs needs two images or more in the batch, got 1")
            features = self.features(image_a)
            return features, features.roll(-1, dims=0)
        if image_a.shape != image_b.shape:
            raise ValueError(
                f"images of a pair must have one shape, "
                f"got {tuple(image_a.shape)} and {tuple(image_b.shape)}"
            )
        features_a, features_b = self.features(torch.cat([image_a, image_b])).chunk(2)
        return features_a, features_b


def dense_head(spatial_dims: int, feature_channels: int, out_channels: int) -> nn.Sequential:
    """Convolution to 16 channels in groups of 4, then one weight vector per output channel.

    Args:
        spatial_dims: 2 or 3.
        feature_channels: Channels of the dense features.
        out_channels: Of the result, (B, out_channels, *S).
    """
    head = nn.Sequential(
        conv_block(
            spatial_dims=spatial_dims,
            in_channels=feature_channels,
            out_channels=16,
            channels_per_group=4,
        ),
        Conv["conv", spatial_dims](16, out_channels, kernel_size=1),
    )
    initialize_convolutions(head)
    return head


def placed(
    network: Gemini,
    device: torch.device | str,
    *,
    compiled: bool = False,
    memory: str = "normal",
) -> Gemini:
    """A network on its device; on a CPU 3-D ones have channels last, which it convolves faster.

    Args:
        network: Moved in place.
        device: Where.
        compiled: ``torch.compile`` backbone and deformer in place, when they are first called; the
            names of the weights stay.
        memory: As of ``set_memory``.

    Raises:
        InputError: As ``set_memory`` does.
    """
    set_memory(network, memory)
    three = any(isinstance(module, nn.Conv3d) for module in network.modules())
    last = three and torch.device(device).type == "cpu"
    kind = torch.channels_last_3d if last else torch.contiguous_format
    network.to(device=device, memory_format=kind)  # type: ignore[call-overload]
    if compiled:
        network.backbone.compile()
        network.deformer.compile()
    return network
