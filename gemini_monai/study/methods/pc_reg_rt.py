"""Structures are registered one by one, and the warped labels teach the segmenter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import mean_where
from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.study.methods.anatomy import label_maps
from gemini_monai.study.methods.voxelmorph import AtlasRegistration, atlas_pairs


class PerClassRegistration(AtlasRegistration):
    """PC-Reg (He Y. et al., IEEE JBHI 2021): what lies in a structure is to look alike.

    Smoothness, and the mean over structures, background not among them, of the visual similarity of
    both images outside of which all is 0: the labeled one is multiplied by the structure's label,
    the unlabeled one by the segmenter's probability, which no gradient reaches. The field is that
    of GEMINI's deformer on features of the images as they are; in the paper a network of its own
    sees the masked ones. The weights are ours: the mean is over whole images, each of which is 0
    but in its structure, so that at equal weights smoothness keeps the field at 0.

    Args:
        smoothness: Weight of equation 3 of GEMINI's paper.
        visual: Weight of its equation 6, of the masked images.
    """

    reads = ("image", "label", "partner")

    def __init__(self, *, smoothness: float = 0.4, visual: float = 10.0) -> None:
        super().__init__(smoothness=smoothness, visual=visual)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``smoothness`` and ``visual``.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: ``image`` (B, C, *S), ``label`` (B, 1, *S), ``partner`` (B', C, *S); the first
                of each as far as both go.
            progress: Unused; this objective has no schedule.
        """
        image, label, other = atlas_pairs(batch)
        pair = network.correspond(image, other)
        with torch.no_grad():
            seen = full_precision(network.head(pair.features_b)).softmax(dim=1)
        known = label_maps(label, network)
        return self.similarity(
            pair,
            _structures(image, known.maps),
            _structures(other, seen),
            counts=(known.warped(pair.ddf_ab).counts, known.counts),
        )


class ReverseTeaching(Objective):
    """Cross-entropy of the segmenter on unlabeled images with the labels warped onto them (RT).

    What is to be found are the warped label's shares of the classes, none where a voxel's partner
    lies outside the labeled image; no gradient reaches the field. The mean is over all voxels.

    Args:
        weight: Factor of the term; half of the segmentation's in the paper.
    """

    reads = ("image", "label", "partner")

    def __init__(self, *, weight: float = 5.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``reverse_teaching``, 0 or more.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: As for the registration.
            progress: Unused; this objective has no schedule.
        """
        image, label, other = atlas_pairs(batch)
        with torch.no_grad():
            ddf = network.correspond(image, other).ddf_ab
        logits = full_precision(network(other))
        wanted = label_maps(label, network).warped(ddf)
        if wanted.counts is None:
            return {"reverse_teaching": self.weight * F.cross_entropy(logits, wanted.maps)}
        error = F.cross_entropy(logits, wanted.maps, reduction="none")[:, None]
        return {"reverse_teaching": self.weight * mean_where(error, wanted.counts)}


def _structures(image: Image, maps: Tensor) -> Image:
    """The image in each structure and 0 elsewhere, (B, (K - 1) * C, *S)."""
    return (maps[:, 1:, None] * image[:, None]).flatten(1, 2)
