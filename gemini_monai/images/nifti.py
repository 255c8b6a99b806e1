"""NIfTI files, read to their last byte."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.images.nifti_forms import affine_in_millimeters
from gemini_monai.images.stored import Stored, refuse_other_length, without_opacity

SPATIAL = 3
KINDS = (nib.Nifti2Image, nib.Nifti1Image)
HEADER = 540
"""Bytes of NIfTI-2's, the longer one."""


def read_nifti(path: Path) -> Stored:
    """Values (C, *S) and affine of a NIfTI-1 or NIfTI-2 file; axes beyond the third are channels.

    Raises:
        InputError: If the checksum of its compression fails, its sizes are not those of its voxels,
            it holds complex numbers or more than one axis beside space, or as
            ``affine_in_millimeters``.
    """
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rb") as stream:
            return _read(stream, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path}: cannot be read as an image: {error}: damaged or cut short"
        ) from error


def _read(stream: Any, path: Path) -> Stored:
    beginning = stream.read(HEADER)
    kinds = [kind for kind in KINDS if kind.header_class.may_contain_header(beginning)]
    if not kinds:
        raise InputError(f"{path}: cannot be read as an image: no header of NIfTI-1 or NIfTI-2")
    header = kinds[0].header_class
    unfixed = header(beginning[: header.template_dtype.itemsize], check=False)
    stream.seek(0)
    image = kinds[0].from_stream(stream)
    _refuse_values(image, unfixed, path)
    values = np.asanyarray(image.dataobj)
    values = values.copy() if isinstance(values, np.memmap) else values
    held = stream.seek(0, os.SEEK_END)  # reads on, to where gzip has its checksum
    voxels = image.dataobj
    refuse_other_length(path, held=held, needed=voxels.offset + voxels.dtype.itemsize * values.size)
    return Stored(channels_first(values, path), affine_in_millimeters(image, unfixed, path))


def _refuse_values(image: Any, unfixed: Any, path: Path) -> None:
    if 0 in image.shape or not image.shape:
        raise InputError(f"{path}: no voxel in it, its shape is {image.shape}")
    if np.issubdtype(image.get_data_dtype(), np.complexfloating):
        raise InputError(
            f"{path}: complex numbers, of which a network would see one part; store the magnitude, "
            "or both parts as channels"
        )
    slope = float(unfixed["scl_slope"])
    if np.isinf(slope):
        raise InputError(f"{path}: scl_slope is {slope}, expected a number, or 0 for none")


def channels_first(values: np.ndarray, path: Path) -> np.ndarray:
    """Values (C, *S) of an array that is laid out as in a NIfTI file.

    Args:
        values: (X, Y), (X, Y, Z), or with one more axis of channels; or of nibabel's RGB or RGBA.
        path: For messages.

    Raises:
        InputError: If there is more than one axis of channels.
    """
    names = values.dtype.names  # of RGB and RGBA
    if names:
        values = np.stack([values[name] for name in names], axis=-1)
    beyond = values.shape[SPATIAL:]
    space = values.shape[:SPATIAL]
    if names and len(beyond) == 0:  # an image of two axes
        space, beyond = values.shape[:-1], values.shape[-1:]
    if sum(size > 1 for size in beyond) > 1:
        raise InputError(
            f"{path}: shape {values.shape}, expected one axis of channels beside three of space"
        )
    channels = np.moveaxis(values.reshape(*space, int(np.prod(beyond))), -1, 0)
    return without_opacity(channels, path) if names and len(names) == 4 else channels
