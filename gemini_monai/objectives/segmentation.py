"""Segmentation from the labeled images, the supervised term of equation 10."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import Target, mean_where, target_of
from gemini_monai.geometry.types import Logits
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives.objective import Batch, Objective, full_precision
from gemini_monai.objectives.overlap import OverlapLoss


class SegmentationObjective(Objective):
    """Dice plus cross-entropy of ``network(image)`` against ``label``.

    Dice has squared denominators and smooth 1, background included; the cross-entropy is the mean
    over classes too, so ordinary cross-entropy over the number of classes, as in the authors' code.
    Ignored voxels are in neither.

    Args:
        weight: Factor of both terms.
        overlapping: ``False`` for exclusive classes (softmax; the label is an index map),
            ``True`` for structures that may overlap (sigmoid; one binary channel each).
    """

    reads = ("image", "label")

    def __init__(self, *, weight: float = 100.0, overlapping: bool = False) -> None:
        super().__init__()
        self.weight = weight
        self.overlapping = overlapping
        self.dice_loss = OverlapLoss()

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``dice`` and ``cross_entropy``.

        Args:
            network: Maps an image to logits.
            batch: ``image`` (B, C, *S); ``label`` (B, 1, *S) of class indices, or (B, K, *S) of
                zeros and ones for overlapping structures; ``IGNORED`` in either.
            progress: Unused; this objective has no schedule.

        Raises:
            ValueError: If the label's channels do not fit.
        """
        logits = full_precision(network(batch["image"]))
        label = batch["label"]
        channels = logits.shape[1] if self.overlapping else 1
        if label.shape[1] != channels:
            raise ValueError(f"label must have {channels} channel(s), got {label.shape[1]}")
        target = target_of(label, logits.shape[1], overlapping=self.overlapping)
        probability = logits.sigmoid() if self.overlapping else logits.softmax(dim=1)
        return {
            "dice": self.weight * self.dice_loss(probability, target),
            "cross_entropy": self.weight * self._cross_entropy(logits, label, target),
        }

    def _cross_entropy(self, logits: Logits, label: Tensor, target: Target) -> Tensor:
        if self.overlapping:
            label = target.maps.to(logits.dtype)
            inside = _log_probability(F.logsigmoid(logits))
            outside = _log_probability(F.logsigmoid(-logits))
            return -mean_where(label * inside + (1 - label) * outside, target.counts)
        log_probability = F.log_softmax(logits, dim=1).gather(1, label.clamp(min=0).long())
        return -mean_where(_log_probability(log_probability), target.counts) / logits.shape[1]


def _log_probability(log_probability: Tensor) -> Tensor:
    """``log(p + 1e-6)``, the authors' bound on how much one voxel can cost, from ``log(p)``."""
    return torch.logaddexp(log_probability, log_probability.new_tensor(1e-6).log())
