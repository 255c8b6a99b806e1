"""Structures are registered one by one, and the warped labels teach the segmenter."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import Target, mean_where
from gemini_monai.geometry.types import Image, Logits
from gemini_monai.geometry.warp import warp
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.study.methods.anatomy import label_maps
from gemini_monai.study.methods.voxelmorph import AtlasRegistration, atlas_pairs


class PerClassRegistration(AtlasRegistration):
    """PC-Reg (He Y. et al., IEEE JBHI 2021): what lies in a structure is to look alike.

    Smoothness, and the mean over structures, background not among them, of the visual similarity of
    both images outside of which all is 0: the labeled one is multiplied by the structure's label,
    the unlabeled one by the segmenter's probability, which no gradient reaches. The field is that
    of GEMINI's deformer on features of the images as they are; in the authors' code (see
    ``ReverseTeaching``) a network of its own sees the masked ones, both masks are the segmenter's
    label map, and pairs of unlabeled images are registered, too. The weights are ours: the mean is
    over whole images, each of which is 0 but in its structure, so that at equal weights smoothness
    keeps the field at 0.

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
    """The segmenter learns labels and images that were registered to one another (RT).

    With the fields between a labeled image and an unlabeled one, which no gradient reaches:
    cross-entropy on the labeled image warped there with its label that went along, and ``reverse``
    times that on the unlabeled image with the warped label, and on the unlabeled image warped back
    with the label itself. What is to be found of a warped label are its shares of the classes,
    none where a voxel's partner lies outside; the mean is over voxels and classes.

    After ``pytorch/semi_pcreg.py`` of github.com/YutingHe-list/PC-Reg-RT at commit d5edd3c, which
    takes one of the two directions at random, and trains as many epochs of segmentation and
    registration alone before: here, in the share ``first`` of training, nothing is warped.

    Args:
        weight: Factor of both terms.
        reverse: Weight of what is not learned of the labeled image.
        first: Share of training in which the labeled image is learned as it is, and no other.
    """

    reads = ("image", "label", "partner")

    def __init__(self, *, weight: float = 10.0, reverse: float = 0.5, first: float = 0.5) -> None:
        super().__init__()
        self.weight, self.reverse, self.first = weight, reverse, first

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``warped_labeled`` and ``reverse_teaching``, 0 or more.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: As for the registration.
            progress: Share of training that is done.
        """
        image, label, other = atlas_pairs(batch)
        target = label_maps(label, network)
        if progress < self.first:
            known = _cross_entropy(network(image), target)
            return {
                "warped_labeled": self.weight * known,
                "reverse_teaching": torch.zeros_like(known),
            }
        with torch.no_grad():
            pair = network.correspond(image, other)
        seen = torch.cat([warp(image, pair.ddf_ab), other, warp(other, pair.ddf_ba)])
        moved = target.warped(pair.ddf_ab)
        known, *reverse = (
            _cross_entropy(logits, wanted)
            for logits, wanted in zip(network(seen).chunk(3), (moved, moved, target), strict=True)
        )
        return {
            "warped_labeled": self.weight * known,
            "reverse_teaching": self.weight * self.reverse * torch.stack(reverse).sum(),
        }


def _cross_entropy(logits: Logits, target: Target) -> Tensor:
    """Mean over voxels and classes of minus the share times ``log(p + 1e-6)``."""
    bound = math.log(1e-6)
    found = F.log_softmax(full_precision(logits), dim=1)
    return -mean_where(
        target.maps * torch.logaddexp(found, torch.full_like(found, bound)), target.counts
    )


def _structures(image: Image, maps: Tensor) -> Image:
    """The image in each structure and 0 elsewhere, (B, (K - 1) * C, *S)."""
    return (maps[:, 1:, None] * image[:, None]).flatten(1, 2)
