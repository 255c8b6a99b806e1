"""Which plane of an image is shown, turned the way a reader holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Masks = dict[str, NDArray[np.bool_]]

PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class Orientation:
    """How an array lies in the world.

    Attributes:
        spacing: Voxel size along each array axis in mm.
        world: For each array axis 0 (left to right), 1 (back to front) or 2 (foot to head).
        reverse: For each array axis, whether it is shown from its end: patients are looked at with
            their right on the left, and with front or head on top.
    """

    spacing: tuple[float, ...]
    world: tuple[int, ...]
    reverse: tuple[bool, ...]

    @property
    def affine(self) -> Array:
        """(4, 4) from voxels to mm in RAS, upright and with the first voxel at the origin."""
        matrix = np.eye(4)
        matrix[:3, : len(self.world)] = 0
        for axis, place in enumerate(self.world):
            matrix[place, axis] = self.spacing[axis] * (1 if self.reverse[axis] else -1)
        return matrix


def as_it_lies(spacing: Sequence[float]) -> Orientation:
    """For an image that does not say how it lies, such as a PNG: first axis right, second down.

    Args:
        spacing: Voxel size along each array axis in mm.
    """
    axes = len(spacing)
    return Orientation(tuple(spacing), tuple(range(axes)), (False,) * axes)


def orientation_of(affine: Array, *, axes: int) -> Orientation:
    """How the array of a file lies.

    Args:
        affine: (4, 4), or (3, 3) of a picture, from voxels to mm in RAS; one that is exactly the
            identity says nothing.
        axes: 2 or 3.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = affine[:3, :3]
    spacing = np.linalg.norm(matrix[:3, :axes], axis=0)
    if np.array_equal(affine, np.eye(len(affine))):
        return as_it_lies((1.0,) * axes)
    axes_and_signs = nibabel.io_orientation(matrix)[:axes]
    if np.isnan(axes_and_signs).any() or len(set(axes_and_signs[:, 0])) < axes:
        return as_it_lies(spacing.tolist())
    return Orientation(
        spacing=tuple(float(value) for value in spacing),
        world=tuple(int(axis) for axis in axes_and_signs[:, 0]),
        reverse=tuple(bool(sign > 0) for sign in axes_and_signs[:, 1]),
    )


@dataclass(frozen=True)
class View:
    """A plane through an array (*S) as a person looks at it: (rows, columns), first row on top."""

    orientation: Orientation
    axis: int | None = None
    index: int = 0

    @property
    def kept(self) -> tuple[int, int]:
        """Array axes along the columns and along the rows."""
        world = self.orientation.world
        axes = [axis for axis in range(len(world)) if axis != self.axis]
        first, second = sorted(axes, key=lambda axis: world[axis])
        return first, second

    @property
    def pixel(self) -> tuple[float, float]:
        """Width and height of a pixel in mm."""
        columns, rows = self.kept
        return self.orientation.spacing[columns], self.orientation.spacing[rows]

    def __call__(self, array: Array) -> Array:
        """The plane of an array (*S), as (rows, columns)."""
        plane = array if self.axis is None else array.take(self.index, axis=self.axis)
        columns, rows = self.kept
        plane = plane.T if columns < rows else plane
        reverse = self.orientation.reverse
        return plane[:: -1 if reverse[rows] else 1, :: -1 if reverse[columns] else 1]

    def caption(self, shape: Sequence[int]) -> str:
        """Which slice of a volume (*S) is shown; empty for a 2-D image."""
        if self.axis is None:
            return ""
        plane = PLANES[self.orientation.world[self.axis]]
        return f"{plane} slice {self.index + 1} of {shape[self.axis]}"


def choose_view(
    shape: Sequence[int], masks: Mapping[str, Array], *, orientation: Orientation
) -> View:
    """The whole image in 2-D; in 3-D the slice with most foreground through the middle structure.

    The slice lies in the acquisition plane, across the axis of the coarsest spacing; where all are
    equal it is axial.

    Args:
        shape: Spatial shape (*S) of the image.
        masks: Binary masks (*S) in the structures' order; where none is set, the middle slice.
        orientation: How the image lies.
    """
    if len(shape) == 2:
        return View(orientation)
    spacing, world = orientation.spacing, orientation.world
    axis = max(range(len(shape)), key=lambda place: (round(spacing[place], 2), world[place]))
    others = tuple(place for place in range(len(shape)) if place != axis)
    area = np.zeros(shape[axis])
    for mask in masks.values():
        area += mask.sum(axis=others)
    present = [mask for mask in masks.values() if mask.any()]
    if present:
        area *= present[len(present) // 2].any(axis=others)
    index = int(area.argmax()) if area.any() else shape[axis] // 2
    return View(orientation, axis=axis, index=index)
