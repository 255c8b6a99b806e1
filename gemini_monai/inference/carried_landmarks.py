"""Landmarks of one image carried to another by registration, and how far each is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import displacement_at
from gemini_monai.inference.file_pairs import FileImages, read_pair
from gemini_monai.inference.landmarks import as_places, is_inside, refuse_outside
from gemini_monai.inference.pair_grids import PairOnGrid
from gemini_monai.inference.world_registration import register_on_grid
from gemini_monai.networks import DenseNetwork
from gemini_monai.transforms import InputSpec

TOLERANCE = 2.0
"""Voxels of the network's grid by which a point may miss itself there and back, by default."""
OUTSIDE, INCONSISTENT = "outside", "inconsistent"


class CarriedPoint(NamedTuple):
    """Where a landmark is in another image."""

    position: Tensor
    """In mm, RAS+, (N,)."""
    consistency: float
    """How far from itself the point ends, carried there and back, in mm (inverse-consistency
    error)."""
    flag: str
    """Empty; ``"inconsistent"`` above the tolerance; ``"outside"`` of the other image, or of what
    the network saw of either."""


def carry_landmarks(
    network: DenseNetwork,
    points: Mapping[str, Tensor],
    image: str | Path,
    scan: str | Path,
    *,
    spec: InputSpec,
    tolerance: float | None = None,
    **options: Any,
) -> dict[str, CarriedPoint]:
    """Landmarks of an image where they are in a scan.

    A field is a pull-back: it says of each point of the fixed image where it is in the moving one.
    So the image is the fixed one on the way there, and the scan on the way back, which is a
    registration of its own.

    Args:
        network: A trained ``Gemini``.
        points: Positions in the image by name, mm, RAS+, (N,).
        image: File that the points were placed in.
        scan: File that they are carried to.
        spec: How images were brought to the network in training.
        tolerance: Greatest trusted consistency in mm; ``None`` for ``TOLERANCE`` voxels.
        options: ``device``, ``start``, ``affine`` and ``refinement``, as of ``register_files``.

    Raises:
        InputError: If a file cannot be read, a point lies outside of the image, or as
            ``register_files`` does.
    """
    points = {name: position.double() for name, position in points.items()}
    there = read_pair(scan, image)
    refuse_points_outside(points, there.fixed, file=image)
    back = FileImages(there.files[::-1], there.fixed, there.moving)
    begin = torch.stack([*points.values()], dim=1)
    seen, carried = _carried(network, begin, there, spec=spec, options=options)
    seen_back, returned = _carried(network, carried, back, spec=spec, options=options)
    inside = is_inside(carried, affine=there.moving.affine, shape=there.moving.shape[1:])
    inside &= _is_seen(begin, seen) & _is_seen(carried, seen_back)
    missed = torch.linalg.vector_norm(returned - begin, dim=0).tolist()
    if tolerance is None:
        tolerance = TOLERANCE * float(_steps(seen).max())
    return {
        name: CarriedPoint(carried[:, k], missed[k], _flag(missed[k], bool(inside[k]), tolerance))
        for k, name in enumerate(points)
    }


def refuse_points_outside(
    points: Mapping[str, Tensor], image: MetaTensor, *, file: str | Path
) -> None:
    """Stop at a point that does not lie in an image (C, *S).

    Args:
        points: By name, in mm, RAS+, (N,).
        image: On its own grid.
        file: Said before the name.

    Raises:
        InputError: If image and points have other axes, or with the voxel.
    """
    for name, position in points.items():
        where = f"{file}: '{name}'"
        if image.ndim - 1 != len(position):
            raise InputError(
                f"{where}: a point of {len(position)} axes in an image of {image.ndim - 1}"
            )
        refuse_outside(position, image, where=where)


def _carried(
    network: DenseNetwork,
    positions: Tensor,
    pair: FileImages,
    *,
    spec: InputSpec,
    options: Mapping[str, Any],
) -> tuple[PairOnGrid, Tensor]:
    """What the network saw, and where points of the fixed image are in the moving one, (N, P)."""
    seen, result = register_on_grid(network, pair, spec=spec, **options)
    moved = displacement_at(result.ddf, as_places(positions), **seen.affines)
    return seen, positions + moved.flatten(1)


def _is_seen(positions: Tensor, seen: PairOnGrid) -> Tensor:
    return is_inside(positions, affine=seen.grid, shape=seen.fixed.shape[1:])


def _steps(seen: PairOnGrid) -> Tensor:
    """Of the network's grid along its axes, in mm."""
    return torch.linalg.vector_norm(torch.as_tensor(seen.grid)[:-1, :-1], dim=0)


def _flag(missed: float, inside: bool, tolerance: float) -> str:
    if not inside:
        return OUTSIDE
    return INCONSISTENT if missed > tolerance else ""
