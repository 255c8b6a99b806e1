"""What a label of a part of some images costs, where structures may be absent from it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gemini_monai.geometry.labels import Target, mean_where
from gemini_monai.geometry.types import Logits

SMALL = 1e-10
"""In the quotients of Dice, so that a map that is empty in target and prediction costs nothing."""


class PastedLoss(nn.Module):
    """Dice over all images at once, with squared denominators, plus cross-entropy.

    A map of which the target has nothing costs a constant and gives no gradient by its Dice. With
    the smooth 1 of ``SegmentationLoss`` it would push the structure out of every part that has none
    of it; where the target is what a network found, small structures are gone for good then.

    Args:
        overlapping: ``False`` for exclusive classes (softmax), ``True`` for structures that may
            overlap (sigmoid).
    """

    def __init__(self, *, overlapping: bool = False) -> None:
        super().__init__()
        self.overlapping = overlapping

    def forward(self, logits: Logits, target: Target) -> tuple[Tensor, Tensor]:
        """Dice loss, mean over maps, and cross-entropy, mean over voxels that count; two scalars.

        Args:
            logits: (B, K, *S), at least float32.
            target: Of as many maps.
        """
        return self._dice_loss(logits, target), self._cross_entropy(logits, target)

    def _dice_loss(self, logits: Logits, target: Target) -> Tensor:
        probability = logits.sigmoid() if self.overlapping else logits.softmax(dim=1)
        maps = target.maps.to(logits.dtype)
        if target.counts is not None:
            probability, maps = probability * target.counts, maps * target.counts
        axes = [0, *range(2, logits.ndim)]
        overlap = 2 * (probability * maps).sum(axes)
        whole = probability.square().sum(axes) + maps.square().sum(axes)
        return 1 - ((overlap + SMALL) / (whole + SMALL)).mean()

    def _cross_entropy(self, logits: Logits, target: Target) -> Tensor:
        maps = target.maps.to(logits.dtype)
        if self.overlapping:
            crossed = F.binary_cross_entropy_with_logits(logits, maps, reduction="none")
            return mean_where(crossed, target.counts)
        of_class = (maps * F.log_softmax(logits, dim=1)).sum(dim=1, keepdim=True)
        return -mean_where(of_class, target.counts)
