"""A DICOM series as one volume that lies where its slices say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import itk
import numpy as np
import torch
from einops import rearrange
from monai.data.meta_tensor import MetaTensor

from gemini_monai.errors import InputError
from gemini_monai.world.axes import LPS

TOLERANCE = 0.05
"""Share of the step between slices by which one may lie beside its place."""
DESCRIPTION, SERIES_NUMBER = "0008|103e", "0020|0011"


class Slice(NamedTuple):
    """Where one file of a series lies, in LPS+ mm."""

    file: Path
    size: tuple[int, ...]
    """Columns, rows and frames."""
    spacing: tuple[float, float]
    """Between columns and between rows."""
    direction: np.ndarray
    """(3, 2): along a row and along a column."""
    position: np.ndarray
    """(3,) of the first pixel."""
    description: str


def read_series(folder: Path, *, dtype: Any = np.float32) -> MetaTensor:
    """The volume (C, X, Y, Z) of a folder that holds one DICOM series.

    Slices are ordered along their normal; the k-th must lie at the first one's position and k times
    one step, which gantry tilt turns away from the normal: the affine is sheared then, as the
    patient was seen.

    Args:
        folder: The series.
        dtype: Type that the voxels' values are given in, after the files' own rescaling.

    Raises:
        InputError: If there is no series or more than one, or slices are missing, there twice, or
            of different size or orientation.
    """
    files = _files_of_the_series(folder)
    slices = [_located(file) for file in files]
    _refuse_unlike(slices, folder)
    slices = sorted(slices, key=lambda own: float(_normal(own) @ own.position))
    step = _step(slices, folder)
    try:
        stack = np.stack(
            [np.asarray(itk.array_from_image(itk.imread(str(s.file)))) for s in slices]
        )
    except RuntimeError as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(f"{folder}: cannot be read as a DICOM series: {reason}") from error
    values = _channels_first(stack, frames=slices[0].size[2]).astype(dtype)
    affine = LPS @ _affine(slices[0], step)
    meta = {"filename_or_obj": str(folder), "spatial_shape": np.asarray(values.shape[1:])}
    return MetaTensor(torch.as_tensor(values), affine=torch.as_tensor(affine), meta=meta)


def _files_of_the_series(folder: Path) -> list[Path]:
    names = itk.GDCMSeriesFileNames.New()
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
    text = _located(files[0]).description
    return f"{len(files)} file(s) of {uid}" + (f" '{text}'" if text else "")


def _located(file: Path) -> Slice:
    reader = itk.GDCMImageIO.New()
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{file}: cannot be read as a DICOM image") from error
    axes = [np.asarray(list(reader.GetDirection(k)), dtype=float) for k in range(2)]
    notes = reader.GetMetaDataDictionary()
    return Slice(
        file=file,
        size=tuple(int(reader.GetDimensions(k)) for k in range(3)),
        spacing=(float(reader.GetSpacing(0)), float(reader.GetSpacing(1))),
        direction=np.stack(axes, axis=1),
        position=np.asarray([float(reader.GetOrigin(k)) for k in range(3)]),
        description=str(notes[DESCRIPTION]).strip() if notes.HasKey(DESCRIPTION) else "",
    )


def _normal(own: Slice) -> np.ndarray:
    return np.cross(own.direction[:, 0], own.direction[:, 1])


def _refuse_unlike(slices: Sequence[Slice], folder: Path) -> None:
    first = slices[0]
    for own in slices[1:]:
        if own.size != first.size or own.size[2] != 1:
            raise InputError(
                f"{folder}: {own.file.name} has {own.size} pixels, {first.file.name} has "
                f"{first.size}: not one volume"
            )
        same = np.allclose(own.direction, first.direction, atol=1e-3)
        if not (same and np.allclose(own.spacing, first.spacing, rtol=1e-3)):
            raise InputError(
                f"{folder}: {own.file.name} has another orientation or pixel size than "
                f"{first.file.name}: not one volume"
            )


def _step(slices: Sequence[Slice], folder: Path) -> np.ndarray:
    """From one slice to the next, (3,), in mm; the median one is that of slices side by side."""
    if len(slices) == 1:
        return _own_step(slices[0])
    steps = np.diff([own.position for own in slices], axis=0)
    along = steps @ _normal(slices[0])
    length = float(np.median(along))
    twice = np.flatnonzero(along <= TOLERANCE * max(length, 1e-9))
    if len(twice):
        pair = slices[twice[0]].file.name, slices[twice[0] + 1].file.name
        raise InputError(f"{folder}: {pair[0]} and {pair[1]} lie at one place: not one volume")
    step = steps[np.argsort(along)[len(along) // 2]]
    places = slices[0].position + np.arange(len(slices))[:, None] * step
    away = np.linalg.norm([own.position for own in slices] - places, axis=1)
    if away.max() > TOLERANCE * np.linalg.norm(step):
        gap = int(np.argmax(away > TOLERANCE * np.linalg.norm(step)))
        expected = round(float(along.sum()) / length) + 1
        raise InputError(
            f"{folder}: {len(slices)} slices where {expected} of {length:.4g} mm fit; "
            f"{np.linalg.norm(steps[gap - 1]):.4g} mm between {slices[gap - 1].file.name} and "
            f"{slices[gap].file.name}: slices are missing, or spaced unevenly"
        )
    return (slices[-1].position - slices[0].position) / (len(slices) - 1)


def _own_step(own: Slice) -> np.ndarray:
    """Step in mm, (3,), between slices of one file: a volume, or a slice alone, never used then."""
    reader = itk.GDCMImageIO.New()
    reader.SetFileName(str(own.file))
    reader.ReadImageInformation()
    return _normal(own) * (float(reader.GetSpacing(2)) or 1.0)


def _affine(first: Slice, step: np.ndarray) -> np.ndarray:
    """Voxel to LPS+ mm, (4, 4)."""
    affine = np.eye(4)
    affine[:3, :2] = first.direction * first.spacing
    affine[:3, 2] = step
    affine[:3, 3] = first.position
    return affine


def _channels_first(stack: np.ndarray, *, frames: int) -> np.ndarray:
    """(Z, Y, X), with a file's own frames or colors, as (C, X, Y, Z)."""
    if frames > 1:
        stack = stack[0]
    elif stack.ndim > 3 and stack.shape[1] == 1:
        stack = stack[:, 0]
    colors = stack if stack.ndim == 4 else stack[..., None]
    return np.ascontiguousarray(rearrange(colors, "z y x c -> c x y z"))
