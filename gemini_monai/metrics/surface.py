"""Distance between surfaces in millimeters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from monai.metrics.utils import get_mask_edges, get_surface_distance
from torch import Tensor


def average_surface_distance(
    prediction: Tensor,
    reference: Tensor,
    *,
    spacing: Sequence[float],
    ignored: Tensor | None = None,
) -> float:
    """Mean of the two directed mean distances between the surfaces of two masks.

    What the paper calls average Hausdorff distance. MONAI's symmetric surface distance pools the
    distances of both directions instead, which weighs the larger surface more.

    A voxel of a mask is surface if a neighbor is outside. Beside ignored voxels nobody knows, so a
    mask that only borders on those has no surface there, and nothing within them is one.

    Args:
        prediction: Binary mask (*S).
        reference: Binary mask (*S).
        spacing: Voxel size along each axis in mm.
        ignored: True where neither mask says anything, (*S); ``None`` for nowhere.

    Returns:
        Millimeters; NaN if either mask is empty or has no surface, for the caller to count.

    Raises:
        ValueError: If the shapes differ, or ``spacing`` has not one value per axis.
    """
    if prediction.shape != reference.shape or len(spacing) != prediction.ndim:
        raise ValueError(
            f"masks must have one shape and a spacing per axis, got {tuple(prediction.shape)}, "
            f"{tuple(reference.shape)} and spacing {tuple(spacing)}"
        )
    if not prediction.any() or not reference.any():
        return float("nan")
    one, other = (np.asarray(mask.cpu(), dtype=bool) for mask in (prediction, reference))
    edges = get_mask_edges if ignored is None else partial(_known_edges, ignored=ignored)
    surfaces = edges(one, other)
    if not all(surface.any() for surface in surfaces):
        return float("nan")
    there = get_surface_distance(surfaces[0], surfaces[1], spacing=tuple(spacing))
    back = get_surface_distance(surfaces[1], surfaces[0], spacing=tuple(spacing))
    return (float(np.mean(there)) + float(np.mean(back))) / 2


def _known_edges(
    prediction: np.ndarray, reference: np.ndarray, *, ignored: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of each mask with a neighbor that is outside and counts."""
    hidden = np.asarray(ignored.cpu(), dtype=bool)
    edges = get_mask_edges(prediction | hidden, reference | hidden, crop=False)
    return edges[0] & ~hidden, edges[1] & ~hidden
