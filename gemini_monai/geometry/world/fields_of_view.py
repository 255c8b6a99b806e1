"""Fields of view: boxes that images fill in the world, and how two of them lie to each other."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import NamedTuple

import numpy as np
from monai.data.meta_tensor import MetaTensor
from monai.data.utils import to_affine_nd
from scipy.optimize import lsq_linear

POINTS = 48
"""Places along each axis of a box at which a shared volume is counted."""
SKIN = 1e-3
"""Share of a voxel by which boxes that only touch are told from boxes that overlap."""


class FieldOfView:
    """The box of an image's voxels, each half a voxel around its center.

    Args:
        affine: Voxel to RAS+ mm, (4, 4) or (N+1, N+1).
        shape: Voxels along each of N axes.
    """

    def __init__(self, affine: object, shape: tuple[int, ...]) -> None:
        self.shape = tuple(int(size) for size in shape)
        self.affine: np.ndarray = to_affine_nd(len(shape), np.asarray(affine, dtype=np.float64))

    @classmethod
    def of(cls, image: MetaTensor) -> FieldOfView:
        """That of an image (C, *S)."""
        return cls(image.affine.cpu(), tuple(image.shape[1:]))

    @cached_property
    def volume(self) -> float:
        """In mm to the power of the axes."""
        axes = len(self.shape)
        return float(abs(np.linalg.det(self.affine[:axes, :axes])) * np.prod(self.shape))

    @cached_property
    def center(self) -> np.ndarray:
        """Of the box in mm, (N,)."""
        return transformed(self.affine, (np.asarray(self.shape) - 1) / 2)

    @cached_property
    def corners(self) -> np.ndarray:
        """Outer corners of the box in mm, (2^N, N)."""
        sides = [(-0.5, n - 0.5) for n in self.shape]
        return transformed(self.affine, list(itertools.product(*sides)))


class Overlap(NamedTuple):
    """How two fields of view lie to each other."""

    share: float
    """Of the smaller one's volume that lies inside the other, in [0, 1]."""
    gap: float
    """Shortest distance between them in mm; 0 where they overlap."""
    centers: float
    """Distance of their centers in mm."""

    @property
    def is_none(self) -> bool:
        """Whether they have no volume in common."""
        return self.gap > 0


def transformed(transform: np.ndarray, points: object) -> np.ndarray:
    """Points (..., N) after an affine (N+1, N+1)."""
    return np.asarray(points, dtype=np.float64) @ transform[:-1, :-1].T + transform[:-1, -1]


def overlap_between(first: FieldOfView, second: FieldOfView) -> Overlap:
    """How two fields of view of the same axes lie to each other; any order says the same."""
    smaller, larger = sorted((first, second), key=lambda box: box.volume)
    centers = float(np.linalg.norm(first.center - second.center))
    gap = _gap(smaller, larger)
    return Overlap(0.0 if gap > 0 else _share(smaller, larger), gap, centers)


def _share(inner: FieldOfView, outer: FieldOfView) -> float:
    steps = (np.arange(POINTS) + 0.5) / POINTS
    places = np.stack(np.meshgrid(*[steps * n - 0.5 for n in inner.shape], indexing="ij"), -1)
    inside = transformed(np.linalg.inv(outer.affine) @ inner.affine, places)
    limits = np.asarray(outer.shape) - 0.5
    return float(((inside >= -0.5) & (inside <= limits)).all(axis=-1).mean())


def _gap(first: FieldOfView, second: FieldOfView) -> float:
    """Least distance of a point of one box from a point of the other, by bounded least squares."""
    axes = len(first.shape)
    boxes = (first, second)
    system = np.hstack([first.affine[:axes, :axes], -second.affine[:axes, :axes]])
    lowest = np.full(2 * axes, SKIN - 0.5)
    highest = np.concatenate([np.asarray(box.shape) - 0.5 - SKIN for box in boxes])
    # Voxel steps may differ by orders of magnitude; whole extents are of one size.
    extent = highest - lowest
    offset = second.affine[:axes, -1] - first.affine[:axes, -1] - system @ lowest
    found = lsq_linear(system * extent, offset, bounds=(0, 1), tol=1e-12)
    distance = float(np.sqrt(2 * found.cost))
    steps = np.linalg.norm(system, axis=0)
    return distance if distance > SKIN / 10 * steps.min() else 0.0
