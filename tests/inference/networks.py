"""Networks that move everything in a known way."""

from __future__ import annotations

import torch
from torch import nn

from gemini_monai.metrics import true_displacement
from gemini_monai.networks import Correspondence


class Shift(nn.Module):
    """Moves everything by a fixed number of voxels."""

    def __init__(self, *voxels):
        super().__init__()
        self.voxels = torch.tensor(voxels, dtype=torch.float32)

    def correspond(self, image_a, image_b=None):
        ddf = self.voxels.view(1, -1, *[1] * len(self.voxels))
        ddf = ddf.expand(len(image_a), -1, *image_a.shape[2:])
        return Correspondence(image_a, image_b, ddf, -ddf)


class Truth(nn.Module):
    """Knows the subjects."""

    def __init__(self, items):
        super().__init__()
        self.items = items

    def _find(self, image):
        return next(i for i in self.items if torch.equal(i["image"], image[0]))

    def correspond(self, image_a, image_b=None):
        moving, fixed = self._find(image_a), self._find(image_b)
        ddf = true_displacement(fixed["field"][None], moving["inverse_field"][None])
        return Correspondence(image_a, image_b, ddf, ddf)


class PerVoxel(nn.Module):
    """Logits ``gain * (image - offset)`` of each structure, and 0 of the background if any."""

    def __init__(self, *lines, background=True):
        super().__init__()
        self.lines = lines
        self.background = background

    def forward(self, image):
        value = image[:, :1]
        says = [gain * (value - offset) for gain, offset in self.lines]
        return torch.cat([torch.zeros_like(value)] * self.background + says, 1)


class Uneven(nn.Module):
    """Two classes, by each voxel, the one before it along every axis, and where it is."""

    def forward(self, image):
        axes = range(2, image.ndim)
        before = sum(image.roll(1, axis) * (axis + 1) for axis in axes)
        ramp = torch.linspace(-1, 1, image.shape[2]).view(-1, *[1] * (image.ndim - 3))
        return torch.cat([image * ramp, before - 4 * image], 1)
