"""Enhanced DICOM files of our own, for tests, and the place of a voxel by the standard."""

from __future__ import annotations

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

STORAGE = "1.2.840.10008.5.1.4.1.1."
CT, MR, CAPTURE = STORAGE + "2.1", STORAGE + "4.1", STORAGE + "7.2"
ALONG_Z = np.eye(3)


def write_enhanced(
    path,
    volume,
    positions,
    *,
    direction=ALONG_Z,
    spacing=(1.0, 1.0),
    rescale=None,
    sop_class=CT,
    located=True,
    shared=True,
):
    """``volume`` (frames, Y, X) int16, each frame with its position in LPS+ mm.

    ``spacing`` is that between columns and between rows; ``rescale`` slope and intercept of all, or
    one of both per frame; frames that are not ``located`` have no functional groups, and
    where nothing is ``shared`` each frame has all of them.
    """
    dataset = _described(sop_class, volume)
    if located:
        common = Dataset()
        common.PixelMeasuresSequence = _item(PixelSpacing=[*spacing[::-1]], SliceThickness=2.0)
        common.PlaneOrientationSequence = _item(ImageOrientationPatient=_text(direction.T[:2]))
        frames = [Dataset() for _ in positions]
        for number, (frame, position) in enumerate(zip(frames, positions, strict=True), 1):
            frame.PlanePositionSequence = _item(ImagePositionPatient=_text(position))
            frame.FrameContentSequence = _item(DimensionIndexValues=[number])
        _rescale(common, frames, rescale)
        if shared:
            dataset.SharedFunctionalGroupsSequence = [common]
        else:
            for frame in frames:
                frame.update(common)
        dataset.PerFrameFunctionalGroupsSequence = frames
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _described(sop_class, volume):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = sop_class
    for name in ("SOPInstance", "StudyInstance", "SeriesInstance", "FrameOfReference"):
        setattr(dataset, f"{name}UID", generate_uid())
    dataset.Modality, dataset.PatientID = "MR" if sop_class == MR else "CT", "somebody"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = volume.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.PixelData = volume.astype("<i2").tobytes()
    return dataset


def _rescale(common, frames, rescale):
    groups = [common] if rescale is not None and np.ndim(rescale) == 1 else frames
    pairs = [] if rescale is None else np.reshape(rescale, (-1, 2)).tolist()
    for group, (slope, intercept) in zip(groups, pairs, strict=False):
        group.PixelValueTransformationSequence = _item(
            RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US"
        )


def _item(**values):
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return [item]


def _text(values):
    """Decimal strings of at most 16 characters."""
    return [f"{value:.10f}"[:16] for value in np.ravel(values)]


def turned(seed=0):
    """A right-handed set of axes, in columns, along none of the patient's."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    return axes


def segment_points(path):
    """Where the voxels of each segment lie, label: set of LPS+ mm, by the standard's own words.

    Bits are unpacked least significant first (PS3.5, 8.1.1) and go to patient space by the position
    of their frame, orientation and spacing (PS3.3, C.7.6.2.1.1).
    """
    dataset = pydicom.dcmread(path)
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    size = (int(dataset.NumberOfFrames), dataset.Rows, dataset.Columns)
    frames = bits[: np.prod(size)].reshape(size)
    common = dataset.SharedFunctionalGroupsSequence[0]
    points = {item.SegmentLabel: set() for item in dataset.SegmentSequence}
    names = {item.SegmentNumber: item.SegmentLabel for item in dataset.SegmentSequence}
    for own, frame in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):

        def said(group, own=own):
            return (own if group in own else common)[group][0]

        position = np.array(said("PlanePositionSequence").ImagePositionPatient, float)
        axes = np.reshape(said("PlaneOrientationSequence").ImageOrientationPatient, (2, 3))
        between_rows, between_columns = said("PixelMeasuresSequence").PixelSpacing
        name = names[said("SegmentIdentificationSequence").ReferencedSegmentNumber]
        for row, column in np.argwhere(frame):
            step = column * between_columns * axes[0] + row * between_rows * axes[1]
            points[name].add(rounded(position + step.astype(float)))
    return points


def rounded(point):
    return tuple(int(value) for value in np.round(np.asarray(point) * 1000))
