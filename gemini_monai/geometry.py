"""Millimetres: displacement fields between images that lie in the world.

World coordinates are RAS+ millimetres as in NIfTI; what is written for ITK is LPS+.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import itk
import torch
from monai.data.itk_torch_bridge import metatensor_to_itk_image
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.files import replacing
from gemini_monai.types import DDF
from gemini_monai.warp import identity_grid, sample

RAS_TO_LPS = (-1.0, -1.0, 1.0)


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


def write_displacement(path: Path, displacement: Tensor, *, fixed: MetaTensor) -> None:
    """Write a field (N, *T) in mm, RAS+, as the vector image that ITK and ANTs take.

    Components are LPS+; the geometry is that of ``fixed``.
    """
    flip = torch.tensor(RAS_TO_LPS[: len(displacement)], dtype=torch.float64)
    lps = displacement * flip.view(-1, *[1] * len(displacement))
    _write(path, _itk_image(lps.float(), fixed, vector=True))


def write_image(path: Path, image: MetaTensor) -> None:
    """Write an image (C, *T) with its affine.

    One channel keeps its dtype; several become the float components of each voxel, which ITK has
    in float only.
    """
    values, several = image.as_tensor(), len(image) > 1
    _write(path, _itk_image(values.float() if several else values, image, vector=several))


def _itk_image(values: Tensor, grid: MetaTensor, *, vector: bool) -> Any:
    """An ITK image of (C, *T) values, with C-component pixels for a vector, else of channel 0."""
    axes = values.ndim - 1
    geometry = metatensor_to_itk_image(
        MetaTensor(torch.zeros(1, *values.shape[1:]), affine=grid.affine), channel_dim=0
    )
    array = values.movedim(0, -1) if vector else values[0]
    order = list(range(axes))[::-1] + ([axes] if vector else [])  # ITK arrays run z, y, x
    image = itk.image_from_array(array.permute(order).contiguous().numpy(), is_vector=vector)
    image.SetSpacing(geometry.GetSpacing())  # CopyInformation would make it a scalar image
    image.SetOrigin(geometry.GetOrigin())
    image.SetDirection(geometry.GetDirection())
    return image


def _write(path: Path, image: Any) -> None:
    with replacing(path) as part:
        itk.imwrite(image, str(part), compression=True)
