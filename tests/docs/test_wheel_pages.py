"""The pages of four kinds of reader, typed in an empty folder where only the wheel is installed.

They have scans of their own, a habit of MONAI, nnU-Net's folders, or DICOM. Only the lengths and
widths of trainings are others, which ``tests.pages`` adds behind what is typed.
"""

from __future__ import annotations

import json
import re
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


@pytest.fixture
def typed(installed, place):
    """Types fences of a page in ``place``, by their names; gives what each printed."""
    where = "python -c 'import gemini_monai as own; print(own.__file__)'"
    assert Page.run_line(where, place, package=installed).startswith(f"{installed}/")

    def type_in(page, *names):
        return [page.run(name, place, package=installed) for name in names or page.commands()]

    return type_in


def test_own_scans(place, typed):
    page = Page(DOCS / "how_to" / "own_data.md")
    assert page.commands() == ["own", "other", "compare"]
    typed(page)
    assert len(list((place / "labels").glob("*.nii.gz"))) == 9
    run = json.loads((place / "runs/small/run.json").read_text())
    assert run["settings"]["spatial_size"] == [32, 32]
    assert run["settings"]["intensity"]["kind"] == "range"
    assert (place / "runs/both/supervised/run.json").is_file()
    assert not (place / "bundles").exists()


def test_few_scans(place, typed):
    for k in range(6, 10):
        save(place / "scans" / "labels" / f"case{k}.nii.gz", label((32, 32)))
    save(place / "scans" / "images" / "case9.nii.gz", image(9, (32, 32)))
    typed(Page(DOCS / "how_to" / "small_data.md"))
    dataset = json.loads((place / "data" / "dataset.json").read_text())
    parts = {name: len(dataset[name]) for name in ("labeled", "validation", "test", "unlabeled")}
    assert parts == {"labeled": 5, "validation": 2, "test": 3, "unlabeled": 0}


def test_for_users_of_monai(place, typed, installed):
    page = Page(DOCS / "how_to" / "monai_users.md")
    assert page.commands() == ["run", "check"]
    assert typed(page)[-1].startswith("ok: epochs, train#trainer#amp")
    assert (place / "runs/own/report.html").is_file()
    (code,) = page.code()
    small = code.replace("epoch_length=5,", "epoch_length=1, channels=[4, 8], amp=False,")
    assert small != code
    (place / "as_written.py").write_text(f"{small}print(*network.state_dict())\n")
    names = Page.run_line("python as_written.py", place, package=installed).splitlines()[-1].split()
    saved = torch.load(place / "runs" / "workflow" / "models" / "model.pt", weights_only=True)
    assert [*saved] == names
    parts = re.findall(r"`(\w+)`", page.text.split("Its parts are ")[1].split(", and so")[0])
    assert {key.split(".")[0] for key in saved} == set(parts)


def test_dicom_in_and_out(place, typed):
    shutil.rmtree(place / "scans")
    images = place / "scans" / "images"
    for k in range(9):
        source = _dicom_scan(images, k, image(k, (12, 10, 8)).T.astype(np.int16))
        if k < 6:
            path = place / "scans" / "labels" / f"patient{k}.nii.gz"
            save(path, label((12, 10, 8)), affine=np.asarray(read(source).affine))
    page = Page(DOCS / "how_to" / "dicom.md")
    assert page.commands() == ["train", "segment"]
    typed(page)
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


def _raw_data_set(place):
    """Where it is: seven cases, of which five have labels."""
    raw = place / "nnUNet_raw" / "Dataset501_Tiny"
    for k in range(7):
        save(raw / "imagesTr" / f"case_{k}_0000.nii.gz", image(k, (16, 12, 8)))
        if k < 5:
            save(raw / "labelsTr" / f"case_{k}.nii.gz", label((16, 12, 8)))
    (raw / "dataset.json").write_text(
        json.dumps(
            {
                "channel_names": {"0": "CT"},
                "labels": {"background": 0, "heart": 1, "aorta": 2},
                "numTraining": 5,
                "file_ending": ".nii.gz",
            }
        )
    )


def test_from_nnunet(place, typed):
    _raw_data_set(place)
    typed(Page(DOCS / "how_to" / "nnunet.md"), "raw")
    run = json.loads((place / "runs/few/run.json").read_text())
    assert run["settings"]["structures"] == ["heart", "aorta"]


def test_to_nnunet(place, typed):
    pytest.importorskip(nnunet.PACKAGE, reason="heavy: pip install '.[nnunet]'")
    _raw_data_set(place)
    plan = {"network_class_name": nnunet.PLAIN, "arch_kwargs": nnunet.ARCHITECTURE}
    plans = {"configurations": {"3d_fullres": {"spacing": [1, 1, 1], "architecture": plan}}}
    path = place / "nnUNet_preprocessed" / "Dataset501_Tiny" / "nnUNetPlans.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(plans))
    (printed,) = typed(Page(DOCS / "how_to" / "nnunet.md"), "there")
    assert '"_target_": "gemini_monai.networks.NnUNetBackbone"' in printed
    saved = torch.load(place / "gemini.pth", weights_only=True)
    assert "decoder.transpconvs.0.weight" in saved["network_weights"]
