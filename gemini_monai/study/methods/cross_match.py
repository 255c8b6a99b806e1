"""Strong views, and features of which few and many are hidden, teach one another."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch
from gemini_monai.study.methods.pseudo_labels import pseudo_label
from gemini_monai.study.methods.unimatch import UniMatch

RATES = 0.25, 0.75
"""Shares of channels that are hidden."""


class CrossMatch(UniMatch):
    """CrossMatch (Zhao et al., IEEE JBHI 2024) as its authors have it for slices.

    ``D``, the two strong views and the label map of the image as it is are those of ``UniMatch``.
    The image and its second view are also seen with a quarter, and with three quarters, of every
    level's channels hidden: ``weight (D(view_1) / 4 + D(view_2) / 4 + K / 2)``. ``K`` is
    ``1 - own`` times the mean of the four ``D`` of hidden channels, and ``own`` times the mean of
    both of the view with the label map that the same share of hidden channels made of the image.

    After ``ACDC/train_cross_match.py`` and ``ACDC/model/unet.py`` of
    github.com/AiEson/CrossMatch at commit 59772e0, where a box is of an image of another batch.

    Args:
        weight: Factor of all terms; twice that of supervised Dice.
        threshold: Least certainty that counts, from 0 to 1.
        own: Weight of the label maps of hidden channels, from 0 to 1.
    """

    smooth = 1e-4

    def __init__(self, *, weight: float = 20.0, threshold: float = 0.95, own: float = 0.3) -> None:
        super().__init__(weight=weight, threshold=threshold)
        self.own = own

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
        second, both = views[1], torch.cat([image, views[1].image])
        taught, own = [], []
        for rate in RATES:
            of_image, of_view = self.hidden(network, both, rate).chunk(2)
            taught += [self.error(of_image, guess), self.error(of_view, second.guess)]
            own.append(self.error(of_view, pseudo_label(of_image).mixed(second.inside)))
        hidden = torch.lerp(torch.stack(taught).mean(), torch.stack(own).mean(), self.own)
        return {
            "strong_views": self.weight * self.of_views(network, views) / 4,
            "hidden_features": self.weight * hidden / 2,
        }
