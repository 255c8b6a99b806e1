"""Better registration for better segmentation, and the other way round."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import Target
from gemini_monai.geometry.types import DDF, Image
from gemini_monai.geometry.warp import warp
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, OverlapLoss, full_precision
from gemini_monai.study.methods.anatomy import label_maps
from gemini_monai.study.methods.voxelmorph import AtlasRegistration, atlas_pairs

KINDS = 3
"""Of pairs: a labeled image with either unlabeled one, or those with one another."""


class SegmentedRegistration(AtlasRegistration):
    """BRBS's registration (He et al., TNNLS 2022): the segmenter says where structures are.

    With a labeled image ``l`` and two unlabeled ones, ``u_1`` and ``u_2``, the pair is ``l`` and
    ``u_1``, ``l`` and ``u_2``, or ``u_2`` and ``u_1``, at random. Both ways: smoothness, visual
    similarity, and Dice of one image's label maps, warped, with the other's; those of an unlabeled
    image are what the segmenter makes of it, which no gradient reaches. And ``inverse`` times the
    mean squared difference of ``-warp(ddf_ab, ddf_ab)`` and ``ddf_ba``, which is 0 for shifts.

    After ``pytorch/TrainBRBS.py`` of github.com/YutingHe-list/BRBS at commit 0d74e1b, where either
    image of a pair may be the first. Here ``u_2`` is the ``u_1`` of the labeled image before; in a
    batch of one they are the same.

    Args:
        anatomy: Weight of Dice; theirs is 100, of a registration with a network of its own.
        inverse: Weight of the last term.
        smoothness: Weight of equation 3 of GEMINI's paper.
        visual: Weight of its equation 6.
    """

    reads = ("image", "label", "partner")

    def __init__(
        self,
        *,
        anatomy: float = 10.0,
        inverse: float = 0.1,
        smoothness: float = 1.0,
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
        labeled, label, other = atlas_pairs(batch)
        second, kind = other.roll(1, dims=0), self.kind()
        image_a, image_b = ((labeled, other), (labeled, second), (second, other))[kind]
        pair = network.correspond(image_a, image_b)
        with torch.no_grad():
            seen_a, seen_b = (
                Target(full_precision(network.head(own)).softmax(dim=1))
                for own in (pair.features_a, pair.features_b)
            )
        known = seen_a if kind == KINDS - 1 else label_maps(label, network)
        overlap = self._overlap(known, seen_b, pair.ddf_ab)
        overlap = overlap + self._overlap(seen_b, known, pair.ddf_ba)
        back = -warp(pair.ddf_ab, pair.ddf_ab)
        return self.similarity(pair, image_a, image_b) | {
            "anatomy": self.anatomy * overlap,
            "inverse": self.inverse * F.mse_loss(back, pair.ddf_ba),
        }

    def kind(self) -> int:
        """Which of the pairs is registered, at random."""
        return int(torch.randint(KINDS, ()))

    def _overlap(self, moving: Target, fixed: Target, ddf: DDF) -> Tensor:
        moved = moving.warped(ddf)
        return self.dice_loss(moved.maps, fixed.where(moved.counts))


class SampledSegmentation(Objective):
    """BRBS's segmentation: labeled images on their way to unlabeled ones.

    With a labeled image ``l``, two unlabeled ones as for the registration, their fields, which no
    gradient reaches, and ``a``, ``b`` and ``c`` from Beta(``spread``, ``spread``), for each image
    its own: ``l`` takes the share ``b`` of the appearance of ``u_1``, warped onto it, and then goes
    the share ``a`` of its way to ``u_2``; Dice with the label that went with it. The other term is
    mixup, of ``u_1`` warped onto ``l`` and from there onto ``u_2``, and ``u_2`` itself: the logits
    of ``c`` of the one and ``1 - c`` of the other are to be the mixture of both images' logits.

    Args:
        weight: Factor of both terms.
        mixup: Weight of mixup inside.
        spread: Of the three distributions.
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
        with torch.no_grad():
            known, seen = network.features(torch.cat([image, other])).chunk(2)
            looks = warp(other, network.deformer(seen, known))
            there = network.deformer(known, seen.roll(1, dims=0))
        second = other.roll(1, dims=0)
        space, style, share = (self.drawn(image) for _ in range(3))
        way = space * there
        sampled = warp(torch.lerp(image, looks, style), way)
        onto_second = warp(looks, there)
        mixed = torch.lerp(second, onto_second, share)
        shown = torch.cat([sampled, mixed, onto_second, second])
        logits, of_mixed, of_first, of_second = full_precision(network(shown)).chunk(4)
        wanted = label_maps(label, network).warped(way)
        mixture = F.mse_loss(of_mixed, torch.lerp(of_second, of_first, share))
        return {
            "sampled": self.weight * self.dice_loss(logits.softmax(dim=1), wanted),
            "mixup": self.weight * self.mixup * mixture,
        }

    def drawn(self, image: Image) -> Tensor:
        """A share from 0 to 1 for each image, (B, 1, ...)."""
        share: Tensor = self.share.sample((len(image), *[1] * (image.dim() - 1)))
        return share.to(image)
