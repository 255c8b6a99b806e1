"""DICOM-SEG lies in the patient where the label map lies, by the standard's own words."""

from __future__ import annotations

import sys

import numpy as np
import pydicom
import pytest

import gemini_monai
from gemini_monai.base.errors import InputError
from gemini_monai.images import read, refuse_other_than_dicom, write_segmentation
from tests.images.dicom import along_z, volume, write_slices
from tests.images.enhanced import rounded, segment_points, turned, write_enhanced

SHAPE = (6, 4, 5)
SPACING = np.array([0.7, 0.9, 3.5])
START = np.array([10.0, -20.0, 30.0])
NAMES = ("left ventricle", "Lunge größer", "mass")
SHUFFLED = [2, 0, 5, 3, 1, 4]


def _masks(seed=0):
    """(3, X, Y, Z) of which the first two overlap, with empty slices."""
    masks = np.random.default_rng(seed).random((3, *SHAPE[::-1])) < 0.2
    masks[0, ..., 1] = False
    masks[1, 2, 2, 2:4] = masks[0, 2, 2, 2:4] = True
    return masks


def _series(path, *, axes, step=1):
    """Slices of a series along the third of ``axes``, or against it."""
    places = [START + step * SPACING[2] * k * axes[:, 2] for k in range(SHAPE[0])]
    direction = axes.copy()
    direction[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    return write_slices(path, volume(SHAPE), places, direction=direction, spacing=[*SPACING])


def _tilted(path):
    axes = np.eye(3)
    axes[1:, 1] = np.cos(0.3), np.sin(0.3)  # rows lie tilted against the way of the table
    return _series(path, axes=axes), axes


def _enhanced(path, **options):
    axes = turned()
    places = [START + SPACING[2] * k * axes[:, 2] for k in range(SHAPE[0])]
    write_enhanced(
        path / "scan.dcm",
        volume(SHAPE)[SHUFFLED],
        [places[k] for k in SHUFFLED],
        direction=axes,
        spacing=SPACING[:2],
        **options,
    )
    return path / "scan.dcm", axes


SOURCES = {
    "axial": lambda path: (_series(path, axes=np.eye(3)), np.eye(3)),
    "oblique": lambda path: (_series(path, axes=turned()), turned()),
    "reversed": lambda path: (_series(path, axes=turned(), step=-1), turned() * [1, 1, -1]),
    "tilted": _tilted,
    "enhanced": _enhanced,
    "enhanced, nothing shared": lambda path: _enhanced(path, shared=False),
}


def _write(path, source, masks, **options):
    known = {"affine": read(source).affine, "structures": NAMES, "method": "GEMINI"} | options
    return write_segmentation(path, masks, source=source, **known)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_voxel_lies_in_the_patient_where_its_image_does(tmp_path, kind):
    source, axes = SOURCES[kind](tmp_path / "in")
    stored = read(source)[0].numpy()
    masks = _masks()
    found = segment_points(_write(tmp_path / "a.dcm", source, masks))
    for name, mask in zip(NAMES, masks, strict=True):
        # The pixels count up as they were written, so each says which voxel of the scan it is.
        scan = np.stack(np.unravel_index(stored[mask].astype(int), SHAPE))[::-1]
        expected = START[:, None] + axes @ (SPACING[:, None] * scan)
        assert found[name] == {rounded(point) for point in expected.T}
        assert len(found[name]) == mask.sum()


def test_it_is_of_the_patient_and_study_and_refers_to_its_images(tmp_path):
    source = _series(tmp_path / "in", axes=turned())
    files = {str(path): pydicom.dcmread(path) for path in source.iterdir()}
    for path, dataset in files.items():
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.PatientName, dataset.PatientID, dataset.StudyDate = "Grün^Öl", "7", "20240102"
        dataset.save_as(path)
    masks = _masks()
    masks[0, ..., 4] = False
    masks[0, 1, 1, 4] = True
    image = next(iter(files.values()))
    dataset = pydicom.dcmread(_write(tmp_path / "a.dcm", source, masks))
    for name in ("PatientName", "PatientID", "StudyDate", "StudyInstanceUID"):
        assert dataset[name].value == image[name].value
    assert dataset.FrameOfReferenceUID == image.FrameOfReferenceUID
    assert dataset.SeriesInstanceUID not in {own.SeriesInstanceUID for own in files.values()}
    assert (dataset.Modality, dataset.SegmentationType) == ("SEG", "BINARY")
    [series] = dataset.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == image.SeriesInstanceUID
    referred = {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence}
    assert referred == {own.SOPInstanceUID for own in files.values()}
    places = {own.SOPInstanceUID: own.ImagePositionPatient for own in files.values()}
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        origin = frame.DerivationImageSequence[0].SourceImageSequence[0]
        place = places[origin.ReferencedSOPInstanceUID]
        assert frame.PlanePositionSequence[0].ImagePositionPatient == place


def test_what_scanners_write_loosely_is_no_obstacle(tmp_path):
    source = _series(tmp_path / "in", axes=np.eye(3))
    for k, path in enumerate(sorted(source.iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.ImageOrientationPatient = [1, k * 1e-7, 0, 0, 1, 0]
        dataset.SpacingBetweenSlices = "99"
        for name in ("PatientID", "PatientName", "StudyDate", "AccessionNumber", "SliceThickness"):
            if name in dataset:
                del dataset[name]
        dataset.save_as(path)
    masks = _masks()
    path = _write(tmp_path / "a.dcm", source, masks)
    shared = pydicom.dcmread(path).SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert float(shared.SpacingBetweenSlices) == pytest.approx(SPACING[2])
    assert float(shared.SliceThickness) == pytest.approx(SPACING[2])
    assert [len(own) for own in segment_points(path).values()] == [*masks.sum((1, 2, 3))]


def test_segments_say_what_they_are_and_who_made_them(tmp_path):
    source = _series(tmp_path / "in", axes=np.eye(3))
    dataset = pydicom.dcmread(_write(tmp_path / "a.dcm", source, _masks()))
    assert [item.SegmentNumber for item in dataset.SegmentSequence] == [1, 2, 3]
    assert [item.SegmentLabel for item in dataset.SegmentSequence] == list(NAMES)
    codes = [item.SegmentedPropertyTypeCodeSequence[0] for item in dataset.SegmentSequence]
    assert [code.CodeMeaning for code in codes] == [
        "Left ventricle",
        "Anatomical Structure",
        "Anatomical Structure",
    ]
    assert codes[0].CodeValue == "87878005"  # SNOMED CT
    made = dataset.SegmentSequence[1].SegmentationAlgorithmIdentificationSequence[0]
    assert made.AlgorithmName == "gemini_monai GEMINI"
    assert made.AlgorithmVersion == gemini_monai.__version__


@pytest.mark.parametrize("found", [(), (1,)])
def test_what_was_not_found_is_a_segment_without_voxels(tmp_path, found):
    source = _series(tmp_path / "in", axes=np.eye(3))
    masks = np.zeros((3, *SHAPE[::-1]), np.uint8)
    masks[list(found), 1, 2, 3] = 1
    path = _write(tmp_path / "a.dcm", source, masks)
    counts = [len(points) for points in segment_points(path).values()]
    assert counts == [int(k in found) for k in range(3)]
    assert int(pydicom.dcmread(path).NumberOfFrames) > 0  # the standard wants one at least


def test_a_radiograph_has_no_frame_of_reference(tmp_path):
    folder = write_slices(tmp_path / "in", volume((1, 4, 5)), along_z(1))
    [path] = folder.iterdir()
    dataset = pydicom.dcmread(path)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    for name in ("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient"):
        del dataset[name]
    dataset.save_as(path)
    masks = np.zeros((3, 5, 4), np.uint8)
    masks[0, 4, 1] = 1
    found = pydicom.dcmread(_write(tmp_path / "a.dcm", folder, masks))
    assert "FrameOfReferenceUID" not in found
    np.testing.assert_array_equal(np.argwhere(found.pixel_array), [[1, 4]])


def _other_shape(path):
    return {"masks": _masks()[..., :5]}


def _other_place(path):
    affine = np.asarray(read(path).affine).copy()
    affine[0, 3] += 0.2
    return {"affine": affine}


def _long_name(path):
    return {"structures": ["a", "b" * 65, "c"]}


def _backslash(path):
    return {"structures": ["a\\b", "b", "c"]}


def _no_name(path):
    return {"structures": [], "masks": np.zeros((0, *SHAPE[::-1]))}


def _no_study(path):
    for file in path.iterdir():
        dataset = pydicom.dcmread(file)
        del dataset.StudyInstanceUID
        dataset.save_as(file)
    return {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_other_shape, r"in: the segmentation of shape \(5, 4, 5\) lies on another grid .*5, 4, 6"),
        (_other_place, "in: the segmentation .* lies on another grid"),
        (_long_name, "DICOM holds names of 64 characters .* got structure 'bbb"),
        (_backslash, r"without a backslash, got structure 'a\\\\b'"),
        (_no_name, "no structure to write"),
        (_no_study, "no DICOM-SEG of .*in can be made: .*StudyInstanceUID"),
    ],
)
def test_what_cannot_be_written_is_named_and_nothing_is_left(tmp_path, change, message):
    source = _series(tmp_path / "in", axes=np.eye(3))
    options = change(source)
    with pytest.raises(InputError, match=message):
        _write(tmp_path / "out" / "a.dcm", source, options.pop("masks", _masks()), **options)
    assert not (tmp_path / "out").exists()


def test_what_is_no_dicom_is_refused_before(tmp_path, monkeypatch):
    source = _series(tmp_path / "in", axes=np.eye(3))
    refuse_other_than_dicom([source])
    (tmp_path / "a.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.nii\.gz: is not DICOM, and DICOM-SEG .*--output_ext"):
        refuse_other_than_dicom([source, tmp_path / "a.nii.gz"])
    monkeypatch.setitem(sys.modules, "highdicom", None)
    match = r"--output_ext \.dcm needs .*pip install \"highdicom>=0\.28\" .* pydicom$"
    with pytest.raises(InputError, match=match):
        refuse_other_than_dicom([source])


def test_a_segmentation_is_no_image(tmp_path):
    source = _series(tmp_path / "in", axes=np.eye(3))
    _write(tmp_path / "a.dcm", source, _masks())
    with pytest.raises(InputError, match=r"a\.dcm: Segmentation Storage, expected an image"):
        read(tmp_path / "a.dcm")
