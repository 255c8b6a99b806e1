"""The mean of several predictions' probabilities, said in logits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


class ProbabilityMean:
    """Adds predictions up, one at a time, so that memory holds one sum and one prediction.

    In logarithms: a probability of 1e-30 is none of 0, and what a softmax, or a sigmoid, makes of
    the result is the mean.

    Args:
        overlapping: Whether structures have channels of their own, of which a sigmoid makes
            probabilities; a softmax otherwise.
        dim: Axis of the classes.
    """

    def __init__(self, *, overlapping: bool, dim: int = 0) -> None:
        self.overlapping = overlapping
        self.dim = dim
        self.sums: list[Tensor] = []

    def add(self, logits: Tensor) -> None:
        """One more prediction, of the shape of the others."""
        says = self._logarithms(logits.float())
        pairs = zip(self.sums, says, strict=True) if self.sums else ()
        self.sums = [torch.logaddexp(*pair) for pair in pairs] or says

    def _logarithms(self, logits: Tensor) -> list[Tensor]:
        """Of each class's probability; of yes and of no, where structures overlap."""
        if self.overlapping:
            return [functional.logsigmoid(logits), functional.logsigmoid(-logits)]
        return [functional.log_softmax(logits, self.dim)]

    def logits(self) -> Tensor:
        """Logits whose probabilities are the mean: neither asks how many were added."""
        if self.overlapping:
            yes, no = self.sums
            return yes - no
        return self.sums[0]
