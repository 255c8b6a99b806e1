"""The U-Net of anatomix as a backbone: dense features, and weights by anatomix's own names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gemini_monai.geometry.types import Features, Image

NORMS = {2: (nn.BatchNorm2d, nn.InstanceNorm2d), 3: (nn.BatchNorm3d, nn.InstanceNorm3d)}
EPS = 1e-2
"""Of the instance normalization of ``anatomix-dev``; batch normalization has PyTorch's."""


class AnatomixBackbone(nn.Module):
    """A U-Net in one numbered list of layers, as anatomix (Dey et al., ICLR 2025) has it.

    One convolution of side 3 at full resolution, then two a level, pooling between levels, and in
    the decoder upsampling, concatenation (skip first) and two convolutions a level; each with
    normalization and ReLU. The last convolution has neither. Padding reflects. Written from the
    description in github.com/neel-dey/anatomix at a29b8a8, so that ``model.N`` are its names.

    Args:
        spatial_dims: 2 or 3; the released weights are of 3.
        in_channels: Channels of the image.
        out_channels: Dense features.
        width: Channels at full resolution, doubled from the second level down.
        depth: Levels below full resolution.
        instance: Instance normalization without weights, average pooling and linear upsampling, as
            ``anatomix-dev`` has them; else batch normalization, maximum and nearest.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        out_channels: int = 16,
        width: int = 16,
        depth: int = 4,
        instance: bool = False,
    ) -> None:
        super().__init__()
        self.dims, self.instance = spatial_dims, instance
        pool = {2: (nn.MaxPool2d, nn.AvgPool2d), 3: (nn.MaxPool3d, nn.AvgPool3d)}[spatial_dims]
        mode = ("bilinear" if spatial_dims == 2 else "trilinear") if instance else "nearest"
        layers: list[nn.Module] = self._unit(in_channels, width)
        self.kept: list[int] = []
        self.joined: list[int] = []
        wide = [width * 2**level for level in range(depth + 1)]
        for own, out in zip([width, *wide], wide, strict=False):
            layers += [*self._unit(own, out), *self._unit(out, out)]
            if len(self.kept) < depth:
                self.kept.append(len(layers) - 1)
                layers.append(pool[instance](2))
        for out, own in zip(wide[-2::-1], wide[:0:-1], strict=True):
            self.joined.append(len(layers))
            layers.append(nn.Upsample(scale_factor=2, mode=mode))
            layers += [*self._unit(own + out, out), *self._unit(out, out)]
        self.model = nn.Sequential(*layers, self._convolution(width, out_channels))

    def _convolution(self, own: int, out: int) -> nn.Module:
        kind = nn.Conv2d if self.dims == 2 else nn.Conv3d
        return kind(own, out, 3, padding=1, padding_mode="reflect", bias=self.instance)

    def _unit(self, own: int, out: int) -> list[nn.Module]:
        batch, instance = NORMS[self.dims]
        norm = instance(out, eps=EPS) if self.instance else batch(out)
        return [self._convolution(own, out), norm, nn.ReLU(inplace=True)]

    def forward(self, image: Image) -> Features:
        """Map an image (B, C, *S) to dense features (B, out_channels, *S).

        Args:
            image: Its sizes multiples of ``2 ** (depth + 1)``, as reflection needs two voxels at
                the deepest level.
        """
        features: Tensor = image
        skips: list[Tensor] = []
        for place, layer in enumerate(self.model):
            features = layer(features)
            if place in self.kept:
                skips.append(features)
            if place in self.joined:
                features = torch.cat([skips.pop(), features], dim=1)
        return features
