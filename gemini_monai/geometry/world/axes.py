"""World coordinates: RAS+ millimeters as in NIfTI, and LPS+ as in DICOM and ITK."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From RAS+ to LPS+ and back: the one flip."""
SINGULAR = 1e-6
"""Share of the product of a grid's steps that its volume must exceed."""


def to_world(positions: Tensor, affine: Tensor) -> Tensor:
    """World positions in mm, (N, *S), of voxel positions (N, *S); affine (4, 4) or (N+1, N+1)."""
    axes = len(positions)
    affine = torch.as_tensor(affine).to(positions)
    matrix, origin = affine[:axes, :axes], affine[:axes, -1]
    return torch.einsum("ij,j...->i...", matrix, positions) + origin.view(-1, *[1] * axes)


def to_voxels(world: Tensor, affine: Tensor) -> Tensor:
    """Voxel positions (N, *S) of world positions in mm (N, *S)."""
    axes = len(world)
    affine = torch.as_tensor(affine).to(world)
    inverse, origin = torch.linalg.inv(affine[:axes, :axes]), affine[:axes, -1]
    return torch.einsum("ij,j...->i...", inverse, world - origin.view(-1, *[1] * axes))


def is_singular(affine: Any, *, axes: int) -> bool:
    """Whether a grid's steps do not span its space, or are not finite."""
    steps = np.asarray(affine, dtype=float)[:axes, :axes]
    if not np.isfinite(steps).all():
        return True
    cube = float(np.prod(np.linalg.norm(steps, axis=0)))
    return cube == 0 or abs(float(np.linalg.det(steps))) < SINGULAR * cube


def grid_distance(affine: Any, other: Any, shape: Sequence[int]) -> float:
    """How far apart two grids of one shape lie, in voxels of the first.

    The greatest distance of a corner voxel in one grid from its place in the other, relative to the
    smallest step, so that it means the same in micrometers and in meters.
    """
    affine, other = (np.asarray(a, dtype=float) for a in (affine, other))
    axes = len(shape)
    corners = np.array(list(itertools.product(*[(0, n - 1) for n in shape]))).T
    difference = affine[:axes, :axes] - other[:axes, :axes]
    shift = affine[:axes, -1:] - other[:axes, -1:]
    distance = np.linalg.norm(difference @ corners + shift, axis=0).max()
    return float(distance / np.linalg.norm(affine[:axes, :axes], axis=0).min())


def squared(affine: Any) -> np.ndarray:
    """The affine (4, 4) with steps at right angles that is nearest, of the same lengths.

    What ITK makes of a sheared grid, which it cannot express; the same affine where nothing is
    sheared.
    """
    affine = np.array(affine, dtype=float)
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / lengths)
    affine[:3, :3] = left @ right * lengths
    return affine


def is_sheared(affine: Any) -> bool:
    """Whether a grid's steps are not at right angles, as after gantry tilt."""
    steps = np.asarray(affine, dtype=float)[:3, :3]
    unit = steps / np.linalg.norm(steps, axis=0)
    return bool(np.abs(unit.T @ unit - np.eye(3)).max() > 1e-4)
