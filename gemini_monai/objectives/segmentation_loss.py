"""What a label costs: Dice and cross-entropy of what counts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gemini_monai.geometry.labels import Target, mean_where
from gemini_monai.geometry.types import Logits
from gemini_monai.objectives.overlap import OverlapLoss


class SegmentationLoss(nn.Module):
    """Dice with squared denominators and smooth 1, background included, and cross-entropy.

    The cross-entropy is the mean over classes too, so ordinary cross-entropy over the number of
    classes, as in the authors' code. What does not count is in neither.

    Args:
        overlapping: ``False`` for exclusive classes (softmax), ``True`` for structures that may
            overlap (sigmoid).
    """

    def __init__(self, *, overlapping: bool = False) -> None:
        super().__init__()
        self.overlapping = overlapping
        self.dice_loss = OverlapLoss()

    def forward(self, logits: Logits, target: Target) -> tuple[Tensor, Tensor]:
        """Dice loss and cross-entropy, two scalars.

        Args:
            logits: (B, K, *S), at least float32.
            target: Of as many maps.
        """
        probability = logits.sigmoid() if self.overlapping else logits.softmax(dim=1)
        return self.dice_loss(probability, target), self._cross_entropy(logits, target)

    def _cross_entropy(self, logits: Logits, target: Target) -> Tensor:
        maps = target.maps.to(logits.dtype)
        if self.overlapping:
            inside = _log_probability(F.logsigmoid(logits))
            outside = _log_probability(F.logsigmoid(-logits))
            return -mean_where(maps * inside + (1 - maps) * outside, target.counts)
        log_probability = _log_probability(F.log_softmax(logits, dim=1))
        of_class = (maps * log_probability).sum(dim=1, keepdim=True)
        return -mean_where(of_class, target.counts) / logits.shape[1]


def _log_probability(log_probability: Tensor) -> Tensor:
    """``log(p + 1e-6)``, the authors' bound on how much one voxel can cost, from ``log(p)``."""
    return torch.logaddexp(log_probability, log_probability.new_tensor(1e-6).log())
