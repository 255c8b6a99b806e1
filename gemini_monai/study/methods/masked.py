"""Parts of an image are hidden, and restored from the rest."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gemini_monai.geometry.types import Image, Mask
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective, full_precision


class MaskedRestoration(Objective):
    """Mean squared error at hidden voxels alone, which the network sees as 0.

    A grid of patches, some of which are hidden. Few large ones are in-painting (Pathak et al., CVPR
    2016, without its adversarial term), most of many small ones a masked autoencoder (He et al.,
    CVPR 2022), here of a convolutional network, which sees the hidden patches as zeros.

    Args:
        weight: Factor of the term.
        hidden: Share of the patches that is hidden, from 0 to 1.
        patches: Along each axis.

    Raises:
        ValueError: If no patch, or every one, would be hidden.
    """

    reads = ("unlabeled",)

    def __init__(self, *, weight: float = 100.0, hidden: float = 0.75, patches: int = 8) -> None:
        super().__init__()
        if not (0 < hidden < 1 and patches > 1):
            raise ValueError(
                f"expected a share of hidden patches between 0 and 1 and 2 patches or more, "
                f"got {hidden} and {patches}"
            )
        self.weight, self.hidden, self.patches = weight, hidden, patches

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``masked_restoration``.

        Args:
            network: Maps an image to as many channels as the image has.
            batch: ``unlabeled`` (B, C, *S).
            progress: Unused; this objective has no schedule.

        Raises:
            ValueError: If the network's output has not the shape of the image.
        """
        image = batch["unlabeled"]
        hidden = self.mask(image)
        restored = network(image * ~hidden)
        if restored.shape != image.shape:
            raise ValueError(
                f"the restored image must have the shape of the image, "
                f"got {tuple(restored.shape)} and {tuple(image.shape)}"
            )
        restored = full_precision(restored)
        error = (restored - image.to(restored.dtype)).square() * hidden
        count = image.shape[1] * hidden.sum()
        return {"masked_restoration": self.weight * error.sum() / count}

    def mask(self, image: Image) -> Mask:
        """Hidden voxels (B, 1, *S) of a random choice of patches for each image."""
        size = [min(self.patches, side) for side in image.shape[2:]]
        cells = torch.rand(len(image), *size, device=image.device).flatten(1)
        count = min(max(1, round(self.hidden * cells.shape[1])), cells.shape[1] - 1)
        chosen = torch.zeros_like(cells).scatter_(1, cells.topk(count).indices, 1.0)
        grid = chosen.reshape(len(image), 1, *size)
        return nn.functional.interpolate(grid, size=image.shape[2:], mode="nearest").bool()
