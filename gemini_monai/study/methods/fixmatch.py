"""A label map of the image as it is teaches the network what to make of a changed one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.boxes import random_box
from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision

GRAY = 127 / 255
"""Of the box that is hidden, of images in [0, 1]."""


class FixMatch(Objective):
    """Weak-to-strong consistency (Sohn et al., NeurIPS 2020), voxel by voxel.

    Cross-entropy of the changed image's output with the label map of the image as it is, at voxels
    whose probability there is ``threshold`` or more, over all voxels. The strong change is of
    intensity alone, so that labels stay where they are: contrast, brightness, noise, and a box that
    is gray.

    Weight, threshold, mean over all and the gray box of half a side are those of ``fixmatch.py``
    and ``libml/ctaugment.py`` of github.com/google-research/fixmatch at commit d4985a1, which
    chooses its other changes by what they do to labeled images, turns and shears among them, and
    is tested by a moving average of the weights.

    Args:
        weight: Factor of the term.
        threshold: From 0 to 1.
        strength: Of the change: contrast is multiplied by up to 1 plus or minus this, brightness
            moved by up to half of it, noise has a fifth of it as standard deviation, and the box
            has this share of each side.
    """

    reads = ("unlabeled",)

    def __init__(
        self, *, weight: float = 1.0, threshold: float = 0.95, strength: float = 0.5
    ) -> None:
        super().__init__()
        self.weight, self.threshold, self.strength = weight, threshold, strength

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``weak_to_strong``, 0 or more.

        Args:
            network: Maps an image to logits.
            batch: ``unlabeled`` (B, C, *S), in [0, 1].
            progress: Unused; this objective has no schedule.
        """
        image = batch["unlabeled"]
        with torch.no_grad():
            certainty, label = full_precision(network(image)).softmax(dim=1).max(dim=1)
        strong = full_precision(network(self.changed(image)))
        error = F.cross_entropy(strong, label, reduction="none")
        return {"weak_to_strong": self.weight * (error * (certainty >= self.threshold)).mean()}

    def changed(self, image: Image) -> Image:
        """A copy of (B, C, *S) under the strong change, another one for each image."""
        changed = changed_intensity(image, strength=self.strength)
        for own in changed:
            shape = own.shape[1:]
            own[(slice(None), *random_box(shape, [self.strength] * len(shape)))] = GRAY
        return changed


def changed_intensity(image: Image, *, strength: float) -> Image:
    """A copy of (B, C, *S) of other contrast and brightness and with noise, all of each image.

    Args:
        image: In [0, 1].
        strength: As that of ``FixMatch``.
    """
    one = (len(image), *[1] * (image.dim() - 1))
    contrast, brightness = (2 * torch.rand(2, *one, device=image.device) - 1) * strength
    mean = image.mean(dim=tuple(range(1, image.dim())), keepdim=True)
    changed = mean + (image - mean) * (1 + contrast) + brightness / 2
    return (changed + strength / 5 * torch.randn_like(image)).to(image.dtype)
