"""What every objective is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn

from gemini_monai.networks import DenseNetwork

Batch: TypeAlias = Mapping[str, Tensor]
"""Tensors (B, C, *S) by the names that streams give them, such as ``image`` and ``label``."""


def full_precision(values: Tensor) -> Tensor:
    """What a loss is computed of: at least float32, whatever autocast made of the network."""
    return values if values.dtype == torch.float64 else values.float()


class Objective(nn.Module):
    """A loss that runs its own forward pass and names its parts.

    The network is used after training. An objective owns what is thrown away then: a teacher,
    heads, a queue, a second network. These are its parameters and buffers, so they are moved,
    trained and saved with the run. A frozen parameter needs ``requires_grad_(False)``.
    """

    reads: tuple[str, ...] = ()
    """Keys of the batch that it needs. A stream that no objective reads is not drawn."""
    registers: bool = False
    """Whether it trains the displacement field."""
    trains: str = "backbone"
    """What of the backbone it trains: all of it, or its ``"encoder"`` alone."""

    interval: int = 1
    """Iterations from one in which it trains to the next."""

    def bind(self, network: DenseNetwork) -> None:
        """Build what depends on the network, such as a teacher; once, before the optimizer is made.

        Args:
            network: What is trained. It must not become a submodule: it is saved on its own.
        """

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Named, weighted scalar terms whose sum is the loss; empty when it is not its turn.

        Args:
            network: What is trained.
            batch: Tensors on the network's device, with every key of ``reads``.
            progress: Share of training that is done, from 0 to 1, for terms with a schedule.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward pass")

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Follow a step of the optimizer: a moving average, a queue, a center.

        Args:
            network: What has just been trained.
            progress: Share of training that was done before the step, from 0 to 1.
        """
