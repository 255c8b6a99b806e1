"""Slices that make one volume where they lie, or are refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world.axes import LPS

TOLERANCE = 0.05
"""Share of the step between slices by which one may lie beside its place."""


class Slice(NamedTuple):
    """Where a file of a series, or a frame of a file, lies in LPS+ mm."""

    file: Path
    size: tuple[int, int]
    """Columns and rows."""
    spacing: tuple[float, float, float]
    """Between columns, between rows, and to the next slice as the file says it: used for a slice
    alone."""
    direction: np.ndarray
    """(3, 2): along a row and along a column."""
    position: np.ndarray
    """(3,) of the first pixel."""
    frame: int | None = None
    """Place among the frames of its file, from 0; ``None`` where the file is one slice."""

    @property
    def name(self) -> str:
        """For messages."""
        return self.file.name if self.frame is None else f"{self.file.name} frame {self.frame + 1}"

    @property
    def normal(self) -> np.ndarray:
        """(3,), of length 1."""
        return np.cross(self.direction[:, 0], self.direction[:, 1])


def stacked(slices: Sequence[Slice], *, source: Path) -> tuple[list[Slice], np.ndarray]:
    """Slices of one volume in the order in which they lie.

    They are ordered along their normal; the k-th must lie at the first one's position and k times
    one step, which gantry tilt turns away from the normal: the affine is sheared then, as the
    patient was seen.

    Args:
        slices: In any order, at least one.
        source: The folder or file that they are from, for messages.

    Returns:
        The slices, and voxel to RAS+ mm, (4, 4).

    Raises:
        InputError: If slices are missing, there twice, or of different size or orientation.
    """
    _refuse_unlike(slices, source)
    slices = sorted(slices, key=lambda part: float(part.normal @ part.position))
    affine = np.eye(4)
    affine[:3, :2] = slices[0].direction * slices[0].spacing[:2]
    affine[:3, 2] = _step(slices, source)
    affine[:3, 3] = slices[0].position
    return slices, LPS @ affine


def _refuse_unlike(slices: Sequence[Slice], source: Path) -> None:
    first = slices[0]
    for other in slices[1:]:
        if other.size != first.size:
            raise InputError(
                f"{source}: {other.name} has {other.size} pixels, {first.name} has {first.size}: "
                "not one volume"
            )
        same = np.allclose(other.direction, first.direction, atol=1e-3)
        if not (same and np.allclose(other.spacing[:2], first.spacing[:2], rtol=1e-3)):
            raise InputError(
                f"{source}: {other.name} has another orientation or pixel size than {first.name}: "
                "not one volume"
            )


def _step(slices: Sequence[Slice], source: Path) -> np.ndarray:
    """From one slice to the next, (3,), in mm; the median one is that of slices side by side."""
    if len(slices) == 1:
        return slices[0].normal * slices[0].spacing[2]
    steps = np.diff([part.position for part in slices], axis=0)
    along = steps @ slices[0].normal
    length = float(np.median(along))
    twice = np.flatnonzero(along <= TOLERANCE * max(length, 1e-9))
    if len(twice):
        pair = slices[twice[0]].name, slices[twice[0] + 1].name
        raise InputError(f"{source}: {pair[0]} and {pair[1]} lie at one place: not one volume")
    step = steps[np.argsort(along)[len(along) // 2]]
    places = slices[0].position + np.arange(len(slices))[:, None] * step
    away = np.linalg.norm([part.position for part in slices] - places, axis=1)
    if away.max() > TOLERANCE * np.linalg.norm(step):
        gap = int(np.argmax(away > TOLERANCE * np.linalg.norm(step)))
        expected = round(float(along.sum()) / length) + 1
        raise InputError(
            f"{source}: {len(slices)} slices where {expected} of {length:.4g} mm fit; "
            f"{np.linalg.norm(steps[gap - 1]):.4g} mm between {slices[gap - 1].name} and "
            f"{slices[gap].name}: slices are missing, or spaced unevenly"
        )
    return (slices[-1].position - slices[0].position) / (len(slices) - 1)
