"""Restoration of corrupted images, the task that pre-trains with the pairs (equation 11)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives.objective import Batch, Objective, full_precision


class RestorationObjective(Objective):
    """Mean squared error of ``network(corrupted)`` against ``clean``.

    Args:
        weight: Factor of the term.
    """

    reads = ("clean", "corrupted")

    def __init__(self, *, weight: float = 100.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``restoration``.

        Args:
            network: Maps an image to as many channels as the image has.
            batch: ``corrupted`` and ``clean`` (B, C, *S), under the same spatial transform.
            progress: Unused; this objective has no schedule.

        Raises:
            ValueError: If the network's output does not have the shape of ``clean``.
        """
        restored, clean = network(batch["corrupted"]), batch["clean"]
        if restored.shape != clean.shape:
            raise ValueError(
                f"the restored image must have the shape of the clean one, "
                f"got {tuple(restored.shape)} and {tuple(clean.shape)}"
            )
        restored = full_precision(restored)
        return {"restoration": self.weight * F.mse_loss(restored, clean.to(restored.dtype))}
