"""Labeled and unlabeled images pasted into one another teach one network, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.geometry.components import largest_components
from gemini_monai.geometry.labels import target_of
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, CopyPasteObjective, full_precision
from gemini_monai.objectives.copy_paste import Source
from gemini_monai.objectives.teacher import Teacher


class BidirectionalCopyPaste(CopyPasteObjective):
    """BCP (Bai et al., CVPR 2023): a box of one image in another, both ways.

    In a first stage, the share ``first`` of training, boxes of the second half of the labeled
    images are pasted into the first half. From then on, with labeled images ``l`` and unlabeled
    ones ``u``, halves ``a`` and ``b`` of each, and a box at a random place, the network sees
    ``u_a`` with the box of ``l_a``, and ``l_b`` with the box of ``u_b``. The label map of ``u`` is
    that of a moving average, of each structure the largest component. Of each part of each pasted
    batch: cross-entropy, and Dice over the batch with squared denominators, half of both; the
    parts of unlabeled images weigh ``unlabeled``. What is ignored is in none.

    After ``code/ACDC_BCP_train.py`` of github.com/DeepMed-Lab-ECNU/BCP at commit 7879f98, which
    trains 10,000 and 30,000 iterations, and starts the second stage from the weights that were
    best on validation images, where this goes on. An odd batch has its middle image in both
    halves.

    Args:
        weight: Factor of the term.
        side: Of the box, as a share of the image's.
        unlabeled: Weight of what the average labeled.
        first: Share of training that the first stage takes; in it the average is the network.
        momentum: Share of the average that stays at every later step, from 0 to 1.
    """

    reads = ("image", "label", "unlabeled")

    def bind(self, network: DenseNetwork) -> None:
        """Copy the network; no gradient reaches the copy."""
        super().bind(network)
        self.teacher = Teacher(network, self.momentum, warm_up=False)  # the first stage is one

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``copy_paste``.

        Args:
            network: Maps an image to logits.
            batch: ``image`` (B, C, *S), ``label`` (B, 1, *S), ``unlabeled`` (B', C, *S); in the
                second stage the first of each as far as both go.
            progress: Share of training that is done.
        """
        terms = super().forward(network, batch, progress=progress)
        return {"copy_paste": torch.stack(list(terms.values())).sum()}

    def guessed(self, batch: Batch, count: int) -> Source:
        """So many unlabeled images with the largest component of each structure in them."""
        image = batch["unlabeled"][:count]
        with torch.no_grad():
            label = full_precision(self.teacher(image)).argmax(dim=1, keepdim=True)
        target = target_of(largest_components(label), self.classes)
        return Source(image, target, self.unlabeled)

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the average follow."""
        self.teacher.momentum = 0.0 if progress < self.first else self.momentum
        super().after_step(network, progress=progress)
