"""How large an image is, from its header alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import itk
import nibabel as nib
from PIL import Image

from gemini_monai.base.memory import refuse_too_large
from gemini_monai.images.names import is_picture


def refuse_too_large_file(path: Path, *, value_bytes: int) -> None:
    """Stop before a file is read that memory cannot hold, as a damaged or packed one may say.

    Args:
        path: An image file; what cannot be read is left to its reader.
        value_bytes: What each value takes when it is read.

    Raises:
        InputError: Naming the file and its size.
    """
    try:
        shape, values = _shape(path)
    except Exception:
        return
    refuse_too_large(
        shape,
        voxel_bytes=value_bytes * values,
        what=str(path),
        change="crop it; if it is smaller than that, its header is damaged",
    )


def _shape(path: Path) -> tuple[Sequence[int], int]:
    """Voxels along each axis, and values of a voxel."""
    if is_picture(path):
        with Image.open(path) as picture:
            return picture.size, len(picture.getbands())
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return [int(size) for size in nib.load(path).shape], 1  # channels are an axis more
    header = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    header.SetFileName(str(path))
    header.ReadImageInformation()
    axes = range(header.GetNumberOfDimensions())
    return [int(header.GetDimensions(k)) for k in axes], int(header.GetNumberOfComponents())
