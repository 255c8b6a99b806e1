"""What every objective is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from torch import Tensor, nn

Batch: TypeAlias = Mapping[str, Tensor]
"""``image_a``, ``image_b``: pairs without labels; ``image``, ``label``: with; each (B, C, *S)."""


class Objective(Protocol):
    """A loss that runs its own forward pass and names its parts."""

    def __call__(
        self, network: nn.Module, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Return named, weighted scalar terms whose sum is the loss.

        Args:
            network: What is trained.
            batch: Tensors on the network's device.
            progress: Share of training that is done, from 0 to 1, for terms with a schedule.
        """
        ...
