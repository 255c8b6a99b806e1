"""Displacements against the true ones, where a phantom knows them, and against the way back."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.geometry.types import DDF, Mask
from gemini_monai.geometry.warp import compose, inbounds_mask


def true_displacement(field_fixed: DDF, inverse_field_moving: DDF) -> DDF:
    """The displacement that takes one subject of a population exactly onto another.

    With subjects ``s(p) = anatomy(p + field_s(p))``, point p of the fixed subject is point
    ``t = p + field_fixed(p)`` of the anatomy and so ``t + inverse_field_moving(t)`` of the moving.

    Args:
        field_fixed: From the fixed subject to the anatomy, in voxels, (B, N, *S).
        inverse_field_moving: From the anatomy to the moving subject, in voxels, (B, N, *S).

    Returns:
        Field for ``warp(moving, ddf)``, in voxels, (B, N, *S).
    """
    return compose(inverse_field_moving, field_fixed)


def correspondence_error(ddf: DDF, truth: DDF, mask: Mask) -> Tensor:
    """Mean Euclidean distance to the true displacement in voxels, (B,).

    Args:
        ddf: Predicted field (B, N, *S).
        truth: True field (B, N, *S).
        mask: Voxels that count, (B, 1, *S); those whose true partner lies outside do not.
    """
    counts = mask.to(truth.dtype) * inbounds_mask(truth)
    distance = (ddf - truth).norm(dim=1, keepdim=True)
    axes = tuple(range(1, ddf.ndim))
    return torch.sum(distance * counts, axes) / torch.sum(counts, axes)


def inverse_error(ddf_ab: DDF, ddf_ba: DDF) -> Tensor:
    """How far from its start a point ends that goes there and back, in voxels, (B,).

    Mean length of ``ddf_ab + ddf_ba(p + ddf_ab)`` over the places whose partner lies inside: 0 for
    fields that are each other's inverse. NaN where no place has one.

    Args:
        ddf_ab: Field in voxels, (B, N, *S).
        ddf_ba: The field of the other way, (B, N, *S).
    """
    inside = inbounds_mask(ddf_ab)
    distance = compose(ddf_ba, ddf_ab).norm(dim=1, keepdim=True)
    axes = tuple(range(1, ddf_ab.ndim))
    return torch.sum(distance * inside, axes) / torch.sum(inside, axes)
