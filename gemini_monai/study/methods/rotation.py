"""By which multiple of 90 degrees was the image turned?"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective
from gemini_monai.study.methods.embedding import image_embedding, width_of


class RotationPrediction(Objective):
    """Cross-entropy of the rotation that was applied (Gidaris et al., ICLR 2018).

    4 classes in 2-D, 10 in 3-D: none, and three about each axis (Taleb et al., NeurIPS 2020). Every
    image is cut to a centered square or cube first. Trains the encoder; the decoder stays as it is
    initialized.
    """

    reads = ("unlabeled",)
    trains = "encoder"

    def bind(self, network: DenseNetwork) -> None:
        """Fit the classifier to the network's deepest features."""
        dims = max(parameter.dim() for parameter in network.parameters()) - 2
        planes = [(a, b) for a in range(dims) for b in range(a + 1, dims)]
        self.turns = [(0, (0, 1))] + [(k, plane) for plane in planes for k in (1, 2, 3)]
        self.classifier = nn.Linear(width_of(network), len(self.turns))

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``rotation``, 0 or more; the logarithm of the number of classes when nothing is known.

        Args:
            network: A ``Gemini``.
            batch: ``unlabeled`` (B, C, *S); each image is turned by a random class.
            progress: Unused; this objective has no schedule.
        """
        image = _centered(batch["unlabeled"])
        turn = torch.randint(len(self.turns), (len(image),), device=image.device)
        turned = torch.stack([self.turned(own, int(k)) for own, k in zip(image, turn, strict=True)])
        return {
            "rotation": F.cross_entropy(self.classifier(image_embedding(network, turned)), turn)
        }

    def turned(self, image: Image, turn: int) -> Image:
        """An image (C, *S) of equal sides, turned by a class."""
        count, (a, b) = self.turns[turn]
        return image.rot90(count, dims=(a + 1, b + 1))


def _centered(image: Image) -> Image:
    """The square or cube in the middle, as large as fits."""
    side = min(image.shape[2:])
    for axis, size in enumerate(image.shape[2:], start=2):
        image = image.narrow(axis, (size - side) // 2, side)
    return image
