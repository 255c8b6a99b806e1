"""Better registration for better segmentation, and the other way round."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import Target
from gemini_monai.geometry.types import Image
from gemini_monai.geometry.warp import compose, warp
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, OverlapLoss, full_precision
from gemini_monai.study.methods.anatomy import label_maps
from gemini_monai.study.methods.voxelmorph import AtlasRegistration, atlas_pairs


class SegmentedRegistration(AtlasRegistration):
    """BRBS's registration (He et al., TNNLS 2022): the segmenter says where structures are.

    Smoothness and visual similarity of a labeled image and an unlabeled one, Dice of the warped
    label with what the segmenter makes of the unlabeled image, which no gradient reaches, and
    ``inverse`` times the mean squared length in voxels of the way there and back again.

    Args:
        anatomy: Weight of Dice; 100 in the paper, whose registration has a network of its own.
        inverse: Weight of the way there and back again; 0.1 in the paper.
        smoothness: Weight of equation 3 of GEMINI's paper.
        visual: Weight of its equation 6.
    """

    reads = ("image", "label", "partner")

    def __init__(
        self,
        *,
        anatomy: float = 10.0,
        inverse: float = 0.1,
        smoothness: float = 0.4,
        visual: float = 1.0,
    ) -> None:
        super().__init__(smoothness=smoothness, visual=visual)
        self.anatomy, self.inverse = anatomy, inverse
        self.dice_loss = OverlapLoss()

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``smoothness``, ``visual``, ``anatomy`` and ``inverse``.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: ``image`` (B, C, *S), ``label`` (B, 1, *S), ``partner`` (B', C, *S); the first
                of each as far as both go.
            progress: Unused; this objective has no schedule.
        """
        image, label, other = atlas_pairs(batch)
        pair = network.correspond(image, other)
        terms = self.similarity(pair, image, other)
        with torch.no_grad():
            seen = full_precision(network.head(pair.features_b))
        moved = label_maps(label, network).warped(pair.ddf_ab)
        wanted = Target(seen.softmax(dim=1), moved.counts)
        there_and_back = compose(pair.ddf_ba, pair.ddf_ab)
        return terms | {
            "anatomy": self.anatomy * self.dice_loss(moved.maps, wanted),
            "inverse": self.inverse * there_and_back.square().sum(dim=1).mean(),
        }


class SampledSegmentation(Objective):
    """BRBS's segmentation: labeled images on their way to unlabeled ones.

    With a labeled image ``l``, an unlabeled one ``u``, their fields, which no gradient reaches, and
    ``a`` and ``b`` from Beta(``spread``, ``spread``), for each pair its own: ``l`` goes the share
    ``a`` of its way to ``u``, and ``u`` the share ``1 - a`` of its way to ``l``, so that both have
    the shape of the warped label; the network sees ``(1 - b)`` of the one and ``b`` of the other.
    The other term is mixup: what it makes of a mixture of two unlabeled images is to be the mixture
    of what it makes of each.

    Args:
        weight: Factor of both terms.
        mixup: Weight of mixup inside; 0.01 in the paper.
        spread: Of the two distributions; 0.3 in the paper.
    """

    reads = ("image", "label", "partner")

    def __init__(self, *, weight: float = 10.0, mixup: float = 0.01, spread: float = 0.3) -> None:
        super().__init__()
        self.weight, self.mixup = weight, mixup
        self.share = torch.distributions.Beta(spread, spread)
        self.dice_loss = OverlapLoss()

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``sampled`` and ``mixup``.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: As for the registration.
            progress: Unused; this objective has no schedule.
        """
        image, label, other = atlas_pairs(batch)
        sampled, wanted = self.sample(network, image, label_maps(label, network), other)
        logits = full_precision(network(sampled))
        return {
            "sampled": self.weight * self.dice_loss(logits.softmax(dim=1), wanted),
            "mixup": self.weight * self.mixup * self.mixture(network, other),
        }

    @torch.no_grad()
    def sample(
        self, network: DenseNetwork, image: Image, label: Target, other: Image
    ) -> tuple[Image, Target]:
        """An image of a shape and a style in between, and its label maps (B, K, *S)."""
        pair = network.correspond(image, other)
        space, style = self.drawn(image), self.drawn(image)
        forward, backward = space * pair.ddf_ab, (1 - space) * pair.ddf_ba
        mixed = torch.lerp(warp(image, forward), warp(other, backward), style)
        return mixed, label.warped(forward)

    def mixture(self, network: DenseNetwork, image: Image) -> Tensor:
        """Mean squared difference of the mixture's output and the mixed outputs."""
        share, partner = self.drawn(image), image.roll(1, dims=0)
        with torch.no_grad():
            own = full_precision(network(image)).softmax(dim=1)
        found = full_precision(network(torch.lerp(image, partner, share))).softmax(dim=1)
        return F.mse_loss(found, torch.lerp(own, own.roll(1, dims=0), share))

    def drawn(self, image: Image) -> Tensor:
        """A share from 0 to 1 for each image, (B, 1, ...)."""
        share: Tensor = self.share.sample((len(image), *[1] * (image.dim() - 1)))
        return share.to(image)
