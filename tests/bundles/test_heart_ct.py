"""Cardiac CT from the download to a label map, by the shipped configuration with small sizes."""

from __future__ import annotations

import csv
import json

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_heart_ct
from gemini_monai.data.prepare.sources import heart_ct
from tests.bundles.runs import CONFIGS, run
from tests.data.prepare.sources.trees import heart_ct as tree

OVERLAY = CONFIGS / "dataset_heart_ct.json"
SMALL = {
    "epochs": 1,
    "epoch_length": 2,
    "channels": [4, 8],
    "spatial_size": [16, 16, 16],
    "num_workers": 0,
    "registration_pairs": 2,
}


@pytest.fixture(scope="module")
def heart_run(tmp_path_factory):
    """Folder of a run of two iterations, in it ``data`` and ``src``."""
    folder = tmp_path_factory.mktemp("heart_ct")
    source = tree.all_three(folder / "src", shape=(26, 24, 18))
    prepare_heart_ct(source, folder / "data")
    paths = {"dataset_dir": str(folder / "data"), "output_dir": str(folder)}
    run("train", "dataset_heart_ct", **paths, **SMALL)
    return folder


def test_the_configuration_has_the_sizes_of_the_data_set():
    overlay = json.loads(OVERLAY.read_text())
    assert {key: overlay[key] for key in heart_ct.VIEW} == heart_ct.VIEW
    assert overlay["epochs"] * overlay["epoch_length"] == 40_000


def test_a_run_scores_the_seven_structures(heart_run):
    with (heart_run / "test" / "segmentation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["structure"] for row in rows} == set(heart_ct.STRUCTURES)
    dataset = read_cohort(heart_run / "data" / "dataset.json")
    assert {row["case"] for row in rows} == {entry["case"] for entry in dataset.test}
    assert len((heart_run / "history.csv").read_text().splitlines()) == 3
    record = json.loads((heart_run / "run.json").read_text())["settings"]
    assert record["spacing"] == [1.5, 1.5, 1.5]
    assert record["label_values"] == [0, *tree.CODES]


def test_scores_again_are_the_same(heart_run, tmp_path):
    paths = {"dataset_dir": str(heart_run / "data"), "output_dir": str(tmp_path)}
    weights = str(heart_run / "models" / "model.pt")
    run("train", "dataset_heart_ct", "evaluate", **paths, **SMALL, weights=weights)
    for name in ("segmentation.json", "registration.json"):
        assert (tmp_path / "test" / name).read_text() == (heart_run / "test" / name).read_text()


def test_a_new_image_gets_the_codes_of_the_data_set_on_its_own_grid(heart_run, tmp_path):
    source = heart_run / "src" / "MM-WHS 2017 Dataset" / "ct_test"
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "new.nii.gz"
    file.write_bytes((source / "ct_test_2001_image.nii.gz").read_bytes())
    folders = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(heart_run), **folders)
    saved = nib.load(tmp_path / "out" / "new.nii.gz")
    assert saved.shape == nib.load(file).shape
    np.testing.assert_allclose(saved.affine, tree.AFFINE, atol=1e-5)
    assert set(np.unique(saved.get_fdata())) <= {0, *tree.CODES}
    assert saved.get_data_dtype() == np.uint16
