"""Landmarks in the world, and how far a registration leaves them from where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.warp import sample
from gemini_monai.geometry.world import to_voxels
from gemini_monai.inference.landmark_files import AXES, SYSTEM, read_landmarks


class LandmarkPair(NamedTuple):
    """Where a place is in both images, in mm, RAS+, (N,)."""

    moving: Tensor
    fixed: Tensor


def paired_landmarks(
    moving_landmarks: Path, fixed_landmarks: Path, *, axes: int
) -> dict[str, LandmarkPair]:
    """Places that two files name, in the order of the fixed image's.

    Raises:
        InputError: As ``read_landmarks`` does, or if a name is in one file alone.
    """
    there = read_landmarks(moving_landmarks, axes=axes)
    here = read_landmarks(fixed_landmarks, axes=axes)
    alone = sorted(there.keys() ^ here.keys())
    if alone:
        raise InputError(
            f"{fixed_landmarks}: '{alone[0]}' is in one of this and {moving_landmarks} alone"
        )
    return {name: LandmarkPair(there[name], here[name]) for name in here}


def landmark_rows(
    displacement: Tensor,
    fixed: MetaTensor,
    moving_landmarks: Path,
    fixed_landmarks: Path,
) -> list[dict[str, Any]]:
    """Where each landmark of the fixed image goes, and its target registration error.

    The error is the distance in mm between where the field leads it in the moving image and that
    image's own landmark of the name; before, without the field.

    Args:
        displacement: (N, *T) in mm, RAS+, on the fixed image's grid.
        fixed: The fixed image on its own grid, (C, *T).
        moving_landmarks: File.
        fixed_landmarks: File, of the same names.

    Raises:
        InputError: As ``paired_landmarks`` does, or if a landmark lies outside the fixed image.
    """
    pairs = paired_landmarks(moving_landmarks, fixed_landmarks, axes=len(displacement))
    rows = []
    for name, (there, here) in pairs.items():
        moved = here + _at(displacement, fixed, here, where=f"{fixed_landmarks}: '{name}'")
        row: dict[str, Any] = {"name": name, SYSTEM: "RAS"}
        row |= {axis: float(value) for axis, value in zip(AXES, moved, strict=False)}
        row["error_before"] = float(torch.linalg.vector_norm(here - there))
        rows.append(row | {"error_after": float(torch.linalg.vector_norm(moved - there))})
    return rows


def _at(displacement: Tensor, fixed: MetaTensor, position: Tensor, *, where: str) -> Tensor:
    """The displacement at a place of the world, (N,)."""
    refuse_outside(position, fixed, where=where)
    voxel = to_voxels(as_places(position[:, None]), fixed.affine)
    return sample(displacement[None], voxel[None], padding_mode="border").flatten()


def as_places(positions: Tensor) -> Tensor:
    """Positions (N, P) as an image of P places with N axes, (N, P, 1[, 1])."""
    axes, count = positions.shape
    return positions.reshape(axes, count, *[1] * (axes - 1))


def is_inside(positions: Tensor, *, affine: Any, shape: Sequence[int]) -> Tensor:
    """Whether positions in mm, (N, P), lie in voxels of a grid, (P,).

    Args:
        positions: RAS+.
        affine: Of the grid.
        shape: Of the grid, *S.
    """
    voxels = to_voxels(as_places(positions), affine).flatten(1)
    sizes = voxels.new_tensor(list(shape))[:, None]
    return ((voxels >= -0.5) & (voxels <= sizes - 0.5)).all(dim=0)


def refuse_outside(position: Tensor, image: MetaTensor, *, where: str) -> None:
    """Stop at a position in mm, (N,), that is in no voxel of an image.

    Raises:
        InputError: With the voxel.
    """
    if not bool(is_inside(position[:, None], affine=image.affine, shape=image.shape[1:])):
        voxel = to_voxels(as_places(position[:, None]), image.affine).flatten().round().int()
        raise InputError(f"{where}: lies outside of the image, at voxel {voxel.tolist()}")
