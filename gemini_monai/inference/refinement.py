"""A field made better for one pair of images, by the losses that networks are trained by."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from gemini_monai.geometry.types import DDF, Features, Image
from gemini_monai.geometry.warp import compose, exponential, inbounds_mask, warp
from gemini_monai.losses import SemanticSimilarityLoss, SmoothnessLoss, VisualSimilarityLoss

CELLS = (8, 4, 2, 1)
"""Voxels an axis of the resolutions, one after the other."""
SHORTEST = 8
"""Voxels that an axis has at least at a coarser resolution."""


def refine(
    ddf: DDF,
    moving: Image,
    fixed: Image,
    *,
    iterations: int,
    features: tuple[Features, Features] | None = None,
    smoothness: float = 1.0,
    semantic: float = 0.8,
    learning_rate: float = 0.5,
) -> DDF:
    """Instance refinement: ``ddf``, and after it the exponential of a velocity found by descent.

    The velocity starts at 0 and is found at an eighth of the resolution, then at a quarter, at a
    half and in full, by Adam on equation 4 with features that stay as they are: equation 6 (visual
    similarity, window 9), ``semantic`` times equation 7, and ``smoothness`` times equation 3 of the
    velocity, all in voxels of the resolution.

    Args:
        ddf: Where to start, in voxels, (1, N, *S); zeros for no network at all.
        moving: (1, C, *S).
        fixed: (1, C, *S).
        iterations: At each resolution; 0 returns ``ddf``.
        features: Dense features of both images, (1, K, *S) each; ``None`` to go by what is seen.
        smoothness: Weight.
        semantic: Weight.
        learning_rate: Of Adam, in voxels of the resolution.

    Returns:
        (1, N, *S), in voxels.
    """
    if iterations == 0:
        return ddf
    shape = tuple(ddf.shape[2:])
    seen = [moving, fixed, *(features or ())]
    velocity = torch.zeros_like(ddf)
    for cell in CELLS:
        size = [min(axis, max(SHORTEST, axis // cell)) for axis in shape]
        images = [F.interpolate(image.to(ddf.dtype), size, mode="area") for image in seen]
        start, velocity = (resized(field, size) for field in (ddf, velocity))
        velocity = _descend(
            velocity,
            start,
            *images,
            iterations=iterations,
            smoothness=smoothness,
            semantic=semantic,
            learning_rate=learning_rate,
        )
    return compose(ddf, exponential(velocity))


@torch.enable_grad()
def _descend(
    velocity: DDF,
    start: DDF,
    moving: Image,
    fixed: Image,
    *features: Features,
    iterations: int,
    smoothness: float,
    semantic: float,
    learning_rate: float,
) -> DDF:
    velocity = velocity.clone().requires_grad_()
    visual_loss, smoothness_loss = VisualSimilarityLoss(), SmoothnessLoss()
    semantic_loss = SemanticSimilarityLoss()
    optimizer = torch.optim.Adam([velocity], learning_rate)
    for _ in range(iterations):
        optimizer.zero_grad(set_to_none=True)
        ddf = compose(start, exponential(velocity))
        mask = inbounds_mask(ddf)
        loss = visual_loss(warp(moving, ddf), fixed, mask)
        loss = loss + smoothness * smoothness_loss(velocity)
        if features:
            loss = loss + semantic * semantic_loss(*features, ddf, mask, positive=0.0)
        loss.backward()
        optimizer.step()
    return velocity.detach()


def resized(ddf: DDF, size: Sequence[int]) -> DDF:
    """A field on a grid of other size over the same corners, in that grid's voxels."""
    if list(ddf.shape[2:]) == list(size):
        return ddf
    mode = "bilinear" if ddf.dim() == 4 else "trilinear"
    larger = F.interpolate(ddf, list(size), mode=mode, align_corners=True)
    pairs = zip(size, ddf.shape[2:], strict=True)
    steps = larger.new_tensor([(new - 1) / max(1, old - 1) for new, old in pairs])
    return larger * steps.view(1, -1, *[1] * len(size))
