"""True pairs and false negatives of two label maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.types import DDF, Features
from gemini_monai.geometry.warp import warp

CHUNK = 256
"""Voxels whose likeness to all others is held at a time."""


def false_negatives_within(label: Tensor) -> float:
    """Share of the pairs of two foreground voxels of an image that are of one structure.

    ``sum_c n_c (n_c - 1) / (N (N - 1))``; NaN with fewer than two voxels.

    Args:
        label: Structure of each voxel, 0 for background, of any shape.
    """
    counts = _counts(label, int(label.max()) + 1)
    total = counts.sum()
    return float((counts * (counts - 1)).sum() / (total * (total - 1)))


def false_negatives_between(label_a: Tensor, label_b: Tensor) -> float:
    """Share of the pairs of a foreground voxel of each of two images that are of one structure.

    ``sum_c n_c^A n_c^B / (N^A N^B)``; NaN where an image has none.

    Args:
        label_a: Structure of each voxel, 0 for background, of any shape.
        label_b: Likewise, of the other image.
    """
    length = int(max(label_a.max(), label_b.max())) + 1
    first, second = _counts(label_a, length), _counts(label_b, length)
    return float((first * second).sum() / (first.sum() * second.sum()))


def _counts(label: Tensor, length: int) -> Tensor:
    """Voxels of each structure but background; ignored ones are as background."""
    return torch.bincount(label.flatten().long().clamp(min=0), minlength=length)[1:].double()


def true_by_likeness(
    features_a: Features, features_b: Features, labels: tuple[Tensor, Tensor], places: Tensor
) -> float:
    """Share of voxels whose most alike voxel of the other image is of their structure.

    Voxels whose partner is ignored are left out; NaN where that is all of them.

    Args:
        features_a: Of the image that the voxels are of, (1, K, *S).
        features_b: Of the other, likewise; cosine says how alike two are.
        labels: Structures of both images, (*S).
        places: Numbers of the voxels among all of their image.
    """
    vectors, other_vectors = (
        F.normalize(f[0].flatten(1).float(), dim=0) for f in (features_a, features_b)
    )
    label_a, label_b = (label.flatten() for label in labels)
    partners = [
        label_b[(vectors[:, chunk].T @ other_vectors).argmax(dim=1)]
        for chunk in places.split(CHUNK)
    ]
    return _hits(torch.cat(partners), label_a[places])


def true_by_field(ddf: DDF, labels: tuple[Tensor, Tensor], places: Tensor) -> float:
    """Share of voxels whose partner by a field is of their structure.

    Voxels whose partner is ignored are left out; NaN where that is all of them.

    Args:
        ddf: ``warp(other, ddf)`` looks like the image that the voxels are of; (1, N, *S), voxels.
        labels: Structures of that image and of the other, (*S).
        places: Numbers of the voxels among all of their image.
    """
    label_a, label_b = labels
    moved = warp(label_b[None, None].float(), ddf, mode="nearest").flatten()
    return _hits(moved[places], label_a.flatten()[places])


def _hits(partners: Tensor, expected: Tensor) -> float:
    return float((partners == expected)[partners >= 0].double().mean())
