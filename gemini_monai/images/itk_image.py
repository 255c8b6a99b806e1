"""Values and grid of one file by ITK, whatever their type and however many their channels.

ITK takes more room than all else beside PyTorch, so an extra brings it: all of it, or ``itk-io``, a
third of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import optional
from gemini_monai.geometry.world.axes import LPS
from gemini_monai.images.stored import Stored

EXACT = {"UCHAR": "UC", "USHORT": "US", "SHORT": "SS", "FLOAT": "F"}
"""Types that ITK's vector images have in Python; others are read in double precision."""
MOST_AXES = 4


def itk_library(purpose: str | Path) -> Any:
    """Import ITK.

    Args:
        purpose: The file, or what else needs it: the first words of the message.

    Raises:
        InputError: If it is not installed.
    """
    if not isinstance(purpose, Path):
        return optional("itk", extra="formats", purpose=purpose)
    is_dicom = purpose.is_dir() or purpose.suffix.lower() == ".dcm"
    extra = "dicom" if is_dicom else "formats"
    return optional("itk", extra=extra, purpose=f"{purpose}: its format")


def itk_header(path: Path) -> Any:
    """ITK's reader of the file's format, which has read the header.

    Raises:
        InputError: If ITK is not installed or knows no such format, or it holds complex numbers or
            too many axes.
    """
    itk = itk_library(path)
    reader = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    if reader is None:
        raise InputError(f"{path}: cannot be read as an image: ITK knows no such file")
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    if reader.GetPixelTypeAsString(reader.GetPixelType()) == "complex":
        raise InputError(
            f"{path}: complex numbers, of which a network would see one part; store the magnitude, "
            "or both parts as channels of kind 'list'"
        )
    if reader.GetNumberOfDimensions() > MOST_AXES:
        raise InputError(f"{path}: {reader.GetNumberOfDimensions()} axes, expected 2 to 4")
    return reader


def itk_image(path: Path, header: Any) -> Stored:
    """Values (C, *S) and affine; a fourth axis is that of channels.

    Args:
        path: The file.
        header: As ``itk_header`` gives it.

    Raises:
        InputError: If a file has both a fourth axis and several values a voxel.
    """
    itk = itk_library(path)
    exact = {_component(itk, name): getattr(itk, own) for name, own in EXACT.items()}
    kind = exact.get(header.GetComponentType(), itk.D)
    image_type = itk.VectorImage[kind, header.GetNumberOfDimensions()]
    reader = itk.ImageFileReader[image_type].New(FileName=str(path))
    reader.Update()
    image = reader.GetOutput()
    values = np.asarray(itk.array_from_image(image)).T  # ITK arrays run (t), z, y, x, channel
    if values.ndim - 1 == MOST_AXES:
        if len(values) > 1 < values.shape[-1]:
            raise InputError(
                f"{path}: {len(values)} values in each voxel of four axes, expected one axis of "
                "channels beside three of space"
            )
        values = values[..., 0] if values.shape[-1] == 1 else np.moveaxis(values[0], -1, 0)
    direction = itk.array_from_matrix(image.GetDirection())
    return Stored(values, _affine(image, direction, axes=values.ndim - 1))


def _component(itk: Any, name: str) -> Any:
    return getattr(itk.CommonEnums, f"IOComponent_{name}")


def _affine(image: Any, direction: np.ndarray, *, axes: int) -> np.ndarray:
    steps = direction * np.asarray(image.GetSpacing())
    affine = np.eye(axes + 1)
    affine[:axes, :axes] = steps[:axes, :axes]
    affine[:axes, -1] = np.asarray(image.GetOrigin())[:axes]
    return np.diag([*np.diag(LPS)[:axes], 1.0]) @ affine
