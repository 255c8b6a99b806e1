"""Labeled images are registered to unlabeled ones."""

from __future__ import annotations

from torch import Tensor

from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, HomeomorphismObjective


class AtlasRegistration(HomeomorphismObjective):
    """VoxelMorph with atlases (Balakrishnan et al., TMI 2019): smoothness and visual similarity.

    A pair is a labeled image and an unlabeled one; no label is read. ``AtlasInferer`` segments by
    it. With ``AnatomySimilarity(predicted=False)`` beside it, this is the label-consistent
    VoxelMorph of Lee et al. (2019). The field is that of GEMINI's deformer on the backbone's
    features, not integrated, and both ways; the paper's is one U-Net of both images, one way.

    Args:
        smoothness: Weight of equation 3 of GEMINI's paper.
        visual: Weight of its equation 6, local normalized cross-correlation.
    """

    reads: tuple[str, ...] = ("image", "partner")

    def __init__(self, *, smoothness: float = 0.4, visual: float = 1.0) -> None:
        super().__init__(smoothness=smoothness, visual=visual, semantic=0.0)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``smoothness`` and ``visual``.

        Args:
            network: A ``Gemini``.
            batch: ``image`` (B, C, *S), the labeled ones, and ``partner`` (B', C, *S); the first
                of each as far as both go.
            progress: Unused; this objective has no schedule.
        """
        count = min(len(batch["image"]), len(batch["partner"]))
        pairs = {"image_a": batch["image"][:count], "image_b": batch["partner"][:count]}
        return super().forward(network, pairs, progress=progress)


def atlas_pairs(batch: Batch) -> tuple[Image, Tensor, Image]:
    """Labeled images, their labels, and unlabeled ones: the first of each as far as both go.

    Args:
        batch: ``image`` (B, C, *S), ``label`` (B, 1, *S) and ``partner`` (B', C, *S).
    """
    count = min(len(batch["image"]), len(batch["partner"]))
    return batch["image"][:count], batch["label"][:count], batch["partner"][:count]
