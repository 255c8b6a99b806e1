"""Two segmenters that teach one another."""

from __future__ import annotations

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.types import Image, Mask
from gemini_monai.networks import DenseNetwork, reinitialized
from gemini_monai.objectives import Batch, Objective, SegmentationObjective, full_precision
from gemini_monai.study.methods.boxes import cut_mixed, toggled_boxes


class CrossPseudoSupervision(Objective):
    """CPS with CutMix (Chen et al., CVPR 2021): each of two networks learns the other's label map.

    ``supervised(f2) + weight (CE(f1(m), argmax f2) + CE(f2(m), argmax f1))``, where ``m`` is an
    unlabeled image with boxes of another one, and the label maps are those of both images as they
    are, mixed alike; no gradient reaches them. The supervised term of the first network is the
    bundle's own; the second network starts from other weights, and is thrown away.

    After ``exp.voc/voc8.res50v3+.CPS+CutMix`` of github.com/charlesCXK/TorchSemiSeg at commit
    5e0c29c: three boxes with sides of 1/4 to 1/2 over the root of three, and where two overlap the
    image itself is seen again. There, the other image is of a second batch; here it is the next
    one of the same, so that a batch of one is not mixed.

    Args:
        weight: Factor of the cross pseudo supervision; theirs is 1 with PASCAL VOC, 5 with
            Cityscapes.
        supervised: Factor of the second network's supervised term, as that of the first.
    """

    reads = ("image", "label", "unlabeled")

    def __init__(self, *, weight: float = 1.0, supervised: float = 10.0) -> None:
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
        image = batch["unlabeled"]
        inside = self.boxes(image)
        with torch.no_grad():
            first, second = (
                cut_mixed(found(image).argmax(dim=1, keepdim=True), inside)[:, 0]
                for found in (network, self.other)
            )
        mixed = cut_mixed(image, inside)
        crossed = F.cross_entropy(full_precision(network(mixed)), second)
        crossed = crossed + F.cross_entropy(full_precision(self.other(mixed)), first)
        return {f"second_{name}": term for name, term in own.items()} | {
            "cross_pseudo": self.weight * crossed
        }

    def boxes(self, image: Image) -> Mask:
        """True where the next image is seen, (B, 1, *S)."""
        return toggled_boxes(image, count=3, least=0.25, most=0.5)
