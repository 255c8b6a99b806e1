"""Two segmenters that teach one another."""

from __future__ import annotations

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import counted_with, mean_where
from gemini_monai.geometry.types import Logits, Mask
from gemini_monai.networks import DenseNetwork, reinitialized
from gemini_monai.objectives import Batch, Objective, SegmentationObjective, full_precision


class CrossPseudoSupervision(Objective):
    """CPS: each of two networks learns the other's label map (Chen et al., CVPR 2021).

    ``supervised(f2) + weight (CE(f1, argmax f2) + CE(f2, argmax f1))``, the second part on labeled
    and unlabeled images, but for what is ignored. The supervised term of the first network is the
    bundle's own; the second network starts from other weights, and is thrown away.

    Args:
        weight: Factor of the cross pseudo supervision; 1.5 in the paper.
        supervised: Factor of the second network's supervised term, as that of the first.
    """

    reads = ("image", "label", "unlabeled")

    def __init__(self, *, weight: float = 1.5, supervised: float = 10.0) -> None:
        super().__init__()
        self.weight = weight
        self.segmentation = SegmentationObjective(weight=supervised)

    def bind(self, network: DenseNetwork) -> None:
        """Make the second network, from other weights; what gives no logits is not trained."""
        self.other = reinitialized(deepcopy(network))
        if hasattr(self.other, "deformer"):
            self.other.deformer.requires_grad_(False)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``second_dice`` and ``second_cross_entropy``, and the weighted ``cross_pseudo``.

        Args:
            network: Maps an image to logits.
            batch: ``image`` (B, C, *S) and ``label`` (B, 1, *S); ``unlabeled`` (B', C, *S).
            progress: Unused; this objective has no schedule.
        """
        own = self.segmentation(self.other, batch)
        image = torch.cat([batch["image"], batch["unlabeled"]])
        first, second = full_precision(network(image)), full_precision(self.other(image))
        counts = counted_with(batch["label"], batch["unlabeled"])
        crossed = _taught(first, second, counts) + _taught(second, first, counts)
        return {f"second_{name}": term for name, term in own.items()} | {
            "cross_pseudo": self.weight * crossed
        }


def _taught(student: Logits, teacher: Logits, counts: Mask | None) -> Tensor:
    """Cross-entropy with the teacher's label map."""
    if counts is None:
        return F.cross_entropy(student, teacher.argmax(dim=1))
    error = F.cross_entropy(student, teacher.argmax(dim=1), reduction="none")
    return mean_where(error[:, None], counts)
