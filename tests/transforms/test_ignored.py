"""Ignored voxels on their way from a file to a network and to scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.metrics import DiceMetric
from monai.transforms import RandAffined

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.metrics import calibration_errors
from gemini_monai.transforms import InputSpec, postprocessing, preprocessing
from gemini_monai.transforms.load import LoadScand
from tests.data.prepare.made import image, save

SHAPE = (12, 10)


def _spec(**given):
    known = {
        "spatial_dims": 2,
        "in_channels": 1,
        "spatial_size": SHAPE,
        "intensity": {"kind": "percentile", "lower": 0, "upper": 100},
        "label_values": (0, 3, 9),
        "structures": ("a", "b"),
    }
    return InputSpec(**(known | given))


def _drawn():
    """Structure 3 in the middle of rows 2 to 9, 9 in a corner of it; from column 6 on ignored."""
    label = np.zeros(SHAPE, np.int16)
    label[2:10, 1:] = 3
    label[2:5, 1:4] = 9
    label[:, 6:] = 7
    return label


@pytest.mark.parametrize("value", [7, 255, 2**40, -1])
def test_the_value_of_a_map_is_ignored_and_others_are_classes(tmp_path, value):
    label = _drawn().astype(np.float64)
    label[label == 7] = value
    save(tmp_path / "l.nii.gz", label)
    known = {"spatial_dims": 2, "in_channels": 1, "label_values": (0, 3, 9)}
    found = LoadScand("label", **known, ignore=value)({"label": str(tmp_path / "l.nii.gz")})
    expected = np.select([label == 3, label == 9, label == value], [1, 2, IGNORED], 0)
    np.testing.assert_array_equal(found["label"][0].numpy(), expected)
    assert found["label"].meta["filename_or_obj"] == str(tmp_path / "l.nii.gz")
    with pytest.raises(InputError, match="label value"):
        LoadScand("label", **known)({"label": str(tmp_path / "l.nii.gz")})


def test_masks_are_ignored_one_by_one(tmp_path):
    a, b = (np.resize(values, SHAPE).astype(np.int16) for values in ((0, 1, 255), (0, 1)))
    for name, mask in (("a", a), ("b", b)):
        save(tmp_path / f"{name}.nii.gz", mask)
    load = LoadScand("label", spatial_dims=2, in_channels=1, ignore=255)
    files = [str(tmp_path / f"{name}.nii.gz") for name in "ab"]
    found = load({"label": files})["label"].numpy()
    np.testing.assert_array_equal(found[0], np.where(a == 255, IGNORED, a))
    np.testing.assert_array_equal(found[1], b)


def _item(tmp_path, *, suffix=".nii.gz", overlapping=False):
    label = _drawn()
    save(tmp_path / f"i{suffix}", image(0, SHAPE))
    if not overlapping:
        save(tmp_path / f"l{suffix}", label.astype(np.uint8))
        return {"image": str(tmp_path / f"i{suffix}"), "label": str(tmp_path / f"l{suffix}")}
    for value in (3, 9):
        mask = np.where(label == 7, 7, label == value).astype(np.uint8)
        save(tmp_path / f"{value}{suffix}", mask)
    files = [str(tmp_path / f"{value}{suffix}") for value in (3, 9)]
    return {"image": str(tmp_path / f"i{suffix}"), "label": files}


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize(
    ("suffix", "grid"),
    [
        (".nii.gz", {"spacing": (1.0, 1.0)}),
        (".nii.gz", {"spacing": (0.5, 0.5)}),
        (".nii.gz", {"spacing": (1.5, 1.0)}),
        (".png", {"spatial_size": (24, 20)}),
    ],
)
def test_they_come_through_another_grid_and_never_mix(tmp_path, overlapping, suffix, grid):
    spec = _spec(ignore=7, overlapping=overlapping, **grid)
    found = preprocessing(spec)(_item(tmp_path, suffix=suffix, overlapping=overlapping))["label"]
    values = set(found.unique().tolist())
    assert values == ({IGNORED, 0, 1} if overlapping else {IGNORED, 0, 1, 2})
    columns = found.shape[2] * 6 // 10
    assert (found[:, :, columns + 1 :] == IGNORED).all()
    assert (found[:, :, : columns - 1] >= 0).all()


def test_what_a_rotation_or_padding_brings_in_is_background(tmp_path):
    item = {"image": torch.ones(1, 16, 16), "label": torch.full((1, 16, 16), float(IGNORED))}
    turn = RandAffined(
        ["image", "label"],
        prob=1.0,
        rotate_range=[(0.78, 0.79)],
        mode=["bilinear", "nearest"],
        padding_mode="zeros",
    )
    found = turn(item)["label"]
    assert found[0, 0, 0] == 0
    assert found[0, 8, 8] == IGNORED
    fitted = preprocessing(_spec(ignore=7, spacing=(1.0, 1.0), spatial_size=(20, 20)), fit=True)
    label = fitted(_item(tmp_path))["label"]
    assert label.shape == (1, 20, 20)
    assert label[0, 0, -1] == 0
    assert label[0, 10, 13] == IGNORED


def test_outside_of_an_aligned_label_is_background(tmp_path):
    save(tmp_path / "i.nii.gz", image(0, (8, 8, 8)))
    save(tmp_path / "l.nii.gz", np.full((8, 8, 8), 7, np.uint8))
    grid = np.eye(4)
    grid[0, 3] = 4  # half of it lies beside the image
    size = {"spatial_dims": 3, "spatial_size": (8, 8, 8), "spacing": (1.0,) * 3}
    aligned = preprocessing(_spec(ignore=7, align="itk", **size))
    files = {name: str(tmp_path / f"{name[0]}.nii.gz") for name in ("image", "label")}
    found = aligned(files | {"grid": grid})["label"]
    assert (found[:, :4] == IGNORED).all()
    assert (found[:, 4:] == 0).all()


def _scored(spec, prediction, label):
    """Prediction and truth as metrics get them."""
    item = {"pred": MetaTensor(prediction), "label": MetaTensor(label)}
    found = postprocessing(spec, label="label")(item)
    return found["pred"], found["label"], found["ignored"]


@pytest.mark.parametrize("overlapping", [False, True])
def test_what_is_predicted_there_is_in_no_metric(overlapping):
    spec = _spec(ignore=7, overlapping=overlapping)
    channels = 2 if overlapping else 3
    logits = torch.randn(channels, 8, 9)
    label = torch.randint(2, (2, 8, 9)) if overlapping else torch.randint(3, (1, 8, 9))
    label = label.float()
    label[:, :, 5:] = IGNORED
    changed = logits.clone()
    changed[:, :, 5:] = torch.randn(channels, 8, 4)
    first, second = (_scored(spec, own, label) for own in (logits, changed))
    dice = DiceMetric(include_background=overlapping)
    assert torch.equal(dice(first[0][None], first[1][None]), dice(second[0][None], second[1][None]))
    plain = postprocessing(_spec(overlapping=overlapping), label="label")
    cut = plain({"pred": MetaTensor(logits[..., :5]), "label": MetaTensor(label[..., :5])})
    torch.testing.assert_close(
        dice(first[0][None], first[1][None]), dice(cut["pred"][None], cut["label"][None])
    )
    assert torch.equal(first[2].as_tensor(), label < 0)


def test_a_prediction_is_written_as_it_is(tmp_path):
    label = torch.full((1, 8, 9), float(IGNORED))
    logits = torch.zeros(3, 8, 9)
    logits[1] = 1
    item = {"pred": MetaTensor(logits), "label": MetaTensor(label), "case": "c"}
    found = postprocessing(_spec(ignore=7), label="label", folder=tmp_path)(item)
    assert not found["pred"][1:].any()
    known = {"spatial_dims": 2, "in_channels": 1, "label_values": (0, 3, 9)}
    written = LoadScand("pred", **known)({"pred": str(tmp_path / "c.nii.gz")})["pred"]
    assert (written == 1).all()


def test_a_run_records_the_value_where_there_is_one():
    assert "ignore" not in _spec().settings()
    assert InputSpec.of(_spec(ignore=7).settings()).ignore == 7
    assert InputSpec.of(_spec().settings()).ignore is None


@pytest.mark.parametrize("overlapping", [True, False])
def test_calibration_is_of_the_logits_where_something_was_drawn(overlapping):
    spec = _spec(overlapping=overlapping, ignore=7)
    truth = torch.zeros(2 if overlapping else 1, *SHAPE)
    truth[:, :6] = 1
    truth[:, :, 8:] = IGNORED
    logits = torch.randn(spec.out_channels, *SHAPE, generator=torch.Generator().manual_seed(0))
    item = {"case": "c", "pred": MetaTensor(logits), "label": MetaTensor(truth)}
    chain = {"spec": spec, "label": "label"}
    found = postprocessing(**chain, calibration=True)(item)
    expected = calibration_errors(logits, truth, overlapping=overlapping)
    assert torch.equal(found.pop("calibration_errors"), expected)
    assert len(expected) == 2
    plain = postprocessing(**chain)(item)
    assert plain.keys() == found.keys()
    assert torch.equal(plain["pred"], found["pred"])
