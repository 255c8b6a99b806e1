"""Radiographs as DICOM go in, and what is found in them comes out as DICOM-SEG."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest

from gemini_monai.base.errors import input_error_in
from tests.bundles.runs import run
from tests.data.prepare.made import image, save
from tests.images.dicom import along_z, write_slices


@pytest.fixture
def radiographs(tmp_path):
    folder = tmp_path / "in"
    for k, shape in enumerate([(40, 30), (32, 32)]):
        values = image(k, shape).astype(np.int16).T[None]
        write_slices(folder / f"chest.{k}", values, along_z(1), uid=f"1.{k}", spacing=(1, 2, 1))
    return folder


def _segment(trained, folder, out, **options):
    given = {"dataset_dir": str(folder), "output_dir": str(out)}
    run("inference", kind="infer", run_dir=str(trained), **given, **options)


def test_segments_are_those_of_the_label_map(trained, radiographs, tmp_path):
    for suffix in (".dcm", ".nii.gz"):
        _segment(trained, radiographs, tmp_path / "out", output_ext=suffix)
    assert not list((tmp_path / "out").glob("*_volumes.dcm"))  # a radiograph has areas
    record = json.loads((trained / "run.json").read_text())
    for case in ("chest.0", "chest.1"):
        labels = nib.load(tmp_path / "out" / f"{case}.nii.gz").get_fdata()[..., 0]
        found = pydicom.dcmread(tmp_path / "out" / f"{case}.dcm")
        names = [item.SegmentLabel for item in found.SegmentSequence]
        assert names == record["settings"]["structures"]
        made = found.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
        assert made.AlgorithmName == f"gemini_monai {record['method']}"
        masks = {value: np.zeros_like(labels) for value in range(1, 5)}
        frames = found.pixel_array.reshape(-1, *labels.T.shape)
        for frame, own in zip(frames, found.PerFrameFunctionalGroupsSequence, strict=True):
            masks[own.SegmentIdentificationSequence[0].ReferencedSegmentNumber] = frame.T
        for value, mask in masks.items():
            np.testing.assert_array_equal(mask, labels == value)


def test_what_is_no_dicom_is_refused_before_anything_is_written(trained, radiographs, tmp_path):
    save(radiographs / "d.nii.gz", image(0, (32, 32)))
    with pytest.raises(Exception, match="") as raised:
        _segment(trained, radiographs, tmp_path / "out", output_ext=".dcm")
    assert "d.nii.gz: is not DICOM, and DICOM-SEG" in str(input_error_in(raised.value))
    assert not (tmp_path / "out").exists()
