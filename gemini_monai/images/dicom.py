"""A DICOM series, or an enhanced file, as one volume that lies where its slices say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import is_there
from gemini_monai.images.dicom_pixels import Pixels, note, slice_pixels, without_padding
from gemini_monai.images.enhanced_dicom import ENHANCED, frame_pixels, frames_of
from gemini_monai.images.itk_image import itk_library
from gemini_monai.images.slice_stack import Slice, stacked
from gemini_monai.images.stored import Stored

SOP_CLASS, DESCRIPTION = "0008|0016", "0008|103e"
PREAMBLE, MARK = 128, b"DICM"
"""Bytes before what a file says of its format, and what it says."""
PIXEL_SIZES = ("0028|0030", "0018|1164", "0018|2010")
"""In the patient, at the imager, of the scanned film."""


def read_dicom(source: Path, *, label: bool) -> Stored:
    """The volume (C, X, Y, Z) of a folder that holds one DICOM series, or of an enhanced file.

    Values are those after the files' own rescaling, dark to bright; padding is as dark as the
    darkest of the rest. A window is not applied.

    Args:
        source: The folder or the file.
        label: Values are numbers of structures.

    Raises:
        InputError: As ``located``; if pixels cannot be decoded, or something stands between stored
            values and picture that is not applied.
    """
    slices, affine = located(source)
    files = {part.file: part for part in slices}
    pixels = {file: _pixels(part, label=label) for file, part in files.items()}
    frames = [(pixels[part.file], part.frame or 0) for part in slices]
    values = np.stack([decoded.values[frame] for decoded, frame in frames])
    padding = np.stack([decoded.padding[frame] for decoded, frame in frames])
    values = without_padding(values, padding)
    return Stored(np.ascontiguousarray(rearrange(values, "z y x c -> c x y z")), affine)


def is_slice(file: Path) -> bool:
    """Whether a file is a DICOM image of one slice, which is part of a series.

    Raises:
        InputError: If it says that it is DICOM, and ITK is not installed.
    """
    if not file.is_file() or not (is_there("itk") or _says_dicom(file)):
        return False
    if not itk_library(file).GDCMImageIO.New().CanReadFile(str(file)):
        return False
    try:
        header = _header(file)
    except InputError:
        return False
    return int(header.GetDimensions(2)) == 1 and note(header, SOP_CLASS) not in ENHANCED


def _says_dicom(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(PREAMBLE + len(MARK))[PREAMBLE:] == MARK


def located(source: Path) -> tuple[list[Slice], np.ndarray]:
    """Slices of a volume in the order in which they lie, and voxel to RAS+ mm, (4, 4).

    Args:
        source: Folder of one series, or an enhanced file.

    Raises:
        InputError: If a folder holds no series or more than one, a file is a slice alone or does
            not say where it lies, or slices do not make one volume.
    """
    files = [source] if source.is_file() else _files_of_the_series(source)
    slices = [part for file in files for part in _slices_of(file)]
    if source.is_file() and slices[0].frame is None:
        raise InputError(
            f"{source}: one slice; every DICOM series goes into a folder of its own, named by its "
            "case"
        )
    return stacked(slices, source=source)


def _files_of_the_series(folder: Path) -> list[Path]:
    names = itk_library(folder).GDCMSeriesFileNames.New()
    names.SetUseSeriesDetails(False)  # else a series is cut where a detail such as the dose changes
    names.SetDirectory(str(folder))
    series = {
        uid: [Path(name) for name in names.GetFileNames(uid)] for uid in names.GetSeriesUIDs()
    }
    if not series:
        inside = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        found = f"it holds {', '.join(inside[:3])}" if inside else "it is empty"
        raise InputError(
            f"{folder}: no DICOM series in it ({found}); images lie in one folder, and only a "
            "DICOM series has a folder of its own"
        )
    if len(series) > 1:
        listed = "; ".join(_described(uid, files) for uid, files in series.items())
        raise InputError(
            f"{folder}: {len(series)} DICOM series ({listed}); leave the one to use there, or give "
            "each a folder of its own"
        )
    return next(iter(series.values()))


def _described(uid: str, files: Sequence[Path]) -> str:
    text = note(_header(files[0]), DESCRIPTION)
    return f"{len(files)} file(s) of {uid}" + (f" '{text}'" if text else "")


def _header(file: Path) -> Any:
    reader = itk_library(file).GDCMImageIO.New()
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{file}: cannot be read as a DICOM image") from error
    return reader


def _slices_of(file: Path) -> list[Slice]:
    header = _header(file)
    if int(header.GetDimensions(2)) > 1 or note(header, SOP_CLASS) in ENHANCED:
        return frames_of(file)
    if not any(note(header, tag) for tag in PIXEL_SIZES):
        raise InputError(
            f"{file}: does not say how large its pixels are, such as a secondary capture; store "
            "it as PNG, which has no voxel size"
        )
    axes = [np.asarray(list(header.GetDirection(k)), dtype=float) for k in range(2)]
    return [
        Slice(
            file=file,
            size=(int(header.GetDimensions(0)), int(header.GetDimensions(1))),
            spacing=(
                float(header.GetSpacing(0)),
                float(header.GetSpacing(1)),
                float(header.GetSpacing(2)) or 1.0,
            ),
            direction=np.stack(axes, axis=1),
            position=np.asarray([float(header.GetOrigin(k)) for k in range(3)]),
        )
    ]


def _pixels(part: Slice, *, label: bool) -> Pixels:
    """All of the file that a slice is from."""
    if part.frame is not None:
        return frame_pixels(part.file, label=label)
    try:
        return slice_pixels(part.file, _header(part.file), label=label)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(f"{part.file}: cannot be read as a DICOM image: {reason}") from error
