"""The authors' own folders, pre-trained on by one command."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from gemini_monai.data.dataset_file import read_cohort
from tests.bundles.runs import MIP, SMALL, run
from tests.data.prepare.made import image, save

TINY = {**SMALL, "num_workers": 0, "pairs": 2}


@pytest.fixture
def bundle(tmp_path):
    """A copy, since what is prepared goes into the bundle's folder."""
    skip = shutil.ignore_patterns("data", "runs", "models")
    return shutil.copytree(MIP, tmp_path / "gemini_mip", ignore=skip)


def test_a_folder_per_group_of_chest_x_rays(bundle, tmp_path):
    for number, group in enumerate(("AP_F", "AP_M", "PA_F", "PA_M")):
        for patient in range(2):
            name = f"{10 * number + patient:08d}_000.png"
            save(tmp_path / "chestxray" / group / name, image(10 * number + patient, (40, 40)))
    given = {"dataset_dir": str(tmp_path / "chestxray"), "output_dir": str(tmp_path / "run")}
    options = {**TINY, **given, "spatial_size": [16, 16]}
    run("train", "dataset_chestxray8", bundle=bundle, **options)
    dataset = read_cohort(bundle / "data" / "chestxray8" / "dataset.json")
    assert len(dataset.unlabeled) == 8
    assert len(list((dataset.path.parent / "cache").glob("*.pt"))) >= 2
    assert sorted(path.name for path in (tmp_path / "chestxray").iterdir()) == [
        "AP_F",
        "AP_M",
        "PA_F",
        "PA_M",
    ]
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert "attribution" in record["dataset"]["license"]


def test_a_folder_of_brains(bundle, tmp_path):
    for number in range(3):
        brain = np.zeros((20, 22, 18), np.uint8)
        brain[3:17, 4:18, 2:16] = image(number, (14, 14, 14)) + 1
        save(tmp_path / "brain" / f"{number}.nii", brain)
    given = {"dataset_dir": str(tmp_path / "brain"), "output_dir": str(tmp_path / "run")}
    options = {**TINY, **given, "spatial_size": [16, 16, 16], "pairs": 1}
    run("train", "dataset_brain_3d", bundle=bundle, **options)
    assert (tmp_path / "run" / "models" / "model.pt").is_file()
    assert len(list((tmp_path / "brain").iterdir())) == 3
