"""Registration of tensors, and its scores over the pairs of a test."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch

from gemini_monai.data import read_cohort
from gemini_monai.data.phantom_subjects import make_subject
from gemini_monai.inference import RegistrationScores, register_pair, registration_items
from gemini_monai.transforms import InputSpec
from tests.inference.networks import Shift, Truth


def test_registering_by_whole_voxels_is_a_slice():
    moving = torch.rand(1, 1, 8, 9)
    result = register_pair(Shift(2, 1), moving, moving)
    torch.testing.assert_close(result.warped[..., :-2, :-1], moving[..., 2:, 1:])
    assert result.folding_percent == 0


def _subjects(count):
    items = []
    for k in range(count):
        subject = make_subject((48, 48), seed=(0, k))
        items.append({key: subject[key] for key in ("field", "inverse_field")})
        items[-1] |= {
            "case": f"s{k}",
            "image": subject["image"][None],
            "label": subject["label"][None],
        }
    return items


SPEC = InputSpec(
    spatial_dims=2,
    in_channels=1,
    spatial_size=(48, 48),
    intensity={},
    label_values=range(5),
    structures=("right lung", "left lung", "heart", "clavicles"),
)


def _test(folder, network, items, **options):
    RegistrationScores(network=network, data=items, folder=folder, spec=SPEC, **options).run()
    with (folder / "registration.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_true_fields_have_no_error_and_register(tmp_path):
    items = _subjects(3)
    rows = _test(tmp_path, Truth(items), items)
    assert len(rows) == 6
    for row in rows:
        assert float(row["error_after"]) == pytest.approx(0, abs=1e-5)
        assert float(row["error_before"]) > 0.5
        assert float(row["dice_after"]) > float(row["dice_before"])
    found = json.loads((tmp_path / "registration.json").read_text())
    assert found["pairs"] == 6
    assert found["dice_after"]["mean"] > 0.8
    assert found["folding_percent"]["mean"] < 1


def test_standing_still_changes_nothing(tmp_path):
    rows = _test(tmp_path, Shift(0, 0), _subjects(3), max_pairs=4)
    assert len(rows) == 4
    assert {(r["fixed"], r["moving"]) for r in rows} == {(r["moving"], r["fixed"]) for r in rows}
    for row in rows:
        assert row["dice_before"] == row["dice_after"]
        assert row["error_before"] == row["error_after"]


def test_best_median_and_worst_are_kept(tmp_path):
    rows = _test(tmp_path, Shift(1, 1), _subjects(3))
    kept = {path.stem: np.load(path) for path in (tmp_path / "pairs").iterdir()}
    assert set(kept) == {"best", "median", "worst"}
    worst = min(rows, key=lambda row: float(row["dice_after"]))
    assert str(kept["worst"]["moving_case"]) == worst["moving"]
    assert kept["best"]["ddf"].shape == (2, 48, 48)
    np.testing.assert_allclose(
        kept["best"]["warped"][0, :-1, :-1], kept["best"]["moving"][0, 1:, 1:], atol=1e-5
    )


def test_one_case_makes_no_pair(tmp_path):
    test = RegistrationScores(network=Shift(0, 0), data=_subjects(1), folder=tmp_path, spec=SPEC)
    assert test.run() == []
    assert list(tmp_path.iterdir()) == []


def _whose(items, **known):
    return [item | {key: own[k] for key, own in known.items()} for k, item in enumerate(items)]


def test_nobody_is_registered_with_herself_nor_with_another_group(tmp_path):
    patients, groups = ["a", "a", "b", "c", "d"], ["x", "x", "x", "x", "y"]
    items = _whose(_subjects(5), patient=patients, group=groups)
    rows = _test(tmp_path, Shift(0, 0), items)
    found = {frozenset((row["moving"], row["fixed"])) for row in rows}
    assert found == {
        frozenset(p) for p in (("s0", "s2"), ("s0", "s3"), ("s1", "s2"), ("s1", "s3"), ("s2", "s3"))
    }
    assert len(rows) == 10


def test_images_of_one_patient_make_no_pair_and_it_is_said(tmp_path, caplog):
    items = _whose(_subjects(3), patient=["a"] * 3)
    scores = RegistrationScores(network=Shift(0, 0), data=items, folder=tmp_path, spec=SPEC)
    assert scores.run() == []
    assert scores.means() == {}
    assert list(tmp_path.iterdir()) == []
    assert "no two of 3 images are of one group and of different patients" in caplog.text


def test_no_image_makes_no_pair(tiny_phantom, tmp_path):
    none = registration_items([], read_cohort(tiny_phantom).input_spec())
    scores = RegistrationScores(network=Shift(0, 0), data=none, folder=tmp_path, spec=SPEC)
    assert scores.run() == []
    assert scores.means() == {}


def test_a_phantoms_fields_are_found_in_its_files(tiny_phantom):
    assert {"field", "inverse_field"} <= set(read_cohort(tiny_phantom).test[0])
