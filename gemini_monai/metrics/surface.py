"""Distance between surfaces in millimeters, and how much of them lies close to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from monai.metrics.utils import get_mask_edges, get_surface_distance
from torch import Tensor

ROUNDING = 1e-5
"""Share of a tolerance by which a distance may be above it: voxel sizes from an affine in single
precision make a shift by one voxel longer than one voxel."""


class SurfaceScores(NamedTuple):
    """How near the surfaces of two masks are to each other."""

    average_distance: float
    """As of ``average_surface_distance``, in mm."""
    hausdorff_95: float
    """The larger of the two directed 95th percentiles of the distances, in mm; MONAI's
    ``compute_hausdorff_distance`` with ``percentile=95``."""
    surface_dice: float
    """Share of both surfaces that is no farther from the other than the tolerance, 0 to 1; MONAI's
    ``compute_surface_dice``. Surface voxels count alike, whatever their area."""


def surface_scores(
    prediction: Tensor,
    reference: Tensor,
    *,
    spacing: Sequence[float],
    tolerance: float,
    ignored: Tensor | None = None,
) -> SurfaceScores:
    """Average distance, 95th percentile and normalized surface Dice of two masks, at one go.

    MONAI would find the surfaces and measure the distances anew for each of the three, and knows no
    ignored voxels; where there are none its values are the same.

    Args:
        prediction: As of ``average_surface_distance``.
        reference: Likewise.
        spacing: Likewise.
        tolerance: Distance in mm up to which a surface is right, 0 or more.
        ignored: As of ``average_surface_distance``.

    Returns:
        Distances are NaN, and surface Dice 0, where one mask is empty; all of it is NaN where both
        are, or where the other of the two has no surface.

    Raises:
        ValueError: As ``average_surface_distance``.
    """
    found = _directed_distances(prediction, reference, spacing=spacing, ignored=ignored)
    if found is None:
        one_alone = bool(prediction.any()) != bool(reference.any())
        return SurfaceScores(math.nan, math.nan, 0.0 if one_alone else math.nan)
    near = [own <= tolerance * (1 + ROUNDING) for own in found]
    return SurfaceScores(
        _mean_of_means(found),
        max(float(np.percentile(own, 95)) for own in found),
        sum(int(own.sum()) for own in near) / sum(own.size for own in near),
    )


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
    found = _directed_distances(prediction, reference, spacing=spacing, ignored=ignored)
    return math.nan if found is None else _mean_of_means(found)


def _mean_of_means(distances: Sequence[np.ndarray]) -> float:
    return sum(float(np.mean(own)) for own in distances) / len(distances)


def _directed_distances(
    prediction: Tensor, reference: Tensor, *, spacing: Sequence[float], ignored: Tensor | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """In mm, of each surface voxel of one mask to the other; ``None`` where one has no surface."""
    if prediction.shape != reference.shape or len(spacing) != prediction.ndim:
        raise ValueError(
            f"masks must have one shape and a spacing per axis, got {tuple(prediction.shape)}, "
            f"{tuple(reference.shape)} and spacing {tuple(spacing)}"
        )
    if not prediction.any() or not reference.any():
        return None
    one, other = (np.asarray(mask.cpu(), dtype=bool) for mask in (prediction, reference))
    edges = get_mask_edges if ignored is None else partial(_known_edges, ignored=ignored)
    surfaces = edges(one, other)
    if not all(surface.any() for surface in surfaces):
        return None
    there = get_surface_distance(surfaces[0], surfaces[1], spacing=tuple(spacing))
    back = get_surface_distance(surfaces[1], surfaces[0], spacing=tuple(spacing))
    return there, back


def _known_edges(
    prediction: np.ndarray, reference: np.ndarray, *, ignored: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of each mask with a neighbor that is outside and counts."""
    hidden = np.asarray(ignored.cpu(), dtype=bool)
    edges = get_mask_edges(prediction | hidden, reference | hidden, crop=False)
    return edges[0] & ~hidden, edges[1] & ~hidden
