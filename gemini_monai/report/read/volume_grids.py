"""Which voxels of a volume are put on the page, and how its slices are counted there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.affines import from_matvec

from gemini_monai.report.read.planes import PLANES, Array, Orientation

LIMIT = 2_000_000
"""Most voxels of a volume on the page; of a larger one slices are left out."""

MARGIN = 2  # voxels around what is neither black nor labeled

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class SliceCount:
    """How the slices in one plane are counted, which is as in the file's own array.

    Attributes:
        name: ``"sagittal"``, ``"coronal"`` or ``"axial"``.
        count: How many slices are on the page.
        first: Index in the file of the first of them.
        step: 1, or more where slices between them were left out.
        total: How many slices the file has.
        start: Which is shown first, 0 to ``count - 1``.
        backward: Whether the file counts from right to left, front to back or head to foot.
    """

    name: str
    count: int
    first: int
    step: int
    total: int
    start: int
    backward: bool


def kept_slices(seen: Array, *, spacing: Sequence[float]) -> Slices:
    """The box around what is to be seen, and a margin, thinned to ``LIMIT`` voxels.

    Slices are left out along the axis on which those that stay lie closest.

    Args:
        seen: Binary mask (*S); all of the volume is kept where none is set.
        spacing: Voxel size along each axis in mm.
    """
    box = [_extent(seen, axis) for axis in range(seen.ndim)]
    steps = [1] * seen.ndim
    while np.prod([len(r[::n]) for r, n in zip(box, steps, strict=True)]) > LIMIT:
        steps[int(np.argmin(np.multiply(steps, spacing)))] += 1
    return tuple(slice(r.start, r.stop, n) for r, n in zip(box, steps, strict=True))


def _extent(seen: Array, axis: int) -> range:
    """Indices along an axis from the first to the last that is set, and the margin."""
    others = tuple(other for other in range(seen.ndim) if other != axis)
    places = np.flatnonzero(seen.any(axis=others))
    size = seen.shape[axis]
    if not places.size:
        return range(size)
    return range(max(0, int(places[0]) - MARGIN), min(size, int(places[-1]) + 1 + MARGIN))


def affine_of_part(affine: Array, slices: Slices) -> Array:
    """That of an array's part, (4, 4).

    Args:
        affine: Of the whole array.
        slices: The part, with start and step of each axis.
    """
    steps, starts = [part.step for part in slices], [part.start for part in slices]
    return affine @ from_matvec(np.diag(steps), starts)


def count_slices(
    slices: Slices, *, shape: Sequence[int], orientation: Orientation, center: Sequence[int]
) -> tuple[SliceCount, ...]:
    """Slices on the page in each plane: sagittal, coronal, axial.

    Args:
        slices: What is kept of each array axis.
        shape: Of the whole volume.
        orientation: How the array lies.
        center: The voxel that is shown first, by its index in the whole volume.
    """
    counted = {}
    for axis, kept in enumerate(slices):
        indices = range(shape[axis])[kept]
        counted[orientation.world[axis]] = SliceCount(
            name=PLANES[orientation.world[axis]],
            count=len(indices),
            first=indices.start,
            step=indices.step,
            total=shape[axis],
            start=int(np.abs(np.subtract(indices, center[axis])).argmin()),
            backward=not orientation.reverse[axis],
        )
    return tuple(counted[place] for place in sorted(counted))
