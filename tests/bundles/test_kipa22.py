"""KiPA22 by a 2-D network on slices, scored per volume, from a backbone pre-trained in 2-D."""

from __future__ import annotations

import csv

import nibabel as nib
import torch

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_kipa22
from gemini_monai.data.prepare.split import Wanted
from tests.bundles.runs import FINE, MIP, run
from tests.data.prepare.sources.trees import kipa22 as trees


def test_from_the_download_to_label_maps(pretrained, tmp_path):
    source = trees.official(tmp_path / "src", cases=5)
    path = prepare_kipa22(source, tmp_path / "data", wanted=Wanted(2, 1, 2))
    small = {**FINE, "spatial_size": [16, 16, 8], "num_workers": 0}
    where = {"dataset_dir": str(path.parent), "output_dir": str(tmp_path / "run")}
    options = {**small, **where, "pretrained": str(pretrained)}
    run("finetune", "finetune_kipa22", bundle=MIP, **options)
    state = torch.load(tmp_path / "run" / "models" / "model.pt")
    assert state["backbone.encoder.0.0.conv.weight"].ndim == 4
    test = {entry["case"]: entry["image"] for entry in read_cohort(path).test}
    with (tmp_path / "run" / "test" / "segmentation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["case"] for row in rows} == set(test)
    names = {"renal vein", "kidney", "renal artery", "tumor"}
    assert {row["structure"] for row in rows} == names
    again = {**options, "output_dir": str(tmp_path / "again")}
    again |= {"weights": str(tmp_path / "run" / "models" / "model.pt"), "pretrained": "none"}
    run("finetune", "finetune_kipa22", "evaluate", bundle=MIP, **again)
    scores = [tmp_path / name / "test" / "segmentation.json" for name in ("run", "again")]
    assert scores[0].read_text() == scores[1].read_text()
    folders = {"dataset_dir": str(source / "train" / "image"), "run_dir": str(tmp_path / "run")}
    run("inference", kind="infer", bundle=MIP, **folders, output_dir=str(tmp_path / "out"))
    for case, image in test.items():
        predictions = (tmp_path / "run" / "test" / "predictions", tmp_path / "out")
        saved, inferred = (nib.load(folder / f"{case}.nii.gz") for folder in predictions)
        assert saved.shape == inferred.shape == nib.load(image).shape
        assert (saved.get_fdata() == inferred.get_fdata()).all()
