"""nnU-Net as a run, where it is installed: what it learned from, what it says, what is recorded."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.report.read import read_run
from gemini_monai.runs import read_record
from gemini_monai.study.nnunet.arm import train_nnunet
from gemini_monai.study.nnunet.raw_data_set import write_raw
from gemini_monai.study.nnunet.wanted import Wanted
from tests.commands.calls import refused

pytest.importorskip("nnunetv2", reason="heavy: pip install '.[nnunet]'")
pytestmark = pytest.mark.slow
WANTED = Wanted(iterations=3, labeled_cases=2, labeled_draw=1, seed=5)


@pytest.fixture(scope="module")
def trained(tiny_phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nnunet") / "run"
    page = train_nnunet(tiny_phantom, folder, wanted=WANTED, device="cpu")
    assert page == folder / "report.html"
    return folder


def test_it_saw_the_labeled_cases_and_nothing_else(trained, tiny_phantom):
    cohort = read_cohort(tiny_phantom, labeled_cases=2, labeled_draw=1)
    labeled = {str(entry["case"]) for entry in cohort.labeled}
    files = [path for path in (trained / "nnunet").rglob("*.*") if path.is_file()]
    for split in ("unlabeled", "validation", "test"):
        for case in (str(entry["case"]) for entry in getattr(cohort, split)):
            assert not [path for path in files if path.name.startswith((f"{case}.", f"{case}_"))]
    for case in labeled:
        assert len([path for path in files if path.name.startswith((f"{case}.", f"{case}_"))]) == 6
    assert set(read_record(trained)["settings"]["labels"]) == labeled


def test_the_record_is_that_of_a_run(trained):
    record = read_record(trained)
    assert (record["method"], record["task"], record["seed"]) == ("nnunet", "segmentation", 5)
    assert record["iterations"] == record["optimizer_steps"] == 3
    settings = record["settings"]
    assert (settings["epochs"], settings["epoch_length"]) == (3, 1)
    assert (settings["trainer"], settings["batch_size"]) == ("nnUNetTrainer", 2)
    assert settings["clock"] == "processor time"
    for name in ("seconds", "cpu_seconds", "planning_seconds", "parameters"):
        assert record[name] > 0
    assert record["versions"]["nnunetv2"].startswith("2.")
    contents = read_run(trained)
    assert contents.history.iterations.tolist() == [1, 2, 3]
    assert len({score.case for score in contents.scores}) == 3
    saved = torch.load(trained / "models" / "last.pt", map_location="cpu", weights_only=False)
    assert (saved["current_epoch"], saved["trainer_name"]) == (3, "nnUNetTrainer")


def test_scores_are_of_what_nnunet_predicts_by_itself_from_files(trained, tiny_phantom, tmp_path):
    """With its checkpoint, and with its reader of a file of the test image."""
    from nnunetv2.imageio.nibabel_reader_writer import NibabelIO
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    cohort = read_cohort(tiny_phantom)
    raw = write_raw(cohort.test, tmp_path, spec=cohort.input_spec(), modality="image")
    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    (model,) = (trained / "nnunet" / "results").glob("*/nnUNetTrainer__*")
    predictor.initialize_from_trained_model_folder(str(model), ("all",), "checkpoint_final.pth")
    scores = {(own.case, own.structure): own.dice for own in read_run(trained).scores}
    for case in (str(entry["case"]) for entry in cohort.test):
        image = NibabelIO().read_images([str(raw / "imagesTr" / f"{case}_0000.nii.gz")])
        found = predictor.predict_single_npy_array(*image).transpose(2, 1, 0)
        kept = nibabel.load(trained / "test" / "predictions" / f"{case}.nii.gz").get_fdata()
        np.testing.assert_array_equal(kept.squeeze(), found.squeeze())
        truth = nibabel.load(raw / "labelsTr" / f"{case}.nii.gz").get_fdata()
        for value, name in enumerate(cohort.structures, 1):
            masks = found == value, truth == value
            size = sum(int(mask.sum()) for mask in masks)
            dice = 2 * int((masks[0] & masks[1]).sum()) / size if size else np.nan
            assert scores[case, name] == pytest.approx(dice, nan_ok=True)


def test_a_run_that_is_there_stays_unless_it_is_to_go(trained, tiny_phantom, monkeypatch, capsys):
    before = json.loads((trained / "run.json").read_text())
    with pytest.raises(InputError, match="a run is there already"):
        train_nnunet(tiny_phantom, trained, wanted=WANTED)
    wanted = Wanted(iterations=1, planner="None")
    with pytest.raises(InputError, match="--planner: nnU-Net has no 'None'"):
        train_nnunet(tiny_phantom, trained, wanted=wanted, overwrite=True)
    after = json.loads((trained / "run.json").read_text())
    assert {**after, "files": 0} == {**before, "files": 0}
    assert (trained / "nnunet" / "results").is_dir()
    words = ["segment", trained, trained, trained / "out"]
    assert "model.pt: no such weights file" in refused(monkeypatch, capsys, *words)


def test_the_same_seed_is_the_same_network(trained, tiny_phantom, tmp_path):
    train_nnunet(tiny_phantom, tmp_path / "run", wanted=WANTED, device="cpu")
    for name in ("history.csv",):
        assert (tmp_path / "run" / name).read_text() == (trained / name).read_text()
