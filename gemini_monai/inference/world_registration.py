"""Two image files registered onto each other, in the world."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.memory import refuse_too_large
from gemini_monai.geometry.world import (
    apply_world_displacement,
    inverse_world_displacement,
    world_displacement,
)
from gemini_monai.inference.correspond import Registration, register_pair
from gemini_monai.inference.file_pairs import FileImages, read_pair
from gemini_monai.inference.pair_grids import PairOnGrid, pair_on_grids
from gemini_monai.inference.starts import Start
from gemini_monai.networks import DenseNetwork
from gemini_monai.transforms import InputSpec


class WorldRegistration(NamedTuple):
    """One image warped onto another, in the world."""

    warped: MetaTensor
    """The moving image on the fixed image's grid, (C, *T)."""
    displacement: torch.Tensor
    """(N, *T) in mm, RAS+: point x of the fixed image goes to ``x + d(x)`` in the moving one. The
    start is in it."""
    fixed: MetaTensor
    """The fixed image on its own grid, (C, *T)."""
    moving: MetaTensor
    """The moving image on its own grid, (C, *S)."""
    folding_percent: float
    """Voxels of the network's grid where the field folds."""
    start: Start
    """Where the two met before the network said anything."""

    def inverse(self) -> torch.Tensor:
        """The way back, (N, *S) in mm, RAS+: from the moving image to the fixed one."""
        return inverse_world_displacement(
            self.displacement, start=self.start.transform, fixed=self.fixed, moving=self.moving
        )


def field_bytes(axes: int) -> int:
    """Bytes a voxel of a field in mm while it is made: six positions in double precision.

    Args:
        axes: 2 or 3; 146 bytes were measured for 3.
    """
    return 6 * 8 * axes


def register_files(
    network: DenseNetwork,
    moving: str | Path,
    fixed: str | Path,
    *,
    spec: InputSpec,
    device: torch.device | str = "cpu",
    start: str = "auto",
    affine: str | None = None,
    refinement: int = 0,
) -> WorldRegistration:
    """Warp the image of one file onto that of another.

    Args:
        network: A trained ``Gemini``.
        moving: The image that is warped.
        fixed: The image that it is warped onto.
        spec: How images were brought to the network in training.
        device: Where the network is.
        start: Where the two meet: ``"world"`` as their headers place them, ``"center"``, ``"mass"``
            (centers of mass), ``"affine"``, or ``"auto"``: the world where the smaller field of
            view lies mostly inside the other, else centers.
        affine: ``"itk"`` or ``"ants"``, by which an affine is found; it makes ``auto`` ``affine``.
        refinement: Iterations of ``refine`` at each resolution, for this pair alone.

    Raises:
        InputError: If a file is missing or unreadable, dimensions differ from training, memory
            cannot hold the field, or as ``pair_on_grids`` does.
    """
    pair = read_pair(moving, fixed)
    refuse_too_large(
        pair.fixed.shape[1:],
        voxel_bytes=field_bytes(spec.spatial_dims),
        what=f"{fixed}: a field in mm on its own grid",
        change="crop the image, or resample it to larger voxels",
    )
    seen, result = register_on_grid(
        network,
        pair,
        spec=spec,
        device=device,
        start=start,
        affine=affine,
        refinement=refinement,
    )
    displacement = world_displacement(result.ddf, **seen.affines, fixed=pair.fixed)
    warped = apply_world_displacement(pair.moving, displacement, fixed=pair.fixed)
    return WorldRegistration(
        warped, displacement, pair.fixed, pair.moving, result.folding_percent, seen.start
    )


def register_on_grid(
    network: DenseNetwork,
    pair: FileImages,
    *,
    spec: InputSpec,
    device: torch.device | str = "cpu",
    start: str = "auto",
    affine: str | None = None,
    refinement: int = 0,
) -> tuple[PairOnGrid, Registration]:
    """What the network saw of two files, and its field there, on the CPU.

    Args:
        network: As of ``register_files``.
        pair: The images.
        spec: As of ``register_files``.
        device: As of ``register_files``.
        start: As of ``register_files``.
        affine: As of ``register_files``.
        refinement: As of ``register_files``.

    Raises:
        InputError: As ``pair_on_grids`` does.
    """
    seen = pair_on_grids(spec, pair, start=start, affine=affine)
    batches = [image[None].to(device, torch.float32) for image in (seen.moving, seen.fixed)]
    result = register_pair(network, *batches, refinement=refinement, slices=spec.slices)
    return seen, result._replace(ddf=result.ddf.cpu())  # images as they were read stay there
