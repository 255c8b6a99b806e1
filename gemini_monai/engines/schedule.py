"""The course of the learning rate."""

from __future__ import annotations

import math

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class CosineDecay(LRScheduler):
    """Half a cosine from the optimizer's rate down to a share of it, which then stays.

    PyTorch's ``CosineAnnealingLR`` rises again after ``steps``, where a run goes on for more epochs
    than it was planned for. The length is part of the state: such a run keeps its own.

    Args:
        optimizer: Whose rate.
        steps: Until the end of the decay.
        final: Share of the rate at the end, 1 for a constant rate.
    """

    def __init__(self, optimizer: Optimizer, *, steps: int, final: float = 1.0) -> None:
        self.steps = steps
        self.final = final
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """The rate of every group of parameters."""
        done = min(1.0, self.last_epoch / max(1, self.steps))
        share = self.final + (1 - self.final) * (1 + math.cos(math.pi * done)) / 2
        return [rate * share for rate in self.base_lrs]
