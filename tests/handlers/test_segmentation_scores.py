"""Scores per case and structure: what is missing is counted, and distances are in mm."""

from __future__ import annotations

import csv
import json

import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from gemini_monai.handlers import SegmentationScores
from gemini_monai.handlers.segmentation_scores import summary
from gemini_monai.metrics import mean_and_deviation
from gemini_monai.transforms import InputSpec, postprocessing


def _one_hot(rows):
    """(3, 4, 4) one-hot of background and two structures that fill these rows."""
    channels = torch.zeros(3, 4, 4)
    for name, members in rows.items():
        channels[name, members] = 1
    channels[0] = 1 - channels[1:].amax(0)
    return channels


def _item(case, truth, spacing=(2.0, 5.0)):
    affine = torch.diag(torch.tensor([*spacing, 1.0, 1.0]))
    meta = {"filename_or_obj": f"/in/{case}.nii.gz"}
    return {
        "case": case,
        "image": MetaTensor(torch.zeros(1, 4, 4), affine=affine, meta=meta),
        "native_label": MetaTensor(_one_hot(truth), affine=affine, meta=meta),
    }


def _score(folder, cases):
    """Scores of [(case, truth, prediction)]."""

    def step(engine, batch):
        engine.state.batch, prediction = batch
        return [{"pred": _one_hot(prediction)}]

    engine = Engine(step)
    spec = InputSpec(2, 1, (4, 4), {}, label_values=(0, 1, 2), structures=("a", "b"))
    scores = SegmentationScores(folder, spec=spec, label_key="native_label", predictions="/out")
    scores.attach(engine)
    engine.run([([_item(case, truth)], prediction) for case, truth, prediction in cases])
    with (folder / "segmentation.csv").open() as file:
        rows = list(csv.DictReader(file))
    return rows, json.loads((folder / "segmentation.json").read_text())


def test_dice_and_distance_of_a_shift(tmp_path):
    rows, found = _score(tmp_path, [("one", {1: [0], 2: [2, 3]}, {1: [1], 2: [2, 3]})])
    assert (rows[0]["case"], rows[0]["structure"]) == ("one", "a")
    assert float(rows[0]["dice"]) == 0
    assert float(rows[0]["average_surface_distance"]) == 2  # one row of 2 mm
    assert float(rows[1]["dice"]) == 1
    assert rows[0]["image"] == "/in/one.nii.gz"
    assert rows[0]["prediction"] == "/out/one.nii.gz"
    assert found["mean_dice"] == 0.5
    assert found["cases"] == 1


def test_what_is_missing_is_counted_and_never_averaged(tmp_path):
    cases = [
        ("both", {1: [0]}, {1: [0]}),
        ("missed", {1: [0], 2: [2]}, {1: [0]}),
        ("invented", {1: [0]}, {1: [0], 2: [2]}),
    ]
    rows, found = _score(tmp_path, cases)
    b = [row for row in rows if row["structure"] == "b"]
    assert [row["dice"] for row in b] == ["", "0.0", "0.0"]
    assert [row["average_surface_distance"] for row in b] == ["", "", ""]
    entry = found["structures"]["b"]
    assert entry["dice"] == {"mean": 0.0, "std": 0.0, "n": 2}
    assert entry["average_surface_distance"] == {"mean": None, "std": None, "n": 0}
    assert (entry["missing_prediction"], entry["missing_reference"]) == (1, 2)


def test_a_second_run_starts_anew(tmp_path):
    case = ("one", {1: [0], 2: [2]}, {1: [0], 2: [2]})
    assert len(_score(tmp_path, [case])[0]) == len(_score(tmp_path, [case])[0]) == 2


def test_a_mean_leaves_out_what_is_not_a_number():
    found = mean_and_deviation([1.0, 3.0, float("nan")])
    assert found == {"mean": 2.0, "std": pytest.approx(2**0.5), "n": 2}
    assert mean_and_deviation([]) == {"mean": None, "std": None, "n": 0}
    assert summary([]) == {"mean_dice": None, "structures": {}, "cases": 0}


def test_ignored_voxels_are_counted_apart(tmp_path):
    """Two predictions that differ there alone have one score."""
    spec = InputSpec(2, 1, (4, 4), {}, label_values=(0, 1), structures=("a",), ignore=255)
    label = torch.tensor([[0.0, 1, 1, -1]] * 4)[None]
    tables = []
    for column in ([1, 1, 1, 1], [0, 0, 0, 0]):
        logits = torch.tensor([[1.0, 1, 0, 0]] * 4)[None].repeat(2, 1, 1)
        logits[0] = 0.5
        logits[1, :, 3] = torch.tensor(column)
        item = {"case": "c", "image": torch.zeros(1, 4, 4), "native_label": label}
        item |= postprocessing(spec, label="native_label")(item | {"pred": logits})

        def step(engine, item):
            engine.state.batch = [item]
            return [item]

        engine = Engine(step)
        SegmentationScores(tmp_path, spec=spec, label_key="native_label").attach(engine)
        engine.run([item])
        tables.append((tmp_path / "segmentation.csv").read_text())
    assert tables[0] == tables[1]
    row = next(csv.DictReader(tables[0].splitlines()))
    assert float(row["dice"]) == 0.5
    assert (row["reference_voxels"], row["predicted_voxels"]) == ("8", "8")
    assert row["ignored_voxels"] == "4"
