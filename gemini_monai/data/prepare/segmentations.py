"""Segmentations of 3D Slicer as label maps, or masks, on the grids of their images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.scan import ImageFacts
from gemini_monai.images import smallest_type, write_image
from gemini_monai.images.names import is_segmentation, refuse_name
from gemini_monai.images.segments import Segment, on_grid, read_segmentation, segments_of
from gemini_monai.images.stored import Stored
from gemini_monai.images.write import refuse_foreign

BACKGROUND = "background"


class Named(NamedTuple):
    """What the headers of segmentations say together, by the names of ``Source``'s fields."""

    declared: dict[str, int] | None
    structures: list[str]
    convert_label: Callable[[str, LabelFiles], LabelFiles]


def named_segments(
    labels: Mapping[str, LabelFiles],
    scans: Mapping[str, ImageFacts],
    *,
    declared: Mapping[str, int] | None,
    folder: Path,
) -> Named | None:
    """How to read labels that are segmentations of 3D Slicer; ``None`` where none is.

    A segment is known by its name, for its value may be another in every file. Segments that
    overlap in any file become a mask each, others one label map.

    Args:
        labels: By case; all may be opened.
        scans: Of the images, by case.
        declared: Names and values that a person gave.
        folder: Where converted files go.

    Raises:
        InputError: If a segment is not among the declared names, or a label without names lies
            among segmentations that it cannot be put in one row with.
    """
    files = {case: path for case, path in labels.items() if isinstance(path, Path)}
    files = {case: path for case, path in files.items() if is_segmentation(path)}
    if not files:
        return None
    segments = {path: segments_of(path) for path in files.values()}
    values = _values(segments, declared=declared)
    overlapping = any(_overlap(path, own) for path, own in segments.items())
    kept = all(values[s.name] == s.value for own in segments.values() for s in own)
    for case, other in labels.items():
        if case not in files and (overlapping or not kept):
            raise InputError(
                f"{other}: a label without names among segmentations of 3D Slicer, whose values "
                "differ or overlap; store all in one way"
            )
    structures = [name for name in values if name != BACKGROUND] if overlapping else []
    for name in structures:
        refuse_name(name, where=str(next(iter(segments))))
    convert = partial(
        _converted, values=values, scans=scans, folder=folder, overlapping=overlapping
    )
    return Named(None if overlapping else values, structures, convert)


def _values(
    segments: Mapping[Path, Sequence[Segment]], *, declared: Mapping[str, int] | None
) -> dict[str, int]:
    """Value of each name: the declared one, else that of the first file, unless it is taken."""
    values = {BACKGROUND: 0, **(declared or {})}
    for path, own in segments.items():
        for segment in own:
            if segment.name in values:
                continue
            if declared is not None:
                raise InputError(
                    f"{path}: segment '{segment.name}' is not among the names of labels.json: "
                    f"{', '.join(declared)}"
                )
            taken = set(values.values())
            free = (value for value in range(1, len(taken) + 1) if value not in taken)
            values[segment.name] = segment.value if segment.value not in taken else next(free)
    return values


def _overlap(path: Path, segments: Sequence[Segment]) -> bool:
    if len({segment.layer for segment in segments}) < 2:
        return False
    masks: Any = list(read_segmentation(path).masks().values())
    return bool((np.sum(masks, axis=0) > 1).any())


def _converted(
    case: str,
    files: LabelFiles,
    *,
    values: Mapping[str, int],
    scans: Mapping[str, ImageFacts],
    folder: Path,
    overlapping: bool,
) -> LabelFiles:
    """A label map, or a mask for each name, on the image's grid; another label as it is."""
    if not isinstance(files, Path) or not is_segmentation(files):
        return files
    segmentation, scan = read_segmentation(files), scans[case]
    if not overlapping:
        stored = segmentation.as_map(values)
        kind = smallest_type(values.values())
        target = folder / f"{case}.nii.gz"
        return _written(stored._replace(values=stored.values.astype(kind)), files, target, scan)
    masks = segmentation.masks()
    empty = np.zeros(segmentation.stored.values.shape[1:], bool)
    return [
        _written(
            segmentation.stored._replace(values=masks.get(name, empty)[None].astype(np.uint8)),
            files,
            folder / case / f"{name}.nii.gz",
            scan,
        )
        for name in values
        if name != BACKGROUND
    ]


def _written(label: Stored, path: Path, target: Path, scan: ImageFacts) -> Path:
    shape = (*scan.shape, 1)[: label.values.ndim - 1]  # (x, y, 1) is read as an image of two axes
    refuse_foreign(target)
    values = on_grid(label, affine=scan.affine, shape=shape, path=path)
    return write_image(target, values, affine=scan.affine)
