"""Geometric semantic similarity (GSS), equation 7: masked cosine of dense features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gemini_monai.geometry.types import DDF, Features, Mask
from gemini_monai.geometry.warp import warp

TINY = 1e-12
"""Sum of a mask below which it is empty."""


class SemanticSimilarityLoss(nn.Module):
    r"""One minus the mean cosine of warped and fixed features, with the paper's split of gradients.

    Equation 7 as two paths: ``[1 - cos(warp(sg(f_a), ddf), sg(f_b))]`` trains the field, and
    ``positive * [1 - cos(warp(f_a, sg(ddf)), f_b)]`` trains the features; ``sg`` stops gradients.
    Both have the same value, so one warp and one cosine serve both: the gradient towards the
    features is scaled by ``positive`` and the value by ``1 + positive``. Features that feed the
    deformer still receive the field's gradient through it.

    Args:
        eps: Lower bound on the product of feature norms, so that a zero feature has cosine 0.
    """

    def __init__(self, eps: float = 1e-8) -> None:
        super().__init__()
        self.eps = eps

    def forward(
        self,
        features_a: Features,
        features_b: Features,
        ddf_ab: DDF,
        mask: Mask,
        *,
        positive: float = 0.1,
    ) -> Tensor:
        """Return a scalar in [0, 2 * (1 + positive)]; 0 when corresponding features are parallel.

        Args:
            features_a: Features of the image that is warped, (B, K, *S).
            features_b: Features of the image that stays, (B, K, *S).
            ddf_ab: Field in voxels on the grid of ``features_b``, (B, N, *S).
            mask: Weight of each voxel, (B, 1, *S); all zeros give a loss of 0. Features may be
                anything where it is 0.
            positive: Weight of the path that trains the features (lambda_pos).

        Raises:
            ValueError: If the two feature maps differ in shape (torch would broadcast).
        """
        if features_a.shape != features_b.shape:
            raise ValueError(
                f"features must have one shape, "
                f"got {tuple(features_a.shape)} and {tuple(features_b.shape)}"
            )
        with torch.autocast(features_a.device.type, enabled=False):
            warped = warp(scale_gradient(features_a, positive), ddf_ab)
            fixed = scale_gradient(features_b, positive).to(warped.dtype)
            counts = mask > 0
            warped, fixed = torch.where(counts, warped, 0.0), torch.where(counts, fixed, 0.0)
            cosine = _cosine(warped, fixed, eps=self.eps)
            mask = mask.to(cosine.dtype)
            distance = ((1 - cosine) * mask).sum() / mask.sum().clamp_min(TINY)
        return distance + positive * distance.detach()


def _cosine(a: Features, b: Features, *, eps: float) -> Tensor:
    """Cosine over channels, (B, 1, *S); keeps less for the backward pass than torch's own."""
    norms = [features.norm(dim=1, keepdim=True).clamp_min(eps) for features in (a, b)]
    return (a * b).sum(dim=1, keepdim=True) / (norms[0] * norms[1])


def scale_gradient(value: Tensor, factor: float) -> Tensor:
    """The value itself, with a gradient ``factor`` times as large; 0 stops the gradient."""
    if factor == 0:
        return value.detach()
    scaled: Tensor = _ScaleGradient.apply(value, factor)
    return scaled


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, value: Tensor, factor: float) -> Tensor:
        ctx.factor = factor  # type: ignore[attr-defined]
        return value.view_as(value)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.factor, None  # type: ignore[attr-defined]
