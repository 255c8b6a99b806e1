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
