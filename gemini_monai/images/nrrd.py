"""NRRD files: ITK's reading, and what ITK passes over in a header is applied or refused."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.images.itk_image import itk_header, itk_image
from gemini_monai.images.stored import Stored, refuse_other_length
from gemini_monai.images.text_headers import MILLIMETERS, TextHeader, nrrd_header

OF_SPACE = ("domain", "space")
OTHER_COLORS = ("hsv-color", "xyz-color")
ELSEWHERE = ("data file", "datafile", "byte skip", "byteskip", "line skip", "lineskip")
"""Fields of a header whose voxels do not follow it at once."""


def read_nrrd(path: Path) -> Stored:
    """Values (C, *S) and affine in mm of a NRRD file.

    Raises:
        InputError: If the header does not say how an axis of space lies or says it twice over, in
            a unit that is not known, or how values are to be changed; if it is not of the file's
            voxels, or as ``itk_image``.
    """
    header = nrrd_header(path)
    _refuse_unplaced(header.fields, path)
    _refuse_changed_values(header.fields, path)
    reader = itk_header(path)
    _refuse_other_voxels(header, path, itemsize=reader.GetComponentSize())
    stored = itk_image(path, reader)
    stored.affine[:-1] *= _millimeters(header.fields, path)
    placed = any(field in header.fields for field in ("space directions", "spacings"))
    return stored._replace(has_voxel_size=placed)


def _kinds(fields: Mapping[str, str]) -> list[str]:
    axes = int(fields.get("dimension", "0"))
    return fields.get("kinds", " ".join(["domain"] * axes)).lower().split()


def _refuse_unplaced(fields: Mapping[str, str], path: Path) -> None:
    """ITK puts steps of 1 mm in the place of those that are missing."""
    if "space directions" in fields:
        vectors = re.findall(r"\(([^)]*)\)", fields["space directions"])
        whole = [vector for vector in vectors if "nan" not in vector.lower()]
        if len(whole) < max([vector.count(",") + 1 for vector in vectors], default=1):
            raise InputError(
                f"{path}: 'space directions' is {fields['space directions']}, which does not say "
                "how every axis lies"
            )
    elif "spacings" in fields:
        steps = zip(_kinds(fields), fields["spacings"].split(), strict=False)
        if not all(math.isfinite(float(step)) for kind, step in steps if kind in OF_SPACE):
            raise InputError(
                f"{path}: 'spacings' is {fields['spacings']}, expected a number for every axis of "
                "space"
            )
    elif any(field in fields for field in ("axis mins", "axis maxs", "axismins", "axismaxs")):
        raise InputError(f"{path}: voxel size by 'axis mins' is not read; write 'spacings'")


def _refuse_changed_values(fields: Mapping[str, str], path: Path) -> None:
    for kind in _kinds(fields):
        if kind in OTHER_COLORS:
            raise InputError(f"{path}: colors of kind {kind}; store them as RGB")
    if any(field in fields for field in ("old min", "oldmin", "old max", "oldmax")):
        raise InputError(
            f"{path}: 'old min' or 'old max' says that values were quantized; store them as they "
            "are meant, without the field"
        )


def _refuse_other_voxels(header: TextHeader, path: Path, *, itemsize: int) -> None:
    """A raw block without a size of its own is as long as the header says."""
    fields = header.fields
    if fields.get("encoding", "").lower() == "raw" and not any(key in fields for key in ELSEWHERE):
        needed = itemsize * math.prod(int(size) for size in fields["sizes"].split())
        refuse_other_length(path, held=path.stat().st_size - header.length, needed=needed)


def _millimeters(fields: Mapping[str, str], path: Path) -> float:
    units = re.findall(r'"([^"]*)"', fields.get("space units", ""))
    if not units and "units" in fields:
        each = re.findall(r'"([^"]*)"', fields["units"])
        units = [unit for kind, unit in zip(_kinds(fields), each, strict=False) if kind in OF_SPACE]
    scales = {MILLIMETERS.get(unit.strip().lower()) for unit in units} or {1.0}
    scale = scales.pop()
    if scales or scale is None:
        raise InputError(f"{path}: units of length {units}, expected one, such as mm or um")
    return scale
