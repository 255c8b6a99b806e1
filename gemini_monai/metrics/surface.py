"""Distance between surfaces in millimeters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from monai.metrics.utils import get_mask_edges, get_surface_distance
from torch import Tensor


def average_surface_distance(
    prediction: Tensor, reference: Tensor, *, spacing: Sequence[float]
) -> float:
    """Mean of the two directed mean distances between the surfaces of two masks.

    What the paper calls average Hausdorff distance. MONAI's symmetric surface distance pools the
    distances of both directions instead, which weighs the larger surface more.

    Args:
        prediction: Binary mask (*S).
        reference: Binary mask (*S).
        spacing: Voxel size along each axis in mm.

    Returns:
        Millimeters; NaN if either mask is empty, for the caller to count.

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
    masks = (np.asarray(mask.cpu(), dtype=bool) for mask in (prediction, reference))
    surfaces = get_mask_edges(*masks)
    there = get_surface_distance(surfaces[0], surfaces[1], spacing=tuple(spacing))
    back = get_surface_distance(surfaces[1], surfaces[0], spacing=tuple(spacing))
    return (float(np.mean(there)) + float(np.mean(back))) / 2
