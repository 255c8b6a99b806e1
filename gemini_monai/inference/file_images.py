"""A pair of image files as they are, and how their fields of view lie in the world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from monai.data.meta_tensor import MetaTensor
from monai.transforms.croppad.array import CropForeground

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import FieldOfView, Overlap, is_singular, overlap_between
from gemini_monai.images import read, says_where
from gemini_monai.inference.starts import refuse_apart
from gemini_monai.transforms import InputSpec


class FileImages(NamedTuple):
    """A pair of image files, and the images on their own grids, (C, *S)."""

    files: tuple[Path, Path]
    """The moving one first."""
    moving: MetaTensor
    fixed: MetaTensor


def refuse_pairs_apart(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Before any of them is registered from where it lies in the world.

    Args:
        pairs: Moving and fixed files.

    Raises:
        InputError: If an image cannot be read, or two do not overlap.
    """
    for moving, fixed in pairs:
        pair = FileImages((moving, fixed), read(moving), read(fixed))
        if pair.moving.ndim == pair.fixed.ndim:  # else its registration names the dimensions
            refuse_apart(overlap_of(pair), moving=moving, fixed=fixed)


def overlap_of(pair: FileImages) -> Overlap | None:
    """Of a pair in the world; ``None`` where a header does not say where its image lies."""
    if not all(map(says_where, pair.files)):
        return None
    return overlap_between(FieldOfView.of(pair.fixed), FieldOfView.of(pair.moving))


def refuse_edge_on(pair: FileImages) -> None:
    """Stop at an image of two axes that has no place in x and y of the world.

    Raises:
        InputError: Naming the file.
    """
    for image, file in zip((pair.moving, pair.fixed), pair.files, strict=True):
        if image.ndim == 3 and is_singular(image.affine, axes=2):
            raise InputError(
                f"{file}: a slice that stands on edge in x and y of the world, where its field is "
                "written; register the volume, or store the slice as an axial one"
            )


def refuse_other_axes(pair: FileImages, spec: InputSpec) -> None:
    """Stop at images of other dimensions than the run's.

    Raises:
        InputError: Naming the file.
    """
    for image, file in zip((pair.moving, pair.fixed), pair.files, strict=True):
        if image.ndim - 1 != spec.spatial_dims:
            raise InputError(
                f"{file}: a {image.ndim - 1}-D image, the run is for {spec.spatial_dims}-D"
            )


def shown(image: MetaTensor, spec: InputSpec) -> FieldOfView:
    """What training centered: the image, or the box of what is above zero."""
    return FieldOfView.of(CropForeground(allow_smaller=True)(image) if spec.foreground else image)
