"""What an image's header alone says: how large it is, and whether it has a place in the world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
from nibabel.filebasedimages import ImageFileError
from PIL import Image

from gemini_monai.base.memory import refuse_too_large
from gemini_monai.images.itk_image import itk_library
from gemini_monai.images.names import is_dicom, is_picture, suffix_of


def refuse_too_large_file(path: Path, *, value_bytes: int) -> None:
    """Stop before a file is read that memory cannot hold, as a damaged or packed one may say.

    Args:
        path: An image file; what cannot be read is left to its reader, and so is a folder.
        value_bytes: What each value takes when it is read.

    Raises:
        InputError: Naming the file and its size.
    """
    if path.is_dir():  # of a DICOM series: every format of ITK would try it, and one complains
        return
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
    itk = itk_library(path)
    header = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    header.SetFileName(str(path))
    header.ReadImageInformation()
    axes = range(header.GetNumberOfDimensions())
    return [int(header.GetDimensions(k)) for k in axes], int(header.GetNumberOfComponents())


HEADER = 2**16
"""Bytes of a text header that are looked at."""
ORIGINS = {
    ".nrrd": (b"space origin:",),
    ".mha": (b"\nOffset", b"\nPosition", b"\nOrigin"),
    ".mhd": (b"\nOffset", b"\nPosition", b"\nOrigin"),
}
"""Lines that give the first voxel its place, by format."""


def says_where(file: Any) -> bool:
    """Whether an image's header gives it a place in the world.

    PNG and JPEG do not, nor NIfTI whose two codes are 0, nor NRRD, MHA and MHD without an origin.
    A file that cannot be read counts as saying it; its reader tells what is wrong.

    Args:
        file: As ``read`` takes it; of several files the first.
    """
    path = Path(file[0] if isinstance(file, (list, tuple)) else file)
    if is_picture(path):
        return False
    if is_dicom(path):
        return True
    try:
        return _says_where(path, (suffix_of(path) or "").lower())
    except (OSError, ValueError, ImageFileError):
        return True


def _says_where(path: Path, suffix: str) -> bool:
    if suffix in ORIGINS:
        with path.open("rb") as file:
            start = b"\n" + file.read(HEADER)
        return any(line in start for line in ORIGINS[suffix])
    header = nib.load(path).header
    return any(int(header[code]) > 0 for code in ("qform_code", "sform_code"))
