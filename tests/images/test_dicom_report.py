"""The report of volumes beside DICOM-SEG, read back by highdicom and by the standard's words."""

from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

import gemini_monai
from gemini_monai.base.errors import InputError
from gemini_monai.images import read, write_segmentation
from gemini_monai.images.dicom_report import report_file
from gemini_monai.transforms import refuse_outputs
from gemini_monai.transforms.structure_volumes import milliliters
from tests.images.dicom import volume, write_slices
from tests.images.enhanced import turned, write_enhanced

SHAPE = (6, 4, 5)
SPACING = np.array([0.7, 0.9, 3.5])
NAMES = ("left ventricle", "Lunge größer", "mass")
VOXEL = 0.7 * 0.9 * 3.5 / 1000


def _source(folder, kind):
    axes = turned()
    places = [SPACING[2] * k * axes[:, 2] for k in range(SHAPE[0])]
    if kind == "series":
        return write_slices(folder, volume(SHAPE), places, direction=axes, spacing=[*SPACING])
    return write_enhanced(
        folder / "a.dcm", volume(SHAPE), places, direction=axes, spacing=SPACING[:2]
    )


def _written(path, source):
    """Masks of 1 voxel, none, and 40 voxels that overlap with the first."""
    masks = np.zeros((3, *SHAPE[::-1]), bool)
    masks[0, 1, 1, 1] = masks[2, :, :, :2] = True
    affine = read(source).affine
    volumes = milliliters(masks, affine)
    return write_segmentation(
        path,
        masks,
        source=source,
        affine=affine,
        structures=NAMES,
        method="GEMINI",
        volumes=volumes,
    )


@pytest.mark.parametrize("kind", ["series", "enhanced"])
def test_each_segment_has_a_group_with_its_volume(tmp_path, kind):
    path = _written(tmp_path / "out" / "a.dcm", _source(tmp_path / "in", kind))
    found = pydicom.dcmread(path)
    report = highdicom.sr.srread(tmp_path / "out" / "a_volumes.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    for segment, group, count in zip(found.SegmentSequence, groups, (1, 0, 40), strict=True):
        [measured] = group.get_measurements()
        assert (measured.name, measured.unit.value) == (codes.SCT.Volume, "ml")
        assert measured.unit.scheme_designator == "UCUM"
        assert measured.value == pytest.approx(count * VOXEL, rel=1e-6)
        region = group.referenced_segment
        assert region.referenced_sop_instance_uid == found.SOPInstanceUID
        assert region.referenced_sop_class_uid == found.SOPClassUID
        [image] = [item for item in region if item.value_type.value == "IMAGE"]
        assert image.referenced_segment_numbers == [segment.SegmentNumber]
        assert group.tracking_identifier == segment.TrackingID == segment.SegmentLabel
        assert group.tracking_uid == segment.TrackingUID
        assert group.finding_type == segment.SegmentedPropertyTypeCodeSequence[0]
    assert len({group.tracking_uid for group in groups}) == 3


def test_it_says_in_the_standards_words_who_measured_what(tmp_path):
    source = _source(tmp_path / "in", "series")
    for file in source.iterdir():
        image = pydicom.dcmread(file)
        image.SpecificCharacterSet, image.PatientName = "ISO_IR 100", "Grün^Öl"
        image.save_as(file)
    _written(tmp_path / "a.dcm", source)
    report = pydicom.dcmread(report_file(tmp_path / "a.dcm"))
    assert report.SOPClassUID.name == "Enhanced SR Storage"
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (report.PatientName, report.StudyInstanceUID) == ("Grün^Öl", image.StudyInstanceUID)
    assert (report.CompletionFlag, report.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    [measurements] = _children(report, "Imaging Measurements")
    first = _children(measurements, "Measurement Group")[0]
    assert first.ContentTemplateSequence[0].TemplateIdentifier == "1411"
    assert _children(first, "Algorithm Name")[0].TextValue == "gemini_monai GEMINI"
    assert _children(first, "Algorithm Version")[0].TextValue == gemini_monai.__version__
    [series] = _children(first, "Source Series for Segmentation")
    assert image.SeriesInstanceUID == series.UID
    [number] = _children(first, "Volume")
    assert float(number.MeasuredValueSequence[0].NumericValue) == pytest.approx(VOXEL)
    [study] = report.CurrentRequestedProcedureEvidenceSequence
    kinds = [len(own.ReferencedSOPSequence) for own in study.ReferencedSeriesSequence]
    assert sorted(kinds) == [1, len(list(source.iterdir()))]  # the segmentation, the images


def _children(item, name):
    named = item.ContentSequence
    return [own for own in named if own.ConceptNameCodeSequence[0].CodeMeaning == name]


def test_neither_file_is_there_without_the_other(tmp_path, monkeypatch):
    source = _source(tmp_path / "in", "series")

    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(highdicom.seg.Segmentation, "save_as", full)
    with pytest.raises(InputError, match=r"a\.dcm: cannot be written: No space left"):
        _written(tmp_path / "out" / "a.dcm", source)
    assert not list((tmp_path / "out").iterdir())


def test_a_report_in_the_way_is_refused_before(tmp_path):
    data = [{"case": "a", "image": str(_source(tmp_path / "in", "series"))}]
    (tmp_path / "a_volumes.dcm").write_bytes(b"")
    refuse_outputs(data, tmp_path, suffix=".dcm")
    with pytest.raises(InputError, match=r"a_volumes\.dcm: is there already"):
        refuse_outputs(data, tmp_path, suffix=".dcm", volumes=True)
    refuse_outputs(data, tmp_path, suffix=".nii.gz", volumes=True)
    refuse_outputs(data, tmp_path, suffix=".dcm", volumes=True, overwrite=True)
