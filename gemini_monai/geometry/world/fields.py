"""Displacement fields in millimeters, between images that lie in the world."""

from __future__ import annotations

from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.geometry.types import DDF
from gemini_monai.geometry.warp import identity_grid, sample
from gemini_monai.geometry.world.axes import to_voxels, to_world


def world_displacement(
    ddf: DDF, *, fixed_network: Any, moving_network: Any, fixed: MetaTensor
) -> Tensor:
    """A network's field as displacements in mm on the fixed image's own grid.

    Point x of the fixed image's world goes to ``x + d(x)`` in the moving image's world. A field of
    zero leaves what takes one network grid to the other: exactly 0 mm where they are the same.

    Args:
        ddf: Field in voxels of the network's grid, (1, N, *S).
        fixed_network: Affine of the fixed image as the network saw it, (4, 4) or (N+1, N+1).
        moving_network: Affine of the moving image as the network saw it.
        fixed: The fixed image on its own grid, (C, *T).

    Returns:
        (N, *T) in mm, RAS+, double precision.
    """
    world = to_world(identity_grid(fixed.shape[1:], dtype=torch.float64), fixed.affine)
    return displacement_at(ddf, world, fixed_network=fixed_network, moving_network=moving_network)


def displacement_at(ddf: DDF, world: Tensor, *, fixed_network: Any, moving_network: Any) -> Tensor:
    """A network's field as displacements in mm at places of the fixed image's world.

    Args:
        ddf: As of ``world_displacement``.
        world: Places in mm, RAS+, (N, *T) with as many axes in ``T`` as in ``S``, double precision.
        fixed_network: As of ``world_displacement``.
        moving_network: As of ``world_displacement``.

    Returns:
        (N, *T) in mm, RAS+, double precision; beyond the network's grid its border's values go on.
    """
    grids = [_double(affine) for affine in (fixed_network, moving_network)]
    still = torch.zeros_like(grids[0])  # what a field of zero moves by, as an affine
    if not torch.equal(*grids):
        still = grids[1] @ torch.linalg.inv(grids[0]) - torch.eye(len(still))
    place = to_voxels(world, grids[0])
    found = sample(ddf.cpu().double(), place[None], padding_mode="border")[0]
    return to_world(world, still) + _vectors(grids[1], found)


def inverse_world_displacement(
    displacement: Tensor,
    *,
    fixed: MetaTensor,
    moving: MetaTensor,
    start: Any = None,
    iterations: int = 50,
) -> Tensor:
    """The way back: point y of the moving image's world goes to ``y + e(y)`` in the fixed one's.

    The start is undone exactly, and what is beyond it by the fixed point of ``e(y) = -d(y + e(y))``
    (Chen et al., Med. Phys. 2008), for fields that do not fold and whose displacements differ by
    less than the distance that they are apart.

    Args:
        displacement: (N, *T) in mm, RAS+, on the fixed image's grid.
        fixed: (C, *T), for its grid.
        moving: (C, *S), for the grid of the result.
        start: The affine in it, from the fixed image's world to the moving one's, (N+1, N+1);
            ``None`` for none.
        iterations: Of the fixed point.

    Returns:
        (N, *S) in mm, RAS+, double precision.
    """
    axes = len(displacement)
    back = torch.eye(axes + 1, dtype=torch.float64)
    back = back if start is None else torch.linalg.inv(_double(start))
    away = back - torch.eye(axes + 1)
    world = to_world(identity_grid(fixed.shape[1:], dtype=torch.float64), fixed.affine)
    beyond = _vectors(back, displacement) + to_world(world, away)
    goal = to_world(identity_grid(moving.shape[1:], dtype=torch.float64), moving.affine)
    begin = goal + to_world(goal, away)
    found = torch.zeros_like(begin)
    for _ in range(iterations):
        place = to_voxels(begin + found, fixed.affine)
        found = -sample(beyond[None], place[None], padding_mode="border")[0]
    return to_world(goal, away) + found


def _double(affine: Any) -> Tensor:
    return torch.as_tensor(affine).as_subclass(Tensor).cpu().double()


def _vectors(affine: Tensor, vectors: Tensor) -> Tensor:
    """Vectors (N, *S) turned and scaled by an affine (N+1, N+1), without its shift."""
    axes = len(vectors)
    return torch.einsum("ij,j...->i...", affine[:axes, :axes], vectors)


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
