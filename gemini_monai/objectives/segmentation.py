"""Segmentation from the labeled images, the supervised term of equation 10."""

from __future__ import annotations

from torch import Tensor

from gemini_monai.geometry.labels import Target, target_of
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives.objective import Batch, Objective, full_precision
from gemini_monai.objectives.segmentation_loss import SegmentationLoss


class SegmentationObjective(Objective):
    """``SegmentationLoss`` of ``network(image)`` against ``label``.

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
        self.loss = SegmentationLoss(overlapping=overlapping)

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
        target = fitting_target(batch["label"], logits.shape[1], overlapping=self.overlapping)
        dice, cross_entropy = self.loss(logits, target)
        return {"dice": self.weight * dice, "cross_entropy": self.weight * cross_entropy}


def fitting_target(label: Tensor, classes: int, *, overlapping: bool) -> Target:
    """``target_of`` a label that has the channels of a network's logits.

    Args:
        label: (B, 1, *S) of class indices, or (B, K, *S) of zeros and ones.
        classes: Channels of the logits.
        overlapping: Which of the two it is.

    Raises:
        ValueError: If the label's channels do not fit.
    """
    channels = classes if overlapping else 1
    if label.shape[1] != channels:
        raise ValueError(f"label must have {channels} channel(s), got {label.shape[1]}")
    return target_of(label, classes, overlapping=overlapping)
