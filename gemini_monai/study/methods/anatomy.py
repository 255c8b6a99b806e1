"""Label maps of two images are to lie on one another when one image is warped onto the other."""

from __future__ import annotations

from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.labels import Target, target_of
from gemini_monai.networks import Correspondence, DenseNetwork, last_layer
from gemini_monai.objectives import Batch, Objective, OverlapLoss, full_precision


class AnatomySimilarity(Objective):
    """Dice of ``warp(S_A, ddf_AB)`` with ``S_B`` (Xu and Niethammer, MICCAI 2019: DeepAtlas).

    ``S`` is the network's own output for pairs of unlabeled images, which trains the field and the
    segmenter by one another, and beside it the label for pairs of labeled images, which trains the
    field: the label-consistent registration of Balakrishnan et al. (TMI 2019).

    Args:
        weight: Factor of the terms.
        predicted: Whether pairs of unlabeled images count.
        labeled: Whether pairs of labeled images do.

    Raises:
        ValueError: If neither counts.
    """

    registers = True

    def __init__(
        self, *, weight: float = 2.0, predicted: bool = True, labeled: bool = True
    ) -> None:
        super().__init__()
        if not (predicted or labeled):
            raise ValueError("predicted and labeled: one of them must be true")
        self.weight, self.predicted, self.labeled = weight, predicted, labeled
        self.reads = ("image_a",) * predicted + ("image", "label") * labeled
        self.dice_loss = OverlapLoss()

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``anatomy`` and ``labeled_anatomy``, from 0 to the weight.

        Args:
            network: A ``Gemini`` with a head for exclusive classes.
            batch: ``image_a``, and ``image_b`` unless each image is paired with the next,
                (B, C, *S); ``image`` and ``label`` (B, 1, *S), two or more, each paired with the
                next.
            progress: Unused; this objective has no schedule.
        """
        terms: dict[str, Tensor] = {}
        if self.predicted:
            pair = network.correspond(batch["image_a"], batch.get("image_b"))
            map_a, map_b = (
                Target(full_precision(network.head(own)).softmax(dim=1))
                for own in (pair.features_a, pair.features_b)
            )
            terms["anatomy"] = self._overlap(map_a, map_b, pair)
        if self.labeled and len(batch["image"]) > 1:
            pair = network.correspond(batch["image"])
            label = batch["label"]
            target, other = (label_maps(own, network) for own in (label, label.roll(-1, dims=0)))
            terms["labeled_anatomy"] = self._overlap(target, other, pair)
        return terms

    def _overlap(self, map_a: Target, map_b: Target, pair: Correspondence) -> Tensor:
        """Both ways, weighted, where both count."""
        moved = map_a.warped(pair.ddf_ab)
        there = self.dice_loss(moved.maps, map_b.where(moved.counts))
        moved = map_b.warped(pair.ddf_ba)
        back = self.dice_loss(moved.maps, map_a.where(moved.counts))
        return self.weight * (there + back) / 2


def label_maps(label: Tensor, network: DenseNetwork) -> Target:
    """Class indices (B, 1, *S) as one map for each class of the network's head.

    Raises:
        InputError: If the label has several channels, so that its structures may overlap.
    """
    if label.shape[1] != 1:
        raise InputError(
            f"label: {label.shape[1]} channels, of structures that may overlap; this method needs "
            "one, of exclusive classes"
        )
    return target_of(label, last_layer(network).out_channels)
