"""Contrast of dense features at places that are known to correspond."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import einsum
from torch import Tensor, nn


class PointContrastLoss(nn.Module):
    """Cross-entropy of finding a point's partner among the points of the other view (InfoNCE).

    For matched points i of two views, ``-log(exp(s_ii / t) / sum_j exp(s_ij / t))`` with the cosine
    ``s`` and the temperature ``t``, averaged over points and over both directions (van den Oord et
    al., 2018; at dense places as in Pinheiro et al., NeurIPS 2020). The other points of the same
    pair of views are the negatives, so features that are all alike cannot satisfy it.

    Args:
        temperature: ``t``, above 0.

    Raises:
        ValueError: If ``temperature`` is not above 0.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, got {temperature}")
        self.temperature = temperature

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return a scalar, 0 or more; the logarithm of P when all features are alike.

        Args:
            first: Features of points in one view, (B, P, K).
            second: Features of the same points in the other view, (B, P, K).

        Raises:
            ValueError: If the two differ in shape.
        """
        if first.shape != second.shape:
            raise ValueError(
                f"points must match one to one, got {tuple(first.shape)} and {tuple(second.shape)}"
            )
        with torch.autocast(first.device.type, enabled=False):
            one, other = (F.normalize(_plain(points), dim=-1) for points in (first, second))
            scores = einsum(one, other, "b i k, b j k -> b i j") / self.temperature
            partner = torch.arange(scores.shape[-1], device=scores.device)
            partner = partner.expand(len(scores), -1)
            there = F.cross_entropy(scores.transpose(1, 2), partner)
            back = F.cross_entropy(scores, partner)
        return (there + back) / 2


def _plain(points: Tensor) -> Tensor:
    return points if points.dtype == torch.float64 else points.float()
