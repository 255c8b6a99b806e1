"""Tensors that can be written down, for values that the authors' own code gave on the same ones."""

from __future__ import annotations

import torch
from torch import nn

from gemini_monai.networks import Correspondence

CLASSES = 4


def wave(*shape, step):
    """Numbers from 0 to 1 in double precision, the same everywhere."""
    count = torch.Size(shape).numel()
    return ((torch.arange(count, dtype=torch.float64) * step).sin() / 2 + 0.5).reshape(shape)


def images(*shape, step):
    """(B, 1, *S), smooth along the last axis."""
    return wave(*shape, step=step)[:, None]


def labels(*shape, step):
    """Class indices (B, 1, *S)."""
    return (wave(*shape, step=step)[:, None] * CLASSES).long().clamp(max=CLASSES - 1)


class Sways(nn.Module):
    """Fields of up to one and a half voxels that are waves of two images' features."""

    def forward(self, features_a, features_b):
        dims = features_a.dim() - 2
        return 1.5 * (features_a[:, :dims] + 2 * features_b[:, -dims:]).sin()


class Waves(nn.Module):
    """Features that are waves of an image's intensity, and logits that are sums of them."""

    feature_channels = 6
    backbone = None

    def __init__(self, *, gain=3.0, phase=0.0, dims=2, classes=CLASSES):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain, dtype=torch.float64))
        self.phase = phase
        self.deformer = Sways()
        weight = wave(classes, self.feature_channels, step=1.7).reshape(
            classes, self.feature_channels, *[1] * dims
        )
        kind = nn.Conv2d if dims == 2 else nn.Conv3d
        self.head = nn.Sequential(kind(self.feature_channels, classes, 1).double())
        with torch.no_grad():
            self.head[0].weight.copy_(2 * weight - 1)
            self.head[0].bias.zero_()

    def features(self, image):
        """(B, 6, *S) of an image (B, 1, *S)."""
        turns = torch.arange(1, self.feature_channels + 1, dtype=torch.float64)
        turns = turns.reshape(1, -1, *[1] * (image.dim() - 2))
        return self.gain * (turns * image * 2 + turns + self.phase).sin()

    def forward(self, image):
        """Logits (B, 4, *S)."""
        return self.head(self.features(image))

    def correspond(self, image_a, image_b):
        """Features, and fields both ways."""
        first, second = self.features(image_a), self.features(image_b)
        return Correspondence(
            first, second, self.deformer(first, second), self.deformer(second, first)
        )
