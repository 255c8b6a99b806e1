"""Displacement fields in millimeters, between images that lie in the world."""

from __future__ import annotations

import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.types import DDF
from gemini_monai.warp import identity_grid, sample
from gemini_monai.world.axes import to_voxels, to_world


def world_displacement(
    ddf: DDF, *, fixed_network: Tensor, moving_network: Tensor, fixed: MetaTensor
) -> Tensor:
    """A network's field as displacements in mm on the fixed image's own grid.

    Point x of the fixed image's world goes to ``x + d(x)`` in the moving image's world.

    Args:
        ddf: Field in voxels of the network's grid, (1, N, *S).
        fixed_network: Affine of the fixed image as the network saw it.
        moving_network: Affine of the moving image as the network saw it.
        fixed: The fixed image on its own grid, (C, *T).

    Returns:
        (N, *T) in mm, RAS+, double precision.
    """
    ddf = ddf.double().cpu()
    grid = identity_grid(fixed.shape[1:], dtype=torch.float64)
    world = to_world(grid, fixed.affine)
    place = to_voxels(world, fixed_network)
    moved = place + sample(ddf, place[None], padding_mode="border")[0]
    return to_world(moved, moving_network) - world


def inverse_world_displacement(
    displacement: Tensor, *, fixed: MetaTensor, moving: MetaTensor, iterations: int = 50
) -> Tensor:
    """The way back: point y of the moving image's world goes to ``y + e(y)`` in the fixed one's.

    The fixed point of ``e(y) = -d(y + e(y))`` (Chen et al., Med. Phys. 2008), for fields that do
    not fold and whose displacements differ by less than the distance that they are apart.

    Args:
        displacement: (N, *T) in mm, RAS+, on the fixed image's grid.
        fixed: (C, *T), for its grid.
        moving: (C, *S), for the grid of the result.
        iterations: Of the fixed point.

    Returns:
        (N, *S) in mm, RAS+, double precision.
    """
    world = to_world(identity_grid(moving.shape[1:], dtype=torch.float64), moving.affine)
    back = torch.zeros_like(world)
    for _ in range(iterations):
        place = to_voxels(world + back, fixed.affine)
        back = -sample(displacement[None], place[None], padding_mode="border")[0]
    return back


def apply_world_displacement(
    moving: MetaTensor, displacement: Tensor, *, fixed: MetaTensor, mode: str = "bilinear"
) -> MetaTensor:
    """The moving image on the fixed image's grid, (C, *T), zero outside; its own dtype if integer.

    Args:
        moving: (C, *S) on its own grid.
        displacement: (N, *T) in mm, RAS+.
        fixed: (C, *T), for its grid.
        mode: ``"bilinear"``, or ``"nearest"`` for labels.
    """
    grid = identity_grid(fixed.shape[1:], dtype=torch.float64)
    world = to_world(grid, fixed.affine) + displacement
    place = to_voxels(world, moving.affine)
    warped = sample(moving.as_tensor().cpu()[None], place[None], mode=mode)[0]
    return MetaTensor(warped, affine=fixed.affine)
