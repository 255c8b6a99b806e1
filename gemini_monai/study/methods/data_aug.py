"""Labeled images in the shapes and the appearances of unlabeled ones."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import counted, mean_where
from gemini_monai.geometry.types import Image
from gemini_monai.geometry.warp import warp
from gemini_monai.networks import DenseNetwork, spatial_dims_of
from gemini_monai.objectives import Batch, Objective, OverlapLoss, full_precision
from gemini_monai.study.methods.anatomy import label_maps
from gemini_monai.study.methods.pair_network import PairNetwork
from gemini_monai.study.methods.voxelmorph import atlas_pairs


class LearnedAugmentation(Objective):
    """Data augmentation by learned transforms (Zhao et al., CVPR 2019).

    The shapes are the fields of ``AtlasRegistration`` beside this objective. The appearances are of
    a network of its own: with a labeled image ``x`` and an unlabeled one ``u``, whose field brings
    it onto ``x``, it gives a change ``d`` that minimizes ``MSE(x + d, warp(u)) + smoothness *
    (mean absolute difference of d between neighbors of one label)``. The segmenter learns Dice of
    ``warp(x + d)`` with the label, both warped onto the unlabeled image before ``u`` in the batch.
    No gradient of the segmentation reaches ``d`` or a field, and none of ``d`` reaches a field.

    In the paper the two transforms are trained first, one after the other, and the segmenter on
    what they make; here all three are trained side by side, so that the first examples are of
    transforms that know nothing. It has one labeled image, here there may be several. Smoothness is
    that of ``src/metrics.py``, its weight that of ``main.py``, of github.com/xamyzhao/brainstorm at
    commit 4634c60, which leaves out voxels of a drawn contour.

    Args:
        weight: Factor of the segmentation's term.
        smoothness: Weight of the smoothness of ``d``; theirs is 1 to 50 of the squared error.
        in_channels: Channels of the image.
    """

    reads = ("image", "label", "partner")

    def __init__(
        self, *, weight: float = 10.0, smoothness: float = 0.02, in_channels: int = 1
    ) -> None:
        super().__init__()
        self.weight, self.smoothness, self.in_channels = weight, smoothness, in_channels
        self.dice_loss = OverlapLoss()

    def bind(self, network: DenseNetwork) -> None:
        """Make the network of appearances, of as many axes as the segmenter has."""
        dims = spatial_dims_of(network)
        self.appearance = PairNetwork(dims, self.in_channels, self.in_channels)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``appearance``, and weighted ``appearance_smoothness`` and ``augmented``.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: ``image`` (B, C, *S), ``label`` (B, 1, *S), ``partner`` (B', C, *S); the first
                of each as far as both go. Of one pair the unlabeled image gives shape and
                appearance.
            progress: Unused; this objective has no schedule.
        """
        image, label, other = atlas_pairs(batch)
        with torch.no_grad():
            pair = network.correspond(image, other)
            looks = warp(other, pair.ddf_ba)
            ddf = network.deformer(pair.features_a, pair.features_b.roll(1, dims=0))
        change = self.appearance(image, looks)
        logits = full_precision(network(warp(image + change.detach(), ddf)))
        wanted = label_maps(label, network).warped(ddf)
        return {
            "appearance": F.mse_loss(image + change, looks),
            "appearance_smoothness": self.smoothness * _roughness(change, label),
            "augmented": self.weight * self.dice_loss(logits.softmax(dim=1), wanted),
        }


def _roughness(change: Image, label: Tensor) -> Tensor:
    """Mean absolute forward difference, 0 across a boundary of the label, summed over the axes.

    Differences to and between ignored voxels do not count.
    """
    counts, terms = counted(label), []
    for axis in range(2, change.dim()):
        rough = change.diff(dim=axis).abs() * (label.diff(dim=axis) == 0)
        known = None if counts is None else counts.unfold(axis, 2, 1).all(dim=-1)
        terms.append(mean_where(rough, known))
    return torch.stack(terms).sum()
