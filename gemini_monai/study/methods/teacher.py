"""A moving average of a network, which no gradient reaches."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Teacher(AveragedModel):
    """``new teacher = momentum * teacher + (1 - momentum) * student``, buffers too.

    Args:
        student: Copied; the copy's parameters have no gradient.
        momentum: Share of the teacher that stays at every step, from 0 to 1. May be changed between
            steps, for a schedule.

    Raises:
        ValueError: If ``momentum`` is not from 0 to 1.
    """

    def __init__(self, student: nn.Module, momentum: float) -> None:
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be from 0 to 1, got {momentum}")
        super().__init__(student, avg_fn=self._follow, use_buffers=True)
        self.momentum = momentum
        self.n_averaged.fill_(1)  # of the student as it is now; else the first step would copy it
        self.requires_grad_(False)

    def _follow(self, own: Tensor, new: Tensor, _: Tensor | int) -> Tensor:
        return own.lerp(new, 1 - self.momentum) if own.is_floating_point() else new


def rising_momentum(start: float, progress: float) -> float:
    """From ``start`` to 1 by half a cosine (Grill et al., NeurIPS 2020).

    Args:
        start: At the beginning of training.
        progress: Share of training that is done.
    """
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2
