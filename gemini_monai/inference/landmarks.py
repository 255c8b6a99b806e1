"""Landmarks in the world, and how far a registration leaves them from where they belong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.errors import InputError
from gemini_monai.tables import read_table
from gemini_monai.warp import sample
from gemini_monai.world import to_voxels

AXES = ("x", "y", "z")


def read_landmarks(path: Path, *, axes: int) -> dict[str, Tensor]:
    """Positions in mm, RAS+, by name, from CSV.

    Args:
        path: With the columns ``name``, ``x``, ``y`` and, for volumes, ``z``: of the image's world,
            to the right, to the front and up, as NIfTI has it.
        axes: 2 or 3.

    Raises:
        InputError: If a column, a name or a number is missing, or a name is there twice.
    """
    found: dict[str, Tensor] = {}
    for line, row in enumerate(read_table(path, required=("name", *AXES[:axes])), 2):
        where, name = f"{path}: line {line}", row["name"]
        if not name or name in found:
            raise InputError(f"{where}: expected a name of its own, got '{name}'")
        found[name] = torch.tensor(
            [_number(row[axis], where=f"{where}: column '{axis}'") for axis in AXES[:axes]],
            dtype=torch.float64,
        )
    if not found:
        raise InputError(f"{path}: no landmarks in it")
    return found


def _number(text: str, *, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: expected mm, got '{text}'")
    return value


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
        InputError: As ``read_landmarks`` does, or if a name is in one file alone, or a landmark
            lies outside the fixed image.
    """
    axes = len(displacement)
    there = read_landmarks(moving_landmarks, axes=axes)
    here = read_landmarks(fixed_landmarks, axes=axes)
    alone = sorted(there.keys() ^ here.keys())
    if alone:
        raise InputError(
            f"{fixed_landmarks}: '{alone[0]}' is in one of this and {moving_landmarks} alone"
        )
    rows = []
    for name, position in here.items():
        moved = position + _at(displacement, fixed, position, where=f"{fixed_landmarks}: '{name}'")
        row: dict[str, Any] = {"name": name}
        row |= {axis: float(value) for axis, value in zip(AXES, moved, strict=False)}
        row["error_before"] = float(torch.linalg.vector_norm(position - there[name]))
        rows.append(row | {"error_after": float(torch.linalg.vector_norm(moved - there[name]))})
    return rows


def _at(displacement: Tensor, fixed: MetaTensor, position: Tensor, *, where: str) -> Tensor:
    """The displacement at a place of the world, (N,)."""
    axes = len(position)
    place = to_voxels(position.reshape(axes, *[1] * axes), fixed.affine)
    sizes = place.new_tensor(fixed.shape[1:]).view(place.shape)
    if not bool(((place >= -0.5) & (place <= sizes - 0.5)).all()):
        raise InputError(
            f"{where}: lies outside of the image, at voxel {place.flatten().round().int().tolist()}"
        )
    return sample(displacement[None], place[None], padding_mode="border").flatten()
