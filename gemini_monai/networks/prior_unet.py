"""A U-Net that sees what another one, which restores noisy images, knows of its image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from gemini_monai.geometry.types import Features, Image
from gemini_monai.networks.blocks import crop_padding, initialize_convolutions, pad_to_multiple
from gemini_monai.networks.gemini import dense_head
from gemini_monai.networks.unet import UNetBackbone


class PriorUNetBackbone(UNetBackbone):
    """``UNetBackbone`` whose encoder is given the features of a prior, level by level.

    The deep prior anatomy of DPA-DenseBiasNet (He Y. et al., MedIA 2020): a second U-Net restores
    images; its features of every level, which no gradient of this one reaches, are added to those
    of this encoder by a convolution of side 1.

    Args:
        spatial_dims: 2 or 3.
        in_channels: Channels of the image.
        channels: As of ``UNetBackbone``, of both.

    Raises:
        ValueError: As ``UNetBackbone`` does.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
    ) -> None:
        super().__init__(spatial_dims, in_channels, channels)
        self.prior = UNetBackbone(spatial_dims, in_channels, channels)
        self.restore = dense_head(spatial_dims, channels[0], in_channels)
        self.embedding = nn.ModuleList(
            Conv["conv", spatial_dims](width, width, kernel_size=1) for width in channels
        )
        initialize_convolutions(self.embedding)

    @torch.jit.export
    def encode(self, image: Image) -> list[Features]:
        """As that of ``UNetBackbone``, with the prior's features in each level."""
        level, _ = pad_to_multiple(image, self.multiple)
        with torch.no_grad():
            known = self.prior.levels(level)
        found: list[Tensor] = []
        pairs = zip(self.encoder, self.embedding)  # noqa: B905  (TorchScript knows no strict)
        for depth, (encode, embed) in enumerate(pairs):
            level = encode(level if depth == 0 else self.pool(level)) + embed(known[depth])
            found.append(level)
        return found

    @torch.jit.unused
    def restored(self, image: Image) -> Image:
        """What the prior makes of an image (B, C, *S), of the same shape."""
        padded, padding = pad_to_multiple(image, self.multiple)
        restored: Image = self.restore(self.prior.levels(padded)[0])
        return crop_padding(restored, padding)
