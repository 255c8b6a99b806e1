"""Headers of DICOM images as DICOM-SEG is to refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gemini_monai.images.dicom_library import DicomLibraries
from gemini_monai.images.slice_stack import Slice

MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName"),
)
"""What the standard asks for, empty where it is unknown, and who takes names out may take out."""
SHARED = ("PixelMeasuresSequence", "PlaneOrientationSequence")
"""Groups that highdicom looks for among those of all frames, and scanners give to each frame."""


def referred(slices: Sequence[Slice], *, step: float, libraries: DicomLibraries) -> list[Any]:
    """Headers of the files of a volume, in the order of ``slices``, as highdicom takes them.

    They differ from the files where the files may, and highdicom may not: what is missing is empty,
    the orientation is the first slice's, from which the others do not differ to the eye
    (``stacked``), and distances between slices are left to be counted from their positions.

    Args:
        slices: As ``located`` gives them.
        step: Between slices in mm, which a missing thickness is taken to be.
        libraries: To read with.
    """
    files = dict.fromkeys(part.file for part in slices)
    headers = [_header(file, libraries) for file in files]
    for header in headers:
        if slices[0].frame is not None:
            header.SharedFunctionalGroupsSequence = [_shared(header, libraries)]
            _measured(header.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0], step)
        elif "ImageOrientationPatient" in header:
            header.ImageOrientationPatient = headers[0].ImageOrientationPatient
            _measured(header, step)
    return headers


def _header(file: Path, libraries: DicomLibraries) -> Any:
    dataset = libraries.pydicom.dcmread(file, stop_before_pixels=True)
    for name in MAY_BE_EMPTY:
        if name not in dataset:
            setattr(dataset, name, "")
    return dataset


def _shared(header: Any, libraries: DicomLibraries) -> Any:
    groups = header.get("SharedFunctionalGroupsSequence") or [libraries.pydicom.Dataset()]
    for name in SHARED:
        if name not in groups[0]:
            setattr(groups[0], name, header.PerFrameFunctionalGroupsSequence[0].get(name))
    return groups[0]


def _measured(measures: Any, step: float) -> None:
    if not measures.get("SliceThickness"):
        measures.SliceThickness = f"{step:.10g}"
    if "SpacingBetweenSlices" in measures:
        del measures.SpacingBetweenSlices
