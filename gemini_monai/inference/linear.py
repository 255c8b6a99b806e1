"""A linear classifier on frozen features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from torch import Tensor

from gemini_monai.geometry.types import Features, Logits

DECAY = 1e-3
"""Weight of half the squared norm, beside a mean over points."""


class LinearClassifier:
    """Logistic regression: softmax over exclusive classes, or a sigmoid per structure.

    Features are standardized by the points that it is fitted on. L-BFGS from zero, so the same
    points give the same classifier.

    Args:
        points: One feature vector a row, (points, K).
        truth: Structures of each point, true and false, (points, structures).
        overlapping: A point may be in several structures; otherwise in one or in none.
    """

    def __init__(self, points: Tensor, truth: Tensor, *, overlapping: bool) -> None:
        self.overlapping = overlapping
        self.mean = points.mean(dim=0)
        self.scale = 1 / points.std(dim=0).clamp_min(1e-6)
        classes = truth.shape[1] + (not overlapping)
        self.weight = points.new_zeros(classes, points.shape[1], requires_grad=True)
        self.bias = points.new_zeros(classes, requires_grad=True)
        self._fit((points - self.mean) * self.scale, truth)

    @torch.enable_grad()
    def _fit(self, points: Tensor, truth: Tensor) -> None:
        search = torch.optim.LBFGS(
            [self.weight, self.bias], max_iter=100, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            search.zero_grad()
            logits = points @ self.weight.T + self.bias
            value = self._loss(logits, truth) + DECAY / 2 * self.weight.square().sum()
            value.backward()
            return value

        search.step(loss)
        self.weight.requires_grad_(False)
        self.bias.requires_grad_(False)

    def _loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        if self.overlapping:
            return F.binary_cross_entropy_with_logits(logits, truth.to(logits.dtype))
        inside = truth.any(dim=1)
        return F.cross_entropy(logits, torch.where(inside, 1 + truth.int().argmax(dim=1), 0))

    def logits(self, features: Features) -> Logits:
        """Scores (B, classes, *S) of features (B, K, *S)."""
        weight = self.weight * self.scale
        bias = self.bias - weight @ self.mean
        scores = einsum(weight, features.to(weight.dtype), "c k, b k ... -> b c ...")
        return scores + rearrange(bias, f"c -> c {' '.join('1' * (features.ndim - 2))}")

    def masks(self, logits: Logits) -> Tensor:
        """Structures (B, structures, *S), true and false, of scores (B, classes, *S)."""
        if self.overlapping:
            return logits > 0
        chosen = logits.argmax(dim=1)
        return torch.stack([chosen == k for k in range(1, logits.shape[1])], dim=1)
