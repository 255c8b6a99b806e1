"""Labeled and unlabeled images pasted into one another teach one network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gemini_monai.geometry.boxes import box_mask
from gemini_monai.geometry.labels import counted
from gemini_monai.geometry.types import Image, Mask
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.objectives.teacher import Teacher
from gemini_monai.study.methods.components import largest_components
from gemini_monai.study.methods.pseudo_labels import batch_error


class Source(NamedTuple):
    """Images of which a part is pasted or pasted over."""

    image: Image
    label: Tensor
    """Class indices, (B, 1, *S)."""
    counts: Mask | None
    """Where the label says something; ``None`` for everywhere."""
    weight: float
    """Of what is learned of the part."""


class BidirectionalCopyPaste(Objective):
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

    def __init__(
        self,
        *,
        weight: float = 10.0,
        side: float = 2 / 3,
        unlabeled: float = 0.5,
        first: float = 0.25,
        momentum: float = 0.99,
    ) -> None:
        super().__init__()
        self.weight, self.side, self.unlabeled = weight, side, unlabeled
        self.first, self.momentum = first, momentum

    def bind(self, network: DenseNetwork) -> None:
        """Copy the network; no gradient reaches the copy."""
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
        pairs = self._labeled(batch) if progress < self.first else self._both_ways(batch)
        box = self.box(pairs[0][0].image)
        pasted = [torch.where(box, inner.image, outer.image) for outer, inner in pairs]
        logits = full_precision(network(torch.cat(pasted))).chunk(len(pairs))
        errors = [
            source.weight
            * batch_error(own, source.label, _drawn(part, source.counts), smooth=1e-10)
            for own, pair in zip(logits, pairs, strict=True)
            for source, part in zip(pair, (~box, box), strict=True)
        ]
        return {"copy_paste": self.weight * torch.stack(errors).sum() / 2}

    def _labeled(self, batch: Batch) -> list[tuple[Source, Source]]:
        """What is pasted over, and what is pasted, in the first stage."""
        first, second = _known(batch, len(batch["image"]))
        return [(first, second)]

    def _both_ways(self, batch: Batch) -> list[tuple[Source, Source]]:
        """Likewise, of the two pasted batches of the second stage."""
        count = min(len(batch["image"]), len(batch["unlabeled"]))
        image = batch["unlabeled"][:count]
        with torch.no_grad():
            label = full_precision(self.teacher(image)).argmax(dim=1, keepdim=True)
        first, second = _halves(Source(image, largest_components(label), None, self.unlabeled))
        known_first, known_second = _known(batch, count)
        return [(first, known_first), (known_second, second)]

    def box(self, image: Image) -> Mask:
        """True in a box at a random place, one for all images, (B, 1, *S)."""
        return box_mask(image, self.side)

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the average follow."""
        self.teacher.momentum = 0.0 if progress < self.first else self.momentum
        self.teacher.update_parameters(network)


def _known(batch: Batch, count: int) -> tuple[Source, Source]:
    """Halves of the first ``count`` labeled images."""
    image, label = batch["image"][:count], batch["label"][:count]
    return _halves(Source(image, label.clamp(min=0).long(), counted(label), 1.0))


def _halves(source: Source) -> tuple[Source, Source]:
    """First and second half."""
    size = (len(source.image) + 1) // 2
    image, label, counts, weight = source
    return (
        Source(image[:size], label[:size], None if counts is None else counts[:size], weight),
        Source(image[-size:], label[-size:], None if counts is None else counts[-size:], weight),
    )


def _drawn(part: Mask, counts: Mask | None) -> Mask:
    return part if counts is None else part & counts
