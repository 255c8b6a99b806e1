"""Which reader reads which file, and several files as channels of one image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.presence import refuse_absent
from gemini_monai.geometry.world.axes import grid_distance, is_singular
from gemini_monai.images.dicom import read_dicom
from gemini_monai.images.metaimage import read_meta
from gemini_monai.images.names import SEGMENTATION, is_dicom, is_picture, suffix_of
from gemini_monai.images.nifti import read_nifti
from gemini_monai.images.nrrd import read_nrrd
from gemini_monai.images.png_and_jpeg import read_picture
from gemini_monai.images.segments import read_segmentation
from gemini_monai.images.stored import Stored

APART = 0.1
"""Voxels by which the grids of channels may lie apart, at any corner."""


def stored_in(files: Sequence[Path], *, label: bool) -> Stored:
    """Values (C, *S) and grid of a file, or of several that are channels of one image.

    Args:
        files: At least one.
        label: They are numbers of structures, which no color table or gray scale stands for.

    Raises:
        InputError: If a file is missing, cannot be read, has a singular affine, or lies on another
            grid than the first.
    """
    for file in files:
        refuse_absent(file)
    first, *others = [_of_file(file, label=label) for file in files]
    for file, other in zip(files[1:], others, strict=True):
        _refuse_other_grid(first, other, files=(files[0], file))
    if not others:
        return first
    return first._replace(values=np.concatenate([first.values, *(one.values for one in others)]))


def _of_file(file: Path, *, label: bool) -> Stored:
    try:
        stored = _by_format(file, label=label)
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(f"{file}: cannot be read as an image: {reason}") from error
    axes = min(stored.values.ndim - 1, 3)
    if stored.has_voxel_size and is_singular(stored.affine, axes=axes):
        raise InputError(
            f"{file}: its affine is singular, so voxels have no place in the world:\n"
            f"{stored.affine.tolist()}".replace("\n", " ")
        )
    return stored


def _by_format(file: Path, *, label: bool) -> Stored:
    if is_dicom(file):
        return read_dicom(file, label=label)
    if is_picture(file):
        return read_picture(file, label=label)
    suffix = (suffix_of(file) or "").lower()
    if suffix == SEGMENTATION:
        if not label:
            raise InputError(f"{file}: a segmentation of 3D Slicer, expected an image")
        return read_segmentation(file).as_map()
    readers = {".nrrd": read_nrrd, ".mha": read_meta, ".mhd": read_meta}
    return readers.get(suffix, read_nifti)(file)


def _refuse_other_grid(first: Stored, other: Stored, *, files: tuple[Path, Path]) -> None:
    shapes = [stored.values.shape[1:] for stored in (first, other)]
    if shapes[0] != shapes[1] or not (
        grid_distance(first.affine, other.affine, shapes[0][:3]) <= APART
    ):
        raise InputError(
            f"{files[1]}: of shape {shapes[1]} on another grid than {files[0]} of shape "
            f"{shapes[0]}; channels of one image lie on one grid"
        )
