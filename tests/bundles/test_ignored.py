"""Partly drawn scans from nnU-Net's folder to scores, label maps and a page."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from gemini_monai.data import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import read_label
from gemini_monai.report.figures.wording import HATCHED
from tests.bundles.runs import SMALL, paths, run
from tests.data.prepare.made import save

SIZE = (32, 32)
SHORT = SMALL | {"epochs": 1, "epoch_length": 1, "compare": [], "num_workers": 0}
LABELS = {
    "maps": {"background": 0, "kidney": 1, "tumor": 2, "ignore": 7},
    "regions": {"background": 0, "kidney": [1, 2], "tumor": [2], "ignore": 7},
}


def _folder(root, labels):
    random = np.random.default_rng(0)
    for k in range(10):
        label = np.zeros(SIZE, np.int16)
        label[8:24, 6 + k % 4 : 20] = 1
        label[12:18, 10 + k % 4 : 16] = 2
        noise = random.normal(0, 3, SIZE)
        save(root / "imagesTr" / f"c{k}_0000.nii.gz", (40 * label + noise).astype(np.float32))
        label[:, 16:] = 7  # the right half of a scan was never drawn
        if k < 6:
            save(root / "labelsTr" / f"c{k}.nii.gz", label)
    (root / "dataset.json").write_text(
        json.dumps({"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz"})
    )
    return root


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", LABELS)
def test_a_run_on_partly_drawn_scans(tmp_path, kind):
    source = _folder(tmp_path / "src", LABELS[kind])
    wanted = Wanted(labeled=2, validation=2, test=2)
    dataset = prepare_folder(source, tmp_path / "data", wanted=wanted)
    cohort = read_cohort(dataset)
    assert (cohort.structures, cohort.overlapping) == (("kidney", "tumor"), kind == "regions")
    folder = tmp_path / "run"
    run("train", **paths(dataset, folder), **SHORT)
    for row in [*_rows(folder / "history.csv"), *_rows(folder / "validation.csv")]:
        assert all(math.isfinite(float(value)) for value in row.values())
    rows = _rows(folder / "test" / "segmentation.csv")
    assert len(rows) == 4
    for row in rows:
        assert int(row["ignored_voxels"]) == 32 * 16
        predicted = read_label(row["prediction"]).numpy()
        place = cohort.structures.index(row["structure"])
        mask = predicted[place] > 0 if len(predicted) > 1 else predicted[0] == place + 1
        assert int(row["predicted_voxels"]) == mask[:, :16].sum()
    assert all(row["dice_after"] for row in _rows(folder / "test" / "registration.csv"))
    assert json.loads((folder / "run.json").read_text())["settings"]["ignore"] == cohort.ignore
    assert HATCHED in (folder / "report.html").read_text()
    places = {"dataset_dir": str(source / "imagesTr"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(folder), **places)
    for path in (tmp_path / "out").glob("*.nii.gz"):
        assert set(np.unique(read_label(path).numpy())) <= {0, 1, 2}
    assert len(list((tmp_path / "out").glob("*.nii.gz"))) == 10
