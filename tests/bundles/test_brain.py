"""CANDI and PPMI from their trees through the shipped configurations; only sizes are smaller."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigParser

from gemini_monai.configuration import check_configuration
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_candi, prepare_folder, prepare_ppmi
from gemini_monai.data.prepare.split import Wanted
from tests.bundles.runs import MIP, SMALL, files, run
from tests.data.prepare.made import save
from tests.data.prepare.sources.trees import candi, ppmi

TINY = SMALL | {
    "registration_pairs": 1,
    "epochs": 1,
    "num_workers": 0,
    "spatial_size": [16, 16, 16],
}
FINE = {key: value for key, value in TINY.items() if key != "registration_pairs"}


def _paths(dataset, folder):
    return {"dataset_dir": str(dataset.parent), "datalist": str(dataset), "output_dir": str(folder)}


def _segmented(volume, folder, *, run_dir, bundle):
    """A volume of its own in a folder, and the label map that inference makes of it."""
    save(folder / "in" / "new.nii.gz", volume, affine=candi.CORONAL)
    paths = {"dataset_dir": str(folder / "in"), "output_dir": str(folder / "out")}
    run("inference", kind="infer", bundle=bundle, run_dir=str(run_dir), **paths)
    return nib.load(folder / "out" / "new.nii.gz")


def _scores(folder):
    return (folder / "test" / "segmentation.json").read_text()


def test_candi_is_trained_evaluated_and_used(tmp_path):
    source = candi.official(tmp_path / "src")
    dataset = prepare_candi(source, tmp_path / "dst", wanted=Wanted(labeled=2, test=3))
    run("train", "dataset_candi", **_paths(dataset, tmp_path / "run"), **TINY)
    weights = {"weights": str(tmp_path / "run" / "models" / "model.pt")}
    again = _paths(dataset, tmp_path / "again")
    run("train", "dataset_candi", "evaluate", **again, **weights, **TINY)
    assert _scores(tmp_path / "again") == _scores(tmp_path / "run")
    bundle = MIP.parent / "gemini_semi"
    found = _segmented(
        candi.brain(99, (20, 18, 10)), tmp_path, run_dir=tmp_path / "run", bundle=bundle
    )
    assert found.shape == (20, 18, 10)
    np.testing.assert_allclose(found.affine, candi.CORONAL, atol=1e-4)
    assert set(np.unique(found.get_fdata())) <= set(candi.CODES)


def test_a_backbone_of_ppmi_is_fine_tuned_on_candi(tmp_path):
    brains = prepare_ppmi(ppmi.files(tmp_path / "brains"), tmp_path / "ppmi")
    before = _paths(brains, tmp_path / "pretrained")
    run("train", "dataset_brain_3d", "dataset_ppmi", bundle=MIP, **before, **TINY)
    source = candi.official(tmp_path / "src")
    wanted = Wanted(labeled=6, validation=3, test=3)
    dataset = prepare_candi(source, tmp_path / "dst", wanted=wanted)
    paths = _paths(dataset, tmp_path / "fine")
    start = {"pretrained": str(tmp_path / "pretrained")}
    run("finetune", "finetune_candi", bundle=MIP, **paths, **FINE, **start)
    record = json.loads((tmp_path / "fine" / "run.json").read_text())
    assert record["method"] == "fine-tuned"
    weights = {"weights": str(tmp_path / "fine" / "models" / "model.pt"), "pretrained": "none"}
    again = _paths(dataset, tmp_path / "again")
    run("finetune", "finetune_candi", "evaluate", bundle=MIP, **again, **FINE, **weights)
    assert _scores(tmp_path / "again") == _scores(tmp_path / "fine")
    found = _segmented(
        candi.brain(99, (20, 18, 10)), tmp_path, run_dir=tmp_path / "fine", bundle=MIP
    )
    assert found.shape == (20, 18, 10)


def test_any_brains_are_reoriented_cropped_and_resized(tmp_path):
    for k in range(3):
        save(tmp_path / "src" / f"{k}.nii.gz", ppmi.extracted(k), affine=ppmi.SAGITTAL)
    dataset = prepare_folder(tmp_path / "src", tmp_path / "dst")
    run("train", "dataset_brain_3d", bundle=MIP, **_paths(dataset, tmp_path / "run"), **TINY)
    parser = ConfigParser()
    parser.read_config(files("train", "dataset_brain_3d", bundle=MIP))
    parser.update({"datalist": str(dataset), "spatial_size": [6, 8, 8]})
    transform = parser.get_parsed_content("train#preprocessing")
    image = transform(read_cohort(dataset).unlabeled[0])["image"]
    inside = ppmi.extracted(0)[3:11, 4:12, 3:9]  # posterior, inferior, right
    expected = np.transpose(inside, (2, 0, 1))[:, ::-1, ::-1]
    assert image.shape == (1, *expected.shape) == (1, 6, 8, 8)
    assert np.corrcoef(image[0].ravel(), expected.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("first", ["train", "finetune"])
def test_the_overlays_name_keys_that_there_are(first):
    last = {"train": ["dataset_brain_3d", "dataset_ppmi"], "finetune": ["finetune_candi"]}[first]
    assert check_configuration(files(first, *last, bundle=MIP)) == []
