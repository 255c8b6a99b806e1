"""DICOM-SEG: segments on the frames of the DICOM images that they were found in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange

from gemini_monai import __version__
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import replacing, writing
from gemini_monai.geometry.world import grid_distance
from gemini_monai.images.dicom import located
from gemini_monai.images.dicom_library import DicomLibraries, dicom_libraries
from gemini_monai.images.dicom_report import report_file, volume_report
from gemini_monai.images.dicom_source import referred
from gemini_monai.images.dicom_words import MAKER, algorithm_name, concept_of, made_by
from gemini_monai.images.names import DICOM, is_dicom
from gemini_monai.images.slice_stack import Slice

SERIES_NUMBER = 300  # beside those of scanners, which count from 1
LONGEST = 64
"""Characters in the label of a segment."""
APART = 0.1
"""Voxels by which the grid of masks may lie beside the images', at any corner."""


def refuse_other_than_dicom(sources: Iterable[Path]) -> None:
    """Before the first prediction: every image is DICOM, and what writes DICOM-SEG is there.

    Raises:
        InputError: Naming the first image that is another, or if highdicom is not installed.
    """
    dicom_libraries(f"--output_ext {DICOM}")
    for source in sources:
        if not is_dicom(source):
            raise InputError(
                f"{source}: is not DICOM, and DICOM-SEG ({DICOM}) refers to DICOM images; give "
                "another --output_ext, such as .nii.gz"
            )


def write_segmentation(
    path: Path,
    masks: Any,
    *,
    source: Path,
    affine: Any,
    structures: Sequence[str],
    method: str = "",
    volumes: Sequence[float] | None = None,
) -> Path:
    """Write masks as one DICOM-SEG file of binary segments, whole or not at all.

    Each frame lies on the frame of the source that it refers to. Patient, study and frame of
    reference are the source's; series and instance are new. Frames without a voxel of their segment
    are left out, unless all are; a structure that was not found is a segment without frames.

    Args:
        path: Where it goes.
        masks: (K, X, Y, Z), or (K, X, Y) of one slice: of zeros and ones, on the source's grid.
        source: Folder of a DICOM series, or an enhanced file.
        affine: Voxel to RAS+ mm of the masks, to be compared with the source's.
        structures: K names, in the order of ``masks``. DICOM's own code stands beside a name that
            its lists have (``concept_of``), a general one beside others.
        method: What the algorithm is called beside ``gemini_monai``.
        volumes: In ml, of each mask: a report of them goes to ``report_file`` of the path, and
            neither file is there without the other. ``None`` for no report.

    Raises:
        InputError: If the masks lie on another grid, there is no structure, highdicom is not
            installed, or the source lacks what a reference needs.
    """
    libraries = dicom_libraries(str(path))
    slices, grid = located(source)
    columns_first = np.asarray(masks).astype(np.uint8).reshape(len(masks), *_shape(masks))
    _refuse_other_grid(columns_first, affine, slices=slices, grid=grid, source=source)
    _refuse_names(structures, path)
    frames = rearrange(columns_first, "k x y z -> z y x k")
    in_files = np.argsort([part.frame or 0 for part in slices], kind="stable")
    try:
        step = float(np.linalg.norm(grid[:3, 2]))
        images = referred(slices, step=step, libraries=libraries)
        segments = [
            _segment(k, name, method=method, libraries=libraries)
            for k, name in enumerate(structures, start=1)
        ]
        dataset = _segmentation(images, frames[in_files], segments, method, libraries)
        report = None
        if volumes is not None:
            report = volume_report(dataset, images, volumes, libraries=libraries)
    except (AttributeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: no DICOM-SEG of {source} can be made: {reason}") from error
    _write(path, dataset, report)
    return path


def _write(path: Path, dataset: Any, report: Any | None) -> None:
    if report is None:
        writing(path, dataset.save_as)
        return
    with replacing(report_file(path)) as part:
        report.save_as(part)
        writing(path, dataset.save_as)


def _refuse_names(structures: Sequence[str], path: Path) -> None:
    if not structures:
        raise InputError(f"{path}: no structure to write; the run was trained without labels")
    for name in structures:
        if len(name) > LONGEST or "\\" in name:
            raise InputError(
                f"{path}: DICOM holds names of {LONGEST} characters without a backslash, got "
                f"structure {name!r}; write another --output_ext, such as .nii.gz"
            )


def _shape(masks: Any) -> tuple[int, int, int]:
    """Columns, rows and slices."""
    columns, rows, *slices = np.shape(masks)[1:]
    return columns, rows, slices[0] if slices else 1


def _refuse_other_grid(
    masks: np.ndarray, affine: Any, *, slices: Sequence[Slice], grid: np.ndarray, source: Path
) -> None:
    shape = (*slices[0].size, len(slices))
    same = masks.shape[1:] == shape
    if not same or not grid_distance(grid, _in_space(affine, grid), shape) <= APART:
        raise InputError(
            f"{source}: the segmentation of shape {masks.shape[1:]} lies on another grid than the "
            f"images of shape {shape}, so DICOM-SEG cannot refer to them"
        )


def _in_space(affine: Any, grid: np.ndarray) -> np.ndarray:
    """An affine of two axes as one of three, the third being the grid's."""
    affine = np.asarray(affine, dtype=float)
    if affine.shape == (4, 4):
        return affine
    whole = grid.copy()
    whole[:2, :2], whole[:2, 3] = affine[:2, :2], affine[:2, 2]
    return whole


def _segment(number: int, name: str, *, method: str, libraries: DicomLibraries) -> Any:
    library = libraries.highdicom
    codes = libraries.pydicom.sr.codedict.codes
    algorithm = library.AlgorithmIdentificationSequence(
        name=algorithm_name(method),
        version=__version__,
        family=codes.cid7162.ArtificialIntelligence,
    )
    return library.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=concept_of(name, codes),
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_id=name,
        tracking_uid=library.UID(),
    )


def _segmentation(
    images: Sequence[Any],
    frames: np.ndarray,
    segments: Sequence[Any],
    method: str,
    libraries: DicomLibraries,
) -> Any:
    library = libraries.highdicom
    dataset = library.seg.Segmentation(
        images,
        frames,
        segmentation_type="BINARY",
        segment_descriptions=segments,
        series_number=SERIES_NUMBER,
        series_description=algorithm_name(method),
        content_creator_name=f"{MAKER}^",
        omit_empty_frames=bool(frames.any()),
        **made_by(libraries),
    )
    if "FrameOfReferenceUID" not in dataset:  # of a radiograph
        dataset.PatientOrientation = images[0].get("PatientOrientation", "")
    return dataset
