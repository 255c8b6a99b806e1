"""Labeled and unlabeled images pasted into one another; an average of the network labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gemini_monai.geometry.boxes import box_mask
from gemini_monai.geometry.components import largest_components
from gemini_monai.geometry.labels import Target, target_of
from gemini_monai.geometry.types import Image, Logits, Mask
from gemini_monai.networks import DenseNetwork, last_layer
from gemini_monai.objectives.objective import Batch, Objective, full_precision
from gemini_monai.objectives.pasted_loss import PastedLoss
from gemini_monai.objectives.segmentation import fitting_target
from gemini_monai.objectives.teacher import Teacher


class Source(NamedTuple):
    """Images of which a part is pasted or pasted over."""

    image: Image
    target: Target
    weight: float
    """Of what is learned of the part."""


class CopyPasteObjective(Objective):
    """A box of a labeled image in an unlabeled one, and of an unlabeled one in a labeled one.

    After BCP (Bai et al., CVPR 2023). In a first stage, the share ``first`` of training, boxes of
    the second half of the labeled images are pasted into the first half. From then on, with halves
    ``a`` and ``b`` of labeled images ``l`` and unlabeled ones ``u``, the network sees ``u_a`` with
    the box of ``l_a``, and ``l_b`` with the box of ``u_b``. What is where in ``u`` is what a moving
    average of the network finds in it.

    It differs from ``gemini_monai.study.methods.BidirectionalCopyPaste``, which follows the paper:
    the average sees the unlabeled image as it looks and the network sees it changed; the loss of
    each part is ``PastedLoss``, so structures may overlap and voxels may be ignored; of what the
    average finds, the largest component is kept of the structures ``largest`` alone, as others may
    have several; the average is one from the first step on. An odd batch has its middle image in
    both halves.

    Args:
        weight: Factor of both terms.
        side: Of the box, as a share of the image's.
        unlabeled: Weight of what the average found.
        first: Share of training that the first stage takes.
        momentum: Share of the average that stays at every step, from 0 to 1, as of ``Teacher``.
        overlapping: As of ``SegmentationObjective``.
        largest: Class indices, or channels of structures that overlap, which are one piece.
    """

    reads: tuple[str, ...] = ("image", "label", "plain", "changed")

    def __init__(
        self,
        *,
        weight: float = 10.0,
        side: float = 2 / 3,
        unlabeled: float = 0.5,
        first: float = 0.25,
        momentum: float = 0.99,
        overlapping: bool = False,
        largest: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.weight, self.side, self.unlabeled = weight, side, unlabeled
        self.first, self.momentum = first, momentum
        self.overlapping, self.largest = overlapping, list(largest)
        self.loss = PastedLoss(overlapping=overlapping)

    def bind(self, network: DenseNetwork) -> None:
        """Copy the network; no gradient reaches the copy."""
        self.teacher = Teacher(network, self.momentum)
        self.classes = last_layer(network).out_channels

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``pasted_dice`` and ``pasted_cross_entropy``.

        Args:
            network: Maps an image to logits.
            batch: ``image`` (B, C, *S); ``label`` as of ``SegmentationObjective``; ``plain`` and
                ``changed`` (B', C, *S), the same unlabeled images. In the second stage the first of
                each as far as both go.
            progress: Share of training that is done.

        Raises:
            ValueError: If the label's channels do not fit.
        """
        pairs = self._labeled(batch) if progress < self.first else self._both_ways(batch)
        box = self.box(pairs[0][0].image)
        pasted = [torch.where(box, inner.image, outer.image) for outer, inner in pairs]
        logits = full_precision(network(torch.cat(pasted))).chunk(len(pairs))
        parts = [
            self._part(own, source, part)
            for own, pair in zip(logits, pairs, strict=True)
            for source, part in zip(pair, (~box, box), strict=True)
        ]
        dice, cross_entropy = (self.weight * sum(terms) / 2 for terms in zip(*parts, strict=True))
        return {"pasted_dice": dice, "pasted_cross_entropy": cross_entropy}

    def _part(self, logits: Logits, source: Source, part: Mask) -> tuple[Tensor, Tensor]:
        dice, cross_entropy = self.loss(logits, source.target.where(part))
        return source.weight * dice, source.weight * cross_entropy

    def _labeled(self, batch: Batch) -> list[tuple[Source, Source]]:
        """What is pasted over, and what is pasted, in the first stage."""
        return [_halves(self._known(batch, len(batch["image"])))]

    def _both_ways(self, batch: Batch) -> list[tuple[Source, Source]]:
        """Likewise, of the two pasted batches of the second stage."""
        count = min(len(batch["image"]), len(batch[self.reads[-1]]))
        guess, known = self.guessed(batch, count), self._known(batch, count)
        (first, second), (known_first, known_second) = _halves(guess), _halves(known)
        return [(first, known_first), (known_second, second)]

    def guessed(self, batch: Batch, count: int) -> Source:
        """So many unlabeled images with what the average finds in them.

        Args:
            batch: As of ``forward``.
            count: At most as many as there are.
        """
        with torch.no_grad():
            found = full_precision(self.teacher(batch["plain"][:count]))
        return Source(batch["changed"][:count], self._found(found), self.unlabeled)

    def _known(self, batch: Batch, count: int) -> Source:
        label = batch["label"][:count]
        target = fitting_target(label, self.classes, overlapping=self.overlapping)
        return Source(batch["image"][:count], target, 1.0)

    def _found(self, logits: Logits) -> Target:
        """The likeliest class of each voxel, or every structure that is likelier than not."""
        if self.overlapping:
            label = (logits > 0).to(logits.dtype)
        else:
            label = logits.argmax(dim=1, keepdim=True)
        if self.largest:
            label = largest_components(label, self.largest, overlapping=self.overlapping)
        return target_of(label, self.classes, overlapping=self.overlapping)

    def box(self, image: Image) -> Mask:
        """True in a box at a random place, one for all images, (B, 1, *S)."""
        return box_mask(image, self.side)

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the average follow."""
        self.teacher.update_parameters(network)


def _halves(source: Source) -> tuple[Source, Source]:
    """First and second half."""
    size = (len(source.image) + 1) // 2
    image, (maps, counts), weight = source
    first, second = (
        Target(maps[half], None if counts is None else counts[half])
        for half in (slice(size), slice(-size, None))
    )
    return Source(image[:size], first, weight), Source(image[-size:], second, weight)
