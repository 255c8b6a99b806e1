"""DICOM in and out, and nnU-Net: the pages' commands run as written."""

from __future__ import annotations

import json
import shutil

import highdicom
import numpy as np
import pytest
import torch

from gemini_monai import Run
from gemini_monai.base.tables import read_table
from gemini_monai.images import read
from tests.data.prepare.made import image, label, save
from tests.docs.conftest import DOCS
from tests.images.dicom import write_slices
from tests.images.enhanced import segment_points, turned, write_enhanced
from tests.networks import nnunet
from tests.pages import Page


def test_dicom_in_and_out(place):
    shutil.rmtree(place / "scans")
    images = place / "scans" / "images"
    for k in range(9):
        source = _dicom_scan(images, k, image(k, (12, 10, 8)).T.astype(np.int16))
        if k < 6:
            path = place / "scans" / "labels" / f"patient{k}.nii.gz"
            save(path, label((12, 10, 8)), affine=np.asarray(read(source).affine))
    page = Page(DOCS / "how_to" / "dicom.md")
    page.run("train", place)
    page.run("segment", place)
    opened = Run.open(place / "runs/own")
    names = {path.name for path in (place / "segments").glob("*.dcm")}
    assert names == {f"patient{k}{end}.dcm" for k in range(9) for end in ("", "_volumes")}
    volumes = read_table(place / "segments/volumes.csv", required=["volume_ml"])
    assert [_reported(place / "segments", row) for row in volumes] == [
        pytest.approx(float(row["volume_ml"])) for row in volumes
    ]
    for source in (images / "patient0", images / "patient1.dcm", images / "patient2"):
        found = opened.segment(source)
        points = segment_points(place / "segments" / f"{source.stem}.dcm")
        assert list(points) == list(opened.structures.values())
        for value, name in opened.structures.items():
            lps = np.array(sorted(points[name])).reshape(-1, 3) / 1000
            steps, origin = np.asarray(found.affine)[:3, :3], np.asarray(found.affine)[:3, 3]
            voxels = np.round((lps * [-1, -1, 1] - origin) @ np.linalg.inv(steps).T).astype(int)
            assert {*map(tuple, voxels)} == {*map(tuple, np.argwhere(found[0].numpy() == value))}
    assert any(points.values())


def _reported(folder, row):
    """Milliliters of a structure in the report of its case."""
    report = highdicom.sr.srread(folder / f"{row['case']}_volumes.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    [own] = [group for group in groups if group.tracking_identifier == row["structure"]]
    return own.get_measurements()[0].value


def _dicom_scan(folder, number, values):
    """A series, an enhanced file, or a folder with one, of frames in any order."""
    axes = turned(number)
    order = np.random.default_rng(number).permutation(len(values))
    places = [2.0 * k * axes[:, 2] for k in range(len(values))]
    path = folder / f"patient{number}"
    if number % 3 == 0:
        return write_slices(path, values, places, direction=axes)
    file = folder / f"patient{number}.dcm" if number % 3 == 1 else path / "1.dcm"
    write_enhanced(file, values[order], [places[k] for k in order], direction=axes)
    return file if number % 3 == 1 else path


def test_to_nnunet(place):
    pytest.importorskip(nnunet.PACKAGE, reason="heavy: pip install '.[nnunet]'")
    raw = place / "nnUNet_raw" / "Dataset501_Tiny"
    for k in range(7):
        save(raw / "imagesTr" / f"case_{k}_0000.nii.gz", image(k, (16, 12, 8)))
        if k < 5:
            save(raw / "labelsTr" / f"case_{k}.nii.gz", label((16, 12, 8)))
    plan = {"network_class_name": nnunet.PLAIN, "arch_kwargs": nnunet.ARCHITECTURE}
    plans = {"configurations": {"3d_fullres": {"spacing": [1, 1, 1], "architecture": plan}}}
    path = place / "nnUNet_preprocessed" / "Dataset501_Tiny" / "nnUNetPlans.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(plans))
    printed = Page(DOCS / "how_to" / "nnunet.md").run("there", place)
    assert '"_target_": "gemini_monai.networks.NnUNetBackbone"' in printed
    saved = torch.load(place / "gemini.pth", weights_only=True)
    assert "decoder.transpconvs.0.weight" in saved["network_weights"]
