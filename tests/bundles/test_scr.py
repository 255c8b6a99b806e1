"""SCR/JSRT from the raw files to masks, by the shipped configurations with small sizes."""

from __future__ import annotations

import csv
import json

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_scr
from gemini_monai.data.prepare.split import Wanted
from tests.bundles.runs import MIP, run
from tests.data.prepare.sources.trees import scr as trees

# 32 x 32 pixels of 11.2 mm are the same field of view as 512 x 512 of 0.7 mm.
SMALL = {
    "epochs": 1,
    "epoch_length": 2,
    "channels": [4, 8],
    "spatial_size": [32, 32],
    "spacing": [11.2, 11.2],
    "num_workers": 0,
}
PAIRS = {"registration_pairs": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With ``data``, a run ``semi`` and a run ``fine``, of two iterations each."""
    folder = tmp_path_factory.mktemp("scr")
    source = trees.official(folder / "src")
    prepare_scr(source, folder / "data", wanted=Wanted(labeled=2, validation=1, test=2))
    data = {"dataset_dir": str(folder / "data")}
    run("train", "dataset_scr", **data, **SMALL, **PAIRS, output_dir=str(folder / "semi"))
    fine = {"bundle": MIP, "pretrained": "none", "output_dir": str(folder / "fine")}
    run("finetune", "finetune_scr", **data, **SMALL, **fine)
    return folder


@pytest.mark.parametrize("name", ["semi", "fine"])
def test_a_run_scores_three_structures_on_the_images_own_grids(folder, name):
    with (folder / name / "test" / "segmentation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["structure"] for row in rows} == {"heart", "lung", "clavicle"}
    for entry in read_cohort(folder / "data" / "dataset.json").test:
        seed = trees.CASES.index(entry["case"])
        lungs = trees.mask(seed, "left lung") | trees.mask(seed, "right lung")
        own = [row for row in rows if row["case"] == entry["case"]]
        assert len(own) == 3
        assert int(own[1]["reference_voxels"]) == lungs.sum()
        saved = nib.load(own[1]["prediction"]).get_fdata().squeeze()
        assert saved.shape == (1024, 1024, 3)
        assert (saved[..., 1] > 0).sum() == int(own[1]["predicted_voxels"])


def test_scores_again_are_the_same(folder, tmp_path):
    paths = {"dataset_dir": str(folder / "data"), "output_dir": str(tmp_path)}
    weights = str(folder / "fine" / "models" / "model.pt")
    options = {"bundle": MIP, "pretrained": "none", "weights": weights}
    run("finetune", "finetune_scr", "evaluate", **paths, **SMALL, **options)
    scores = [f / "test" / "segmentation.json" for f in (tmp_path, folder / "fine")]
    assert scores[0].read_text() == scores[1].read_text()


@pytest.mark.parametrize(("name", "options"), [("semi", {}), ("fine", {"bundle": MIP})])
def test_inference_gives_a_mask_a_structure(folder, tmp_path, name, options):
    entry = read_cohort(folder / "data" / "dataset.json").test[0]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "new.nii").symlink_to(entry["image"])
    paths = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(folder / name), **paths, **options)
    saved = nib.load(tmp_path / "out" / "new.nii.gz")
    expected = nib.load(folder / name / "test" / "predictions" / f"{entry['case']}.nii.gz")
    np.testing.assert_array_equal(saved.get_fdata(), expected.get_fdata())


def test_the_configurations_have_the_papers_numbers():
    for file in (
        MIP / "configs/finetune_scr.json",
        MIP.parent / "gemini_semi/configs/dataset_scr.json",
    ):
        overlay = json.loads(file.read_text())
        assert overlay["epochs"] * overlay["epoch_length"] == 40_000
        assert overlay["labeled_images"] + 2 * overlay.get("pairs", 0) in (5, 15)
        assert overlay["spatial_size"] == [512, 512]
