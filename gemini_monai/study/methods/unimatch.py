"""Two strong views and hidden features are to be seen as the image as it is."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gemini_monai.geometry.types import Image, Logits, Mask
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective
from gemini_monai.study.methods.boxes import cut_mix_box, cut_mixed
from gemini_monai.study.methods.color_jitter import color_jittered
from gemini_monai.study.methods.feature_dropout import channel_dropout, perturbed_features
from gemini_monai.study.methods.pseudo_labels import (
    PseudoLabel,
    confident_dice_loss,
    pseudo_label,
)


class MixedView(NamedTuple):
    """A strong view and what is to be seen in it."""

    image: Image
    inside: Mask
    """Where it is of the next image."""
    guess: PseudoLabel


class UniMatch(Objective):
    """UniMatch (Yang et al., CVPR 2023) as its authors have it for medical images.

    With ``D`` the Dice loss over voxels that are sure, the label map of the image as it is, and
    its mixture for mixed images: ``weight (D(view_1) / 4 + D(view_2) / 4 + D(hidden) / 2)``. A view
    has other brightness and contrast, is blurred, and has a box of the next image's view; in
    ``hidden``, the channels of every level of the encoder are hidden with a chance of one half.

    After ``more-scenarios/medical/unimatch.py`` of github.com/LiheYoung/UniMatch at commit
    0324f3d, where a box is of an image of another batch.

    Args:
        weight: Factor of all terms; twice that of supervised Dice.
        threshold: Least certainty that counts, from 0 to 1.
        dropout: Share of channels that are hidden, below 1.
    """

    reads = ("unlabeled",)
    smooth = 1e-5
    """Of Dice."""

    def __init__(
        self, *, weight: float = 20.0, threshold: float = 0.95, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.weight, self.threshold, self.dropout = weight, threshold, dropout

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``strong_views`` and ``hidden_features``, from 0 on.

        Args:
            network: Maps an image to logits, by a backbone and a head.
            batch: ``unlabeled`` (B, C, *S), in [0, 1].
            progress: Unused; this objective has no schedule.
        """
        image = batch["unlabeled"]
        with torch.no_grad():
            guess = pseudo_label(network(image))
        views = self.strong_views(image, guess)
        hidden = self.error(self.hidden(network, image, self.dropout), guess)
        return {
            "strong_views": self.weight * self.of_views(network, views) / 4,
            "hidden_features": self.weight * hidden / 2,
        }

    def strong_views(self, image: Image, guess: PseudoLabel) -> list[MixedView]:
        """Two strong views."""
        boxes = [self.box(image) for _ in range(2)]
        return [MixedView(cut_mixed(self.view(image), own), own, guess.mixed(own)) for own in boxes]

    def of_views(self, network: DenseNetwork, views: list[MixedView]) -> Tensor:
        """Sum of the views' errors."""
        logits = network(torch.cat([view.image for view in views])).chunk(len(views))
        errors = [self.error(own, view.guess) for own, view in zip(logits, views, strict=True)]
        return torch.stack(errors).sum()

    def error(self, logits: Logits, guess: PseudoLabel) -> Tensor:
        """Dice loss over voxels that are sure."""
        return confident_dice_loss(logits, guess, threshold=self.threshold, smooth=self.smooth)

    def hidden(self, network: DenseNetwork, image: Image, rate: float) -> Logits:
        """Logits of an image of which that share of the encoder's channels is hidden."""
        dense = perturbed_features(
            network, image, lambda levels: [channel_dropout(level, rate) for level in levels]
        )
        logits: Logits = network.head(dense)
        return logits

    def view(self, image: Image) -> Image:
        """A strong view, before it is mixed, (B, C, *S)."""
        return color_jittered(image)

    def box(self, image: Image) -> Mask:
        """True where the next image's view is seen, (B, 1, *S)."""
        return cut_mix_box(image)
