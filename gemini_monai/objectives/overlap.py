"""Dice of what counts."""

from __future__ import annotations

from monai.losses.dice import DiceLoss
from torch import Tensor, nn

from gemini_monai.geometry.labels import Target, mean_where


class OverlapLoss(nn.Module):
    """Mean over images and maps of MONAI's Dice loss, squared denominators and smooth 1.

    Ignored voxels are 0 in probabilities and truth, as by MONAI's ``ignore_index``; its
    ``MaskedLoss`` masks logits instead, of which a softmax makes probabilities again. An image of
    which nothing counts is no part of the mean. The loss is 0 where that is every image.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(squared_pred=True, smooth_nr=1.0, smooth_dr=1.0, reduction="none")

    def forward(self, probability: Tensor, target: Target) -> Tensor:
        """A scalar from 0 to 1.

        Args:
            probability: (B, K, *S), from 0 to 1.
            target: Of as many maps.
        """
        if target.counts is None:
            loss: Tensor = self.dice(probability, target.maps)
            return loss.mean()
        counts = target.counts
        loss = self.dice(probability * counts, target.maps * counts)
        return mean_where(loss.flatten(1), counts.flatten(2).any(dim=2))
