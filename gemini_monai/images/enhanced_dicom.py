"""Enhanced DICOM: one file of many frames, each of which says where it lies.

ITK 5.4 takes frames in the order of the file and the spacing from the first two of them, and leaves
out the rescaling that a frame has of its own, so these files are read by pydicom and highdicom.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.images.dicom_library import dicom_libraries
from gemini_monai.images.dicom_pixels import INVERTED, TABLE, Pixels
from gemini_monai.images.slice_stack import Slice

STORAGE = "1.2.840.10008.5.1.4.1.1."
ENHANCED = tuple(
    STORAGE + number
    for number in (
        *("2.1", "4.1", "4.3", "130"),  # CT, MR, MR in colors, PET
        *("2.2", "4.4", "128.1"),  # CT, MR, PET that were converted from a series
    )
)
"""SOP classes whose files are read here even where they have a single frame."""


def frames_of(file: Path) -> list[Slice]:
    """Frames in the order of the file.

    Raises:
        InputError: If highdicom is not installed, or frames do not say where they lie.
    """
    dataset = dicom_libraries(f"{file}: a DICOM file of several frames").pydicom.dcmread(
        file, stop_before_pixels=True
    )
    kind = dataset.SOPClassUID.name
    if dataset.get("Modality") == "SEG":
        raise InputError(f"{file}: {kind}, expected an image; labels in DICOM-SEG are not read")
    if not dataset.get("PerFrameFunctionalGroupsSequence"):
        raise InputError(
            f"{file}: {kind} of {dataset.get('NumberOfFrames', 1)} frame(s) without a position "
            "each, so they make no volume; expected Enhanced MR, CT or PET, or a series of slices"
        )
    return [_frame(dataset, k, file) for k in range(int(dataset.NumberOfFrames))]


def frame_pixels(file: Path, *, label: bool) -> Pixels:
    """Frames in the order of the file, each by its own rescaling.

    Args:
        file: Enhanced DICOM.
        label: Values are numbers of structures, so none may have been exchanged for another.

    Raises:
        InputError: If they cannot be decoded, or are shown in other values than they have.
    """
    library = dicom_libraries(str(file)).highdicom
    try:
        image = library.imread(file)
        values = image.get_frames(
            dtype=np.float64 if label else np.float32,
            apply_real_world_transform=False,
            apply_presentation_lut=False,
        )
        padding = _padding(image)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{file}: frames cannot be decoded: {reason}") from error
    _refuse_unshown(image, file, label=label)
    values = values if values.ndim == 4 else values[..., None]
    return Pixels(values, np.broadcast_to(padding, values.shape))


def _refuse_unshown(image: Any, file: Path, *, label: bool) -> None:
    photometric = image.PhotometricInterpretation
    if photometric == INVERTED or image.get("PresentationLUTShape") == "INVERSE":
        raise InputError(f"{file}: frames that are shown inverted ({photometric})")
    if label and photometric == TABLE:
        raise InputError(f"{file}: {photometric}, whose values are not those that it shows")


def _padding(image: Any) -> np.ndarray:
    """What is no part of the picture, (frames, rows, columns, 1), or of a shape that fits it."""
    ends = [image.get("PixelPaddingValue"), image.get("PixelPaddingRangeLimit")]
    given = [int(end) for end in ends if end is not None]
    if not given:
        return np.zeros((1, 1, 1, 1), bool)
    stored = image.get_stored_frames()
    stored = stored.reshape(*stored.shape[:3], -1)
    return np.asarray(((stored >= min(given)) & (stored <= max(given))).all(-1, keepdims=True))


def _frame(dataset: Any, frame: int, file: Path) -> Slice:
    def said(group: str, name: str) -> Any:
        for groups in (
            dataset.PerFrameFunctionalGroupsSequence[frame],
            *(dataset.get("SharedFunctionalGroupsSequence") or ()),
        ):
            if groups.get(group) and groups[group][0].get(name) is not None:
                return groups[group][0].get(name)
        return None

    def numbers(group: str, name: str) -> np.ndarray:
        value = said(group, name)
        if value is None:
            raise InputError(f"{file}: frame {frame + 1} has no {name}, so it lies nowhere")
        return np.asarray(value, dtype=float)

    between_rows, between_columns = numbers("PixelMeasuresSequence", "PixelSpacing")
    across = said("PixelMeasuresSequence", "SpacingBetweenSlices")
    across = across or said("PixelMeasuresSequence", "SliceThickness")
    direction = numbers("PlaneOrientationSequence", "ImageOrientationPatient")
    return Slice(
        file=file,
        size=(int(dataset.Columns), int(dataset.Rows)),
        spacing=(float(between_columns), float(between_rows), float(across or 1.0)),
        direction=direction.reshape(2, 3).T,
        position=numbers("PlanePositionSequence", "ImagePositionPatient"),
        frame=frame,
    )
