"""The one reader of images and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.images.formats import stored_in
from gemini_monai.images.headers import refuse_too_large_file
from gemini_monai.images.names import is_dicom, is_picture
from gemini_monai.images.png_and_jpeg import COLORS
from gemini_monai.images.stored import Stored

MOST_CODES = 200
"""Distinct values above which a file is an image, unless they are declared; the largest label map
in common use, FreeSurfer's brain with its cortical parcels, has fewer."""
WHOLE = 2**53 - 1
"""Whole numbers up to which double precision tells all apart."""
HAS_VOXEL_SIZE = "has_voxel_size"
FILE_SHAPE = "file_shape"
"""Key of the spatial shape of the file, which has the axis of a single slice."""


def read(path: str | Path | Sequence[str | Path], *, dtype: Any = np.float32) -> MetaTensor:
    """An image (C, *S) with its affine, RAS+ mm; several files are channels of one image.

    A folder is a DICOM series, a ``.dcm`` file an enhanced one. A volume of a single slice,
    (X, Y, 1), is an image of two axes. A picture is what a viewer shows (``read_picture``), so one
    that says the same gray in every color has one channel: some hundred images of ChestX-ray8 are
    stored so.

    Args:
        path: A file, a folder, or several.
        dtype: Type that the voxels' values are given in.

    Raises:
        InputError: If a file is missing, damaged, or says something of its values or of its place
            that is neither applied nor left out; a folder is not one series, a ``.dcm`` file is a
            slice alone, or the affine does not span space.
    """
    files = _files(path, value_bytes=np.dtype(dtype).itemsize)
    return tensor_of(stored_in(files, label=False), files[0], dtype=dtype)


def is_colored(path: Path, channels: int) -> bool:
    """Whether the channels of a file are parts of one color: of a picture, or three of DICOM."""
    return is_picture(path) or (is_dicom(path) and channels == COLORS)


def read_label(path: str | Path | Sequence[str | Path], *, ignore: int | None = None) -> MetaTensor:
    """A label map, or one mask per file, as whole numbers (C, *S), int64, exactly as stored.

    Of a picture, numbers of a color table are the values; it is turned as its image is. The
    segments of a ``.seg.nrrd`` file have the values that the file gives them, on its own grid.

    Args:
        path: A file, a folder, or several.
        ignore: Value of voxels that do not count; it alone may be below 0.

    Raises:
        InputError: As ``read``; or if values are not whole numbers, below 0, or of a size that
            double precision does not tell apart.
    """
    files = _files(path, value_bytes=8)
    name, stored = files[0], stored_in(files, label=True)
    values = stored.values
    if not bool(np.isfinite(values).all()):
        raise InputError(f"{name}: holds values that are not finite (NaN or infinity)")
    broken = values[values != np.round(values)] if values.dtype.kind == "f" else values[:0]
    if broken.size:
        raise InputError(
            f"{name}: label values must be whole numbers, got "
            f"{', '.join(f'{value:g}' for value in broken[:5])}; interpolated, or an image?"
        )
    least, greatest = int(values.min()), int(values.max())
    if least < 0 and len(np.unique(values)) > MOST_CODES:
        raise InputError(
            f"{name}: {len(np.unique(values))} distinct values from {least} to {greatest}, more "
            "than a label map has; exchanged with its image?"
        )
    others = values if ignore is None or ignore >= 0 else values[values != ignore]
    if bool((others < 0).any()) or greatest > WHOLE:
        raise InputError(
            f"{name}: label values from {least} to {greatest}, expected 0 to {WHOLE}; "
            f'of voxels to ignore, labels.json says it: {{"ignore": {least}}}'
        )
    return tensor_of(stored, name, dtype=np.int64)


def has_voxel_size(image: Any) -> bool:
    """Whether the file of an image that was read says how large a voxel is; a picture does not."""
    return not isinstance(image, MetaTensor) or bool(image.meta.get(HAS_VOXEL_SIZE, True))


def file_shape(image: Any) -> Sequence[int] | None:
    """Spatial shape of the file that an image was read from; ``None`` where that is not known."""
    shape = image.meta.get(FILE_SHAPE) if isinstance(image, MetaTensor) else None
    return None if shape is None else [int(size) for size in torch.as_tensor(shape).flatten()]


def source_of(image: Any) -> str:
    """The file or folder that a loaded image came from; empty where that is not known."""
    name = image.meta.get("filename_or_obj", "") if isinstance(image, MetaTensor) else ""
    return ";".join(map(str, name)) if isinstance(name, (list, tuple)) else str(name)


def _files(path: str | Path | Sequence[str | Path], *, value_bytes: int) -> list[Path]:
    files = [Path(path)] if isinstance(path, (str, Path)) else [Path(file) for file in path]
    for file in files:
        refuse_too_large_file(file, value_bytes=value_bytes)
    return files


def tensor_of(stored: Stored, source: str | Path, *, dtype: Any) -> MetaTensor:
    """What a file holds as a tensor; a volume of a single slice has two axes.

    Its ``spatial_shape`` is that of the tensor, as MONAI means it.

    Args:
        stored: Values and grid.
        source: What it came from.
        dtype: Type of the values.
    """
    values = np.ascontiguousarray(stored.values, dtype=dtype)
    shape = values.shape[1:]
    flat = shape[2:] == (1,)
    meta = {
        "filename_or_obj": str(source),
        "spatial_shape": np.asarray(shape[:2] if flat else shape),
        FILE_SHAPE: np.asarray(shape),
        HAS_VOXEL_SIZE: stored.has_voxel_size,
    }
    image = MetaTensor(torch.as_tensor(values), affine=torch.as_tensor(stored.affine), meta=meta)
    return image.squeeze(-1) if flat else image
