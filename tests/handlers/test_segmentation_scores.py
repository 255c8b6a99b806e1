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


def _score(folder, cases, *, spacing=None, found=None, **options):
    """Scores of [(case, truth, prediction)], with what the postprocessing found beside."""

    def step(engine, batch):
        engine.state.batch, prediction = batch
        return [{"pred": _one_hot(prediction)} | (found or {})]

    engine = Engine(step)
    known = {"label_values": (0, 1, 2), "structures": ("a", "b"), "spacing": spacing}
    spec = InputSpec(2, 1, (4, 4), {}, **known)
    common = {"label_key": "native_label", "predictions": "/out"}
    scores = SegmentationScores(folder, spec=spec, **common, **options)
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
    assert float(rows[0]["hausdorff_distance_95"]) == 2
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
    assert [row["normalized_surface_dice"] for row in b] == ["", "0.0", "0.0"]
    entry = found["structures"]["b"]
    for name in ("dice", "normalized_surface_dice"):
        assert entry[name] == {"mean": 0.0, "std": 0.0, "n": 2}
    for name in ("average_surface_distance", "hausdorff_distance_95", "calibration_error"):
        assert [row[name] for row in b] == ["", "", ""]
        assert entry[name] == {"mean": None, "std": None, "n": 0}
    assert (entry["missing_prediction"], entry["missing_reference"]) == (1, 2)


SHIFTED = ("one", {1: [0, 1], 2: [2]}, {1: [1, 2], 2: [3]})
"""By a row of 2 mm, in voxels that are 5 mm wide."""


@pytest.mark.parametrize(
    ("options", "tolerance", "near"),
    [
        ({}, 5.0, 1.0),  # a voxel of the case
        ({"spacing": (1.5, 1.0)}, 1.5, 0.0),  # of the data set
        ({"spacing": (1.5, 1.0), "tolerance": 2.0}, 2.0, 1.0),  # what is said
        ({"tolerance": 0.0}, 0.0, 0.0),
    ],
)
def test_the_tolerance_is_the_largest_side_of_a_voxel_unless_it_is_said(
    tmp_path, options, tolerance, near
):
    rows, found = _score(tmp_path, [SHIFTED], **options)
    assert {float(row["surface_tolerance"]) for row in rows} == {tolerance}
    assert found["surface_tolerance"] == [tolerance]
    assert float(rows[1]["normalized_surface_dice"]) == near


def test_calibration_is_in_the_table_where_it_was_found(tmp_path):
    errors = torch.tensor([0.25, float("nan")], dtype=torch.float64)
    rows, found = _score(tmp_path, [SHIFTED], found={"calibration_errors": errors})
    assert [row["calibration_error"] for row in rows] == ["0.25", ""]
    assert found["structures"]["a"]["calibration_error"]["mean"] == 0.25


def test_a_second_run_starts_anew(tmp_path):
    case = ("one", {1: [0], 2: [2]}, {1: [0], 2: [2]})
    assert len(_score(tmp_path, [case])[0]) == len(_score(tmp_path, [case])[0]) == 2


def test_a_mean_leaves_out_what_is_not_a_number():
    found = mean_and_deviation([1.0, 3.0, float("nan")])
    assert found == {"mean": 2.0, "std": pytest.approx(2**0.5), "n": 2}
    assert mean_and_deviation([]) == {"mean": None, "std": None, "n": 0}
    nothing = {"mean_dice": None, "structures": {}, "surface_tolerance": [], "cases": 0}
    assert summary([]) == nothing


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
