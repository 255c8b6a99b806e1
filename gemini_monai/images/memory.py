"""Images that a script holds, as if they had been read from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.data.utils import to_affine_nd
from nibabel.spatialimages import SpatialImage

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world.axes import is_singular
from gemini_monai.images.nifti import channels_first
from gemini_monai.images.nifti_forms import affine_in_millimeters
from gemini_monai.images.read import source_of, tensor_of
from gemini_monai.images.stored import Stored

IN_MEMORY = "image in memory"
"""What messages call an image that has no file."""
KINDS = "a file, an image of nibabel, an array of numpy or a tensor"


def image_in_memory(
    image: Any,
    *,
    spatial_dims: int,
    affine: Any = None,
    spacing: Sequence[float] | None = None,
) -> MetaTensor:
    """An image (C, *S), float32, with its affine, as ``read`` gives it of a file.

    Args:
        image: An image of nibabel, laid out as its file: (X, Y, Z), or (X, Y, Z, C). Or an array of
            numpy, a tensor, or a MetaTensor: (*S) or (C, *S), axes x, y, z.
        spatial_dims: Axes of the image, which tell (*S) from (C, *S).
        affine: Voxel to RAS+ mm, (4, 4), or (3, 3) of an image of two axes. For arrays and plain
            tensors only; images of nibabel and MetaTensors have their own.
        spacing: Voxel size in mm instead. The axes then run to the right, to the front and up.

    Raises:
        InputError: If it is no such image, has other axes, complex values or a singular affine, or
            its grid is said twice.
    """
    own_grid = isinstance(image, (SpatialImage, MetaTensor))
    _refuse_two_grids(own_grid, affine=affine, spacing=spacing)
    if isinstance(image, SpatialImage):
        stored, source = _of_nibabel(image), image.get_filename()
    elif isinstance(image, (np.ndarray, torch.Tensor)):
        stored, source = _of_array(image, spatial_dims), source_of(image)
        if affine is not None or spacing is not None:
            grid = _square(affine) if spacing is None else _of_spacing(spacing, spatial_dims)
            stored = stored._replace(affine=grid, has_voxel_size=True)
    else:
        raise InputError(f"{IN_MEMORY}: expected {KINDS}, got {type(image).__name__}")
    _refuse_unusable(stored, source or IN_MEMORY)
    return tensor_of(stored, source or IN_MEMORY, dtype=np.float32)


def _refuse_two_grids(own_grid: bool, **given: Any) -> None:
    said = [name for name, value in given.items() if value is not None]
    said = ["its own affine", *said] if own_grid else said
    if len(said) > 1:
        raise InputError(f"{IN_MEMORY}: got {' and '.join(said)}, expected one of them")


def _of_nibabel(image: Any) -> Stored:
    name = Path(image.get_filename() or IN_MEMORY)
    is_nifti = isinstance(image, nib.nifti1.Nifti1Pair)
    affine = affine_in_millimeters(image, image.header, name) if is_nifti else image.affine
    return Stored(channels_first(np.asanyarray(image.dataobj), name), np.asarray(affine))


def _of_array(image: np.ndarray | torch.Tensor, spatial_dims: int) -> Stored:
    beyond = image.ndim - spatial_dims
    if beyond not in (0, 1) or 0 in image.shape:
        axes = ", ".join("xyz"[:spatial_dims])
        raise InputError(
            f"{IN_MEMORY}: of shape {tuple(image.shape)}, expected ({axes}) or (channels, {axes})"
        )
    values = image.detach().cpu().numpy() if isinstance(image, torch.Tensor) else image
    own_grid = isinstance(image, MetaTensor)
    affine = _square(image.affine.cpu()) if isinstance(image, MetaTensor) else np.eye(4)
    return Stored(values if beyond else values[None], affine, has_voxel_size=own_grid)


def _of_spacing(spacing: Sequence[float], spatial_dims: int) -> np.ndarray:
    sizes = np.asarray(spacing, dtype=float)
    if sizes.shape != (spatial_dims,) or not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise InputError(f"spacing: expected {spatial_dims} numbers above 0 (mm), got {spacing}")
    return np.diag([*sizes, *[1.0] * (4 - spatial_dims)])


def _square(affine: Any) -> np.ndarray:
    matrix = np.asarray(affine, dtype=float)
    if matrix.shape not in ((3, 3), (4, 4)):
        raise InputError(f"affine: expected (4, 4) or (3, 3), got shape {matrix.shape}")
    return np.asarray(to_affine_nd(3, matrix))


def _refuse_unusable(stored: Stored, name: str) -> None:
    kind = stored.values.dtype
    if kind.kind not in "biuf":
        raise InputError(f"{name}: values of type {kind}, expected real numbers")
    axes = min(stored.values.ndim - 1, 3)
    if stored.has_voxel_size and is_singular(stored.affine, axes=axes):
        raise InputError(
            f"{name}: its affine is singular, so voxels have no place in the world: "
            f"{np.asarray(stored.affine).tolist()}"
        )
