"""The one reader of images and labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.io.array import LoadImage

from gemini_monai.errors import InputError
from gemini_monai.images.dicom import read_dicom
from gemini_monai.images.monai_readers import quiet_readers
from gemini_monai.images.names import is_dicom, is_picture
from gemini_monai.images.size import refuse_too_large_file
from gemini_monai.world.axes import is_singular

COLORS = 3
MOST_CODES = 200
"""Distinct values above which a file is an image, unless they are declared; the largest label map
in common use, FreeSurfer's brain with its cortical parcels, has fewer."""
WHOLE = 2**53
"""Whole numbers up to which double precision is exact."""


def read(path: str | Path | Sequence[str | Path], *, dtype: Any = np.float32) -> MetaTensor:
    """An image (C, *S) with its affine, RAS+ mm; several files are channels of one image.

    A folder is a DICOM series, a ``.dcm`` file an enhanced one. A volume of a single slice,
    (X, Y, 1), is an image of two axes. A PNG or JPEG that says the same gray in every color has one
    channel, and none for opacity where all is opaque: some hundred images of ChestX-ray8 are stored
    so.

    Args:
        path: A file, a folder, or several.
        dtype: Type that the voxels' values are given in.

    Raises:
        InputError: If a file is missing or cannot be read, a folder is not one series, a ``.dcm``
            file is a slice alone, or the affine does not span space.
    """
    files = [Path(path)] if isinstance(path, (str, Path)) else [Path(file) for file in path]
    for file in files:
        if not file.exists():
            raise InputError(f"{file}: no such file")
    dicom = is_dicom(files[0])
    image = read_dicom(files[0], dtype=dtype) if dicom else _loaded(files, dtype=dtype)
    axes = min(image.ndim - 1, 3)
    if not is_picture(files[0]) and is_singular(image.affine, axes=axes):
        raise InputError(
            f"{files[0]}: its affine is singular, so voxels have no place in the world:\n"
            f"{np.asarray(image.affine).tolist()}".replace("\n", " ")
        )
    return image.squeeze(-1) if axes == 3 and image.shape[3:] == (1,) else image


def _loaded(files: Sequence[Path], *, dtype: Any) -> MetaTensor:
    source = files[0] if len(files) == 1 else list(files)
    for file in files:
        refuse_too_large_file(file, value_bytes=np.dtype(dtype).itemsize)
    try:
        image = _loader(dtype)(source)
        return _without_copies(image) if is_picture(files[0]) else image
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{files[0]}: cannot be read as an image: {reason}") from error


@cache
def _loader(dtype: Any) -> LoadImage:
    with quiet_readers():
        return LoadImage(image_only=True, ensure_channel_first=True, dtype=dtype)


def _without_copies(image: MetaTensor) -> MetaTensor:
    """A picture (C, X, Y) of gray or colors, with or without opacity, in as few channels."""
    if len(image) in (2, 4) and bool((image[-1] == 255).all()):
        image = image[:-1]
    is_gray = len(image) == COLORS and bool((image == image[:1]).all())
    return image[:1] if is_gray else image


def read_label(path: str | Path | Sequence[str | Path]) -> MetaTensor:
    """A label map, or one mask per file, as whole numbers (C, *S), int64, exactly as stored.

    Raises:
        InputError: As ``read``; or if values are not whole numbers, below 0, or of a size that
            double precision does not tell apart.
    """
    label = read(path, dtype=np.float64)
    name = path if isinstance(path, (str, Path)) else path[0]
    values = label.as_tensor()
    if not bool(torch.isfinite(values).all()):
        raise InputError(f"{name}: holds values that are not finite (NaN or infinity)")
    least, greatest = float(values.min()), float(values.max())
    if not torch.equal(values, values.round()):
        found = values[values != values.round()][:5].tolist()
        raise InputError(
            f"{name}: label values must be whole numbers, got "
            f"{', '.join(f'{value:g}' for value in found)}; interpolated, or an image?"
        )
    if least < 0 and len(values.unique()) > MOST_CODES:
        raise InputError(
            f"{name}: {len(values.unique())} distinct values from {least:.0f} to {greatest:.0f}, "
            "more than a label map has; exchanged with its image?"
        )
    if least < 0 or greatest > WHOLE:
        raise InputError(
            f"{name}: label values from {least:.0f} to {greatest:.0f}, expected 0 to {WHOLE}; "
            "regions to ignore are not supported: give them a value of their own or 0"
        )
    return label.to(torch.int64)


def source_of(image: Any) -> str:
    """The file or folder that a loaded image came from; empty where that is not known."""
    name = image.meta.get("filename_or_obj", "") if isinstance(image, MetaTensor) else ""
    return ";".join(map(str, name)) if isinstance(name, (list, tuple)) else str(name)
