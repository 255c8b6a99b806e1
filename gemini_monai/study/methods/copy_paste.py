"""Labeled and unlabeled images pasted into one another teach one network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.labels import counted
from gemini_monai.geometry.types import Logits
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision
from gemini_monai.study.methods.teacher import Teacher


class BidirectionalCopyPaste(Objective):
    """BCP (Bai et al., CVPR 2023): a box of one image in another, both ways.

    With a labeled image ``l``, an unlabeled one ``u`` whose label map is that of a moving average,
    and a box at a random place: the network sees ``l`` with the box of ``u``, and ``u`` with the
    box of ``l``. Dice and cross-entropy, half each, of the part that is labeled, plus
    ``unlabeled`` times those of the other; what is ignored is in neither. The paper trains on
    labeled images alone first, and keeps the largest component of each structure of the label map;
    this does neither.

    Args:
        weight: Factor of the term.
        side: Of the box, as a share of the image's; 2/3 in the paper.
        unlabeled: Weight of what the average labeled; 0.5 in the paper.
        momentum: Share of the average that stays at every step, from 0 to 1.
    """

    reads = ("image", "label", "unlabeled")

    def __init__(
        self,
        *,
        weight: float = 10.0,
        side: float = 2 / 3,
        unlabeled: float = 0.5,
        momentum: float = 0.99,
    ) -> None:
        super().__init__()
        self.weight, self.side, self.unlabeled, self.momentum = weight, side, unlabeled, momentum

    def bind(self, network: DenseNetwork) -> None:
        """Copy the network; no gradient reaches the copy."""
        self.teacher = Teacher(network, self.momentum)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``copy_paste``.

        Args:
            network: Maps an image to logits.
            batch: ``image`` (B, C, *S), ``label`` (B, 1, *S), ``unlabeled`` (B', C, *S); the first
                of each as far as both go.
            progress: Unused; this objective has no schedule.
        """
        count = min(len(batch["image"]), len(batch["unlabeled"]))
        image, other = batch["image"][:count], batch["unlabeled"][:count]
        label, counts = batch["label"][:count].long(), counted(batch["label"][:count])
        with torch.no_grad():
            guess = full_precision(self.teacher(other)).argmax(dim=1, keepdim=True)
        box = self.box(image)
        mixed = torch.cat([torch.where(box, other, image), torch.where(box, image, other)])
        target = torch.cat([torch.where(box, guess, label), torch.where(box, label, guess)])
        trusted = torch.cat([~box, box])
        drawn = trusted if counts is None else trusted & torch.cat([counts, counts])
        logits = full_precision(network(mixed))
        known, guessed = (_error(logits, target, part) for part in (drawn, ~trusted))
        return {"copy_paste": self.weight * (known + self.unlabeled * guessed) / 2}

    def box(self, image: Tensor) -> Tensor:
        """True in a box at a random place, one for all images, (B, 1, *S)."""
        inside = torch.zeros_like(image[:, :1], dtype=torch.bool)
        place = [slice(None), slice(None)]
        for axis in image.shape[2:]:
            side = max(1, round(self.side * axis))
            start = int(torch.randint(axis - side + 1, ()))
            place.append(slice(start, start + side))
        inside[tuple(place)] = True
        return inside

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the average follow."""
        self.teacher.update_parameters(network)


def _error(logits: Logits, target: Tensor, part: Tensor) -> Tensor:
    """Dice and cross-entropy over a part (B, 1, *S) of the voxels, in which nothing is ignored."""
    target = target.clamp(min=0)
    crossed = F.cross_entropy(logits, target[:, 0], reduction="none")[:, None]
    probability = logits.softmax(dim=1) * part
    wanted = torch.zeros_like(probability).scatter_(1, target, 1.0) * part
    axes = [0, *range(2, logits.dim())]
    overlap = 2 * (probability * wanted).sum(axes) + 1
    dice = overlap / (probability.square().sum(axes) + wanted.sum(axes) + 1)
    return (crossed * part).sum() / part.sum().clamp(min=1) + 1 - dice.mean()
