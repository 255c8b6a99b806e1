"""A moving average of a network, which no gradient reaches."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Teacher(AveragedModel):
    """``new teacher = m * teacher + (1 - m) * student``, buffers too, ``m`` at most ``momentum``.

    After ``t`` steps ``m`` is ``min(1 - 1 / (t + 1), momentum)``: the first step takes the student,
    and the teacher is the mean of all students until that is a shorter memory than ``momentum``.
    Without, a short training's teacher is its random initial weights, by two thirds at 0.999 after
    400 steps. As in UA-MT's code (github.com/yulequan/UA-MT, 88ed29a).

    Args:
        student: Copied; the copy's parameters have no gradient.
        momentum: Share of the teacher that stays at every step, from 0 to 1. May be changed between
            steps, for a schedule.
        warm_up: Whether ``m`` grows as above; else it is ``momentum`` from the first step.

    Raises:
        ValueError: If ``momentum`` is not from 0 to 1.
    """

    def __init__(self, student: nn.Module, momentum: float, *, warm_up: bool = True) -> None:
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be from 0 to 1, got {momentum}")
        super().__init__(student, avg_fn=self._follow, use_buffers=True)
        self.momentum, self.warm_up = momentum, warm_up
        if not warm_up:
            self.n_averaged.fill_(1)  # of the student as it is now; else the first step copies it
        self.requires_grad_(False)

    def _follow(self, own: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
        if not own.is_floating_point():
            return new
        if not self.warm_up:
            return own.lerp(new, 1 - self.momentum)
        share = 1 / (torch.as_tensor(steps).to(own) + 1)
        return own.lerp(new, share.clamp(min=1 - self.momentum))


def rising_momentum(start: float, progress: float) -> float:
    """From ``start`` to 1 by half a cosine (Grill et al., NeurIPS 2020).

    Args:
        start: At the beginning of training.
        progress: Share of training that is done.
    """
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2
