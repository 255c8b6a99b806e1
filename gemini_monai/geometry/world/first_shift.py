"""Where ITK begins to look for an affine: centers of mass, or the world."""

from __future__ import annotations

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.geometry.warp import identity_grid, sample
from gemini_monai.geometry.world.axes import LPS, to_voxels, to_world

INSIDE = 1 - 1e-6
"""Weight of a sample that has no part in the zeros around an image."""


def first_shift(
    moving: MetaTensor, reference: MetaTensor, *, world: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Center of mass of the reference, and the first shift from it, LPS+ mm, (3,) each.

    Args:
        moving: (1, *S), scaled to [0, 1].
        reference: (1, *T), likewise.
        world: No shift at all is chosen where the images are more alike by it.
    """
    center = _center_of_mass(reference)
    shift = _center_of_mass(moving) - center
    still = np.zeros(3)
    if world and _likeness(moving, reference, still) > _likeness(moving, reference, shift):
        shift = still
    return center, shift


def _likeness(moving: MetaTensor, reference: MetaTensor, shift: np.ndarray) -> float:
    """Correlation of the images after a shift in LPS+ mm, where both are; -1 where they are not."""
    places = to_world(identity_grid(reference.shape[1:], dtype=torch.float64), reference.affine)
    places = places + torch.as_tensor(LPS[:3, :3] @ shift).view(3, 1, 1, 1)
    places = to_voxels(places, moving.affine)[None]
    inside = sample(torch.ones_like(moving.as_tensor())[None], places)[0] > 1 - 1e-6
    pair = [reference.as_tensor()[inside], sample(moving.as_tensor()[None], places)[0][inside]]
    if int(inside.sum()) < 2:
        return -1.0
    found = float(torch.corrcoef(torch.stack([own.double() for own in pair]))[0, 1])
    return found if np.isfinite(found) else -1.0


def _center_of_mass(image: MetaTensor) -> np.ndarray:
    """LPS+ position of the mean of the voxels, weighted by intensity, (3,)."""
    weights = image.as_tensor()[0].double()
    total = max(float(weights.sum()), 1e-12)
    means: list[Tensor] = []
    for axis, points in enumerate(weights.shape):
        others = [k for k in range(3) if k != axis]
        means.append((weights.sum(others) * torch.arange(points)).sum() / total)
    return (LPS @ np.asarray(image.affine) @ np.array([*map(float, means), 1.0]))[:3]
