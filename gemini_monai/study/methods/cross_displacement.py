"""Two segmenters that see patches of one another's images."""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from torch import Tensor

from gemini_monai.geometry.labels import counted
from gemini_monai.geometry.types import Image, Logits
from gemini_monai.networks import DenseNetwork, reinitialized
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.study.methods.color_jitter import color_jittered
from gemini_monai.study.methods.displacement import displaced, displaced_labels
from gemini_monai.study.methods.pseudo_labels import batch_dice_loss, batch_error

SMOOTH = 1e-5
"""Of Dice in the authors' code."""


class CrossDisplacement(Objective):
    """ABD with cross teaching (Chi et al., CVPR 2024: adaptive bidirectional displacement).

    The first network sees images as they are, the second one in other intensities. With ``e`` half
    of cross-entropy and batch Dice, ``d`` Dice with the other network's label map, and ``t`` the
    share of training: ``e`` of the second network on labeled images, twice ``e`` of both on labeled
    images that are ``displaced_labels``, in the first two thirds of training; and
    ``0.1 exp(-5 (1 - t)^2)`` times ``d`` of both on unlabeled images, and on those ``displaced``.
    The supervised term of the first network is the bundle's own; the second network starts from
    other weights, and is thrown away.

    After ``code/train_ACDC_Cross_Teaching.py`` and ``code/utils/displacement.py`` of
    github.com/chy-upc/ABD at commit 4efd525. Its second network is a Swin-UNet that was trained
    before, here it is one like the first; its second images have a box of noise, too.

    Args:
        weight: Factor of all terms; twice that of supervised Dice.
        cross: Of ``d``, at the end of training.
    """

    reads = ("image", "label", "unlabeled")

    def __init__(self, *, weight: float = 20.0, cross: float = 0.1) -> None:
        super().__init__()
        self.weight, self.cross = weight, cross

    def bind(self, network: DenseNetwork) -> None:
        """Make the second network, from other weights; what gives no logits is not trained."""
        self.other = reinitialized(deepcopy(network))
        if hasattr(self.other, "deformer"):
            self.other.deformer.requires_grad_(False)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``second``, ``displaced`` and ``crossed``, 0 or more.

        Args:
            network: Maps an image to logits.
            batch: ``image`` (B, C, *S) and ``label`` (B, 1, *S); ``unlabeled`` (B', C, *S); images
                in [0, 1].
            progress: Share of training that is done.
        """
        label, count = batch["label"], len(batch["image"])
        images = torch.cat([batch["image"], batch["unlabeled"]])
        versions = images, self.view(images)
        seen = full_precision(network(versions[0])), full_precision(self.other(versions[1]))
        known, guessed = (
            [own[part] for own in seen] for part in (slice(count), slice(count, None))
        )
        shown = displaced([own[count:] for own in versions], guessed)
        of_shown = [full_precision(own(shown)) for own in (network, self.other)]
        error = known[0].new_zeros(())
        if progress < 2 / 3:
            moved, labels = displaced_labels(
                [own[:count] for own in versions], label, known, chosen=self.chosen(count)
            )
            error = sum((_error(own(moved), labels) for own in (network, self.other)), start=error)
        ramp = self.cross * math.exp(-5 * (1 - progress) ** 2)
        return {
            "second": self.weight * _error(known[1], label),
            "displaced": self.weight * 2 * error,
            "crossed": self.weight * ramp * (_crossed(*guessed) + _crossed(*of_shown)),
        }

    def view(self, image: Image) -> Image:
        """What the second network sees, (B, C, *S)."""
        return color_jittered(image, strength=0.8, chance=1.0, blurred=0.0)

    def chosen(self, count: int) -> list[bool]:
        """Which labeled images are displaced: half of them, at random."""
        return (torch.rand(count) < 0.5).tolist()


def _error(logits: Logits, label: Tensor) -> Tensor:
    """Half of cross-entropy and Dice, of what is not ignored."""
    counts = counted(label)
    part = torch.ones_like(label, dtype=torch.bool) if counts is None else counts
    wanted = label.clamp(min=0).long()
    return batch_error(full_precision(logits), wanted, part, smooth=SMOOTH) / 2


def _crossed(first: Logits, second: Logits) -> Tensor:
    """Dice of each with the other's label map."""
    return _taught(first, second) + _taught(second, first)


def _taught(student: Logits, teacher: Logits) -> Tensor:
    label = teacher.argmax(dim=1, keepdim=True)
    everywhere = torch.ones_like(label, dtype=torch.bool)
    return batch_dice_loss(student.softmax(dim=1), label, everywhere, smooth=SMOOTH)
